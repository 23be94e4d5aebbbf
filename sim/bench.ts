import { createMemoryJournal } from '../src/journal/memoryJournal.js';
import { createInlineLearner } from '../src/learning/learnerPort.js';
import { createRandom } from '../src/platform/random.js';
import { selectBackend } from '../src/policy/backend.js';
import { randomWeights } from '../src/policy/network.js';
import { createRoutingService } from '../src/service/routingService.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import { createBenchJobs } from './benchJobs.js';
import { createFleet } from './fleet.js';
import { createFloor } from './floor/floor.js';
import { createInProcessLink } from './inProcessLink.js';
import { randomStarts } from './orders/reach.js';

export const BENCH_METHODS = ['shortest', 'flow', 'learned-cold'] as const;
export type BenchMethod = (typeof BENCH_METHODS)[number];

export interface BenchOptions {
  readonly cell: string;
  readonly graph: LaneGraph;
  readonly robots: number;
  readonly method: BenchMethod;
  readonly seed: number;
  readonly steps: number;
  readonly warmUpSteps: number;
  /** Picks of a tour; 0: single goals. */
  readonly picks: number;
  readonly backend: string;
  readonly onStep?: (step: number, goals: number) => void;
}

/** One line of the benchmark's raw results. Throughput is goals a step of the floor. */
export interface BenchResult {
  readonly cell: string;
  readonly method: string;
  readonly seed: number;
  readonly steps: number;
  readonly throughput: number;
  readonly throughputFirst: number;
  readonly throughputLast: number;
  readonly meanSecondsPerGoal: number;
  /** From a tour's issue to its last hand-over; of a single goal, from issue to arrival. */
  readonly meanPickingSeconds: number;
  readonly slowdown: number;
  readonly pressure: number;
  readonly planMsP50: number;
  readonly planMsP99: number;
  readonly updatesApplied: number;
  readonly updatesRejected: number;
  readonly backend: string;
}

export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { graph, method, seed } = options;
  const random = createRandom(seed);
  const planMilliseconds: number[] = [];
  let updatesRejected = 0;
  const learns = method === 'learned-cold';
  const backend = learns ? await selectBackend({ force: options.backend }) : null;
  let routes = 0;
  let pickingSeconds = 0;
  let finishedTours = 0;
  const service = await createRoutingService({
    graphs: [graph],
    journal: createMemoryJournal(100),
    openRegistry: null,
    policies: 'shared',
    startLearner: async (weights) =>
      backend &&
      createInlineLearner({ tf: backend.tf, backend: backend.name, random: random.fork('learner'), weights }),
    coldWeights: () => randomWeights(random.fork('weights')),
    clock: { kind: 'driven', startAt: 0 },
    mode: learns ? 'learn' : 'off',
    ...(method === 'flow' ? { forcedSource: 'flow' as const } : {}),
    ...(method !== 'shortest' ? {} : { tieBreaks: random.fork('ties') }),
    observer: {
      planned: (_warehouseId, milliseconds) => planMilliseconds.push(milliseconds),
      updateRejected: () => updatesRejected++,
    },
    newRouteId: () => `route-${routes++}`,
  });
  // Robots take the map's types in turn.
  const robotTypes = Array.from({ length: options.robots }, (_, robot) => robot % graph.robotTypes.length);
  const starts = randomStarts(graph, robotTypes, random.fork('starts'));
  const floor = createFloor({
    graph,
    robots: starts.map((start, robot) => ({ robotType: robotTypes[robot]!, start })),
    random: random.fork('floor'),
  });
  const fleet = createFleet({
    graph,
    floor,
    link: createInProcessLink(service, graph.warehouseId),
    jobs: createBenchJobs({ graph, robotTypes, seed, picks: options.picks }),
    robotTypes: robotTypes.map((type) => graph.robotTypes[type]!.name),
    startAt: 0,
    asking: 'one',
    onFinished({ issuedAt, finishedAt }) {
      if (floor.stepCount() <= options.warmUpSteps) return;
      pickingSeconds += (finishedAt - issuedAt) / 1000;
      finishedTours++;
    },
  });
  await fleet.start();
  const goalsAt: number[] = [fleet.goalsReached()];
  for (let step = 1; step <= options.warmUpSteps + options.steps; step++) {
    await fleet.step();
    goalsAt.push(fleet.goalsReached());
    options.onStep?.(step, fleet.goalsReached());
  }
  const summary = service.warehouse(graph.warehouseId);
  await service.close();

  const last = goalsAt.length - 1;
  const between = (from: number, to: number): number => (goalsAt[to]! - goalsAt[from]!) / (to - from);
  const window = Math.min(1000, options.steps);
  const throughput = between(options.warmUpSteps, last);
  planMilliseconds.sort((a, b) => a - b);
  return {
    cell: options.cell,
    method,
    seed,
    steps: options.steps,
    throughput,
    throughputFirst: between(options.warmUpSteps, options.warmUpSteps + window),
    throughputLast: between(last - window, last),
    meanSecondsPerGoal: (options.robots * floor.stepSeconds) / throughput,
    meanPickingSeconds: pickingSeconds / Math.max(1, finishedTours),
    slowdown: summary.slowdown,
    pressure: summary.pressure,
    planMsP50: planMilliseconds[Math.floor(planMilliseconds.length * 0.5)] ?? 0,
    planMsP99: planMilliseconds[Math.floor(planMilliseconds.length * 0.99)] ?? 0,
    updatesApplied: summary.updatesApplied,
    updatesRejected,
    backend: backend?.name ?? 'none',
  };
}
