import { createFreeFlow, moveSeconds } from '../../src/planning/freeFlow.js';
import type { Random } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { nodeOf, type FinishedJob, type Job, type JobSource } from '../job.js';

/** What became of the jobs that had a deadline. */
export interface DeadlineTally {
  readonly due: number;
  /** Of those, finished in time. */
  readonly met: number;
  /** Mean seconds after the deadline, 0 for those in time. */
  readonly meanLatenessSeconds: number;
}

export interface Deadlines {
  /** Gives a share of the jobs a deadline: one to one and a half times what a fastest way takes with nobody in it. */
  watch(jobs: JobSource): JobSource;
  readonly finished: (job: FinishedJob) => void;
  /** @param at instant of the end: what is overdue then is late by so much at least */
  summary(at: number): DeadlineTally;
}

export interface DeadlineOptions {
  readonly graph: LaneGraph;
  readonly robotTypes: readonly number[];
  readonly starts: readonly number[];
  readonly share: number;
  /** Jobs that are due before this instant do not count. */
  readonly countsFrom: number;
  readonly random: Random;
}

/** Which jobs have a deadline, and how tight, is fixed by robot and turn, as the jobs are. */
export function createDeadlines(options: DeadlineOptions): Deadlines {
  const { graph, robotTypes, share, countsFrom } = options;
  // Of the floor as it was: lanes that close later make no deadline looser.
  const freeFlow = createFreeFlow({ ...graph, open: graph.open.slice() }, () => 0);
  const places = [...options.starts];
  const lots = robotTypes.map((_type, robot) => options.random.fork(`deadlines of robot ${robot}`));
  const open = new Map<number, number>();
  const lateness: number[] = [];

  /** Ends at the last stop: where the next job begins. */
  const secondsOf = (robot: number, job: Job): number => {
    const type = robotTypes[robot]!;
    let seconds = 0;
    for (const stop of job.dropoff ? [...job.stops, job.dropoff] : job.stops) {
      const goal = graph.nodeIndexOf.get(nodeOf(stop))!;
      const lanes = freeFlow.fastestLanes(type, places[robot]!, goal) ?? [];
      lanes.forEach((lane, i) => (seconds += moveSeconds(graph, type, lanes[i - 1] ?? -1, lane)));
      places[robot] = goal;
    }
    return seconds;
  };
  const close = (robot: number, at: number): void => {
    const deadlineAt = open.get(robot);
    open.delete(robot);
    if (deadlineAt !== undefined && deadlineAt > countsFrom)
      lateness.push(Math.max(0, at - deadlineAt) / 1000);
  };

  return {
    watch: (jobs) => ({
      next(robot, at) {
        const job = jobs.next(robot, at);
        if (!job) return null;
        const seconds = secondsOf(robot, job) * (1 + lots[robot]!.next() / 2);
        if (lots[robot]!.next() >= share) return job;
        const deadlineAt = at + Math.round(1000 * seconds);
        open.set(robot, deadlineAt);
        return { ...job, deadlineAt };
      },
    }),
    finished: ({ robot, finishedAt }) => close(robot, finishedAt),
    summary(at) {
      for (const [robot, deadlineAt] of [...open]) if (deadlineAt < at) close(robot, at);
      return {
        due: lateness.length,
        met: lateness.filter((seconds) => seconds === 0).length,
        meanLatenessSeconds:
          lateness.reduce((sum, seconds) => sum + seconds, 0) / Math.max(1, lateness.length),
      };
    },
  };
}
