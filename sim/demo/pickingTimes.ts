import type { FinishedJob } from '../job.js';

/** Picking times by the floor's second in which the tour was finished. */
export interface PickingTimes {
  add(tour: Pick<FinishedJob, 'issuedAt' | 'finishedAt'>, startAt: number): void;
  /** Tours finished from second `from` on and before `to`; mean NaN where there are none. */
  between(from: number, to: number): { readonly tours: number; readonly meanSeconds: number };
}

export function createPickingTimes(): PickingTimes {
  const tours: number[] = [];
  const sums: number[] = [];
  return {
    add({ issuedAt, finishedAt }, startAt) {
      const second = Math.floor((finishedAt - startAt) / 1000);
      tours[second] = (tours[second] ?? 0) + 1;
      sums[second] = (sums[second] ?? 0) + (finishedAt - issuedAt) / 1000;
    },
    between(from, to) {
      let count = 0;
      let seconds = 0;
      for (let second = Math.max(0, Math.floor(from)); second < to && second < tours.length; second++) {
        count += tours[second] ?? 0;
        seconds += sums[second] ?? 0;
      }
      return { tours: count, meanSeconds: seconds / count };
    },
  };
}
