import { FEATURE_COUNT } from '../traffic/traffic.js';

/**
 * A training row, one flat run of ROW_SIZE floats: FEATURE_COUNT features at planning time, then the
 * label `wait` in seconds, the label `blocking` in seconds, and 1 where blocking is known (else masked).
 */
export const ROW_SIZE = FEATURE_COUNT + 3;
export const ROW_WAIT = FEATURE_COUNT;
export const ROW_BLOCKING = FEATURE_COUNT + 1;
export const ROW_BLOCKING_KNOWN = FEATURE_COUNT + 2;

/** Rows of one completed route. */
export interface RowBatch {
  /** Which warehouse's replay they belong to. */
  readonly source: number;
  /** Number of the first row in that source; the others follow. */
  readonly firstRow: number;
  /** [n][ROW_SIZE] */
  readonly rows: Float32Array;
  /** Badly predicted: drawn as often as `HYPERPARAMETERS.cornerShare` says, which is no more often than others (decision 0007). */
  readonly isCorner?: boolean;
  /** Which of the source's robots drove them: its share of a batch is capped. Without it, nobody else's. */
  readonly robot?: number;
  /** Names the completion in the update that learns from it. */
  readonly completion: number;
}

/** A row's blocking label, settled or grown after the row was sent. */
export interface RowCorrection {
  readonly source: number;
  readonly row: number;
  readonly blockingSeconds: number;
}

/** One NaN target makes a whole network NaN in one step: rows with such a value, or a huge one, are never learnt. */
export function areLearnable(rows: Float32Array): boolean {
  for (const value of rows) if (!(Math.abs(value) <= LEARNABLE_LIMIT)) return false;
  return true;
}
const LEARNABLE_LIMIT = 1e4;
