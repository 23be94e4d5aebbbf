import { describe, expect, it } from 'vitest';
import {
  crisscrossPrice,
  flowPrice,
  guidancePrice,
  lightFlowPrice,
  onHighways,
  publishedGuidance,
} from '../../../sim/bench/handMadePrices.js';
import { createObservedDelay } from '../../../sim/bench/observedDelay.js';
import type { FleetLink } from '../../../sim/fleetLink.js';
import { flowPriceSeconds } from '../../../src/policy/pricing.js';
import { createTraffic } from '../../../src/traffic/traffic.js';
import { laneBetween, type LaneGraph } from '../../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

const graph = gridFromText(`
  W.E
  @..
  E..`);

const lane = (of: LaneGraph, from: string, to: string): number =>
  laneBetween(of, of.nodeIndexOf.get(from)!, of.nodeIndexOf.get(to)!);
const east = lane(graph, 'r0c0', 'r0c1');
const west = lane(graph, 'r0c1', 'r0c0');

/** Two routes east, one of them also from the third cell back to the second; one west. */
function busyTraffic() {
  const traffic = createTraffic(graph);
  traffic.addFlow([east], 0, 1);
  traffic.addFlow([east], 0, 1);
  traffic.addFlow([lane(graph, 'r0c2', 'r0c1')], 0, 1);
  traffic.addFlow([west], 0, 1);
  return traffic;
}

describe('hand-made prices of the benchmark', () => {
  it('price a lane by the flow against it, with it and into its end', () => {
    // reverse 1, same 2, into the end 3
    expect(lightFlowPrice(graph)(east, busyTraffic())).toBeCloseTo(0.5 * 1 * (1 + 2) + 0.1 * 3);
    expect(lightFlowPrice(graph)(west, busyTraffic())).toBeCloseTo(0.5 * 2 * (1 + 1) + 0.1 * 1);
  });

  it('add four seconds against the preferred direction of alternate rows and columns', () => {
    const traffic = busyTraffic();
    const price = crisscrossPrice(graph);
    const extra = (from: string, to: string): number =>
      price(lane(graph, from, to), traffic) - flowPriceSeconds(graph, traffic, lane(graph, from, to));
    expect([extra('r0c0', 'r0c1'), extra('r0c1', 'r0c0')]).toEqual([0, 4]);
    expect([extra('r1c1', 'r1c2'), extra('r1c2', 'r1c1')]).toEqual([4, 0]);
    expect([extra('r1c1', 'r2c1'), extra('r2c1', 'r1c1')]).toEqual([4, 0]);
    expect([extra('r1c2', 'r2c2'), extra('r2c2', 'r1c2')]).toEqual([0, 4]);
  });

  it('add them against the highways of the map, where rows beside each other differ at any pitch', () => {
    const map = gridFromText(`
      .....
      .@@@.
      .....`);
    const traffic = createTraffic(map);
    traffic.addFlow([lane(map, 'r0c2', 'r0c1')], 0, 1);
    for (const plain of [flowPrice(map), lightFlowPrice(map)]) {
      const price = onHighways(map, plain);
      const extra = (from: string, to: string): number =>
        Math.round(price(lane(map, from, to), traffic) - plain(lane(map, from, to), traffic));
      const [upper, lower] = [extra('r0c1', 'r0c2'), extra('r2c1', 'r2c2')];
      expect([upper, lower].toSorted()).toEqual([0, 4]);
      expect([extra('r0c2', 'r0c1'), extra('r2c2', 'r2c1')]).toEqual([4 - upper, 4 - lower]);
    }
    // By row numbers both of them point the same way.
    const literal = (row: number): number =>
      crisscrossPrice(map)(lane(map, `r${row}c2`, `r${row}c3`), createTraffic(map));
    expect(literal(0)).toBe(literal(2));
  });

  it('read a published guidance graph: waits first, then right, up, left, down of each cell', () => {
    const layout = ['w.', '@e'];
    const small = gridFromText(`
      W.
      @E`);
    // Three waits; r0c0 right; r0c1 left, down; r1c1 up.
    const price = guidancePrice(small, { layout, weights: [9, 9, 9, 2, 6, 4, 8] });
    const of = (from: string, to: string): number => price(lane(small, from, to), createTraffic(small));
    expect(of('r0c0', 'r0c1')).toBe(0);
    expect(of('r0c1', 'r0c0')).toBe(2);
    expect(of('r0c1', 'r1c1')).toBe(1);
    expect(of('r1c1', 'r0c1')).toBe(3);
  });

  it('take the same file whole, with its waits by node, for robots without routes', () => {
    const small = gridFromText(`
      W.
      @E`);
    const { moveCost, waitCost } = publishedGuidance(small, {
      layout: ['w.', '@e'],
      weights: [7, 8, 9, 2, 6, 4, 3],
    });
    expect([...waitCost]).toEqual([7, 8, 9]);
    expect(moveCost[lane(small, 'r0c1', 'r0c0')]).toBe(6);
    expect(moveCost[lane(small, 'r1c1', 'r0c1')]).toBe(3);
  });

  it('refuse a guidance graph of another map', () => {
    expect(() => guidancePrice(graph, { layout: ['w.', '@e'], weights: [9, 9, 9, 2, 6, 4, 8] })).toThrow(
      RangeError,
    );
  });
});

describe('the price of observed delays', () => {
  const silent = {
    requestRoute: async () => ({ routeId: 'a' }),
    progress: () => undefined,
    deviated: async () => ({}),
    completed: async () => ({}),
    advanceClock: async () => undefined,
  } as unknown as FleetLink;

  it('averages what robots took for a lane beyond free flow, pushed off or not', async () => {
    const observed = createObservedDelay(graph);
    const link = observed.listen(silent);
    const price = (of: number): number => observed.price(of, createTraffic(graph));
    await link.advanceClock(1000);
    await link.requestRoute({ requestId: '1', robotId: 'r', from: 'r0c0', stops: ['r0c2'] });
    expect(price(east)).toBe(0);
    link.progress({ routeId: 'a', revision: 1, node: 'r0c1', at: 7000 });
    expect(price(east)).toBeCloseTo(0.1 * 5);
    await link.deviated({ routeId: 'a', revision: 1, node: 'r1c1', at: 11_000 });
    expect(price(lane(graph, 'r0c1', 'r1c1'))).toBeCloseTo(0.1 * 3);
    expect(price(west)).toBe(0);
  });

  it('forgets where the robot of a finished route was', async () => {
    const observed = createObservedDelay(graph);
    const link = observed.listen(silent);
    await link.requestRoute({ requestId: '1', robotId: 'r', from: 'r0c0', stops: ['r0c2'] });
    await link.completed({ routeId: 'a', trace: [] });
    link.progress({ routeId: 'a', revision: 1, node: 'r0c1', at: 90_000 });
    expect(observed.price(east, createTraffic(graph))).toBe(0);
  });
});
