import { monotonicMilliseconds } from './clock.js';

/** Turns for work that together would hold the event loop for long: sockets and timers are served in between. */
export interface Slices {
  /** Starts `work` in its turn, in the order in which it came. What it does until it first waits belongs to its slice. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** All at once: for whoever drives the clock, and must find everything done that is due. */
export const UNDIVIDED: Slices = { run: (work) => work() };

/**
 * A slice lasts as long as the event loop had for the rest since the one before, so that a flood of messages does not
 * starve what waits here; but at least and at most so long, and it always brings something on.
 */
const SLICE_MILLISECONDS = { least: 4, most: 25 };

export interface SlicesOptions {
  readonly now: () => number;
  /** Calls `work` once the rest has had its turn. */
  readonly defer: (work: () => void) => void;
}

export function createSlices({
  now = monotonicMilliseconds,
  defer = setImmediate,
}: Partial<SlicesOptions> = {}): Slices {
  const waiting: (() => void)[] = [];
  let isDue = false;
  let pausedAt: number | null = null;

  const schedule = (): void => {
    if (isDue || waiting.length === 0) return;
    isDue = true;
    defer(drain);
  };
  const drain = (): void => {
    isDue = false;
    const begunAt = now();
    const { least, most } = SLICE_MILLISECONDS;
    const slice = pausedAt === null ? least : Math.min(most, Math.max(least, begunAt - pausedAt));
    do waiting.shift()?.();
    while (waiting.length > 0 && now() - begunAt < slice);
    pausedAt = waiting.length > 0 ? now() : null;
    schedule();
  };

  return {
    run<T>(work: () => Promise<T>): Promise<T> {
      return new Promise<T>((resolve) => {
        waiting.push(() => resolve(work()));
        schedule();
      });
    },
  };
}
