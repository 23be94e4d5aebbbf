import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS, type RewardWeights } from '../../src/domain/components.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { MEMORY } from '../../src/policy/laneMemory.js';
import { createForwardPass, HEAD_COUNT, randomWeights, WEIGHT_COUNT } from '../../src/policy/network.js';
import {
  AGAINST_USUAL_SECONDS,
  CROWDED,
  createPricing,
  RULES,
  type PriceSource,
} from '../../src/policy/pricing.js';
import { createTraffic } from '../../src/traffic/traffic.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { randomFloor, ROBOT_TYPES } from '../planning/support/randomFloor.js';

/** A network that predicts seconds, not thousandths of them. */
function warmWeights(random: Random): Float32Array {
  return randomWeights(random).map((weight) => weight * 1.5 + 0.1);
}

function setUp(graph: LaneGraph, weights: RewardWeights = DEFAULT_REWARD_WEIGHTS) {
  const traffic = createTraffic(graph);
  return { traffic, pricing: createPricing(graph, traffic, weights) };
}

describe('pricing', () => {
  it('equals a full recomputation after any sequence of changes', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = createRandom(seed);
        const graph = randomFloor(random, 3 + random.integer(3));
        if (graph.laneCount === 0) return;
        const { traffic, pricing } = setUp(graph);
        let source: PriceSource = 'freeFlow';
        let weights: RewardWeights = DEFAULT_REWARD_WEIGHTS;
        let pressure = 1;
        let network = warmWeights(random);
        pricing.setNetworkWeights(network);
        const planned: number[][] = [];
        const changes = [
          () => {
            const lanes = [random.integer(graph.laneCount), random.integer(graph.laneCount)];
            traffic.addFlow(lanes, 0, 1);
            planned.push(lanes);
          },
          () => {
            const lanes = planned.shift();
            if (lanes) traffic.addFlow(lanes, 0, -1);
          },
          () => pricing.fade(random.next() * 50),
          () => {
            const news = {
              robot: random.integer(4),
              unexplained: random.next() * 40,
              predicted: random.next(),
            };
            pricing.recent.memory.observe(random.integer(graph.laneCount), news);
          },
          () => traffic.occupy(random.integer(graph.nodeCount), 1),
          () => pricing.setSource((source = (['freeFlow', 'flow', 'network'] as const)[random.integer(3)]!)),
          () => pricing.setPressure((pressure = 1 + random.integer(5))),
          () => {
            const drawn = {
              wait: random.integer(3),
              blocking: random.integer(3),
              lateness: random.integer(3),
            };
            pricing.setRewardWeights((weights = { ...weights, ...drawn, distance: 0.5 }));
          },
          () => pricing.setNetworkWeights((network = warmWeights(random))),
          () => pricing.refresh(),
          () => pricing.pricesFor(random.integer(ROBOT_TYPES)),
        ];
        for (let i = 0; i < 40; i++) changes[random.integer(changes.length)]!();
        // What was observed counts with the next second.
        pricing.fade(1);
        pricing.refresh();
        const fresh = createPricing(graph, traffic, weights, pricing.recent);
        fresh.setSource(source);
        fresh.setPressure(pressure);
        fresh.setNetworkWeights(network);
        fresh.refresh();
        for (const type of [0, ROBOT_TYPES - 1]) {
          expect(pricing.pricesFor(type)).toEqual(fresh.pricesFor(type));
          expect(pricing.latePricesFor(type)).toEqual(fresh.latePricesFor(type));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is what lane, weights, heads and pressure say, lane by lane, and the rules beside it', () => {
    const graph = gridFromText('....\n....');
    const weights = { time: 2, wait: 3, blocking: 0.5, distance: 0.25, turns: 0, lateness: 4 };
    const { traffic, pricing } = setUp(graph, weights);
    const network = warmWeights(createRandom(5));
    pricing.setSource('network');
    pricing.setNetworkWeights(network);
    pricing.setPressure(7);
    const busy = [laneBetween(graph, 0, 1), laneBetween(graph, 1, 2)];
    for (let i = 0; i < 2; i++) traffic.addFlow(busy, 0, 1);
    pricing.refresh();
    const forward = createForwardPass(network);
    forward.run(traffic.features, busy[1]!);
    expect(forward.waitHat).toBeGreaterThan(0.1);
    // Predictions are kept as 32-bit floats.
    const wait = Math.fround(forward.waitHat);
    const blocking = Math.fround(forward.blockingHat);
    // Two routes over it, none against them.
    const rules = 2 * RULES.followingSeconds;
    const learned = 3 * 7 * wait + 0.5 * (3 + 0.5) * rules;
    expect(pricing.pricesFor(0)[busy[1]!]).toBeCloseTo(2 + learned + 0.25 + 7 * 0.5 * blocking, 9);
    expect(pricing.latePricesFor(0)[busy[1]!]).toBeCloseTo(5 * (2 + learned) + 0.25 + 7 * 0.5 * blocking, 9);
  });

  it('takes changed reward weights into the very next plan', () => {
    const graph = gridFromText('...');
    const { pricing } = setUp(graph);
    pricing.refresh();
    expect(pricing.pricesFor(0)[0]).toBe(1);
    pricing.setRewardWeights({ ...DEFAULT_REWARD_WEIGHTS, time: 3, distance: 2 });
    pricing.refresh();
    expect(pricing.pricesFor(0)[0]).toBe(5);
  });

  it('prices planned flow as published: floor(into / 2) + (flow + 1) * reverse flow, beyond the lane itself', () => {
    const graph = gridFromText('...');
    const { traffic, pricing } = setUp(graph);
    pricing.setSource('flow');
    const there = laneBetween(graph, 0, 1);
    const back = laneBetween(graph, 1, 0);
    for (let i = 0; i < 3; i++) traffic.addFlow([there], 0, 1);
    for (let i = 0; i < 2; i++) traffic.addFlow([back], 0, 1);
    pricing.refresh();
    expect(pricing.pricesFor(0)[there]).toBe(1 + Math.floor(3 / 2) + (3 + 1) * 2);
    expect(pricing.pricesFor(0)[back]).toBe(1 + Math.floor(2 / 2) + (2 + 1) * 3);
  });

  it('bars what a type may not drive, whatever it weighs', () => {
    const graph = randomFloor(createRandom(4), 6);
    const { pricing } = setUp(graph);
    pricing.setRewardWeights({ ...DEFAULT_REWARD_WEIGHTS, distance: 5 });
    pricing.refresh();
    const barred = graph.freeFlowSeconds[0]!.findIndex((seconds) => seconds === Infinity);
    expect(barred).toBeGreaterThanOrEqual(0);
    expect(pricing.pricesFor(0)[barred]).toBe(Infinity);
  });
});

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

describe('lane memory in the price', () => {
  const slow = (weights = DEFAULT_REWARD_WEIGHTS) => {
    const graph = gridFromText('...');
    const { pricing } = setUp(graph, weights);
    pricing.setSource('network');
    pricing.refresh();
    const lane = laneBetween(graph, 0, 1);
    const cold = pricing.pricesFor(0)[lane]!;
    for (let robot = 0; robot < 5; robot++)
      pricing.recent.memory.observe(lane, { robot, unexplained: 20, predicted: 0 });
    pricing.fade(1);
    return { pricing, lane, cold };
  };

  it('weighs as waiting, for no other robot explains it', () => {
    const extra = (weights: Partial<RewardWeights>): number => {
      const { pricing, lane, cold } = slow({ ...DEFAULT_REWARD_WEIGHTS, ...weights });
      return pricing.pricesFor(0)[lane]! - cold;
    };
    expect(extra({ wait: 3 })).toBeCloseTo(3 * extra({}), 6);
    expect(extra({ blocking: 3 })).toBeCloseTo(extra({}), 6);
  });

  it('makes a silently slow lane dearer, and fades within some minutes', () => {
    const { pricing, lane, cold } = slow();
    const dear = pricing.pricesFor(0)[lane]!;
    expect(dear).toBeGreaterThan(cold + 20);
    pricing.fade(MEMORY.halfLifeSeconds);
    const later = pricing.pricesFor(0)[lane]!;
    expect(later).toBeLessThan(dear);
    expect(later).toBeGreaterThan(cold);
    for (let i = 0; i < 20; i++) pricing.fade(MEMORY.halfLifeSeconds);
    expect(pricing.pricesFor(0)[lane]).toBe(cold);
  });

  it('forgives a lane that is fast again sooner than time does', () => {
    const { pricing, lane } = slow();
    const dear = pricing.pricesFor(0)[lane]!;
    for (let robot = 0; robot < 5; robot++)
      pricing.recent.memory.observe(lane, { robot, unexplained: 0, predicted: 0 });
    pricing.fade(1);
    expect(pricing.pricesFor(0)[lane]).toBeLessThan(dear / 3);
  });

  it('does not count where free flow or planned flow is served', () => {
    const { pricing, lane } = slow();
    pricing.setSource('freeFlow');
    pricing.refresh();
    expect(pricing.pricesFor(0)[lane]).toBe(1);
  });
});
