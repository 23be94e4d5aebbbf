import { createHash } from 'node:crypto';
import { AppError } from '../src/domain/errors.js';
import { LIMITS } from '../src/domain/limits.js';
import { createRandom } from '../src/platform/random.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import { createDisturbances, type DisturbanceOptions } from './disturbances.js';
import { createFleet, type FinishedJob, type Fleet, type FleetOptions, type JobSource } from './fleet.js';
import type { Floor } from './floor/floor.js';
import type { LinkMeasures, MeasuredLink } from './measuredLink.js';
import { createPacer } from './pacing.js';
import { openFloor } from './randomFloor.js';
import { turnsOf } from './turns.js';

export interface RunOptions {
  readonly graph: LaneGraph;
  readonly link: MeasuredLink;
  /** Made for the run, since orders come in from the clock's start. */
  readonly jobs: JobSource;
  /** Position of each robot's type in the map's. */
  readonly robotTypes: readonly number[];
  readonly seed: number;
  readonly steps: number;
  /** The warehouse's clock when the run begins. */
  readonly startAt: number;
  readonly asking: FleetOptions['asking'];
  /** Floor seconds a wall second; Infinity: as fast as it goes. */
  readonly speedUp: number;
  readonly disturbances: DisturbanceOptions;
  readonly onStep?: (view: RunView) => void;
  readonly onFinished?: (finished: FinishedJob) => void;
  /** Ends the run after the step under way. */
  readonly signal?: AbortSignal;
}

/** How far a run is. */
export interface RunView {
  readonly step: number;
  readonly floorSeconds: number;
  readonly goals: number;
  readonly jobs: number;
  /** Robots whose answers are under way. */
  readonly waiting: number;
  readonly speedUp: number;
}

/** What came of a run. Times of the floor in seconds, latencies of the wall in milliseconds. */
export interface RunResult {
  readonly steps: number;
  readonly stepSeconds: number;
  readonly goals: number;
  /** Goals, drop-offs included, a step. */
  readonly throughput: number;
  readonly tours: number;
  readonly toursPerHour: number;
  /** From a tour's issue to its last hand-over. */
  readonly pickingSeconds: { readonly mean: number; readonly p50: number; readonly p95: number } | null;
  /** Mean ratio of weighted cost to free flow. */
  readonly scoreRatio: number | null;
  readonly learntShare: number | null;
  /** Why tours were not learnt from, and how many. */
  readonly notLearnt: Readonly<Record<string, number>>;
  readonly pushedOff: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly speedUp: number;
  readonly link: LinkMeasures;
  /** SHA-256 of where every robot was in every step and of every tour: same seed, same run. */
  readonly runHash: string;
}

/** Robots that take the map's types in turn. @throws E_USAGE where the floor has no room to move for so many */
export function typesInTurn(graph: LaneGraph, robots: number): number[] {
  if (robots > Math.min(graph.nodeCount - 1, LIMITS.simulatedRobots))
    throw new AppError('E_USAGE', { detail: `${robots} robots do not fit on ${graph.warehouseId}` });
  return Array.from({ length: robots }, (_, robot) => robot % graph.robotTypes.length);
}

/**
 * Share of the robots that may wait for answers before the floor does: where a machine cannot keep up, a run
 * gets slower by the wall's clock, not worse by the floor's.
 */
const LATE_SHARE = 0.1;

/** Drives a simulated fleet over a link for a number of steps. The link is not closed. */
export async function runFleet(options: RunOptions): Promise<RunResult> {
  const { graph, link, robotTypes } = options;
  const random = createRandom(options.seed);
  const { floor } = openFloor({ graph, robotTypes, random });
  const tally = createTally();
  // Where each answer is waited for, or nothing is held back, all speak together: such runs repeat themselves.
  const isPaced = options.asking === 'background' && options.speedUp < Infinity;
  const turns = turnsOf(isPaced ? (1000 * floor.stepSeconds) / options.speedUp : 0);
  const fleet = createFleet({
    ...{ graph, floor, link, robotTypes, jobs: options.jobs },
    ...{ startAt: options.startAt, asking: options.asking },
    turns: turns.count,
    lateRobots: Math.ceil(LATE_SHARE * robotTypes.length),
    onFinished(finished) {
      tally.finished(finished);
      options.onFinished?.(finished);
    },
  });
  const disturbances = createDisturbances(options.disturbances, {
    floor,
    robots: robotTypes.length,
    random: random.fork('disturbances'),
    onPause: (robot, reason) => fleet.pause(robot, reason),
  });
  await fleet.start();
  const pacer = createPacer(options.speedUp, floor.stepSeconds);
  while (floor.stepCount() < options.steps && options.signal?.aborted !== true) {
    disturbances.step();
    await fleet.step(turns.count > 1 ? (turn) => pacer.untilShare(turns.shareAt(turn)) : undefined);
    tally.stepped(floor);
    options.onStep?.({
      step: floor.stepCount(),
      floorSeconds: floor.stepCount() * floor.stepSeconds,
      goals: fleet.goalsReached(),
      jobs: fleet.jobsFinished(),
      waiting: fleet.waiting(),
      speedUp: pacer.reached(),
    });
    if (floor.stepCount() < options.steps) await pacer.untilDue();
  }
  const speedUp = pacer.reached();
  await fleet.settle();
  return { ...tally.result(floor, fleet), speedUp, link: link.measures() };
}

function createTally() {
  const hash = createHash('sha256');
  const pickingSeconds: number[] = [];
  const notLearnt = new Map<string, number>();
  let ratios = 0;
  let learnt = 0;
  return {
    stepped: (floor: Floor) => void hash.update(floor.cellsOfRobots()),
    finished(tour: FinishedJob): void {
      const seconds = (tour.finishedAt - tour.issuedAt) / 1000;
      pickingSeconds.push(seconds);
      ratios += tour.ratio;
      hash.update(`${tour.robot} ${tour.job.jobId} ${tour.issuedAt} ${tour.finishedAt};`);
      if (tour.learnt) learnt++;
      else {
        const why = tour.reason?.split(':', 1)[0] ?? 'mode';
        notLearnt.set(why, (notLearnt.get(why) ?? 0) + 1);
      }
    },
    result(floor: Floor, fleet: Fleet): Omit<RunResult, 'speedUp' | 'link'> {
      const steps = floor.stepCount();
      const tours = pickingSeconds.length;
      const sorted = [...pickingSeconds].sort((a, b) => a - b);
      const quantile = (share: number): number => sorted[Math.floor(share * (tours - 1))] as number;
      const mean = pickingSeconds.reduce((sum, seconds) => sum + seconds, 0) / tours;
      return {
        steps,
        stepSeconds: floor.stepSeconds,
        goals: fleet.goalsReached(),
        throughput: fleet.goalsReached() / Math.max(1, steps),
        tours,
        toursPerHour: (3600 * tours) / Math.max(1e-9, steps * floor.stepSeconds),
        pickingSeconds: tours === 0 ? null : { mean, p50: quantile(0.5), p95: quantile(0.95) },
        scoreRatio: tours === 0 ? null : ratios / tours,
        learntShare: tours === 0 ? null : learnt / tours,
        notLearnt: Object.fromEntries([...notLearnt].sort()),
        pushedOff: floor.statistics().deviations,
        refusals: fleet.refusalsByCode(),
        runHash: hash.digest('hex'),
      };
    },
  };
}
