import type { LearnerUpdate } from './learner.js';
import type { RowBatch, RowCorrection } from './row.js';

/** What the learner's thread is started with. Weights cross in `published`, a seqlock: odd epoch, being written. */
export interface LearnerThreadData {
  readonly seed: number;
  readonly force: string;
  readonly weights: Float32Array;
  readonly published: PublishedWeights;
}

export interface PublishedWeights {
  /** [1] Int32 */
  readonly epoch: SharedArrayBuffer;
  /** [WEIGHT_COUNT] Float32 */
  readonly weights: SharedArrayBuffer;
}

export type ToLearner =
  | { readonly kind: 'rows'; readonly batch: RowBatch }
  | { readonly kind: 'correct'; readonly correction: RowCorrection }
  | { readonly kind: 'tick' }
  /** `generation` counts the resets: what was learnt before one must not be served after it. */
  | {
      readonly kind: 'reset';
      readonly weights: Float32Array;
      readonly forgetRows: boolean;
      readonly generation: number;
    };

export type FromLearner =
  | { readonly kind: 'ready'; readonly backend: string }
  | { readonly kind: 'failed'; readonly detail: string }
  /** The answer to a tick: this thread is not stuck. */
  | { readonly kind: 'alive' }
  | {
      readonly kind: 'update';
      readonly update: Omit<LearnerUpdate, 'weights'>;
      readonly served: boolean;
      readonly generation: number;
    };
