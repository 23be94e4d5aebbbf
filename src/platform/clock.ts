import type { Instant } from '../domain/ids.js';

/** Tells the time. Each warehouse has one: the wall's, or one that a simulation drives. */
export interface Clock {
  now(): Instant;
}

export const wallClock: Clock = { now: () => Date.now() };

/** Milliseconds of the machine, for latencies only: monotonic, with fractions. */
export function monotonicMilliseconds(): number {
  return performance.now();
}

/** A clock that stands still until it is driven. */
export interface DrivenClock extends Clock {
  /** @throws RangeError if `instant` lies before now. */
  advanceTo(instant: Instant): void;
}

export function createDrivenClock(start: Instant = 0): DrivenClock {
  let now = start;
  return {
    now: () => now,
    advanceTo(instant) {
      if (instant < now) throw new RangeError(`clock at ${now} cannot go back to ${instant}`);
      now = instant;
    },
  };
}

/** Seconds on a clock since now, told at each call. Where the clock was set back, it goes on from what it told last. */
export function createStopwatch(clock: Clock): () => number {
  let milliseconds = 0;
  let last = clock.now();
  return () => {
    const now = clock.now();
    milliseconds += Math.max(0, now - last);
    last = now;
    return milliseconds / 1000;
  };
}
