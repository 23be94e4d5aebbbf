/** Simulated time: what is to happen, in the order of its instants; ties in the order in which it was planned. */
export interface Schedule {
  now(): number;
  readonly after: (milliseconds: number, action: () => void) => void;
  /** Moves time to the next thing to happen and hands it over; null when nothing is left before `until`. */
  next(until: number): (() => void) | null;
}

interface Planned {
  readonly at: number;
  readonly action: () => void;
}

export function createSchedule(startAt: number): Schedule {
  /** The latest first, so that the next to happen is the last. */
  const planned: Planned[] = [];
  let now = startAt;
  return {
    now: () => now,
    after(milliseconds, action) {
      const at = now + Math.max(0, Math.round(milliseconds));
      let low = 0;
      let high = planned.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (planned[middle]!.at > at) low = middle + 1;
        else high = middle;
      }
      planned.splice(low, 0, { at, action });
    },
    next(until) {
      const last = planned.at(-1);
      if (!last || last.at > until) return null;
      planned.pop();
      now = last.at;
      return last.action;
    },
  };
}
