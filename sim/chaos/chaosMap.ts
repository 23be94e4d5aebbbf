import type { Random } from '../../src/platform/random.js';
import type { WarehouseFile } from '../../src/warehouse/warehouseFile.js';

/** Robot types of every map: `slow` is barred here and there, `turning` takes time to turn. */
const TYPES = [
  { name: 'plain', maximumSpeed: 2, lengthMetres: 0.5 },
  { name: 'slow', maximumSpeed: 1, lengthMetres: 0.5 },
  { name: 'turning', maximumSpeed: 2, lengthMetres: 0.5, quarterTurnSeconds: 1.5, startSeconds: 0.5 },
];

/**
 * A grid with holes, one-way lanes, lanes that start closed and lanes barred to some types. Nothing promises that it
 * is connected.
 */
export function randomMap(random: Random, id: string): WarehouseFile {
  const rows = 3 + random.integer(4);
  const columns = 3 + random.integer(4);
  const holes = random.next() * 0.2;
  const oneWay = random.next() * 0.4;
  const closed = random.next() * 0.1;
  const barred = random.next() * 0.1;
  const name = (row: number, column: number): string => `r${row}c${column}`;
  const places = new Map<string, { readonly row: number; readonly column: number }>();
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (random.next() >= holes) places.set(name(row, column), { row, column });
    }
  }
  places.set(name(0, 0), { row: 0, column: 0 });
  const lanes: WarehouseFile['lanes'] = [];
  const addLane = (from: string, to: string): void => {
    const types = TYPES.filter(() => random.next() < barred).map((type) => type.name);
    const lengthMetres = 1 + Math.round(20 * random.next()) / 10;
    lanes.push({ from, to, lengthMetres, speedLimit: 2, barred: types, open: random.next() >= closed });
  };
  for (const [here, { row, column }] of places) {
    for (const there of [name(row, column + 1), name(row + 1, column)]) {
      if (!places.has(there)) continue;
      const direction = random.next();
      if (direction >= oneWay / 2) addLane(here, there);
      if (direction < 1 - oneWay / 2) addLane(there, here);
    }
  }
  const nodes = [...places].map(([node, { row, column }]) => ({ id: node, x: column, y: row }));
  return { id, mapVersion: '1', robotTypes: TYPES, nodes, stations: [], pickFaces: [], lanes };
}
