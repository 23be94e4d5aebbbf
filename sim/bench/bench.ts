import type { NodeIndex } from '../../src/domain/ids.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { createBenchJobs } from '../benchJobs.js';
import { createFleet } from '../fleet.js';
import { createFloor } from '../floor/floor.js';
import { randomStarts } from '../orders/reach.js';
import { typesInTurn } from '../run.js';
import { createBenchService } from './benchService.js';
import { freeFlowBound } from './freeFlowBound.js';
import { createGoalTimes, type PickingTimes } from './goalTimes.js';
import type { GuidanceGraph } from './handMadePrices.js';
import type { BenchMethod } from './methods.js';
import type { VisitOrderName } from './visitOrders.js';

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
  readonly order: VisitOrderName;
  readonly backend: string;
  /** What `static` prices by. */
  readonly guidance?: GuidanceGraph;
  /** What `learned-shipped` and `frozen` start from. */
  readonly shipped?: Float32Array;
  readonly onStep?: (step: number, goals: number) => void;
}

/** One line of the benchmark's raw results. Throughput is goals a step of the floor, drop-offs included. */
export interface BenchResult extends PickingTimes {
  readonly cell: string;
  readonly method: string;
  readonly seed: number;
  readonly picks: number;
  readonly order: string;
  readonly warmUpSteps: number;
  readonly steps: number;
  readonly stepSeconds: number;
  readonly throughput: number;
  readonly throughputFirst: number;
  readonly throughputLast: number;
  /** Throughput of each 100 steps, the warm-up's first. */
  readonly windows: readonly number[];
  /** Throughput if nobody were in anybody's way; the same for every method of a seed. */
  readonly freeFlowBound: number;
  readonly meanSecondsPerGoal: number;
  /**
   * Mean regret of the routes of the first and the last 1,000 steps, as far as it was measured; null where none was. Raw
   * results from before it was measured have neither.
   */
  readonly regretSecondsFirst?: number | null;
  readonly regretSecondsLast?: number | null;
  readonly slowdown: number;
  readonly pressure: number;
  readonly planMsP50: number;
  readonly planMsP99: number;
  /** Plans that gave way to the shortest tour. */
  readonly detoursRefused: number;
  readonly updatesApplied: number;
  readonly updatesRejected: number;
  readonly backend: string;
}

export const WINDOW_STEPS = 100;

/** One run, in process, through the service as any fleet. The same options give the same run. */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { graph, seed, warmUpSteps, steps } = options;
  const random = createRandom(seed);
  const robotTypes = typesInTurn(graph, options.robots);
  const jobsOptions = { graph, robotTypes, seed, picks: options.picks };
  const bench = await createBenchService(options, random);
  const starts = randomStarts(graph, robotTypes, random.fork('starts'));
  const floor = openFloor(graph, robotTypes, starts, random);
  const { stepSeconds } = floor;
  const goalTimes = createGoalTimes(1000 * warmUpSteps * stepSeconds);
  const fleet = createFleet({
    graph,
    floor,
    link: bench.link,
    jobs: goalTimes.watch(createBenchJobs(jobsOptions)),
    robotTypes: robotTypes.map((type) => graph.robotTypes[type]!.name),
    startAt: 0,
    asking: 'one',
    onFinished: goalTimes.finished,
  });
  await fleet.start();
  const goalsAt: number[] = [fleet.goalsReached()];
  const regretsAt = [bench.regrets()];
  for (let step = 1; step <= warmUpSteps + steps; step++) {
    await fleet.step();
    goalsAt.push(fleet.goalsReached());
    regretsAt.push(bench.regrets());
    options.onStep?.(step, fleet.goalsReached());
  }
  const served = await bench.close();
  const throughput = throughputs(goalsAt, options);
  return {
    ...{ cell: options.cell, method: options.method, seed },
    ...{ picks: options.picks, order: options.order, warmUpSteps, steps, stepSeconds },
    ...throughput,
    freeFlowBound: freeFlowBound({
      ...{ graph, robotTypes, starts, warmUpSteps, steps, stepSeconds },
      jobs: createBenchJobs(jobsOptions),
    }),
    meanSecondsPerGoal: (options.robots * stepSeconds) / throughput.throughput,
    ...goalTimes.summary(1000 * (warmUpSteps + steps) * stepSeconds),
    ...regretsOf(regretsAt, options),
    ...served,
  };
}

function openFloor(
  graph: LaneGraph,
  robotTypes: readonly number[],
  starts: readonly NodeIndex[],
  random: Random,
) {
  return createFloor({
    graph,
    robots: starts.map((start, robot) => ({ robotType: robotTypes[robot]!, start })),
    random: random.fork('floor'),
  });
}

/** @param regretsAt [steps + 1] as `goalsAt` */
function regretsOf(
  regretsAt: readonly { readonly seconds: number; readonly count: number }[],
  { warmUpSteps, steps }: Pick<BenchOptions, 'warmUpSteps' | 'steps'>,
): Pick<BenchResult, 'regretSecondsFirst' | 'regretSecondsLast'> {
  const last = regretsAt.length - 1;
  const thousand = Math.min(1000, steps);
  const between = (from: number, to: number): number | null => {
    const [before, after] = [regretsAt[from]!, regretsAt[to]!];
    return after.count === before.count
      ? null
      : (after.seconds - before.seconds) / (after.count - before.count);
  };
  return {
    regretSecondsFirst: between(warmUpSteps, warmUpSteps + thousand),
    regretSecondsLast: between(last - thousand, last),
  };
}

/** @param goalsAt [steps + 1] goals reached by each step, the warm-up included */
function throughputs(
  goalsAt: readonly number[],
  { warmUpSteps, steps }: Pick<BenchOptions, 'warmUpSteps' | 'steps'>,
) {
  const last = goalsAt.length - 1;
  const between = (from: number, to: number): number => (goalsAt[to]! - goalsAt[from]!) / (to - from);
  const thousand = Math.min(1000, steps);
  const windows: number[] = [];
  for (let to = WINDOW_STEPS; to <= last; to += WINDOW_STEPS)
    windows.push(Math.round(1000 * between(to - WINDOW_STEPS, to)) / 1000);
  return {
    throughput: between(warmUpSteps, last),
    throughputFirst: between(warmUpSteps, warmUpSteps + thousand),
    throughputLast: between(last - thousand, last),
    windows,
  };
}
