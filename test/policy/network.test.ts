import { describe, expect, it } from 'vitest';
import { createTrainer } from '../../src/learning/trainer.js';
import { createRandom } from '../../src/platform/random.js';
import { selectBackend } from '../../src/policy/backend.js';
import {
  createForwardPass,
  HEAD_COUNT,
  PREDICTION_LIMIT_SECONDS,
  randomWeights,
  WEIGHT_COUNT,
} from '../../src/policy/network.js';
import { FEATURE_COUNT } from '../../src/traffic/traffic.js';
import { BACKENDS } from './support/backends.js';

const ROWS = 500;

function randomFeatures(seed: number): Float32Array {
  const random = createRandom(seed);
  // Zeros are common on a real floor, and the forward pass skips them.
  return Float32Array.from({ length: ROWS * FEATURE_COUNT }, () =>
    random.next() < 0.4 ? 0 : Math.log1p(random.integer(60)),
  );
}

for (const { force, skip, title } of BACKENDS) {
  describe.skipIf(skip)(`the forward pass on typed arrays, ${title}`, () => {
    it('equals TF.js within 1e-5, for cold weights and for learnt ones', async () => {
      const { tf } = await selectBackend({ force });
      for (const seed of [1, 2, 3, 4]) {
        const weights = randomWeights(createRandom(seed));
        // Learnt weights: biases off zero, predictions up to the limit and beyond.
        if (seed > 2) weights.forEach((weight, i) => (weights[i] = weight * (seed - 1) + (i % 5) / 20));
        const features = randomFeatures(seed);
        const trainer = createTrainer(tf, weights);
        const predicted = trainer.predict(features);
        trainer.dispose();
        const forward = createForwardPass(weights);
        for (let row = 0; row < ROWS; row++) {
          forward.run(features, row);
          const heads = [forward.waitHat, forward.blockingHat];
          heads.forEach((seconds, head) => {
            const expected = Math.min(PREDICTION_LIMIT_SECONDS, predicted[row * HEAD_COUNT + head]!);
            expect(Math.abs(seconds - expected)).toBeLessThanOrEqual(1e-5 * Math.max(1, expected));
          });
        }
      }
    });
  });
}

describe('the forward pass', () => {
  it('reads weights in place', () => {
    const weights = randomWeights(createRandom(1));
    const forward = createForwardPass(weights);
    const features = randomFeatures(1);
    forward.run(features, 3);
    const before = forward.waitHat;
    weights[WEIGHT_COUNT - HEAD_COUNT]! += 1;
    forward.run(features, 3);
    expect(forward.waitHat).toBeGreaterThan(before);
  });

  it('prices a cold floor at nearly free flow', () => {
    const forward = createForwardPass(randomWeights(createRandom(9)));
    forward.run(new Float32Array(FEATURE_COUNT), 0);
    expect(forward.waitHat).toBeLessThan(0.2);
    expect(forward.blockingHat).toBeLessThan(0.2);
  });
});
