import { describe, expect, it } from 'vitest';
import { generateWarehouse } from '../../src/warehouse/layouts.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { countNodes } from '../../src/warehouse/multiBlockBuilder.js';
import { generateMultiBlock, MULTI_BLOCK_LAYOUT } from '../../src/warehouse/multiBlockGenerator.js';
import { strongComponents } from '../../src/warehouse/strongComponents.js';

const graph = compileFile(generateWarehouse('multi-block'));
const lanes = Array.from({ length: graph.laneCount }, (_, lane) => lane);
const hauler = graph.robotTypeIndexOf.get('hauler') ?? -1;
const drives = (type: number) => lanes.filter((lane) => Number.isFinite(graph.freeFlowSeconds[type]?.[lane]));

describe('the multi-block site', () => {
  it('has 3,000 nodes or more, two robot types, unequal lanes, several speed limits, handling times', () => {
    expect(graph.nodeCount).toBeGreaterThanOrEqual(3_000);
    expect(graph.robotTypes.map((type) => type.name)).toEqual(['shuttle', 'hauler']);
    expect(new Set(graph.lengthMetres).size).toBeGreaterThan(8);
    expect(new Set(graph.speedLimit)).toEqual(new Set([0.6, 0.8, 1.5, 2]));
    for (const node of [...graph.stations, ...graph.pickFaces])
      expect(graph.handlingSeconds[node]).toBeGreaterThanOrEqual(4);
  });

  it('has one-way aisles that alternate, and two-way cross-aisles', () => {
    const at = (id: string) => graph.nodeIndexOf.get(id) as number;
    const southward = (aisle: string) => {
      const node = at(`B2.${aisle}.P04`);
      const lane = graph.laneStart[node] as number;
      expect((graph.laneStart[node + 1] as number) - lane).toBe(1);
      expect(graph.reverseLane[lane]).toBe(-1);
      return (graph.y[graph.laneTo[lane] as number] as number) > (graph.y[node] as number);
    };
    expect(['A00', 'A01', 'A02', 'A03'].map(southward)).toEqual([true, false, true, false]);
    const cross = lanes.filter((lane) =>
      [graph.laneFrom[lane], graph.laneTo[lane]].every(
        (node) =>
          /^X\d/.test(graph.nodeIds[node as number] ?? '') &&
          graph.y[node as number] === graph.y[graph.laneFrom[lane] as number],
      ),
    );
    expect(cross.length).toBeGreaterThan(500);
    expect(cross.every((lane) => graph.reverseLane[lane] !== -1)).toBe(true);
  });

  it('has no dead end, and no place that either type could enter and not leave', () => {
    for (const type of [0, 1]) {
      const usable = drives(type);
      const from = usable.map((lane) => graph.laneFrom[lane] as number);
      const to = usable.map((lane) => graph.laneTo[lane] as number);
      const component = strongComponents({ nodeCount: graph.nodeCount, from, to });
      const station = component[graph.stations[0] as number];
      expect(new Set([...from, ...to].map((node) => component[node]))).toEqual(new Set([station]));
    }
  });

  it('bars haulers from narrow aisles only, and leaves them most pick faces', () => {
    const barred = lanes.filter((lane) => !Number.isFinite(graph.freeFlowSeconds[hauler]?.[lane]));
    expect(barred.length).toBeGreaterThan(0);
    expect(barred.every((lane) => graph.speedLimit[lane] === 0.6)).toBe(true);
    const reached = new Set(drives(hauler).map((lane) => graph.laneTo[lane]));
    expect(graph.pickFaces.filter((face) => reached.has(face)).length).toBe(2_520);
  });

  it('keeps any two nodes a robot apart', () => {
    const longest = Math.max(...graph.robotTypes.map((type) => type.lengthMetres));
    expect(Math.min(...graph.lengthMetres)).toBeGreaterThanOrEqual(longest);
    for (let a = 0; a < graph.nodeCount; a++) {
      for (let b = 0; b < a; b++) {
        const apart = Math.hypot(
          (graph.x[a] as number) - (graph.x[b] as number),
          (graph.y[a] as number) - (graph.y[b] as number),
        );
        if (apart < longest - 1e-9)
          expect.fail(`${graph.nodeIds[a]} and ${graph.nodeIds[b]} are ${apart} m apart`);
      }
    }
  });

  it('lets others pass each station: its bay leaves the road and joins it again further on', () => {
    const neighbours = (node: number, side: 'in' | 'out') =>
      lanes
        .filter((lane) => (side === 'in' ? graph.laneTo : graph.laneFrom)[lane] === node)
        .map((lane) => (side === 'in' ? graph.laneFrom : graph.laneTo)[lane] as number);
    for (const station of graph.stations) {
      const [queue = -1] = neighbours(station, 'in');
      const [entry = -1] = neighbours(queue, 'in');
      const [exit = -1] = neighbours(station, 'out');
      expect(neighbours(entry, 'out')).toContain(exit);
    }
  });

  it('comes in other sizes', () => {
    const small = compileFile(
      generateWarehouse('multi-block', {
        set: {
          blockRows: '1',
          blockColumns: '1',
          aislesPerBlock: '4',
          stationsPerBlockColumn: '2',
          facesPerAisle: '3',
          narrowAislesPerBlock: '0',
        },
      }),
    );
    expect(small.pickFaces).toHaveLength(12);
    const large = compileFile(
      generateWarehouse('multi-block', { set: { blockColumns: '6', facesPerAisle: '20' } }),
    );
    expect(large.nodeCount).toBeGreaterThan(11_000);
  });

  it('has its nodes counted before it is built', () => {
    const sizes = [
      {},
      { blockRows: 1, blockColumns: 1, aislesPerBlock: 4, stationsPerBlockColumn: 2, facesPerAisle: 3 },
      { blockRows: 2, blockColumns: 5, aislesPerBlock: 7, stationsPerBlockColumn: 3, facesPerAisle: 1 },
    ];
    for (const size of sizes) {
      const layout = { ...MULTI_BLOCK_LAYOUT, ...size };
      expect(countNodes(layout)).toBe(generateMultiBlock(layout, 'site').nodes.length);
    }
  });
});
