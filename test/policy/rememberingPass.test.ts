import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/platform/random.js';
import { createForwardPass, randomWeights } from '../../src/policy/network.js';
import { createRememberingPass } from '../../src/policy/rememberingPass.js';
import { FEATURE_COUNT } from '../../src/traffic/traffic.js';

/** More rows than the pass remembers, of few and of many different counts. */
const ROWS = 40_000;

function features(counts: number): Float32Array {
  const random = createRandom(counts);
  return Float32Array.from({ length: ROWS * FEATURE_COUNT }, () => Math.log1p(random.integer(counts)));
}

describe('a forward pass that remembers', () => {
  it.each([2, 60])('answers as one that does not, rows of %i counts, asked for twice', (counts) => {
    const rows = features(counts);
    const weights = randomWeights(createRandom(1));
    const forward = createForwardPass(weights);
    const remembering = createRememberingPass(weights, rows);
    let wrong = 0;
    for (let asked = 0; asked < 2 * ROWS; asked++) {
      const row = asked % ROWS;
      forward.run(rows, row);
      remembering.run(row);
      if (remembering.waitHat !== forward.waitHat || remembering.blockingHat !== forward.blockingHat) wrong++;
    }
    expect(wrong).toBe(0);
  });

  it('tells rows apart that differ in one feature, more of them than it has room for', () => {
    const weights = randomWeights(createRandom(1));
    const forward = createForwardPass(weights);
    for (let feature = 0; feature < FEATURE_COUNT; feature++) {
      const rows = new Float32Array(ROWS * FEATURE_COUNT);
      for (let row = 0; row < ROWS; row++) rows[row * FEATURE_COUNT + feature] = Math.log1p(row);
      const remembering = createRememberingPass(weights, rows);
      let wrong = 0;
      for (let row = 0; row < ROWS; row++) {
        forward.run(rows, row);
        remembering.run(row);
        if (remembering.waitHat !== forward.waitHat) wrong++;
      }
      expect(wrong, `feature ${feature}`).toBe(0);
    }
  });

  it('remembers until it is told to forget', () => {
    const rows = features(2);
    const weights = randomWeights(createRandom(1));
    const remembering = createRememberingPass(weights, rows);
    remembering.run(0);
    const first = remembering.waitHat;
    weights.set(randomWeights(createRandom(2)));
    remembering.run(0);
    expect(remembering.waitHat).toBe(first);
    remembering.forget();
    remembering.run(0);
    const forward = createForwardPass(weights);
    forward.run(rows, 0);
    expect(remembering.waitHat).toBe(forward.waitHat);
  });
});
