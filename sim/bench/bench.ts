import { COMPONENTS, type Components } from '../../src/domain/components.js';
import { createRandom } from '../../src/platform/random.js';
import { createFleet } from '../fleet.js';
import { openFloor } from '../randomFloor.js';
import { typesInTurn } from '../run.js';
import { WINDOW_STEPS, type BenchOptions, type BenchResult } from './benchResult.js';
import { createBenchService, type RegretSums, type ScoredSums } from './benchService.js';
import { createChangeRun } from './changeRun.js';
import { fleetOf } from './changes.js';
import { createDeadlines } from './deadlines.js';
import { freeFlowBound } from './freeFlowBound.js';
import { createGoalTimes } from './goalTimes.js';
import { publishedGuidance } from './handMadePrices.js';
import { specOf } from './methods.js';

/** One run, in process, through the service as any fleet. The same options give the same run. */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { seed, warmUpSteps, steps, guidance } = options;
  const random = createRandom(seed);
  const { graph, robotTypes } = fleetOf(options.change, {
    graph: options.graph,
    robotTypes: typesInTurn(options.graph, options.robots),
  });
  const { floor: still, starts } = openFloor({
    ...{ graph, robotTypes, random },
    ...(specOf(options.method).guided && guidance ? { guidance: publishedGuidance(graph, guidance) } : {}),
  });
  const change = createChangeRun(options, { graph, robotTypes, starts });
  const bench = await createBenchService({ ...options, graph: change.serviceGraph }, random);
  const floor = change.onFloor(still);
  const { stepSeconds } = floor;
  const countsFrom = 1000 * warmUpSteps * stepSeconds;
  const goalTimes = createGoalTimes(countsFrom);
  const deadlines = createDeadlines({
    ...{ graph, robotTypes, starts, countsFrom },
    ...{ share: options.deadlines ?? 0, random: random.fork('deadlines') },
  });
  const fleet = createFleet({
    graph,
    floor,
    link: change.listen(bench.link),
    jobs: deadlines.watch(goalTimes.watch(change.jobs(countsFrom))),
    robotTypes,
    startAt: 0,
    asking: 'one',
    onFinished(finished) {
      goalTimes.finished(finished);
      deadlines.finished(finished);
    },
  });
  await fleet.start();
  const goalsAt: number[] = [fleet.goalsReached()];
  const regretsAt = [bench.regrets()];
  let before = bench.scored();
  for (let step = 1; step <= warmUpSteps + steps; step++) {
    await change.before(step, { service: bench.service, floor });
    await fleet.step();
    goalsAt.push(fleet.goalsReached());
    regretsAt.push(bench.regrets());
    if (step === warmUpSteps) before = bench.scored();
    change.after(step, { goals: fleet.goalsReached(), scored: bench.scored(), regrets: bench.regrets() });
    options.onStep?.(step, floor);
  }
  const endAt = 1000 * (warmUpSteps + steps) * stepSeconds;
  const components = meansBetween(before, bench.scored());
  const served = await bench.close();
  const throughput = throughputs(goalsAt, options);
  return {
    ...{ cell: options.cell, method: options.method, seed },
    ...{ picks: options.picks, order: options.order, warmUpSteps, steps, stepSeconds },
    ...throughput,
    freeFlowBound: freeFlowBound({
      ...{ graph, robotTypes, starts, warmUpSteps, steps, stepSeconds },
      jobs: change.jobs(countsFrom),
    }),
    meanSecondsPerGoal: (options.robots * stepSeconds) / throughput.throughput,
    ...goalTimes.summary(endAt),
    ...regretsOf(regretsAt, options),
    ...served,
    components,
    ...change.result(),
    ...(options.weights === undefined ? {} : { weights: options.weights }),
    ...(options.deadlines === undefined
      ? {}
      : { deadlines: options.deadlines, deadlineTally: deadlines.summary(endAt) }),
  };
}

function meansBetween(before: ScoredSums, after: ScoredSums): Components {
  const means = { ...after.components };
  for (const component of COMPONENTS) {
    means[component] -= before.components[component];
    means[component] /= Math.max(1, after.count - before.count);
  }
  return means;
}

/** @param regretsAt [steps + 1] as `goalsAt` */
function regretsOf(
  regretsAt: readonly RegretSums[],
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
