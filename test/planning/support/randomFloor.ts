import type { Random } from '../../../src/platform/random.js';
import type { LaneGraph } from '../../../src/warehouse/laneGraph.js';
import type { WarehouseFile } from '../../../src/warehouse/warehouseFile.js';
import { compileWarehouse, createWarehouseModel } from '../../../src/warehouse/warehouseModel.js';

/** Robot types of every random floor: the last one is barred here and there, and bit 31 is in use. */
export const ROBOT_TYPES = 32;

/**
 * A grid with holes, missing lanes, one-way lanes, closed lanes and lanes barred to some types. Nothing
 * promises that it is connected: half of the pairs may have no way between them.
 */
export function randomFloor(random: Random, size: number): LaneGraph {
  const file: WarehouseFile = {
    id: 'random',
    mapVersion: '1',
    robotTypes: Array.from({ length: ROBOT_TYPES }, (_, index) => ({
      name: `type${index}`,
      maximumSpeed: 1 + (index % 3),
      lengthMetres: 1,
      // The last type is the one that is slow to turn.
      quarterTurnSeconds: index === ROBOT_TYPES - 1 ? 1.5 : 0,
    })),
    nodes: [],
    stations: [],
    pickFaces: [],
    lanes: [],
  };
  const holes = random.next() * 0.3;
  const oneWay = random.next() * 0.6;
  const closed = random.next() * 0.2;
  const isThere = Array.from({ length: size * size }, () => random.next() >= holes);
  isThere[0] = true;
  const id = (row: number, column: number): string => `r${row}c${column}`;
  const addLane = (from: string, to: string): void => {
    const barred = [0, 1, ROBOT_TYPES - 1].filter(() => random.next() < 0.08).map((index) => `type${index}`);
    const lengthMetres = 0.5 + random.next() * 5;
    file.lanes.push({ from, to, lengthMetres, speedLimit: 2, barred, open: random.next() >= closed });
  };
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (!isThere[row * size + column]) continue;
      file.nodes.push({ id: id(row, column), x: column, y: row });
      for (const [down, right] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const other = id(row + down, column + right);
        if (column + right >= size || row + down >= size || !isThere[(row + down) * size + column + right])
          continue;
        const direction = random.next();
        if (direction >= oneWay / 2) addLane(id(row, column), other);
        if (direction < 1 - oneWay / 2) addLane(other, id(row, column));
      }
    }
  }
  return compileWarehouse(createWarehouseModel(file));
}

/** Random prices, from [0.1, 10). */
export function randomPrices(random: Random, graph: LaneGraph): Float64Array {
  return Float64Array.from({ length: graph.laneCount }, () => 0.1 + random.next() * 9.9);
}
