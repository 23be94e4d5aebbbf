import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import { HEAD_COUNT, WEIGHT_COUNT } from '../../src/policy/network.js';
import { AGAINST_USUAL_SECONDS, CROWDED, RULES } from '../../src/policy/pricing.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { laneBetween } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { setUp } from './support/priced.js';

describe('the usual flow in the price', () => {
  it.each([
    { source: 'network', floor: '...', seconds: AGAINST_USUAL_SECONDS * 4 },
    // Half of it weighs as waiting, half as blocking.
    { source: 'network', floor: '...', seconds: 1.5 * AGAINST_USUAL_SECONDS * 4, wait: 1, blocking: 2 },
    // One robot on ten metres: less crowded than it takes.
    {
      source: 'network',
      floor: '...........',
      seconds: (AGAINST_USUAL_SECONDS * 4 * 0.1 ** 2) / CROWDED ** 2,
    },
    { source: 'flow', floor: '...', seconds: 0 },
  ] as const)(
    'costs who drives against it $seconds s under $source',
    ({ source, floor, seconds, ...more }) => {
      const graph = gridFromText(floor);
      const { traffic, pricing } = setUp(graph, { ...DEFAULT_REWARD_WEIGHTS, ...more });
      pricing.setSource(source);
      traffic.occupy(2, 1);
      const east = laneBetween(graph, 0, 1);
      const west = laneBetween(graph, 1, 0);
      pricing.refresh();
      const before = pricing.pricesFor(0).slice();
      // One robot is chance.
      const oneWay = [east, east, east, east, east];
      traffic.addFlow(oneWay, 0, 1);
      pricing.fade(10_000);
      traffic.addFlow(oneWay, 0, -1);
      pricing.refresh();
      expect(pricing.pricesFor(0)[west]! - before[west]!).toBeCloseTo(seconds, 3);
      expect(pricing.pricesFor(0)[east]).toBeCloseTo(before[east]!, 6);
    },
  );
});

it('forgets the usual flow of an aisle that nobody plans to drive any more', () => {
  const graph = gridFromText('...');
  const { traffic, pricing } = setUp(graph);
  pricing.setSource('network');
  traffic.occupy(2, 1);
  const oneWay = new Array<number>(5).fill(laneBetween(graph, 0, 1));
  traffic.addFlow(oneWay, 0, 1);
  pricing.fade(10_000);
  traffic.addFlow(oneWay, 0, -1);
  const west = laneBetween(graph, 1, 0);
  const seen = [0, 30, 10_000].map((seconds) => {
    pricing.fade(seconds);
    pricing.refresh();
    return pricing.pricesFor(0)[west]!;
  });
  expect(seen[1]).toBeLessThan(seen[0]! - 1);
  expect(seen[2]).toBeLessThan(seen[1]! - 1);
});

describe('the rules in the price', () => {
  /** What the rules charge the lane from the first to the second node of a crossing, by flow planned over lanes of it. */
  const charged = (flows: readonly (readonly [from: number, to: number, robots: number])[]): number => {
    const graph = gridFromText('@.@\n...\n@.@');
    const at = (node: number): number =>
      graph.nodeIndexOf.get(['r1c0', 'r1c1', 'r1c2', 'r0c1', 'r2c1'][node]!)!;
    const lane = (from: number, to: number): number => laneBetween(graph, at(from), at(to));
    const { traffic, pricing } = setUp(graph);
    pricing.setSource('network');
    pricing.setNetworkWeights(new Float32Array(WEIGHT_COUNT).fill(-100, WEIGHT_COUNT - HEAD_COUNT));
    for (const [from, to, robots] of flows)
      for (let i = 0; i < robots; i++) traffic.addFlow([lane(from, to)], 0, 1);
    pricing.refresh();
    return pricing.pricesFor(0)[lane(0, 1)]! - 1;
  };

  it.each([
    { who: 'follow', flows: [[0, 1, 3]], seconds: 3 * RULES.followingSeconds },
    { who: 'cross', flows: [[3, 1, 3]], seconds: 3 * RULES.crossingSeconds },
    { who: 'face them one lane on', flows: [[2, 1, 3]], seconds: 3 * RULES.crossingSeconds },
    { who: 'come the other way', flows: [[1, 0, 3]], seconds: 3 * RULES.headOnSeconds },
    { who: 'drive away from its end', flows: [[1, 4, 3]], seconds: 0 },
  ] as const)('charge $seconds s for three robots that $who', ({ flows, seconds }) => {
    expect(charged(flows)).toBeCloseTo(seconds, 6);
  });

  it.each([
    { types: [2, 0.5, 1], barred: [], limit: 4, lost: (6 + 3 + 3) / 9 },
    { types: [2, 0.5, 1], barred: ['type1'], limit: 4, lost: 2 / 4 },
    // Where the limit makes all as fast nobody is behind a slower one.
    { types: [2, 0.5, 1], barred: [], limit: 0.5, lost: 0 },
    { types: [2, 2], barred: [], limit: 4, lost: 0 },
  ])('charge who follows for what is lost behind slower ones, $types m/s less $barred: $lost s', (site) => {
    const graph = compileFile({
      ...{ id: 'aisle', mapVersion: '1', stations: ['a'], pickFaces: ['b'] },
      robotTypes: site.types.map((maximumSpeed, i) => ({ name: `type${i}`, maximumSpeed, lengthMetres: 1 })),
      laneDefaults: { speedLimit: site.limit, twoWay: true },
      nodes: ['a', 'b', 'c'].map((id, i) => ({ id, x: 4 * i, y: 0 })),
      lanes: [{ from: 'a', to: 'b', barred: site.barred }, ...['a', 'b'].map((from) => ({ from, to: 'c' }))],
    });
    const lane = laneBetween(graph, graph.nodeIndexOf.get('a')!, graph.nodeIndexOf.get('b')!);
    const { traffic, pricing } = setUp(graph);
    pricing.setSource('network');
    pricing.setNetworkWeights(new Float32Array(WEIGHT_COUNT).fill(-100, WEIGHT_COUNT - HEAD_COUNT));
    pricing.refresh();
    const before = pricing.pricesFor(0)[lane]!;
    for (let i = 0; i < 3; i++) traffic.addFlow([lane], 0, 1);
    pricing.refresh();
    const following = graph.steps[lane]! * RULES.followingSeconds;
    const charged = (pricing.pricesFor(0)[lane]! - before) / 3;
    expect(charged).toBeCloseTo(following + RULES.behindSlowerShare * site.lost, 6);
  });

  it('charge for a way into a place that is held, and most for one that always is', () => {
    const graph = gridFromText('...');
    const { traffic, pricing } = setUp(graph);
    pricing.setSource('network');
    pricing.refresh();
    const [into, back] = [laneBetween(graph, 1, 2), laneBetween(graph, 1, 0)];
    const before = pricing.pricesFor(0).slice();
    traffic.occupy(2, 1);
    pricing.fade(60);
    traffic.occupy(2, -1);
    pricing.refresh();
    expect(pricing.pricesFor(0)[into]! - before[into]!).toBeCloseTo(RULES.heldSeconds * 0.5 ** 4, 6);
    expect(pricing.pricesFor(0)[back]).toBe(before[back]);
    traffic.occupy(2, 1);
    pricing.fade(100_000);
    traffic.occupy(2, -1);
    pricing.refresh();
    expect(pricing.pricesFor(0)[into]! - before[into]!).toBeCloseTo(RULES.heldSeconds, 6);
  });
});

describe('an aisle of 20 m', () => {
  /** What its lanes cost, drawn as so many, beyond their free flow, with this going on at its far end. */
  const beyondFreeFlow = (
    drawnAs: number,
    source: 'network' | 'flow',
    happens: 'held' | 'crossed' | 'followed',
  ): number => {
    const aisle = Array.from({ length: drawnAs + 1 }, (_, i) => ({
      id: `a${i}`,
      x: (20 * i) / drawnAs,
      y: 0,
    }));
    const names = aisle.map(({ id }) => id);
    const end = names.at(-1)!;
    const graph = compileFile({
      ...{ id: 'aisle', mapVersion: '1', stations: ['a0'], pickFaces: [end] },
      robotTypes: [{ name: 'unit', maximumSpeed: 1, lengthMetres: 1 }],
      laneDefaults: { speedLimit: 1, twoWay: true },
      nodes: [...aisle, { id: 'beside', x: 20, y: 5 }],
      lanes: [...names.slice(1).map((to, i) => ({ from: names[i]!, to })), { from: 'beside', to: end }],
    });
    const at = (name: string): number => graph.nodeIndexOf.get(name)!;
    const along = names.slice(1).map((to, i) => laneBetween(graph, at(names[i]!), at(to)));
    const { traffic, pricing } = setUp(graph);
    pricing.setSource(source);
    pricing.setNetworkWeights(new Float32Array(WEIGHT_COUNT).fill(-100, WEIGHT_COUNT - HEAD_COUNT));
    if (happens === 'held') traffic.occupy(at(end), 1);
    const crossing = laneBetween(graph, at('beside'), at(end));
    if (happens === 'crossed') traffic.addFlow([crossing, crossing], 0, 1);
    if (happens === 'followed') traffic.addFlow(along, 0, 1);
    pricing.fade(100_000);
    pricing.refresh();
    return along.reduce((sum, lane) => sum + pricing.pricesFor(0)[lane]!, -20);
  };

  it.each([
    { source: 'network', happens: 'held', seconds: RULES.heldSeconds },
    { source: 'network', happens: 'crossed', seconds: 2 * RULES.crossingSeconds },
    { source: 'network', happens: 'followed', seconds: 20 * RULES.followingSeconds },
    { source: 'flow', happens: 'crossed', seconds: 1 },
  ] as const)(
    'costs under $source as much however it is drawn where its end is $happens',
    ({ source, happens, seconds }) => {
      for (const drawnAs of [1, 4, 20])
        expect(beyondFreeFlow(drawnAs, source, happens)).toBeCloseTo(seconds, 3);
    },
  );
});
