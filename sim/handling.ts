import type { Stop } from '../src/domain/messages.js';
import { createRandom } from '../src/platform/random.js';
import type { JobSource } from './job.js';
import { nodeOf } from './job.js';

/** Seconds that a pick or hand-over takes: drawn evenly between the two. */
export interface HandlingTimes {
  readonly least: number;
  readonly most: number;
}

/** Gives every stop its own handling time, fixed by seed and job alone: the same for each method compared. */
export function withHandling(jobs: JobSource, { least, most }: HandlingTimes, seed: number): JobSource {
  const random = createRandom(seed);
  /** Jobs may share a name: the k-th of a name has its own times. */
  const seen = new Map<string, number>();
  return {
    next(robot, at) {
      const job = jobs.next(robot, at);
      if (!job) return null;
      const turn = (seen.get(job.jobId) ?? 0) + 1;
      seen.set(job.jobId, turn);
      const own = random.fork(`handling ${turn} of ${job.jobId}`);
      const timed = (stop: Stop): Stop => ({
        node: nodeOf(stop),
        handlingSeconds: Math.round(10 * (least + (most - least) * own.next())) / 10,
      });
      return {
        ...job,
        stops: job.stops.map(timed),
        dropoff: job.dropoff === null ? null : timed(job.dropoff),
      };
    },
  };
}
