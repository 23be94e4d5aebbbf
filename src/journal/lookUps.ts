import { busy } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';

/**
 * Look-ups in the journal, one after the other in the order in which they came. Its thread answers what it is asked in
 * turn: were all sent to it at once, every commit would wait behind all of them.
 */
export interface LookUps {
  /** A failure does not stop those behind it. @throws E_BUSY too many wait */
  run<T>(lookUp: () => Promise<T>): Promise<T>;
  /** Waiting and under way. */
  readonly depth: number;
}

export function createLookUps(limit: number = LIMITS.journalLookUpsWaiting): LookUps {
  let last: Promise<unknown> = Promise.resolve();
  let depth = 0;
  return {
    run(lookUp) {
      if (depth >= limit) return Promise.reject(busy(limit, 'look-ups of past routes'));
      depth++;
      const mine = last.then(lookUp).finally(() => depth--);
      last = mine.catch(() => undefined);
      return mine;
    },
    get depth() {
      return depth;
    },
  };
}
