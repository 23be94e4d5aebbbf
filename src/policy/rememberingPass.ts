import { FEATURE_COUNT } from '../traffic/traffic.js';
import { createForwardPass, type ForwardPass } from './network.js';

/** Rows remembered at once; a power of two, for the mask. A megabyte of them. */
const SLOTS = 1 << 14;

/** A forward pass that remembers what it answered. */
export interface RememberingPass extends Pick<ForwardPass, 'waitHat' | 'blockingHat'> {
  /** Computes both heads for one row of the features; results in `waitHat` and `blockingHat`. */
  run(row: number): void;
  /** To be called whenever the weights have changed. */
  forget(): void;
}

/**
 * Answers as `createForwardPass` does, to the bit, and computes less: features are logarithms of small counts, so most
 * lanes of a floor are in one of a few states. A direct-mapped table over the bits of a row finds them again.
 *
 * @param features [rows * FEATURE_COUNT] read in place
 */
export function createRememberingPass(weights: Float32Array, features: Float32Array): RememberingPass {
  const forward = createForwardPass(weights);
  const bits = new Uint32Array(features.buffer, features.byteOffset, features.length);
  const known = new Uint32Array(SLOTS * FEATURE_COUNT);
  const waitHats = new Float64Array(SLOTS);
  const blockingHats = new Float64Array(SLOTS);
  // [SLOTS] the generation that a slot was filled in: to forget all of them is to begin the next one.
  const slotGeneration = new Uint32Array(SLOTS);
  let generation = 1;

  const slotOf = (from: number): number => {
    let hash = 0;
    for (let i = from; i < from + FEATURE_COUNT; i++) hash = Math.imul(hash ^ bits[i]!, 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & (SLOTS - 1);
  };
  const holds = (slot: number, from: number): boolean => {
    if (slotGeneration[slot] !== generation) return false;
    const to = slot * FEATURE_COUNT;
    for (let i = 0; i < FEATURE_COUNT; i++) if (bits[from + i] !== known[to + i]) return false;
    return true;
  };

  const pass: RememberingPass = {
    waitHat: 0,
    blockingHat: 0,
    run(row) {
      const from = row * FEATURE_COUNT;
      const slot = slotOf(from);
      if (!holds(slot, from)) {
        forward.run(features, row);
        waitHats[slot] = forward.waitHat;
        blockingHats[slot] = forward.blockingHat;
        for (let i = 0; i < FEATURE_COUNT; i++) known[slot * FEATURE_COUNT + i] = bits[from + i]!;
        slotGeneration[slot] = generation;
      }
      pass.waitHat = waitHats[slot]!;
      pass.blockingHat = blockingHats[slot]!;
    },
    forget() {
      generation++;
    },
  };
  return pass;
}
