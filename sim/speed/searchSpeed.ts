import createGraph from 'ngraph.graph';
import ngraphPath from 'ngraph.path';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { createFreeFlow } from '../../src/planning/freeFlow.js';
import { createPlanner } from '../../src/planning/planner.js';
import type { PriceView, TourTask } from '../../src/planning/tourTask.js';
import { createNodeSearch } from '../../src/planning/nodeSearch.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { createLatencies, type LatencySummary } from '../latencies.js';

/** Milliseconds of each kind of search on one site, all in one process. */
export interface SearchSpeed {
  readonly site: string;
  readonly nodes: number;
  readonly lanes: number;
  /** Dijkstra to every node. */
  readonly oneToAll: LatencySummary;
  /** `ngraph.path`, one goal, by the same prices between the same places: the anchors. */
  readonly aStar: LatencySummary;
  readonly nba: LatencySummary;
  /** The planner: a goal, and six picks with a station. */
  readonly oneGoal: LatencySummary;
  readonly sixPicks: LatencySummary;
}

/** Each is done so often before it is timed, for the compiler. */
const WARM_UP = 200;
const ROBOT_TYPE = 0;

/** @param count how often each is timed */
export function measureSearch(site: string, graph: LaneGraph, count: number): SearchSpeed {
  const random = createRandom(1);
  const prices = livelyPrices(graph, random);
  const search = createNodeSearch(graph);
  const costs = { prices, robotType: ROBOT_TYPE, turnTimeWeight: 0, turnWeight: 0 };
  const { aStar, nba } = ngraphFinders(graph, prices);
  const planner = createPlanner(
    graph,
    createFreeFlow(graph, () => 0),
  );
  const view = viewOf(graph, prices);
  const goals = drawn(count, () => taskOf(graph, random, 1));
  const tours = drawn(count, () => taskOf(graph, random, 6));
  return {
    ...{ site, nodes: graph.nodeCount, lanes: graph.laneCount },
    oneToAll: timed(goals, ({ from }) => search.run(costs, from, -1, [])),
    aStar: timed(goals, ({ from, stops }) => aStar.find(from, stops[0]!.node)),
    nba: timed(goals, ({ from, stops }) => nba.find(from, stops[0]!.node)),
    oneGoal: timed(goals, (task) => planner.plan(task, view)),
    sixPicks: timed(tours, (task) => planner.plan(task, view)),
  };
}

function timed(tasks: readonly TourTask[], search: (task: TourTask) => unknown): LatencySummary {
  const latencies = createLatencies();
  tasks.forEach((task, at) => {
    const begunAt = performance.now();
    search(task);
    if (at >= WARM_UP) latencies.record(performance.now() - begunAt);
  });
  return latencies.summary();
}

function drawn(count: number, draw: () => TourTask): TourTask[] {
  return Array.from({ length: WARM_UP + count }, draw);
}

/** [L] a busy floor: one to four times its free-flow seconds for each lane. */
function livelyPrices(graph: LaneGraph, random: Random): Float64Array {
  return graph.freeFlowSeconds[ROBOT_TYPE]!.map((seconds) => seconds * (1 + 3 * random.next()));
}

function viewOf(graph: LaneGraph, prices: Float64Array): PriceView {
  const none = new Float32Array(graph.laneCount);
  return {
    prices,
    latePrices: () => prices,
    waitHat: none,
    blockingHat: none,
    weights: DEFAULT_REWARD_WEIGHTS,
  };
}

/** Picks at random faces, then a station unless it is one alone. */
function taskOf(graph: LaneGraph, random: Random, picks: number): TourTask {
  const oneOf = (nodes: ArrayLike<number>): number => nodes[random.integer(nodes.length)]!;
  const stopAt = (node: number) => ({ node, handlingSeconds: 0 });
  return {
    ...{
      robotType: ROBOT_TYPE,
      arrivalLane: -1,
      fixedOrder: false,
      readyInSeconds: 0,
      deadlineSeconds: null,
    },
    from: random.integer(graph.nodeCount),
    stops: Array.from({ length: picks }, () => stopAt(oneOf(graph.pickFaces))),
    dropoff: picks === 1 ? null : stopAt(oneOf(graph.stations)),
  };
}

/** The heuristic of A* is the straight line at the highest speed: prices are never below free flow. */
function ngraphFinders(graph: LaneGraph, prices: Float64Array) {
  const model = createGraph<undefined, number>();
  for (let node = 0; node < graph.nodeCount; node++) model.addNode(node);
  for (let lane = 0; lane < graph.laneCount; lane++)
    model.addLink(graph.laneFrom[lane]!, graph.laneTo[lane]!, prices[lane]);
  const fastest = graph.speedLimit.reduce((most, speed) => Math.max(most, speed), 0);
  const options = {
    oriented: true,
    distance: (_from: unknown, _to: unknown, link: { data: number }) => link.data,
    heuristic: ({ id: a }: { id: unknown }, { id: b }: { id: unknown }) =>
      Math.hypot(
        graph.x[a as number]! - graph.x[b as number]!,
        graph.y[a as number]! - graph.y[b as number]!,
      ) / fastest,
  };
  return { aStar: ngraphPath.aStar(model, options), nba: ngraphPath.nba(model, options) };
}
