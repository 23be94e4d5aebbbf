import type { LaneGraph } from '../src/warehouse/laneGraph.js';

/** What the program's shell lends to the simulation's commands. */
export interface SimulationShell {
  /** @throws E_MAP_UNREADABLE, E_MAP_INVALID, E_USAGE */
  loadMap(file: string, dialect?: string): { readonly graph: LaneGraph };
  /** A map that comes with the program by its name, else the name as a file. */
  findMap(name: string): string;
}
