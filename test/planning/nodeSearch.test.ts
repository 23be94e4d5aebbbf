import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../src/platform/random.js';
import { createHeapNodeSearch, createNodeSearch } from '../../src/planning/nodeSearch.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { randomFloor } from './support/randomFloor.js';

/** How lanes are priced: as far apart as buckets take, a little farther, all alike, with free and barred ones. */
const PRICES: Record<string, (random: Random) => number> = {
  'one to four': (random) => 1 + 3 * random.next(),
  'one or 256': (random) => (random.next() < 0.5 ? 1 : 256),
  'one to 500': (random) => 1 + 499 * random.next() ** 4,
  'a tenth': () => 0.1,
  'a third or two': (random) => (1 + random.integer(2)) / 3,
  'whole numbers, none and infinite': (random) => [0, 1, 2, 3, Infinity][random.integer(5)]!,
  'next to nothing': (random) => 5e-324 * (1 + random.integer(3)),
  'whole numbers and infinite': (random) => [1, 2, 3, Infinity][random.integer(4)]!,
};
const CORRIDOR = gridFromText('.'.repeat(400));

function floorOf(seed: number, random: Random): LaneGraph {
  if (seed % 10 === 0) return CORRIDOR;
  return seed % 2 === 0 ? gridFromText('......\n.@..@.\n......\n.@@.@.\n......') : randomFloor(random, 8);
}

describe('search over nodes', () => {
  for (const [name, priceOf] of Object.entries(PRICES)) {
    it(`finds the ways that a heap finds, and costs to the last bit, where lanes cost ${name}`, () => {
      for (let seed = 1; seed <= 20; seed++) {
        const random = createRandom(seed);
        const graph = floorOf(seed, random);
        const prices = Float64Array.from({ length: graph.laneCount }, () => priceOf(random));
        const costs = { prices, robotType: 0, turnTimeWeight: 0, turnWeight: 0 };
        const search = createNodeSearch(graph);
        const reference = createHeapNodeSearch(graph);
        for (let round = 0; round < 6; round++) {
          const start = random.integer(graph.nodeCount);
          const targets = [0, 1, 3][round % 3]!;
          const wanted = Array.from({ length: targets }, () => random.integer(graph.nodeCount));
          search.run(costs, start, -1, wanted);
          reference.run(costs, start, -1, []);
          const reach = targets === 0 ? Infinity : Math.max(...wanted.map((node) => reference.costTo(node)));
          for (let node = 0; node < graph.nodeCount; node++) {
            const expected = reference.costTo(node);
            const where = `seed ${seed}: ${start} to ${node}`;
            if (expected > reach || (expected === reach && prices.includes(0) && !wanted.includes(node)))
              expect(search.costTo(node), where).toBeGreaterThanOrEqual(expected);
            else {
              expect(search.costTo(node), where).toBe(expected);
              const lanes = search.lanesTo(node);
              expect(lanes, where).toEqual(reference.lanesTo(node));
              expect(lanes?.reduce((sum, lane) => sum + prices[lane]!, 0) ?? Infinity, where).toBe(expected);
            }
          }
        }
      }
    });
  }
});
