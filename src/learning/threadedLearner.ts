import type { Worker } from 'node:worker_threads';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { siblingModule, spawnWorker } from '../platform/spawnWorker.js';
import { silenceNativeLibrary } from '../policy/backend.js';
import { WEIGHT_COUNT } from '../policy/network.js';
import type { LearnerUpdate } from './learner.js';
import type { FromLearner, LearnerThreadData, PublishedWeights, ToLearner } from './learnerMessages.js';
import type { LearnerPort } from './learnerPort.js';
import type { RowBatch } from './row.js';
import { ROW_SIZE } from './row.js';

export interface ThreadedLearnerOptions {
  readonly seed: number;
  /** TF.js backend to insist on; empty for the best that works. */
  readonly force: string;
  readonly weights: Float32Array;
}

/**
 * The learner in a worker thread. Weights come back through shared memory under a sequence lock; if the
 * thread dies, plans go on under the last weights and `onFailure` is told.
 * @throws E_BACKEND where no TF.js backend works
 */
export async function startThreadedLearner(options: ThreadedLearnerOptions): Promise<LearnerPort> {
  const published: PublishedWeights = {
    epoch: new SharedArrayBuffer(4),
    weights: new SharedArrayBuffer(4 * WEIGHT_COUNT),
  };
  const data: LearnerThreadData = { ...options, published };
  silenceNativeLibrary();
  const worker = spawnWorker(
    siblingModule(import.meta.url, 'learnerThread'),
    data,
    LIMITS.learnerHeapMebibytes,
  );
  const backend = await untilReady(worker).catch((error: unknown) => {
    void worker.terminate();
    throw error;
  });
  let updated: (update: LearnerUpdate) => void = () => undefined;
  let failed: (detail: string) => void = () => undefined;
  let alive = true;
  let rowsWaiting = 0;
  let generation = 0;
  let askedAt = 0;
  let unanswered = 0;

  const fail = (detail: string): void => {
    if (!alive) return;
    alive = false;
    void worker.terminate();
    failed(detail);
  };
  worker.on('message', (message: FromLearner) => {
    if (message.kind === 'alive') unanswered = 0;
    if (message.kind !== 'update') return;
    rowsWaiting = 0;
    // Learnt before the reset that is on its way: served now it would undo an activation or a roll back.
    if (message.generation !== generation) return;
    const weights = message.served ? readPublished(published) : null;
    if (weights || !message.served) updated({ ...message.update, weights });
  });
  worker.on('error', (error: Error) => fail(error.message));
  worker.on('exit', (code) => fail(`the learner's thread ended with ${code}`));
  const send = (message: ToLearner): void => {
    if (alive) worker.postMessage(message);
  };

  const failIfSilent = (): void => {
    if (!alive || unanswered === 0) return;
    fail(`the learner's thread has not answered for ${LIMITS.learnerSilenceSeconds} s`);
  };

  return {
    backend,
    offer(batch: RowBatch) {
      // A learner that hangs must not fill the memory: what it cannot take stays in the journal.
      if (rowsWaiting > LIMITS.learnerRowsWaiting) return;
      rowsWaiting += batch.rows.length / ROW_SIZE;
      send({ kind: 'rows', batch });
    },
    correct: (correction) => send({ kind: 'correct', correction }),
    tick() {
      const now = monotonicMilliseconds();
      if (unanswered === 0) askedAt = now;
      // Answers may wait behind this tick where the main thread itself was late: they are read first.
      if (unanswered > 1 && now - askedAt > 1000 * LIMITS.learnerSilenceSeconds) setImmediate(failIfSilent);
      unanswered++;
      send({ kind: 'tick' });
    },
    reset: (weights, { forgetRows }) =>
      send({ kind: 'reset', weights, forgetRows, generation: ++generation }),
    onUpdate: (listener) => (updated = listener),
    onFailure: (listener) => (failed = listener),
    onRestart: () => undefined,
    async close() {
      alive = false;
      await worker.terminate();
    },
  };
}

function untilReady(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (detail: string, cause?: Error): void => {
      clearTimeout(timer);
      reject(new AppError('E_BACKEND', { detail }, cause));
    };
    const timer = setTimeout(
      () => fail(`the learner's thread has not begun for ${LIMITS.learnerStartSeconds} s`),
      1000 * LIMITS.learnerStartSeconds,
    );
    worker.once('message', (message: FromLearner) => {
      if (message.kind !== 'ready') return fail(message.kind === 'failed' ? message.detail : 'no answer');
      clearTimeout(timer);
      resolve(message.backend);
    });
    worker.once('error', (error: Error) => fail(error.message, error));
    worker.once('exit', (code) => fail(`the learner's thread ended with ${code}`));
  });
}

/** Reads under the sequence lock; the writer holds it for microseconds. Null: it died while it held it. */
function readPublished(published: PublishedWeights): Float32Array | null {
  const epoch = new Int32Array(published.epoch);
  for (let tries = 0; tries < READS; tries++) {
    const before = Atomics.load(epoch, 0);
    if (before % 2 === 1) continue;
    const weights = new Float32Array(published.weights).slice();
    if (Atomics.load(epoch, 0) === before) return weights;
  }
  return null;
}

/** About a hundredth of a second. */
const READS = 100_000;
