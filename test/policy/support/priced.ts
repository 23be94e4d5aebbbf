import { DEFAULT_REWARD_WEIGHTS, type RewardWeights } from '../../../src/domain/components.js';
import { createPricing } from '../../../src/policy/pricing.js';
import { createTraffic } from '../../../src/traffic/traffic.js';
import type { LaneGraph } from '../../../src/warehouse/laneGraph.js';

export function setUp(graph: LaneGraph, weights: RewardWeights = DEFAULT_REWARD_WEIGHTS) {
  const traffic = createTraffic(graph);
  return { traffic, pricing: createPricing(graph, traffic, weights) };
}
