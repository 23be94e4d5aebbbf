import type { Random } from '../platform/random.js';
import type { TensorFlow } from '../policy/backend.js';
import { createLearner, type LearnerUpdate } from './learner.js';
import type { RowBatch, RowCorrection } from './row.js';

/** The service's side of a learner, wherever it runs. */
export interface LearnerPort {
  readonly backend: string;
  offer(batch: RowBatch): void;
  correct(correction: RowCorrection): void;
  /** A second has passed on the floor. */
  tick(): void;
  reset(weights: Float32Array, rows: { readonly forgetRows: boolean }): void;
  onUpdate(listener: (update: LearnerUpdate) => void): void;
  onFailure(listener: (detail: string) => void): void;
  /** It failed, and works again. */
  onRestart(listener: () => void): void;
  close(): Promise<void>;
}

export interface InlineLearnerOptions {
  readonly tf: TensorFlow;
  readonly backend: string;
  readonly random: Random;
  readonly weights: Float32Array;
  readonly cornerShare?: number;
}

/** The learner in the caller's thread, trained at each tick: byte-repeatable simulations. */
export function createInlineLearner(options: InlineLearnerOptions): LearnerPort {
  const learner = createLearner(options);
  let listener: (update: LearnerUpdate) => void = () => undefined;
  return {
    backend: options.backend,
    offer: (batch) => learner.offer(batch),
    correct: (correction) => learner.correct(correction),
    tick() {
      learner.tick();
      const update = learner.turn();
      if (update) listener(update);
    },
    reset: (weights, rows) => learner.reset(weights, rows),
    onUpdate: (next) => (listener = next),
    onFailure: () => undefined,
    onRestart: () => undefined,
    close: () => {
      learner.dispose();
      return Promise.resolve();
    },
  };
}
