import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS, type RewardWeights } from '../../src/domain/components.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { MEMORY } from '../../src/policy/laneMemory.js';
import { createForwardPass, randomWeights } from '../../src/policy/network.js';
import { createPricing, RULES, type PriceSource } from '../../src/policy/pricing.js';
import { laneBetween } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { randomFloor, ROBOT_TYPES } from '../planning/support/randomFloor.js';
import { setUp } from './support/priced.js';

/** A network that predicts seconds, not thousandths of them. */
function warmWeights(random: Random): Float32Array {
  return randomWeights(random).map((weight) => weight * 1.5 + 0.1);
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
