import { monotonicMilliseconds } from '../src/platform/clock.js';

/** Holds the floor back to a number of its seconds a second of the wall's. */
export interface Pacer {
  /** Waits until the next step is due; at once where the floor is behind. */
  untilDue(): Promise<void>;
  /** Waits until that share of the step under way is over. */
  untilShare(share: number): Promise<void>;
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
  const until = async (at: number): Promise<void> => {
    const left = at - monotonicMilliseconds();
    if (left >= 1) await new Promise((resolve) => setTimeout(resolve, left));
    // The sockets must be read even where the floor is behind.
    else await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    untilShare: (share) => until(dueAt + share * stepMilliseconds),
    async untilDue() {
      steps++;
      dueAt += stepMilliseconds;
      const now = monotonicMilliseconds();
      if (now > dueAt + LAG_MILLISECONDS) dueAt = now;
      await until(dueAt);
    },
    reached: () => (steps * stepSeconds) / Math.max(1e-9, (monotonicMilliseconds() - startedAt) / 1000),
  };
}
