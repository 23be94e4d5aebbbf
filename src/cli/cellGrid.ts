import type { LaneGraph } from '../warehouse/laneGraph.js';

/** Whether each node is a cell of one metre and each lane leads to the next one. Else places between nodes are floor too. */
export function isCellGrid({ x, y, lengthMetres }: LaneGraph): boolean {
  return (
    x.every(Number.isInteger) && y.every(Number.isInteger) && lengthMetres.every((length) => length === 1)
  );
}
