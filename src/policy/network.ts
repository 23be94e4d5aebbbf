/**
 * The policy network: features -> dense relu -> dense relu -> two softplus heads, waitHat and
 * blockingHat in seconds. One small network for all lanes of all warehouses. Weights are one flat
 * Float32Array, layer by layer: kernel [in][out] row-major, then bias [out].
 */
import type { Random } from '../platform/random.js';
import { FEATURE_COUNT, FEATURE_NAMES } from '../traffic/traffic.js';

export const HIDDEN_UNITS = 16;
export const HEAD_COUNT = 2;
export const LAYER_SIZES: readonly number[] = [FEATURE_COUNT, HIDDEN_UNITS, HIDDEN_UNITS, HEAD_COUNT];
/** Predictions are clipped to this many seconds. */
export const PREDICTION_LIMIT_SECONDS = 30;

/** The same network in the words of a policy file. */
export const POLICY_SHAPE = {
  layerSizes: LAYER_SIZES,
  activations: ['relu', 'relu', 'softplus'],
  features: FEATURE_NAMES,
} as const;

export const WEIGHT_COUNT = LAYER_SIZES.slice(1).reduce(
  (sum, size, layer) => sum + size * (LAYER_SIZES[layer]! + 1),
  0,
);

/** Glorot-uniform kernels and zero biases; the heads start near zero so that cold prices are nearly free flow. */
export function randomWeights(random: Random): Float32Array {
  const weights = new Float32Array(WEIGHT_COUNT);
  let at = 0;
  for (let layer = 1; layer < LAYER_SIZES.length; layer++) {
    const inputs = LAYER_SIZES[layer - 1]!;
    const outputs = LAYER_SIZES[layer]!;
    const bound = Math.sqrt(6 / (inputs + outputs));
    for (let i = 0; i < inputs * outputs; i++) weights[at++] = (2 * random.next() - 1) * bound;
    const heads = layer === LAYER_SIZES.length - 1;
    for (let i = 0; i < outputs; i++) weights[at++] = heads ? COLD_HEAD_BIAS : 0;
  }
  return weights;
}
/** softplus(-2) = 0.13 s. */
const COLD_HEAD_BIAS = -2;

export interface ForwardPass {
  /** Computes both heads for one row of features; results in `waitHat` and `blockingHat`. */
  run(features: Float32Array, row: number): void;
  waitHat: number;
  blockingHat: number;
}

/**
 * The forward pass on plain typed arrays, for serving: re-pricing touches a few hundred lanes at a
 * time, where a TF.js call costs more than the arithmetic. Held to TF.js within 1e-5 by a test.
 * Reads `weights` in place: a change is seen by the next `run`.
 *
 * @param limitSeconds predictions are clipped to it, and what is not a number comes out as it
 */
export function createForwardPass(
  weights: Float32Array,
  limitSeconds: number = PREDICTION_LIMIT_SECONDS,
): ForwardPass {
  const first = new Float64Array(HIDDEN_UNITS);
  const second = new Float64Array(HIDDEN_UNITS);
  const bias1 = FEATURE_COUNT * HIDDEN_UNITS;
  const kernel2 = bias1 + HIDDEN_UNITS;
  const bias2 = kernel2 + HIDDEN_UNITS * HIDDEN_UNITS;
  const kernel3 = bias2 + HIDDEN_UNITS;
  const bias3 = kernel3 + HIDDEN_UNITS * HEAD_COUNT;

  const pass: ForwardPass = {
    waitHat: 0,
    blockingHat: 0,
    run(features, row) {
      for (let j = 0; j < HIDDEN_UNITS; j++) first[j] = weights[bias1 + j]!;
      for (let i = 0; i < FEATURE_COUNT; i++) {
        const value = features[row * FEATURE_COUNT + i]!;
        if (value === 0) continue;
        const kernel = i * HIDDEN_UNITS;
        for (let j = 0; j < HIDDEN_UNITS; j++) first[j]! += value * weights[kernel + j]!;
      }
      for (let j = 0; j < HIDDEN_UNITS; j++) second[j] = weights[bias2 + j]!;
      for (let i = 0; i < HIDDEN_UNITS; i++) {
        const value = first[i]!;
        if (value <= 0) continue;
        const kernel = kernel2 + i * HIDDEN_UNITS;
        for (let j = 0; j < HIDDEN_UNITS; j++) second[j]! += value * weights[kernel + j]!;
      }
      let wait = weights[bias3]!;
      let blocking = weights[bias3 + 1]!;
      for (let i = 0; i < HIDDEN_UNITS; i++) {
        const value = second[i]!;
        if (value <= 0) continue;
        wait += value * weights[kernel3 + i * HEAD_COUNT]!;
        blocking += value * weights[kernel3 + i * HEAD_COUNT + 1]!;
      }
      pass.waitHat = head(wait, limitSeconds);
      pass.blockingHat = head(blocking, limitSeconds);
    },
  };
  return pass;
}

/** Softplus, clipped. */
function head(value: number, limitSeconds: number): number {
  const softplus = value > 20 ? value : Math.log1p(Math.exp(value));
  return softplus < limitSeconds ? softplus : limitSeconds;
}
