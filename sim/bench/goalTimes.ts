import type { FinishedJob, JobSource } from '../job.js';

/** How long jobs took: from a tour's issue to its last hand-over, of a single goal from issue to arrival. */
export interface PickingTimes {
  readonly meanPickingSeconds: number;
  readonly p95PickingSeconds: number;
  /** Jobs that were still open at the end included: a robot that starves shows here. */
  readonly longestPickingSeconds: number;
  readonly jobsFinished: number;
}

export interface GoalTimes {
  /** Takes note of what is handed out. */
  watch(jobs: JobSource): JobSource;
  readonly finished: (job: FinishedJob) => void;
  /** @param at instant of the end */
  summary(at: number): PickingTimes;
}

/** @param countsFrom jobs that finish before this instant do not count */
export function createGoalTimes(countsFrom: number): GoalTimes {
  const openSince = new Map<number, number>();
  const seconds: number[] = [];
  return {
    watch: (jobs) => ({
      next(robot, at) {
        const job = jobs.next(robot, at);
        if (job) openSince.set(robot, at);
        return job;
      },
    }),
    finished({ robot, issuedAt, finishedAt }) {
      openSince.delete(robot);
      if (finishedAt > countsFrom) seconds.push((finishedAt - issuedAt) / 1000);
    },
    summary(at) {
      const sorted = Float64Array.from(seconds).sort();
      const open = [...openSince.values()].map((since) => (at - since) / 1000);
      return {
        meanPickingSeconds: sorted.reduce((sum, value) => sum + value, 0) / Math.max(1, sorted.length),
        p95PickingSeconds: sorted[Math.floor(0.95 * (sorted.length - 1))] ?? 0,
        longestPickingSeconds: [...open, ...sorted.slice(-1)].reduce((a, b) => Math.max(a, b), 0),
        jobsFinished: sorted.length,
      };
    },
  };
}
