import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { AppError } from '../../src/domain/errors.js';
import type { MapFaults } from '../../src/warehouse/loadWarehouse.js';
import { parseWarehouse } from '../../src/warehouse/loadWarehouse.js';
import { strongComponents } from '../../src/warehouse/strongComponents.js';
import { validateWarehouse } from '../../src/warehouse/validateWarehouse.js';
import type { WarehouseFile } from '../../src/warehouse/warehouseFile.js';

/** A ring S - A - P - B with a spur A - C; everything both ways but the spur's end. */
function soundFile(): WarehouseFile {
  return {
    id: 'ring',
    mapVersion: '1',
    robotTypes: [
      { name: 'shuttle', maximumSpeed: 2, lengthMetres: 1, quarterTurnSeconds: 1 },
      { name: 'hauler', maximumSpeed: 1, lengthMetres: 1.2 },
    ],
    laneDefaults: { speedLimit: 1.5 },
    nodes: [
      { id: 'S', x: 0, y: 0, handlingSeconds: 5 },
      { id: 'A', x: 3, y: 0 },
      { id: 'P', x: 3, y: 4 },
      { id: 'B', x: 0, y: 4 },
    ],
    stations: ['S'],
    pickFaces: ['P'],
    lanes: [
      { from: 'S', to: 'A' },
      { from: 'A', to: 'P', speedLimit: 0.8, lengthMetres: 4.5 },
      { from: 'P', to: 'B', twoWay: true },
      { from: 'B', to: 'S' },
    ],
  };
}

const faultsOf = (change: (file: WarehouseFile) => unknown): string[] => {
  const file = soundFile();
  change(file);
  // Through text, as a file comes: what JSON cannot say does not count.
  return validateWarehouse(JSON.parse(JSON.stringify(file))).map((fault) => `${fault.code} ${fault.where}`);
};

describe('a map without faults', () => {
  it('loads with lengths, speeds and times as written', () => {
    const { graph, model } = parseWarehouse(JSON.stringify(soundFile()));
    expect(model.graph.getLinksCount()).toBe(5);
    const at = (id: string) => graph.nodeIndexOf.get(id) as number;
    expect([...graph.lengthMetres.subarray(graph.laneStart[at('S')], graph.laneStart[at('S') + 1])]).toEqual([
      3,
    ]);
    const aisle = graph.laneStart[at('A')] as number;
    expect(graph.lengthMetres[aisle]).toBe(4.5);
    expect(graph.freeFlowSeconds[0]?.[aisle]).toBeCloseTo(4.5 / 0.8);
    expect(graph.freeFlowSeconds[1]?.[graph.laneStart[at('S')] as number]).toBe(3);
    expect(graph.turnsTakeTime).toEqual([true, false]);
    expect(graph.handlingSeconds[at('S')]).toBe(5);
  });

  it('counts a lane as the seconds of the fastest type, also where its limit is above what any reaches', () => {
    const stepsOfFirst = (speedLimit: number): number | undefined => {
      const { graph } = parseWarehouse(JSON.stringify({ ...soundFile(), laneDefaults: { speedLimit } }));
      return graph.steps[graph.laneStart[graph.nodeIndexOf.get('S')!]!];
    };
    expect([1.5, 2, 5].map(stepsOfFirst)).toEqual([2, 1.5, 1.5]);
  });
});

describe('faults', () => {
  it.each<[string, (file: WarehouseFile) => unknown, string[]]>([
    ['an id that is no folder', (f) => (f.id = '..'), ['schema /id']],
    ['unknown lane end', (f) => f.lanes.push({ from: 'A', to: 'Z' }), ['unknown-node /lanes/4']],
    ['unknown station', (f) => f.stations.push('Z'), ['unknown-node /stations/1']],
    ['unknown pick face', (f) => f.pickFaces.push('Z'), ['unknown-node /pickFaces/1']],
    ['duplicate node', (f) => f.nodes.push({ id: 'A', x: 1, y: 1 }), ['duplicate-node /nodes/4']],
    [
      'duplicate robot type',
      (f) => f.robotTypes.push({ name: 'hauler', maximumSpeed: 1, lengthMetres: 1 }),
      ['duplicate-robot-type /robotTypes/2'],
    ],
    ['duplicate mark', (f) => f.pickFaces.push('P'), ['duplicate-mark /pickFaces/1']],
    ['duplicate lane', (f) => f.lanes.push({ from: 'B', to: 'P' }), ['duplicate-lane /lanes/4']],
    ['lane to itself', (f) => f.lanes.push({ from: 'A', to: 'A', lengthMetres: 1 }), ['self-lane /lanes/4']],
    ['length 0', (f) => (lane(f, 0).lengthMetres = 0), ['length-invalid /lanes/0/lengthMetres']],
    [
      'a length of nearly 0',
      (f) => (lane(f, 0).lengthMetres = 1e-300),
      ['length-invalid /lanes/0/lengthMetres'],
    ],
    ['negative length', (f) => (lane(f, 0).lengthMetres = -3), ['length-invalid /lanes/0/lengthMetres']],
    [
      'no length: ends at one place',
      (f) => Object.assign(f.nodes[1] ?? {}, { x: 0, y: 0 }),
      ['length-invalid /lanes/0'],
    ],
    [
      'no length: ends at nearly one place',
      (f) => Object.assign(f.nodes[1] ?? {}, { x: 0.009, y: 0 }),
      ['length-invalid /lanes/0'],
    ],
    [
      'no length: ends farther apart than any length',
      (f) => Object.assign(f.nodes[0] ?? {}, { x: -100_001 }),
      ['length-invalid /lanes/0', 'length-invalid /lanes/3'],
    ],
    ['a speed of nearly 0', (f) => (lane(f, 1).speedLimit = 1e-300), ['speed-invalid /lanes/1/speedLimit']],
    [
      'a robot of no length',
      (f) => Object.assign(f.robotTypes[0] ?? {}, { lengthMetres: 1e-300 }),
      ['number-invalid /robotTypes/0/lengthMetres'],
    ],
    ['speed 0', (f) => (lane(f, 1).speedLimit = 0), ['speed-invalid /lanes/1/speedLimit']],
    [
      'no speed anywhere',
      (f) => delete f.laneDefaults,
      ['speed-invalid /lanes/0', 'speed-invalid /lanes/2', 'speed-invalid /lanes/3'],
    ],
    [
      'robot speed 0',
      (f) => Object.assign(f.robotTypes[0] ?? {}, { maximumSpeed: 0 }),
      ['speed-invalid /robotTypes/0/maximumSpeed'],
    ],
    ['barred stranger', (f) => (lane(f, 0).barred = ['crane']), ['unknown-robot-type /lanes/0']],
    [
      'no robot type',
      (f) => (f.robotTypes = []),
      ['no-robot-types /robotTypes', 'not-connected /stations/0', 'not-connected /pickFaces/0'],
    ],
    ['field too many', (f) => Object.assign(f, { colour: 'red' }), ['schema /']],
    ['field too few', (f) => delete (f as Partial<WarehouseFile>).id, ['schema /']],
    ['wrong kind', (f) => Object.assign(f.nodes[0] ?? {}, { x: '0' }), ['schema /nodes/0/x']],
    ['null for a number', (f) => Object.assign(f.nodes[0] ?? {}, { x: null }), ['schema /nodes/0/x']],
    [
      'number out of range',
      (f) => Object.assign(f.nodes[0] ?? {}, { handlingSeconds: -1 }),
      ['number-invalid /nodes/0/handlingSeconds'],
    ],
    [
      'too many robot types',
      (f) =>
        f.robotTypes.push(
          ...Array.from({ length: LIMITS.robotTypesPerWarehouse }, (_, i) => ({
            name: `t${i}`,
            maximumSpeed: 1,
            lengthMetres: 1,
          })),
        ),
      ['limit-exceeded /robotTypes'],
    ],
  ])('%s', (_title, change, expected) => {
    expect(faultsOf(change)).toEqual(expected);
  });

  it('a pick face with no way back, or cut off by a closed lane, for every type', () => {
    const cut = ['type-useless /robotTypes', 'type-useless /robotTypes', 'not-connected /pickFaces/0'];
    const oneWay = faultsOf((file) => file.lanes.pop());
    expect(oneWay).toEqual(cut);
    expect(faultsOf((file) => (lane(file, 3).open = false))).toEqual(oneWay);
  });

  it('a pick face that one type can enter and not leave; but none where all its lanes bar that type', () => {
    const withSpur = (barred: [string[], string[]]) => (file: WarehouseFile) => {
      file.nodes.push({ id: 'C', x: 6, y: 0 });
      file.pickFaces.push('C');
      file.lanes.push({ from: 'A', to: 'C', barred: barred[0] }, { from: 'C', to: 'A', barred: barred[1] });
    };
    expect(faultsOf(withSpur([[], ['hauler']]))).toEqual(['not-connected /pickFaces/1']);
    expect(faultsOf(withSpur([['hauler'], ['hauler']]))).toEqual([]);
    expect(
      faultsOf(
        withSpur([
          ['hauler', 'shuttle'],
          ['hauler', 'shuttle'],
        ]),
      ),
    ).toEqual(['not-connected /pickFaces/1']);
  });

  it.each(['nodes', 'lanes', 'robotTypes', 'stations', 'laneDefaults', 'id'])(
    'a number, even an infinite one, for %s',
    (key) => {
      for (const value of ['3', '1e999']) {
        const text = JSON.stringify({ ...soundFile(), [key]: 'HERE' }).replace('"HERE"', value);
        expect(validateWarehouse(JSON.parse(text)).map((fault) => fault.code)).toEqual(['schema']);
      }
    },
  );

  it('no station and no pick face', () => {
    expect(faultsOf((file) => Object.assign(file, { stations: [], pickFaces: [] }))).toEqual([
      'no-stations /stations',
      'no-pick-faces /pickFaces',
    ]);
  });

  it('all of them at once, more than the eight at which the schema library stops', () => {
    const faults = faultsOf((file) => {
      for (let i = 0; i < 30; i++) file.lanes.push({ from: 'A', to: `Z${i}`, lengthMetres: -1 });
    });
    expect(faults.filter((fault) => fault.startsWith('length-invalid'))).toHaveLength(30);
    expect(faults.filter((fault) => fault.startsWith('unknown-node'))).toHaveLength(30);
  });

  it('of the schema no more than a thousand, and that there may be more of them', () => {
    const file = soundFile();
    for (let i = 0; i < 1_500; i++) file.nodes.push({ id: `n${i}`, x: 1e9, y: 0 });
    expect(() => parseWarehouse(JSON.stringify(file))).toThrow('has at least 1000 faults, first');
    // Of each extra field the schema library tells twice.
    const extra = { ...soundFile(), nodes: file.nodes.map((node) => ({ ...node, x: 0, z: 1 })) };
    expect(() => parseWarehouse(JSON.stringify(extra))).toThrow('has at least 1000 faults, first');
    const few = { ...soundFile(), nodes: extra.nodes.slice(0, 600) };
    expect(() => parseWarehouse(JSON.stringify(few))).toThrow('has 600 faults, first');
  });

  it('an infinite length, which JSON can say as 1e999, and a map that is refused with its faults attached', () => {
    const text = JSON.stringify(soundFile()).replace('4.5', '1e999');
    try {
      parseWarehouse(text);
      expect.unreachable();
    } catch (error) {
      expect((error as AppError).code).toBe('E_MAP_INVALID');
      expect(((error as AppError).cause as MapFaults).faults).toMatchObject([
        { code: 'length-invalid', where: '/lanes/1/lengthMetres' },
      ]);
    }
  });

  it.each(['', 'null', '[]', '{"id":', '{"__proto__": {"id": "x"}}', '3'])(
    'text that holds no map: %s',
    (text) => {
      expect(() => parseWarehouse(text)).toThrow(AppError);
    },
  );
});

describe('strong components', () => {
  it('are the pairs that reach each other both ways', () => {
    const edge = fc.tuple(fc.nat(11), fc.nat(11));
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 40 }), (edges) => {
        const component = strongComponents({
          nodeCount: 12,
          from: edges.map(([a]) => a),
          to: edges.map(([, b]) => b),
        });
        const reach = closure(12, edges);
        for (let a = 0; a < 12; a++) {
          for (let b = 0; b < 12; b++) {
            const together = a === b || (reach[a]?.[b] === true && reach[b]?.[a] === true);
            expect(component[a] === component[b]).toBe(together);
          }
        }
      }),
    );
  });

  it('survive an aisle of 200,000 nodes', () => {
    const nodeCount = 200_000;
    const from = Array.from({ length: nodeCount }, (_, node) => node);
    const to = from.map((node) => (node + 1) % nodeCount);
    expect(new Set(strongComponents({ nodeCount, from, to })).size).toBe(1);
  });
});

function lane(file: WarehouseFile, index: number): WarehouseFile['lanes'][number] {
  const entry = file.lanes[index];
  if (!entry) throw new RangeError(`lane ${index}`);
  return entry;
}

/** Warshall. */
function closure(count: number, edges: readonly (readonly [number, number])[]): boolean[][] {
  const reach = Array.from({ length: count }, () => new Array<boolean>(count).fill(false));
  for (const [a, b] of edges) (reach[a] as boolean[])[b] = true;
  for (let via = 0; via < count; via++) {
    for (const row of reach) {
      if (!row[via]) continue;
      for (let b = 0; b < count; b++) if (reach[via]?.[b]) row[b] = true;
    }
  }
  return reach;
}
