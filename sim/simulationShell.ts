import type { LaneGraph } from '../src/warehouse/laneGraph.js';

/** What the program's shell lends to the simulation's commands. */
export interface SimulationShell {
  /** A map by its file, or by its name where it comes with the program. @throws E_MAP_UNREADABLE, E_MAP_INVALID, E_USAGE */
  loadMap(file: string, dialect?: string): { readonly graph: LaneGraph };
  /** The directory of the policies that come with the program. */
  readonly policies: string;
}
