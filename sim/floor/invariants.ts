import type { CellGraph } from './cellGraph.js';
import type { FloorState } from './floorState.js';

/**
 * A check to be called after each step that shares no code with the motion: it remembers where everyone
 * was and throws if two robots stand on one cell, two have swapped, or one has moved where no arc leads.
 */
export function createInvariantCheck(cells: CellGraph, state: FloorState): () => void {
  const { cell, robotCount } = state;
  const before = cell.slice();
  const standingBefore = new Int32Array(cells.cellCount).fill(-1);
  const standing = new Int32Array(cells.cellCount).fill(-1);
  before.forEach((place, robot) => (standingBefore[place] = robot));

  function isNeighbour(from: number, to: number): boolean {
    const end = cells.arcStart[from + 1] as number;
    for (let arc = cells.arcStart[from] as number; arc < end; arc++) if (cells.arcTo[arc] === to) return true;
    return false;
  }

  return () => {
    standing.fill(-1);
    for (let robot = 0; robot < robotCount; robot++) {
      const place = cell[robot] as number;
      const other = standing[place] as number;
      if (other !== -1) throw new Error(`floor: robots ${other} and ${robot} are both on cell ${place}`);
      standing[place] = robot;
    }
    for (let robot = 0; robot < robotCount; robot++) {
      const place = cell[robot] as number;
      const origin = before[robot] as number;
      if (place === origin) continue;
      if (!isNeighbour(origin, place))
        throw new Error(`floor: robot ${robot} jumped from ${origin} to ${place}`);
      const other = standingBefore[place] as number;
      if (other !== -1 && cell[other] === origin)
        throw new Error(`floor: robots ${robot} and ${other} swapped`);
      if (other !== -1 && other === standing[place]) throw new Error(`floor: cell ${place} was not left`);
    }
    for (let robot = 0; robot < robotCount; robot++) standingBefore[before[robot] as number] = -1;
    for (let robot = 0; robot < robotCount; robot++) standingBefore[cell[robot] as number] = robot;
    before.set(cell);
  };
}
