import createGraph from 'ngraph.graph';
import ngraphPath from 'ngraph.path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/platform/random.js';
import { createSearch } from '../../src/planning/search.js';
import type { SearchCosts } from '../../src/planning/searchTerms.js';
import { turnRadians, turnSeconds, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { randomFloor, randomPrices, ROBOT_TYPES } from './support/randomFloor.js';

const MAPS = Number(process.env['AISLEFLOW_SEARCH_MAPS'] ?? 300);

/** May this type drive here? Written apart from the search on purpose. */
const isDrivable = (graph: LaneGraph, robotType: number, lane: number): boolean =>
  graph.open[lane] === 1 && graph.freeFlowSeconds[robotType]![lane]! < Infinity;

/** Cheapest cost by `ngraph.path`'s `nba` over nodes; Infinity where it finds nothing. */
function referenceOverNodes(graph: LaneGraph, { prices, robotType }: SearchCosts) {
  const model = createGraph<undefined, number>();
  for (let node = 0; node < graph.nodeCount; node++) model.addNode(node);
  for (let lane = 0; lane < graph.laneCount; lane++) {
    if (isDrivable(graph, robotType, lane))
      model.addLink(graph.laneFrom[lane]!, graph.laneTo[lane]!, prices[lane]);
  }
  const finder = ngraphPath.nba(model, { oriented: true, distance: (_from, _to, link) => link.data });
  return (from: number, to: number): number => {
    if (from === to) return 0; // nba.find(a, a) is [], which elsewhere means that there is no way
    const path = finder.find(from, to).reverse(); // nba answers from target to source
    if (path.length === 0) return Infinity;
    expect([path[0]?.id, path.at(-1)?.id]).toEqual([from, to]);
    let cost = 0;
    for (let i = 1; i < path.length; i++) cost += model.getLink(path[i - 1]!.id, path[i]!.id)!.data;
    return cost;
  };
}

/** The same where turns cost: links join lanes, with the turn between them in the price of the second. */
function referenceOverLanes(graph: LaneGraph, costs: SearchCosts, from: number, arrivalLane: number) {
  const model = createGraph<undefined, number>();
  for (let lane = 0; lane < graph.laneCount; lane++) model.addNode(lane);
  model.addNode('start');
  const join = (before: number | 'start', lane: number, by: number): void => {
    if (!isDrivable(graph, costs.robotType, lane)) return;
    model.addLink(before, lane, costs.prices[lane]! + turnCost(graph, costs, by, lane));
  };
  for (let lane = 0; lane < graph.laneCount; lane++) {
    if (graph.laneFrom[lane] === from) join('start', lane, arrivalLane);
    for (let next = 0; next < graph.laneCount; next++) {
      if (graph.laneFrom[next] === graph.laneTo[lane]) join(lane, next, lane);
    }
  }
  const finder = ngraphPath.nba(model, { oriented: true, distance: (_from, _to, link) => link.data });
  return (to: number): number => {
    if (from === to) return 0;
    let best = Infinity;
    for (let lane = 0; lane < graph.laneCount; lane++) {
      if (graph.laneTo[lane] !== to) continue;
      const path = finder.find('start', lane).reverse();
      if (path.length === 0) continue;
      let cost = 0;
      for (let i = 1; i < path.length; i++) cost += model.getLink(path[i - 1]!.id, path[i]!.id)!.data;
      best = Math.min(best, cost);
    }
    return best;
  };
}

function turnCost(graph: LaneGraph, costs: SearchCosts, by: number, lane: number): number {
  if (by < 0) return 0;
  const change = turnRadians(graph, by, lane) > Math.PI / 4 ? costs.turnWeight : 0;
  return change + costs.turnTimeWeight * turnSeconds(graph, costs.robotType, by, lane);
}

/** The lanes must join up from start to goal, be drivable, and cost what the search says. */
function expectPath(
  graph: LaneGraph,
  costs: SearchCosts,
  path: readonly number[],
  ends: [number, number],
  by = -1,
) {
  let node = ends[0];
  let cost = 0;
  let before = by;
  for (const lane of path) {
    expect(graph.laneFrom[lane]).toBe(node);
    expect(isDrivable(graph, costs.robotType, lane)).toBe(true);
    cost += costs.prices[lane]! + turnCost(graph, costs, before, lane);
    node = graph.laneTo[lane]!;
    before = lane;
  }
  expect(node).toBe(ends[1]);
  return cost;
}

describe('search over nodes', () => {
  it(
    `agrees with ngraph.path nba on random floors, and says what cannot be reached (${MAPS} maps)`,
    { timeout: 3_600_000 },
    () => {
      let reached = 0;
      let unreachable = 0;
      for (let seed = 1; seed <= MAPS; seed++) {
        const random = createRandom(seed);
        const graph = randomFloor(random, 4 + random.integer(7));
        const robotType = [0, 1, ROBOT_TYPES - 1][seed % 3]!;
        const costs = { prices: randomPrices(random, graph), robotType, turnTimeWeight: 0, turnWeight: 0 };
        const search = createSearch(graph);
        const reference = referenceOverNodes(graph, costs);
        for (let pair = 0; pair < 16; pair++) {
          const from = random.integer(graph.nodeCount);
          const to = random.integer(graph.nodeCount);
          search.run(costs, from, -1, pair % 2 === 0 ? [to] : []);
          const expected = reference(from, to);
          const path = search.lanesTo(to);
          if (expected === Infinity) {
            unreachable++;
            expect(search.costTo(to), `seed ${seed}: ${from} to ${to}`).toBe(Infinity);
            expect(path).toBeNull();
          } else {
            reached++;
            expect(search.costTo(to), `seed ${seed}: ${from} to ${to}`).toBeCloseTo(expected, 9);
            expect(expectPath(graph, costs, path!, [from, to])).toBeCloseTo(expected, 9);
          }
        }
      }
      expect(unreachable).toBeGreaterThanOrEqual((1_000 * MAPS) / 300);
      expect(reached).toBeGreaterThanOrEqual((1_000 * MAPS) / 300);
    },
  );

  it('settles every target before it stops, repeated ones and the start among them', () => {
    const random = createRandom(77);
    const graph = gridFromText('........\n.@@.@@..\n........\n.@..@.@.\n........');
    const costs = { prices: randomPrices(random, graph), robotType: 0, turnTimeWeight: 0, turnWeight: 0 };
    const search = createSearch(graph);
    const reference = referenceOverNodes(graph, costs);
    for (let start = 0; start < graph.nodeCount; start++) {
      const other = random.integer(graph.nodeCount);
      const targets = [start, other, random.integer(graph.nodeCount), other];
      search.run(costs, start, -1, targets);
      for (const target of targets) expect(search.costTo(target)).toBeCloseTo(reference(start, target), 9);
    }
  });

  it('gives the start itself no lanes and no cost', () => {
    const graph = gridFromText('...');
    const search = createSearch(graph);
    const prices = new Float64Array(graph.laneCount).fill(1);
    search.run({ prices, robotType: 0, turnTimeWeight: 0, turnWeight: 0 }, 1, -1, [1]);
    expect([search.costTo(1), search.lanesTo(1)]).toEqual([0, []]);
  });

  it('never drives a lane whose price is infinite', () => {
    const graph = gridFromText('...');
    const search = createSearch(graph);
    const prices = new Float64Array(graph.laneCount).fill(Infinity);
    search.run({ prices, robotType: 0, turnTimeWeight: 0, turnWeight: 0 }, 0, -1, [2]);
    expect([search.costTo(2), search.lanesTo(2)]).toEqual([Infinity, null]);
  });
});

describe('search over lanes', () => {
  it('looks at nothing where it is to end where it begins', () => {
    const graph = gridFromText('....');
    const search = createSearch(graph);
    const costs = { prices: Float64Array.from(graph.freeFlowSeconds[0]!), robotType: 0 };
    search.run({ ...costs, turnTimeWeight: 1, turnWeight: 1 }, 1, -1, [1, 1]);
    expect([search.costTo(1), search.lanesTo(1), search.lanesTo(2)]).toEqual([0, [], null]);
  });

  it('agrees with ngraph.path nba over a graph of turns, from every heading', () => {
    let unreachable = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const random = createRandom(seed);
      const graph = randomFloor(random, 4 + random.integer(2));
      if (graph.laneCount === 0) continue;
      const costs = {
        prices: randomPrices(random, graph),
        robotType: ROBOT_TYPES - 1,
        turnTimeWeight: 1,
        turnWeight: seed % 2 === 0 ? random.next() * 8 : 0,
      };
      const search = createSearch(graph);
      const arrivalLane = seed % 3 === 0 ? -1 : random.integer(graph.laneCount);
      const from = arrivalLane < 0 ? random.integer(graph.nodeCount) : graph.laneTo[arrivalLane]!;
      const reference = referenceOverLanes(graph, costs, from, arrivalLane);
      for (let to = 0; to < graph.nodeCount; to += 1 + random.integer(3)) {
        search.run(costs, from, arrivalLane, [to]);
        const expected = reference(to);
        const path = search.lanesTo(to);
        if (expected === Infinity) unreachable++;
        if (expected === Infinity) expect([search.costTo(to), path]).toEqual([Infinity, null]);
        else {
          expect(search.costTo(to), `seed ${seed}: ${from} to ${to}`).toBeCloseTo(expected, 9);
          expect(expectPath(graph, costs, path!, [from, to], arrivalLane)).toBeCloseTo(expected, 9);
        }
      }
    }
    expect(unreachable).toBeGreaterThan(0);
  });
});
