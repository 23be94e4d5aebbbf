import { LIMITS } from '../domain/limits.js';
import type { LearnerUpdate } from './learner.js';
import type { LearnerPort } from './learnerPort.js';
import { startThreadedLearner, type ThreadedLearnerOptions } from './threadedLearner.js';

/**
 * A learner in a thread that is started again when it dies, hangs or runs out of memory: from the newest
 * weights that passed the gates, without its rows, after a pause that doubles with each failure in a row. Nobody waits for it.
 * @throws E_BACKEND where the first start fails
 */
export async function startSupervisedLearner(options: ThreadedLearnerOptions): Promise<LearnerPort> {
  const { firstPauseSeconds, longestPauseSeconds } = LIMITS.learnerRestart;
  let updated: (update: LearnerUpdate) => void = () => undefined;
  let failed: (detail: string) => void = () => undefined;
  let restarted: () => void = () => undefined;
  let champion = options.weights;
  let pauseSeconds: number = firstPauseSeconds;
  let starts = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let port: LearnerPort | null = null;

  const adopt = (next: LearnerPort): void => {
    port = next;
    next.onUpdate((update) => {
      if (update.weights) champion = update.weights;
      pauseSeconds = firstPauseSeconds;
      updated(update);
    });
    next.onFailure(fail);
  };
  const fail = (detail: string): void => {
    port = null;
    if (closed) return;
    failed(detail);
    timer = setTimeout(() => void restart(), 1000 * pauseSeconds);
    timer.unref();
    pauseSeconds = Math.min(longestPauseSeconds, 2 * pauseSeconds);
  };
  const restart = async (): Promise<void> => {
    const weights = champion;
    try {
      const next = await startThreadedLearner({ ...options, weights, seed: options.seed + ++starts });
      if (closed) return void (await next.close());
      adopt(next);
      // What was activated while it started is where it begins.
      if (champion !== weights) next.reset(champion, { forgetRows: false });
      restarted();
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  };

  const first = await startThreadedLearner(options);
  adopt(first);
  return {
    backend: first.backend,
    offer: (batch) => port?.offer(batch),
    correct: (correction) => port?.correct(correction),
    tick: () => port?.tick(),
    reset(weights, rows) {
      champion = weights.slice();
      port?.reset(weights, rows);
    },
    onUpdate: (listener) => (updated = listener),
    onFailure: (listener) => (failed = listener),
    onRestart: (listener) => (restarted = listener),
    async close() {
      closed = true;
      clearTimeout(timer);
      await port?.close();
    },
  };
}
