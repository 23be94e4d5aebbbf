import { FEATURE_COUNT } from '../traffic/traffic.js';
import { createForwardPass, PREDICTION_LIMIT_SECONDS } from './network.js';

/** Why an update is not served. */
export type Gate = 'loss' | 'gradient' | 'weights' | 'probe' | 'heldOut';

const WEIGHT_LIMIT = 100;
const GRADIENT_NORM_LIMIT = 1e4;
const LOSS_LIMIT_SECONDS = 1e3;
/** Fewer rows than these tell nothing. */
export const HELD_OUT_ROWS_NEEDED = 64;
/** Two-sided 95 % of a normal distribution. */
const CONFIDENCE = 1.96;

/** Loss and gradient norm of a training step: finite and bounded. */
export function gateStep(report: { loss: number; gradientNorm: number }): Gate | null {
  if (!(report.loss <= LOSS_LIMIT_SECONDS)) return 'loss';
  if (!(report.gradientNorm <= GRADIENT_NORM_LIMIT)) return 'gradient';
  return null;
}

/** Every weight finite and bounded. */
export function gateWeights(weights: Float32Array): Gate | null {
  for (const weight of weights) if (!(Math.abs(weight) <= WEIGHT_LIMIT)) return 'weights';
  return null;
}

/** Predictions on a fixed probe set, from empty to full floors: finite, in range before they are clipped. */
export function gateProbe(weights: Float32Array): Gate | null {
  const forward = createForwardPass(weights, Infinity);
  for (let row = 0; row < PROBE_ROWS; row++) {
    forward.run(PROBE, row);
    for (const seconds of [forward.waitHat, forward.blockingHat]) {
      if (!(seconds >= 0 && seconds <= PROBE_LIMIT_SECONDS)) return 'probe';
    }
  }
  return null;
}

/** Floors that no lane has seen may be overestimated, but not without end. */
const PROBE_LIMIT_SECONDS = 20 * PREDICTION_LIMIT_SECONDS;
const PROBE_ROWS = 32;
const PROBE = Float32Array.from({ length: PROBE_ROWS * FEATURE_COUNT }, (_, i) => {
  const row = Math.floor(i / FEATURE_COUNT);
  return Math.log1p((row * (1 + (i % FEATURE_COUNT))) % 40);
});

/** Rows that were held out: features, labels of both heads, and 1 where the second is known. */
export interface HeldOut {
  /** [n][rowSize], features first, then wait, blocking, blockingKnown. */
  readonly rows: Float32Array;
  readonly rowSize: number;
  readonly count: number;
}

/** Error on held-out recent rows not worse than the champion's beyond the interval of the paired difference. */
export function gateHeldOut(candidate: Float32Array, champion: Float32Array, heldOut: HeldOut): Gate | null {
  if (heldOut.count < HELD_OUT_ROWS_NEEDED) return null;
  const ours = squaredErrors(candidate, heldOut);
  const theirs = squaredErrors(champion, heldOut);
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < heldOut.count; i++) {
    const difference = ours[i]! - theirs[i]!;
    sum += difference;
    squares += difference * difference;
  }
  const mean = sum / heldOut.count;
  const variance = Math.max(0, squares / heldOut.count - mean * mean);
  return mean <= CONFIDENCE * Math.sqrt(variance / heldOut.count) ? null : 'heldOut';
}

/** Of weights that are to be served from a file or by an operator: nobody has rows for them yet. */
export function gatePublication(weights: Float32Array): Gate | null {
  return gateWeights(weights) ?? gateProbe(weights);
}

/** [n] capped squared error of both heads in seconds squared, the loss's own shape without its slope. */
export function squaredErrors(weights: Float32Array, { rows, rowSize, count }: HeldOut): Float64Array {
  const forward = createForwardPass(weights);
  const errors = new Float64Array(count);
  const features = new Float32Array(FEATURE_COUNT);
  for (let i = 0; i < count; i++) {
    const row = i * rowSize;
    features.set(rows.subarray(row, row + FEATURE_COUNT));
    forward.run(features, 0);
    const wait = forward.waitHat - rows[row + FEATURE_COUNT]!;
    const blocking = (forward.blockingHat - rows[row + FEATURE_COUNT + 1]!) * rows[row + FEATURE_COUNT + 2]!;
    errors[i] = Math.min(100, wait * wait) + Math.min(100, blocking * blocking);
  }
  return errors;
}
