import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS, type RewardWeights } from '../../src/domain/components.js';
import { LIMITS } from '../../src/domain/limits.js';
import { createFreeFlow } from '../../src/planning/freeFlow.js';
import { createPlanner } from '../../src/planning/planner.js';
import type { Plan, PriceView, TourTask } from '../../src/planning/tourTask.js';
import { createSearch } from '../../src/planning/search.js';
import { orderTour } from '../../src/planning/tourOrder.js';
import { verifyRoute } from '../../src/planning/verifyRoute.js';
import { createRandom } from '../../src/platform/random.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { randomFloor } from './support/randomFloor.js';

function setUp(graph: LaneGraph, weights: RewardWeights = DEFAULT_REWARD_WEIGHTS) {
  const planner = createPlanner(
    graph,
    createFreeFlow(graph, () => 0),
  );
  const prices = graph.freeFlowSeconds[0]!.slice();
  const view = {
    prices,
    latePrices: () => prices,
    waitHat: new Float32Array(graph.laneCount),
    blockingHat: new Float32Array(graph.laneCount),
    weights,
  } satisfies PriceView;
  return { planner, view };
}

function tour(
  graph: LaneGraph,
  from: string,
  stops: readonly string[],
  options: Partial<TourTask> = {},
): TourTask {
  const node = (name: string): number => graph.nodeIndexOf.get(name)!;
  return {
    robotType: 0,
    from: node(from),
    arrivalLane: -1,
    readyInSeconds: 0,
    stops: stops.map((stop) => ({ node: node(stop), handlingSeconds: 0 })),
    dropoff: null,
    fixedOrder: false,
    deadlineSeconds: null,
    ...options,
  };
}

function planned(result: ReturnType<ReturnType<typeof createPlanner>['plan']>): Plan {
  if (result.kind !== 'plan') throw new Error('there is no plan');
  return result;
}

const names = (graph: LaneGraph, nodes: ArrayLike<number>): string[] =>
  Array.from(nodes, (node) => graph.nodeIds[node]!);

/** Cheapest cost over every order of visit, by brute force. */
function bestOrderCost(graph: LaneGraph, task: TourTask, prices: Float64Array): number {
  const search = createSearch(graph);
  const costs = { prices, robotType: task.robotType, turnTimeWeight: 0, turnWeight: 0 };
  const cost = (from: number, to: number): number => {
    search.run(costs, from, -1, [to]);
    return search.costTo(to);
  };
  const visit = (from: number, left: readonly number[]): number => {
    if (left.length === 0) return task.dropoff ? cost(from, task.dropoff.node) : 0;
    return Math.min(
      ...left.map((next, i) => cost(from, next) + visit(next, [...left.slice(0, i), ...left.slice(i + 1)])),
    );
  };
  return visit(
    task.from,
    task.stops.map((stop) => stop.node),
  );
}

describe('tours', () => {
  it('are the cheapest of all orders, drop-off last, on random floors with random prices', () => {
    let compared = 0;
    for (let seed = 1; seed <= 250; seed++) {
      const random = createRandom(seed);
      const graph = randomFloor(random, 5);
      const { planner, view } = setUp(graph);
      view.prices.forEach((price, lane) => (view.prices[lane] = price * (1 + random.next() / 4)));
      const node = () => ({ node: random.integer(graph.nodeCount), handlingSeconds: random.integer(3) });
      const task: TourTask = {
        ...{
          robotType: 0,
          from: random.integer(graph.nodeCount),
          arrivalLane: -1,
          readyInSeconds: 0,
          fixedOrder: false,
        },
        stops: Array.from({ length: 1 + random.integer(4) }, node),
        dropoff: random.next() < 0.7 ? node() : null,
        deadlineSeconds: null,
      };
      const best = bestOrderCost(graph, task, view.prices);
      const result = planner.plan(task, view);
      if (best === Infinity) {
        expect(result.kind).toBe('unreachable');
        continue;
      }
      compared++;
      const plan = planned(result);
      expect(plan.why.served).toBe('priced');
      expect(plan.why.pricedCost, `seed ${seed}`).toBeCloseTo(best, 9);
      expect([...plan.stopOrder].sort()).toEqual(task.stops.map((_stop, position) => position));
      if (task.dropoff) expect(plan.nodes.at(-1)).toBe(task.dropoff.node);
      const claim = { ...plan, from: task.from, robotType: 0, cost: plan.why.pricedCost };
      const stops = plan.stops.map((stop) => stop.node);
      expect(verifyRoute(graph, { ...claim, stops })).toEqual({ kind: 'valid' });
    }
    expect(compared).toBeGreaterThan(30);
  });

  it('say when each node is reached: driving, expected waits, handling at stops', () => {
    const graph = gridFromText('.....');
    const { planner, view } = setUp(graph);
    view.waitHat[laneBetween(graph, 1, 2)] = 3;
    const stops = [
      { node: 2, handlingSeconds: 10 },
      { node: 4, handlingSeconds: 5 },
    ];
    const plan = planned(planner.plan({ ...tour(graph, 'r0c0', []), stops, deadlineSeconds: 15 }, view));
    expect([...plan.etaSeconds]).toEqual([0, 1, 5, 16, 17]);
    expect(plan.stopIndexes).toEqual([2, 4]);
    expect(plan.expected).toEqual({ time: 4, wait: 3, blocking: 0, distance: 4, turns: 0, lateness: 7 });
    expect(plan.shortestSeconds).toBe(4);
  });

  it('handle two stops on one node, and a stop where the robot stands', () => {
    const graph = gridFromText('...');
    const { planner, view } = setUp(graph);
    const plan = planned(planner.plan(tour(graph, 'r0c0', ['r0c1', 'r0c0', 'r0c1']), view));
    expect(names(graph, plan.nodes)).toEqual(['r0c0', 'r0c1']);
    expect([plan.stopIndexes, plan.stopOrder[0]]).toEqual([[0, 1, 1], 1]);
  });

  it('keep their order on a re-plan, however much shorter another one would be', () => {
    const graph = gridFromText('.....');
    const { planner, view } = setUp(graph);
    const stops = ['r0c4', 'r0c1', 'r0c3'];
    const fixed = planned(planner.plan(tour(graph, 'r0c0', stops, { fixedOrder: true }), view));
    expect([fixed.stopOrder, fixed.nodes.length]).toEqual([[0, 1, 2], 10]);
    const free = planned(planner.plan(tour(graph, 'r0c0', stops), view));
    expect([free.stopOrder, free.nodes.length]).toEqual([[1, 2, 0], 5]);
  });

  it('count what turning costs, in the path and in what it is said to cost', () => {
    const graph = gridFromText(`
      ...
      .@.
      ...`);
    const weights = { ...DEFAULT_REWARD_WEIGHTS, turns: 5 };
    const { planner, view } = setUp(graph, weights);
    // Both ways turn once; the one by the top is dearer.
    view.prices[laneBetween(graph, 0, 1)] = 4;
    const plan = planned(planner.plan(tour(graph, 'r0c0', ['r2c2']), view));
    expect(plan.expected.turns).toBe(1);
    expect(plan.why.pricedCost).toBe(4 + 5);
    expect(plan.why.pricedCost).toBeLessThanOrEqual(plan.why.shortestPricedCost);
  });
});

describe('the detour limit', () => {
  const ring = `
    ${'.'.repeat(60)}
    .${'@'.repeat(58)}.
    ${'.'.repeat(60)}`;

  it('serves the priced tour within it, the shortest above it', () => {
    const graph = gridFromText(ring);
    const { planner, view } = setUp(graph);
    // From one end of the top row to its middle: 29 m, or round by the bottom row 92 m.
    view.prices[laneBetween(graph, 10, 11)] = 1_000;
    const far = planned(planner.plan(tour(graph, 'r0c0', ['r0c29']), view));
    expect(far.expected.time).toBe(29);
    expect(far.why).toEqual({
      freeFlowSeconds: 29,
      pricedCost: 1_028,
      shortestPricedCost: 1_028,
      served: 'shortest',
    });
    // To its end: 59 m, or 63 round.
    const near = planned(planner.plan(tour(graph, 'r0c0', ['r0c59']), view));
    expect(near.why).toMatchObject({ served: 'priced', freeFlowSeconds: 63, shortestPricedCost: 1_058 });
    expect(near.expected.time).toBeLessThanOrEqual(
      LIMITS.detourRatio * near.shortestSeconds + LIMITS.detourSlackSeconds,
    );
  });
});

describe('the limit on nodes', () => {
  it('serves the shortest tour where the cheapest has more of them than a route may have', () => {
    const side = `.${'@'.repeat(109)}.`;
    const end = '.'.repeat(111);
    const graph = gridFromText([end, ...new Array<string>(19).fill(side), end].join('\n'));
    const { planner, view } = setUp(graph);
    for (const [from, to] of [
      [50, 51],
      [51, 50],
    ] as const) {
      view.prices[laneBetween(graph, from, to)] = 1_000;
    }
    // To and fro: 110 lanes by the top row, 150 round by the bottom.
    const there = (times: number) => {
      const stops = Array.from({ length: times }, (_, i) => (i % 2 === 0 ? 'r0c110' : 'r0c0'));
      return planned(planner.plan(tour(graph, 'r0c0', stops, { fixedOrder: true }), view));
    };
    expect([there(53).nodes.length, there(53).why.served]).toEqual([7_951, 'priced']);
    expect([there(54).nodes.length, there(54).why.served]).toEqual([5_941, 'shortest']);
  });
});

describe('expected arrivals', () => {
  it('count the turn at the start of a robot whose heading is known', () => {
    const plain = gridFromText('..\n..');
    const graph = {
      ...plain,
      robotTypes: plain.robotTypes.map((type) => ({ ...type, quarterTurnSeconds: 3 })),
    };
    const { planner, view } = setUp(graph);
    const [corner, below] = ['r0c1', 'r1c1'].map((name) => graph.nodeIndexOf.get(name)!);
    const arrivalLane = laneBetween(graph, graph.nodeIndexOf.get('r0c0')!, corner!);
    const plan = planned(planner.plan(tour(graph, 'r0c1', ['r1c1'], { arrivalLane }), view));
    expect([[...plan.nodes], [...plan.etaSeconds], plan.expected.time]).toEqual([[corner, below], [0, 4], 4]);
    // Who handles a stop there first turns behind it.
    const handled = { arrivalLane, fixedOrder: true };
    const second = planned(planner.plan(tour(graph, 'r0c1', ['r0c1', 'r1c1'], handled), view));
    expect([...second.etaSeconds]).toEqual([0, 4]);
  });
});

describe('a deadline', () => {
  const ring = `
    .....
    .@@@.
    .....`;
  /** Time matters little, blocking much: the cheap way is the long one, unless it is late. */
  const hurried = () => {
    const graph = gridFromText(ring);
    const { planner, view } = setUp(graph);
    const short = [laneBetween(graph, 0, 1), laneBetween(graph, 1, 2), laneBetween(graph, 2, 3)];
    for (const lane of short) {
      view.prices[lane] = 4;
      view.blockingHat[lane] = 3;
    }
    const late = Float64Array.from(view.prices, (price) => (price === 4 ? 5 * 1 + 3 : 5 * price));
    let asked = 0;
    const latePrices = (): Float64Array => {
      asked++;
      return late;
    };
    return { graph, planner, view: { ...view, latePrices }, asked: () => asked };
  };

  it('in reach leaves the plan the cheap way', () => {
    const { graph, planner, view, asked } = hurried();
    const task = tour(graph, 'r0c0', ['r0c4'], { deadlineSeconds: 8 });
    const plan = planned(planner.plan(task, view));
    expect([plan.expected.time, plan.expected.lateness, asked()]).toEqual([8, 0, 0]);
  });

  it('out of reach that way makes it take the fast one', () => {
    const { graph, planner, view, asked } = hurried();
    const task = tour(graph, 'r0c0', ['r0c4'], { deadlineSeconds: 7 });
    const plan = planned(planner.plan(task, view));
    expect([plan.expected.time, plan.expected.lateness, asked()]).toEqual([4, 0, 1]);
  });

  it('counts from when the robot may set out', () => {
    const { graph, planner, view, asked } = hurried();
    const task = tour(graph, 'r0c0', ['r0c4'], { deadlineSeconds: 8, readyInSeconds: 1 });
    const plan = planned(planner.plan(task, view));
    expect([plan.expected.time, plan.expected.lateness, asked()]).toEqual([4, 0, 1]);
  });

  it('out of reach weighs the time that turns take as it does that of lanes', () => {
    // Four lanes either way: round the corner with one turn, by the stairs with three.
    const grid = gridFromText(`
      ...
      @..
      @@.`);
    const robotTypes = grid.robotTypes.map((type) => ({ ...type, quarterTurnSeconds: 1 }));
    const graph = { ...grid, robotTypes, turnsTakeTime: [true] };
    const { planner, view } = setUp(graph, { ...DEFAULT_REWARD_WEIGHTS, lateness: 9 });
    const blocked = laneBetween(graph, 1, 2);
    view.prices[blocked]! += 3;
    const late = Float64Array.from(view.prices, (_price, lane) => (lane === blocked ? 10 + 3 : 10));
    const seconds = (deadlineSeconds: number): number =>
      planned(
        planner.plan(tour(graph, 'r0c0', ['r2c2'], { deadlineSeconds }), { ...view, latePrices: () => late }),
      ).expected.time;
    expect([seconds(7), seconds(6)]).toEqual([7, 5]);
  });

  it('that handling alone misses gives the plan of one that driving misses, and the cheap way is not looked for', () => {
    let late = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const random = createRandom(seed);
      const graph = randomFloor(random, 5);
      const { view } = setUp(graph);
      const latePrices = view.prices.slice();
      view.prices.forEach((price, lane) => (view.prices[lane] = price * (1 + 9 * random.next())));
      const place = () => ({ node: random.integer(graph.nodeCount), handlingSeconds: 4 });
      const task = { ...tour(graph, 'r0c0', []), stops: [place(), place(), place()], dropoff: place() };
      const planBy = (deadlineSeconds: number | null) => {
        let ordered = 0;
        const planner = createPlanner(
          graph,
          createFreeFlow(graph, () => 0),
          (matrix, shape) => {
            ordered++;
            return orderTour(matrix, shape);
          },
        );
        const result = planner.plan({ ...task, deadlineSeconds }, { ...view, latePrices: () => latePrices });
        return { lanes: result.kind === 'plan' ? result.lanes : null, ordered };
      };
      const [missedByHandling, missedByDriving, none] = [planBy(15), planBy(16), planBy(null)];
      expect(missedByHandling.lanes, `seed ${seed}`).toEqual(missedByDriving.lanes);
      if (none.lanes === null || none.lanes.length === 0) continue;
      if (String(none.lanes) !== String(missedByHandling.lanes)) late++;
      // The shortest tour, and those by the prices of now and by late ones.
      expect([missedByHandling, missedByDriving, none].map(({ ordered }) => ordered)).toEqual([2, 3, 2]);
    }
    expect(late).toBeGreaterThan(5);
  });

  it('counts handling and expected waits towards it, and says how late it will be', () => {
    const { graph, planner, view } = hurried();
    const dropoff = { node: graph.nodeIndexOf.get('r0c4')!, handlingSeconds: 6 };
    const task = tour(graph, 'r0c0', ['r0c0'], { deadlineSeconds: 9, dropoff });
    expect(planned(planner.plan(task, view)).expected).toMatchObject({ time: 4, lateness: 1 });
    expect(planned(planner.plan({ ...task, deadlineSeconds: -20 }, view)).expected.lateness).toBe(30);
  });
});

describe('an unreachable stop', () => {
  const island = `
    ...@.
    ...@.`;

  it('is named, from where the robot is, whatever the order of the stops', () => {
    const graph = gridFromText(island);
    const { planner, view } = setUp(graph);
    for (const stops of [
      ['r0c4', 'r0c1'],
      ['r0c1', 'r0c4'],
      ['r0c1', 'r0c4', 'r1c2'],
    ]) {
      const result = planner.plan(tour(graph, 'r0c0', stops), view);
      expect(result).toEqual({ kind: 'unreachable', from: 0, to: graph.nodeIndexOf.get('r0c4') });
    }
  });

  it('is named where only the drop-off is out of reach, and where the way on is missing', () => {
    const graph = gridFromText(island);
    const { planner, view } = setUp(graph);
    const dropoff = { node: graph.nodeIndexOf.get('r1c4')!, handlingSeconds: 0 };
    const result = planner.plan(tour(graph, 'r0c0', ['r0c1'], { dropoff }), view);
    expect(result).toMatchObject({ kind: 'unreachable', to: dropoff.node });
    // Into the corner leads a way, out of it none.
    const trap = gridFromText('...');
    const trapped = setUp(trap);
    trap.open[laneBetween(trap, 2, 1)] = 0;
    const stuck = trapped.planner.plan(
      tour(trap, 'r0c0', ['r0c2', 'r0c0'], { fixedOrder: true }),
      trapped.view,
    );
    expect(stuck).toEqual({ kind: 'unreachable', from: 2, to: 0 });
    // In the other order there is one, and it is found.
    expect(trapped.planner.plan(tour(trap, 'r0c0', ['r0c2', 'r0c1']), trapped.view).kind).toBe('plan');
  });

  it('is one that this type of robot may not reach', () => {
    const graph = gridFromText('...');
    graph.barredTypes[laneBetween(graph, 1, 2)] = 1;
    graph.freeFlowSeconds[0]![laneBetween(graph, 1, 2)] = Infinity;
    const { planner, view } = setUp(graph);
    expect(planner.plan(tour(graph, 'r0c0', ['r0c2']), view)).toMatchObject({ kind: 'unreachable', to: 2 });
  });
});
