import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { createFreeFlow } from '../../src/planning/freeFlow.js';
import { createPlanner } from '../../src/planning/planner.js';
import type { PriceView, TourTask } from '../../src/planning/tourTask.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { ROBOT_TYPES, randomFloor, randomPrices } from './support/randomFloor.js';

/** A planner whose lanes may be closed behind its back, as `open` has them. */
function plannerOf(graph: LaneGraph, visitOrder?: Parameters<typeof createPlanner>[2]) {
  let epoch = 0;
  const freeFlow = createFreeFlow(graph, () => epoch);
  return {
    planner: createPlanner(graph, freeFlow, visitOrder),
    close(from: string, to: string): void {
      const [a, b] = [graph.nodeIndexOf.get(from)!, graph.nodeIndexOf.get(to)!];
      for (let lane = graph.laneStart[a]!; lane < graph.laneStart[a + 1]!; lane++)
        if (graph.laneTo[lane] === b) graph.open[lane] = 0;
      epoch++;
    },
  };
}

function viewOf(graph: LaneGraph, prices: Float64Array, late = prices): PriceView {
  const none = new Float32Array(graph.laneCount);
  return {
    ...{ prices, latePrices: () => late, waitHat: none, blockingHat: none },
    weights: { ...DEFAULT_REWARD_WEIGHTS, lateness: 2, turns: 0.1 },
  };
}

function randomTask(random: Random, graph: LaneGraph, stops: number): TourTask {
  const place = () => ({ node: random.integer(graph.nodeCount), handlingSeconds: random.integer(3) });
  return {
    robotType: random.integer(ROBOT_TYPES),
    from: random.integer(graph.nodeCount),
    arrivalLane: -1,
    readyInSeconds: 0,
    stops: Array.from({ length: stops }, place),
    dropoff: random.next() < 0.5 ? place() : null,
    fixedOrder: false,
    deadlineSeconds: random.next() < 0.5 ? null : random.integer(60 * stops),
  };
}

function finish<T>(steps: Generator<undefined, T>, between = (): void => undefined): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    between();
  }
}

describe('a tour whose orders of visit were chosen before', () => {
  it('is the tour that is planned at once, to the last bit', () => {
    const random = createRandom(1);
    const kinds = { plan: 0, unreachable: 0, late: 0 };
    for (let i = 0; i < 300; i++) {
      const graph = randomFloor(random, 8);
      const view = viewOf(graph, randomPrices(random, graph), randomPrices(random, graph));
      const { planner } = plannerOf(graph);
      const task = randomTask(random, graph, 2 + random.integer(5));
      const other = randomTask(random, graph, 3);
      // Other plans in between leave no trace.
      const chosen = finish(planner.chooseOrders(task, view), () => planner.plan(other, view));
      const result = planner.plan(task, view, chosen);
      expect(result).toEqual(plannerOf(graph).planner.plan(task, view));
      kinds[result.kind]++;
      if (chosen.late) kinds.late++;
    }
    expect(kinds.plan).toBeGreaterThan(50);
    expect(kinds.unreachable).toBeGreaterThan(20);
    expect(kinds.late).toBeGreaterThan(10);
  });

  it('searches once at each step', () => {
    const graph = gridFromText('....\n....\n....');
    let ordered = 0;
    const { planner } = plannerOf(graph, (_matrix, { stops }) => {
      ordered++;
      return { order: Array.from({ length: stops }, (_, stop) => stop) };
    });
    const at = (node: number) => ({ node, handlingSeconds: 0 });
    const task: TourTask = {
      ...{ robotType: 0, from: 0, arrivalLane: -1, readyInSeconds: 0, fixedOrder: false, dropoff: at(11) },
      ...{ stops: [3, 8, 5].map(at), deadlineSeconds: 1 },
    };
    let steps = 0;
    finish(planner.chooseOrders(task, viewOf(graph, graph.freeFlowSeconds[0]!)), () => void steps++);
    // A table to each stop and the drop-off, a search from the start and each stop, is it late, the same searches again.
    expect([steps, ordered]).toEqual([4 + 4 + 1 + 4, 3]);
    ordered = 0;
    finish(planner.chooseOrders({ ...task, deadlineSeconds: -1 }, viewOf(graph, graph.freeFlowSeconds[0]!)));
    expect(ordered).toBe(2);
  });

  it('goes by the prices of the moment that its legs are found', () => {
    const graph = gridFromText('...\n...');
    const { planner } = plannerOf(graph);
    const prices = Float64Array.from(graph.freeFlowSeconds[0]!);
    const at = (node: number) => ({ node, handlingSeconds: 0 });
    const task: TourTask = {
      ...{ robotType: 0, from: 0, arrivalLane: -1, readyInSeconds: 0, fixedOrder: false, dropoff: null },
      ...{ stops: [at(5), at(2)], deadlineSeconds: null },
    };
    const chosen = finish(planner.chooseOrders(task, viewOf(graph, prices)));
    for (let lane = 0; lane < graph.laneCount; lane++)
      if (graph.laneTo[lane] === 1 || graph.laneFrom[lane] === 1) prices[lane] = 9;
    const plan = planner.plan(task, viewOf(graph, prices), { ...chosen, priced: [1, 0] });
    expect(plan).toMatchObject({ stopOrder: [1, 0], nodes: Int32Array.of(0, 3, 4, 5, 2, 5) });
  });

  it('is planned from nothing where lanes that closed meanwhile leave no way in that order', () => {
    const graph = gridFromText('....');
    const { planner, ...lanes } = plannerOf(graph);
    const view = viewOf(graph, Float64Array.from(graph.freeFlowSeconds[0]!));
    const at = (node: number) => ({ node, handlingSeconds: 0 });
    const task: TourTask = {
      ...{ robotType: 0, from: 1, arrivalLane: -1, readyInSeconds: 0, fixedOrder: false, dropoff: null },
      ...{ stops: [at(3), at(2)], deadlineSeconds: null },
    };
    // Nobody comes back from the end.
    lanes.close('r0c3', 'r0c2');
    const wrong = { shortest: [0, 1], priced: [0, 1], late: null };
    expect(planner.plan(task, view, wrong)).toMatchObject({ kind: 'plan', stopOrder: [1, 0] });
    expect(planner.plan(task, view, { ...wrong, shortest: [1, 0] })).toMatchObject({ stopOrder: [1, 0] });
    lanes.close('r0c1', 'r0c2');
    expect(planner.plan(task, view, wrong)).toMatchObject({ kind: 'unreachable', from: 1, to: 3 });
  });
});
