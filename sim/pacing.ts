import { monotonicMilliseconds } from '../src/platform/clock.js';

/** Holds the floor back to a number of its seconds a second of the wall's. */
export interface Pacer {
  /** Waits until the next step is due; at once where the floor is behind. */
  untilDue(): Promise<void>;
  /** Floor seconds a wall second since the start. */
  reached(): number;
}

/** How far the floor may fall behind before it gives up catching up: bursts would hide that it cannot keep up. */
const LAG_MILLISECONDS = 500;

/** @param speedUp floor seconds a wall second; Infinity: as fast as it goes */
export function createPacer(speedUp: number, stepSeconds: number): Pacer {
  const stepMilliseconds = (1000 * stepSeconds) / speedUp;
  const startedAt = monotonicMilliseconds();
  let dueAt = startedAt;
  let steps = 0;
  return {
    async untilDue() {
      steps++;
      dueAt += stepMilliseconds;
      const now = monotonicMilliseconds();
      if (now > dueAt + LAG_MILLISECONDS) dueAt = now;
      if (dueAt - now >= 1) await new Promise((resolve) => setTimeout(resolve, dueAt - now));
      // The sockets must be read even where the floor is behind.
      else await new Promise((resolve) => setImmediate(resolve));
    },
    reached: () => (steps * stepSeconds) / Math.max(1e-9, (monotonicMilliseconds() - startedAt) / 1000),
  };
}
