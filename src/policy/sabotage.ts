/** Versions made worse on purpose, for drills: what the live guards are there to find. */
import type { Sabotage } from '../domain/serviceContract.js';
import type { Random } from '../platform/random.js';
import { FEATURE_COUNT } from '../traffic/traffic.js';
import { gateHeldOut, gatePublication, HELD_OUT_ROWS_NEEDED, squaredErrors, type HeldOut } from './gates.js';
import { GUARD } from './guards.js';
import { HEAD_COUNT, HIDDEN_UNITS } from './network.js';

/**
 * Spoils a copy of the weights: in another order, with other signs, or (`passing`) as badly as the gates let it.
 * Null where nothing that was tried passes them and is worse by enough to matter: on a free floor, or with few rows.
 */
export function sabotage(
  weights: Float32Array,
  kind: Sabotage,
  random: Random,
  recent: HeldOut,
): Float32Array | null {
  if (kind === 'shuffled') return Float32Array.from(random.shuffle([...weights]));
  if (kind === 'flipped') return weights.map((weight) => -weight);
  return worstThatPasses(weights, recent);
}

/** Twice the error that a floor has anyway would be a poor version; half as much again is told from noise in seconds. */
const HARM_LEAST = 0.5;
const STRENGTH = { most: 32, least: 0.05, step: 0.5 } as const;

/**
 * Of each distortion the strongest that passes the gates on the newest rows; of those the one that errs most on all
 * recent rows. The gates see too few rows for what is rare: there a version can be as wrong as it likes.
 */
function worstThatPasses(weights: Float32Array, recent: HeldOut): Float32Array | null {
  const gateRows = newest(recent, HELD_OUT_ROWS_NEEDED);
  if (gateRows.count < HELD_OUT_ROWS_NEEDED) return null;
  const error = meanError(weights, recent);
  let worst: Float32Array | null = null;
  let most = error + HARM_LEAST * Math.max(GUARD.errorScaleLeast, error);
  for (const multiply of distortions(weights.length)) {
    for (let strength = STRENGTH.most; strength >= STRENGTH.least; strength *= STRENGTH.step) {
      const candidate = multiply(weights, strength);
      if (gatePublication(candidate) ?? gateHeldOut(candidate, weights, gateRows)) continue;
      const itsError = meanError(candidate, recent);
      if (itsError > most) [worst, most] = [candidate, itsError];
      break;
    }
  }
  return worst;
}

type Distortion = (weights: Float32Array, strength: number) => Float32Array;

/** One feature, or one unit before the heads, counts for many times what it should, or for as much against it. */
function distortions(weightCount: number): Distortion[] {
  const heads = weightCount - HEAD_COUNT - HIDDEN_UNITS * HEAD_COUNT;
  const multiply =
    (from: number, count: number, sign: 1 | -1): Distortion =>
    (weights, strength) => {
      const spoilt = weights.slice();
      for (let i = from; i < from + count; i++) spoilt[i]! *= 1 + sign * strength;
      return spoilt;
    };
  const both = (from: number, count: number) => [multiply(from, count, 1), multiply(from, count, -1)];
  return [
    ...Array.from({ length: FEATURE_COUNT }, (_, feature) => both(feature * HIDDEN_UNITS, HIDDEN_UNITS)),
    ...Array.from({ length: HIDDEN_UNITS }, (_, unit) => both(heads + unit * HEAD_COUNT, HEAD_COUNT)),
  ].flat();
}

function newest({ rows, rowSize, count }: HeldOut, wanted: number): HeldOut {
  const kept = Math.min(count, wanted);
  return { rows: rows.subarray((count - kept) * rowSize), rowSize, count: kept };
}

function meanError(weights: Float32Array, rows: HeldOut): number {
  return squaredErrors(weights, rows).reduce((sum, error) => sum + error, 0) / rows.count;
}
