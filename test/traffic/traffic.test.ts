import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/platform/random.js';
import { createTraffic, FEATURE_COUNT, FEATURE_NAMES, type Traffic } from '../../src/traffic/traffic.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { randomFloor } from '../planning/support/randomFloor.js';

/** The features in the words of `FEATURE_NAMES`, from nothing but flow and occupants. */
function featuresFromScratch(graph: LaneGraph, { flow, occupants }: Traffic): Float32Array {
  const lanes = Array.from({ length: graph.laneCount }, (_, lane) => lane);
  const features = new Float32Array(graph.laneCount * FEATURE_COUNT);
  for (const lane of lanes) {
    const end = graph.laneTo[lane]!;
    const reverse = laneBetween(graph, end, graph.laneFrom[lane]!);
    const leaving = (node: number): number[] => lanes.filter((other) => graph.laneFrom[other] === node);
    const occupiedAround = (node: number): number =>
      leaving(node).filter((other) => occupants[graph.laneTo[other]!]! > 0).length;
    const out = leaving(end);
    const ahead = graph.straightLane[lane]!;
    const facing = ahead < 0 ? -1 : laneBetween(graph, graph.laneTo[ahead]!, end);
    const against = reverse < 0 ? 0 : flow[reverse]!;
    const into = lanes.filter((other) => graph.laneTo[other] === end);
    features.set(
      [
        Math.log1p(flow[lane]!),
        Math.log1p(against),
        Math.log1p(flow[lane]! * against),
        Math.log1p(into.reduce((sum, other) => sum + flow[other]!, 0)),
        facing < 0 ? 0 : Math.log1p(flow[facing]!),
        Math.log1p(occupiedAround(end)),
        occupants[end]! > 0 ? 1 : 0,
        Math.log1p(out.length),
        Math.log1p(graph.lengthMetres[lane]! / graph.speedLimit[lane]!),
        Math.log1p(out.reduce((sum, other) => sum + occupiedAround(graph.laneTo[other]!), 0)),
      ],
      lane * FEATURE_COUNT,
    );
  }
  return features;
}

function randomWalk(graph: LaneGraph, random: ReturnType<typeof createRandom>): number[] {
  const lanes: number[] = [];
  let node = random.integer(graph.nodeCount);
  for (let i = random.integer(12); i >= 0; i--) {
    const first = graph.laneStart[node]!;
    const degree = graph.laneStart[node + 1]! - first;
    if (degree === 0) break;
    lanes.push(first + random.integer(degree));
    node = graph.laneTo[lanes.at(-1)!]!;
  }
  return lanes;
}

describe('traffic', () => {
  it('keeps features that equal those computed from scratch, whatever came and went', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), (seed, operations) => {
        const random = createRandom(seed);
        const graph = randomFloor(random, 3 + random.integer(5));
        const traffic = createTraffic(graph);
        const routes: { lanes: number[]; from: number }[] = [];
        for (let i = 0; i < operations; i++) {
          const choice = random.integer(4);
          const route = routes[random.integer(routes.length)];
          if (choice === 0) {
            const lanes = randomWalk(graph, random);
            routes.push({ lanes, from: 0 });
            traffic.addFlow(lanes, 0, 1);
          } else if (choice === 1 && route) {
            // Part of the route is driven.
            traffic.addFlow(route.lanes.slice(route.from, route.from + 1), 0, -1);
            route.from = Math.min(route.lanes.length, route.from + 1);
          } else if (choice === 2 && route) {
            traffic.addFlow(route.lanes, route.from, -1);
            routes.splice(routes.indexOf(route), 1);
          } else {
            traffic.occupy(random.integer(graph.nodeCount), 1);
          }
          if (random.next() < 0.5) traffic.refresh(() => undefined);
        }
        traffic.refresh(() => undefined);
        expect(traffic.features).toEqual(featuresFromScratch(graph, traffic));
        for (const route of routes) traffic.addFlow(route.lanes, route.from, -1);
        expect(traffic.flow.every((flow) => flow === 0)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('hands every lane whose features changed to the caller, and no lane when nothing did', () => {
    const graph = gridFromText(`
      .....
      .@.@.
      .....`);
    const traffic = createTraffic(graph);
    expect(traffic.refresh(() => undefined)).toBe(graph.laneCount);
    expect(traffic.refresh(() => undefined)).toBe(0);
    const before = traffic.features.slice();
    traffic.addFlow([laneBetween(graph, 0, 1), laneBetween(graph, 1, 2)], 0, 1);
    traffic.occupy(2, 1);
    const told = new Set<number>();
    traffic.refresh((lane) => told.add(lane));
    for (let lane = 0; lane < graph.laneCount; lane++) {
      const row = lane * FEATURE_COUNT;
      const own = traffic.features.subarray(row, row + FEATURE_COUNT);
      if (own.some((value, i) => value !== before[row + i])) expect(told).toContain(lane);
    }
    expect(told.size).toBeLessThan(graph.laneCount);
  });

  it('sees a head-on meeting: flow, reverse flow and their product on both lanes of an aisle', () => {
    const graph = gridFromText('....');
    const traffic = createTraffic(graph);
    const there = [laneBetween(graph, 0, 1), laneBetween(graph, 1, 2), laneBetween(graph, 2, 3)];
    const back = [laneBetween(graph, 3, 2), laneBetween(graph, 2, 1)];
    traffic.addFlow(there, 0, 1);
    traffic.addFlow(back, 0, 1);
    traffic.addFlow(back, 0, 1);
    traffic.refresh(() => undefined);
    const of = (lane: number, name: (typeof FEATURE_NAMES)[number]): number =>
      Math.round(Math.expm1(traffic.features[lane * FEATURE_COUNT + FEATURE_NAMES.indexOf(name)]!));
    const middle = laneBetween(graph, 1, 2);
    expect([of(middle, 'flow'), of(middle, 'reverseFlow'), of(middle, 'headOn')]).toEqual([1, 2, 2]);
    // Into node 2: one from the left, two from the right. A node further on, two face it.
    expect([of(middle, 'flowIntoEnd'), of(middle, 'facingFlow')]).toEqual([3, 2]);
  });
});

it('takes a floor for more crowded where lanes are long, nobody turns back on one, or where turning round takes long', () => {
  const crowding = (lanes: number, quarterTurnSeconds = 0): number => {
    const nodes = Array.from({ length: lanes + 1 }, (_, i) => ({ id: `a${i}`, x: (18 * i) / lanes, y: 0 }));
    const graph = compileFile({
      ...{ id: 'aisle', mapVersion: '1', stations: ['a0'], pickFaces: [`a${lanes}`] },
      robotTypes: [{ name: 'unit', maximumSpeed: 1, lengthMetres: 2, quarterTurnSeconds }],
      laneDefaults: { speedLimit: 1, twoWay: true },
      nodes,
      lanes: nodes.slice(1).map(({ id }, i) => ({ from: `a${i}`, to: id })),
    });
    const traffic = createTraffic(graph);
    traffic.occupy(0, 1);
    return traffic.crowding();
  };
  expect(crowding(18)).toBeCloseTo(2 / 18, 9);
  expect(crowding(9)).toBeCloseTo(2 / 18, 9);
  expect(crowding(1)).toBeCloseTo(Math.sqrt(9) * (2 / 18), 9);
  // Round in 6 s, in which it drives three of its lengths.
  expect(crowding(18, 3)).toBeCloseTo(Math.sqrt(1 + 3) * (2 / 18), 9);
  expect(crowding(1, 3)).toBeCloseTo(Math.sqrt(9 + 3) * (2 / 18), 9);
});

it('takes it for as crowded as its lanes on the way, with all robots, those aside too', () => {
  const graph = gridFromText('E...W....');
  const onTheWay = Uint8Array.from(
    graph.laneTo,
    (end, lane) => +(graph.x[end]! + graph.x[graph.laneFrom[lane]!]! < 8),
  );
  const traffic = createTraffic(graph, onTheWay);
  for (const node of [0, graph.nodeCount - 1]) traffic.occupy(node, 1);
  expect(traffic.crowding()).toBeCloseTo(2 / 4, 9);
});
