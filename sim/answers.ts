import { AppError } from '../src/domain/errors.js';
import { monotonicMilliseconds } from '../src/platform/clock.js';

/** What was asked and not answered yet, by a key that the answer names. */
export interface Answers {
  /** Rejects with E_LINK_LOST where no answer comes in time. */
  expect<Answer>(key: string): Promise<Answer>;
  /** false: nobody waits for it. */
  resolve(key: string, answer: unknown): boolean;
  reject(key: string, error: Error): boolean;
  /** The link is gone: rejects everything, now and from now on. */
  rejectAll(error: Error): void;
  /** Throws why the link is gone, if it is. */
  assertLinked(): void;
  /** Nobody comes back to answer: rejects everything too. */
  close(): void;
}

interface Waiting {
  readonly since: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Longer than a server may be away to restart. */
const PATIENCE_MILLISECONDS = 120_000;

export function createAnswers(): Answers {
  const waiting = new Map<string, Waiting>();
  let failure: Error | null = null;

  const take = (key: string): Waiting | undefined => {
    const found = waiting.get(key);
    waiting.delete(key);
    return found;
  };
  const rejectAll = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  // One timer for all: a timer a question costs more than the question.
  const watch = setInterval(() => {
    const [oldest] = waiting;
    if (oldest === undefined || monotonicMilliseconds() - oldest[1].since < PATIENCE_MILLISECONDS) return;
    const detail = `no answer to ${oldest[0]} within ${PATIENCE_MILLISECONDS / 1000} s`;
    rejectAll(new AppError('E_LINK_LOST', { url: 'the server', detail }));
  }, 1000);
  watch.unref();

  return {
    assertLinked() {
      if (failure) throw failure;
    },
    expect<Answer>(key: string) {
      return new Promise<Answer>((resolve, reject) => {
        if (failure) return reject(failure);
        if (waiting.has(key)) return reject(new RangeError(`${key} is under way already`));
        waiting.set(key, {
          since: monotonicMilliseconds(),
          resolve: resolve as (answer: unknown) => void,
          reject,
        });
      });
    },
    resolve(key, answer) {
      const found = take(key);
      found?.resolve(answer);
      return found !== undefined;
    },
    reject(key, error) {
      const found = take(key);
      found?.reject(error);
      return found !== undefined;
    },
    rejectAll,
    close() {
      clearInterval(watch);
      rejectAll(new AppError('E_LINK_LOST', { url: 'the server', detail: 'closed here' }));
    },
  };
}
