import { describe, expect, it } from 'vitest';
import { freeFlowPath } from '../../src/cli/freeFlowPath.js';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import { createFreeFlow } from '../../src/planning/freeFlow.js';
import { createPlanner } from '../../src/planning/planner.js';
import type { Plan, PriceView, TourTask } from '../../src/planning/tourTask.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { WarehouseFile } from '../../src/warehouse/warehouseFile.js';
import { randomFloor, ROBOT_TYPES } from './support/randomFloor.js';

/** The type of random floors whose turns take time. */
const TURNING = ROBOT_TYPES - 1;

function viewOf(graph: LaneGraph, robotType: number): PriceView {
  const prices = graph.freeFlowSeconds[robotType]!.slice();
  const none = new Float32Array(graph.laneCount);
  return {
    ...{ prices, latePrices: () => prices, waitHat: none, blockingHat: none },
    weights: { ...DEFAULT_REWARD_WEIGHTS, turns: 0 },
  };
}

function taskTo(goal: number, options: Partial<TourTask> = {}): TourTask {
  return {
    ...{ robotType: 0, from: 0, arrivalLane: -1, dropoff: null, fixedOrder: false },
    // Twice, so that prices are asked of all ways at once.
    stops: [goal, goal].map((node) => ({ node, handlingSeconds: 0 })),
    ...{ readyInSeconds: 0, deadlineSeconds: null },
    ...options,
  };
}

/** Plans of one planner for each floor, so that tables of free flow are asked for from nearer and from farther. */
function* plansOnRandomFloors(): Generator<{
  graph: LaneGraph;
  task: TourTask;
  plan: Plan | null;
  at: string;
}> {
  for (let seed = 1; seed <= 40; seed++) {
    const random = createRandom(seed);
    const graph = randomFloor(random, 7);
    const planner = createPlanner(
      graph,
      createFreeFlow(graph, () => 0),
    );
    for (let i = 0; i < 40; i++) {
      const [from, goal] = [random.integer(graph.nodeCount), random.integer(graph.nodeCount)];
      const arrivalLane = i % 2 === 0 ? -1 : laneInto(random, graph, from);
      const task = taskTo(goal, { robotType: TURNING, from, arrivalLane });
      const result = planner.plan(task, viewOf(graph, TURNING));
      yield { graph, task, plan: result.kind === 'plan' ? result : null, at: `seed ${seed}, plan ${i}` };
    }
  }
}

function laneInto(random: Random, { inStart, inLanes }: LaneGraph, node: number): number {
  const lanes = inLanes.subarray(inStart[node], inStart[node + 1]);
  return lanes[random.integer(Math.max(1, lanes.length))] ?? -1;
}

/**
 * From A to B: up stairs of nine turns in 10 m, round a corner in 16.2 m, first away from B, or a long way round. A quarter
 * turn takes 20 s.
 */
function stairs(): LaneGraph {
  const steps = ['A', ...Array.from({ length: 9 }, (_, i) => `z${i}`), 'B'];
  const ways = [
    ['A', 'C', 4],
    ['C', 'E', 1],
    ['E', 'B', 11.2],
    ['A', 'D', 100],
    ['D', 'B', 100],
  ] as const;
  const file: WarehouseFile = {
    ...{ id: 'stairs', mapVersion: '1', stations: ['A'], pickFaces: ['B'] },
    robotTypes: [{ name: 'unit', maximumSpeed: 1, lengthMetres: 1, quarterTurnSeconds: 20 }],
    laneDefaults: { twoWay: true, speedLimit: 1 },
    nodes: [
      ...steps.map((id, i) => ({ id, x: Math.ceil(i / 2), y: Math.floor(i / 2) })),
      ...[
        { id: 'C', x: 0, y: 4 },
        { id: 'D', x: 5, y: 0 },
        { id: 'E', x: 0, y: 5 },
      ],
    ],
    lanes: [
      ...steps.slice(1).map((to, i) => ({ from: steps[i]!, to })),
      ...ways.map(([from, to, lengthMetres]) => ({ from, to, lengthMetres })),
    ],
  };
  return compileFile(file);
}

describe('the shortest tour of a robot whose turns take time', () => {
  it('takes as long as the quickest way by ngraph.path, turns included', () => {
    let compared = 0;
    for (const { graph, task, plan, at } of plansOnRandomFloors()) {
      if (task.arrivalLane >= 0) continue;
      const to = task.stops[0]!.node;
      const way = freeFlowPath(graph, { robotType: TURNING, from: task.from, to });
      expect(plan !== null, at).toBe(way !== null);
      if (!plan || !way) continue;
      compared++;
      expect(plan.shortestSeconds, at).toBeCloseTo(way.driveSeconds + way.turnSeconds, 9);
    }
    expect(compared).toBeGreaterThan(100);
  });

  it('saves nothing on itself where all lanes are free, whichever way the robot looks', () => {
    let compared = 0;
    for (const { plan, at } of plansOnRandomFloors()) {
      if (!plan) continue;
      compared++;
      expect(plan.why.shortestPricedCost, at).toBeCloseTo(plan.why.pricedCost, 9);
    }
    expect(compared).toBeGreaterThan(200);
  });

  it('is what the detour limit goes by', () => {
    const graph = stairs();
    const node = (id: string): number => graph.nodeIndexOf.get(id)!;
    const planner = createPlanner(
      graph,
      createFreeFlow(graph, () => 0),
    );
    const view = viewOf(graph, 0);
    for (const [from, to] of [
      ['A', 'C'],
      ['A', 'z0'],
    ] as const)
      view.prices[laneBetween(graph, node(from), node(to))]! += 300;
    const plan = planner.plan(taskTo(node('B'), { from: node('A') }), view);
    expect(plan).toMatchObject({ shortestSeconds: 36.2, why: { served: 'shortest', freeFlowSeconds: 36.2 } });
  });

  it('is drawn among the ways of fewest metres where ties are drawn, as those of published baselines are', () => {
    const graph = stairs();
    const [from, goal] = [graph.nodeIndexOf.get('A')!, graph.nodeIndexOf.get('B')!];
    const planner = createPlanner(
      graph,
      createFreeFlow(graph, () => 0),
    );
    const view = { ...viewOf(graph, 0), tieBreaks: createRandom(1) };
    expect(planner.plan(taskTo(goal, { from }), view)).toMatchObject({ expected: { distance: 10 } });
  });
});

describe('a deadline', () => {
  it('is kept where the turn at the start would miss it', () => {
    const graph = compileFile({
      ...{ id: 'turned', mapVersion: '1', stations: ['A'], pickFaces: ['B'] },
      robotTypes: [{ name: 'unit', maximumSpeed: 1, lengthMetres: 1, quarterTurnSeconds: 10 }],
      laneDefaults: { twoWay: true, speedLimit: 1 },
      nodes: [
        { id: 'P', x: 0, y: 0 },
        { id: 'A', x: 10, y: 0 },
        { id: 'B', x: 30, y: 0 },
        { id: 'C', x: 10, y: 10 },
      ],
      lanes: ['PA', 'AB', 'AC', 'CB'].map(([from, to]) => ({ from: from!, to: to! })),
    });
    const node = (id: string): number => graph.nodeIndexOf.get(id)!;
    const lane = (from: string, to: string): number => laneBetween(graph, node(from), node(to));
    const planner = createPlanner(
      graph,
      createFreeFlow(graph, () => 0),
    );
    const view = viewOf(graph, 0);
    // Straight on in 20 s, where others would be blocked; or round a corner in 45.3 s and 10 s for the turn at the start.
    view.prices[lane('A', 'B')]! += 80;
    const late = view.prices.map((price, at) => price + 5 * graph.freeFlowSeconds[0]![at]!);
    const by = (deadlineSeconds: number) => {
      const task = taskTo(node('B'), { from: node('A'), arrivalLane: lane('P', 'A'), deadlineSeconds });
      return planner.plan(task, { ...view, latePrices: () => late });
    };
    expect(by(56)).toMatchObject({ nodes: { length: 3 }, expected: { lateness: 0 } });
    expect(by(50)).toMatchObject({ nodes: { length: 2 }, expected: { lateness: 0 } });
  });
});
