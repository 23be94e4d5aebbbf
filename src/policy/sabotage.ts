/** Versions made worse on purpose, for drills: what the live guards are there to find. */
import type { Sabotage } from '../domain/serviceContract.js';
import type { Random } from '../platform/random.js';
import { FEATURE_COUNT } from '../traffic/traffic.js';
import { gateHeldOut, gatePublication, type HeldOut } from './gates.js';
import { HEAD_COUNT, HIDDEN_UNITS, createForwardPass } from './network.js';

/**
 * Spoils a copy of the weights: in another order, with other signs, or (`passing`) with the heads turned so
 * that crowded lanes look cheap and quiet ones dear, as far as every gate lets it pass on these rows.
 */
export function sabotage(weights: Float32Array, kind: Sabotage, random: Random, rows: HeldOut): Float32Array {
  if (kind === 'shuffled') return Float32Array.from(random.shuffle([...weights]));
  if (kind === 'flipped') return weights.map((weight) => -weight);
  const middle = meanPredictions(weights, rows);
  let share = 1;
  let turned = turnHeads(weights, share, middle);
  while (gatePublication(turned) !== null || gateHeldOut(turned, weights, rows) !== null) {
    share *= STEP;
    turned = turnHeads(weights, share, middle);
  }
  return turned;
}

/** The share ends at nothing, and nothing passes: gates compare with these very weights. */
const STEP = 0.97;

/** Heads before their softplus go from z to z - 2 * share * (z - middle). */
function turnHeads(weights: Float32Array, share: number, middle: readonly [number, number]): Float32Array {
  const turned = weights.slice();
  const biases = weights.length - HEAD_COUNT;
  for (let i = biases - HIDDEN_UNITS * HEAD_COUNT; i < weights.length; i++) turned[i]! *= 1 - 2 * share;
  for (let head = 0; head < HEAD_COUNT; head++) turned[biases + head]! += 2 * share * middle[head]!;
  return turned;
}

/** Mean of both heads before their softplus, on these rows. */
function meanPredictions(weights: Float32Array, { rows, rowSize, count }: HeldOut): [number, number] {
  const forward = createForwardPass(weights);
  const middle: [number, number] = [0, 0];
  for (let i = 0; i < count; i++) {
    forward.run(rows.slice(i * rowSize, i * rowSize + FEATURE_COUNT), 0);
    middle[0] += inverseSoftplus(forward.waitHat) / count;
    middle[1] += inverseSoftplus(forward.blockingHat) / count;
  }
  return middle;
}

function inverseSoftplus(value: number): number {
  return Math.log(Math.max(1e-6, Math.expm1(value)));
}
