import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/platform/random.js';
import { gateHeldOut, gateProbe, gateStep, gateWeights, type HeldOut } from '../../src/policy/gates.js';
import { createForwardPass, randomWeights, WEIGHT_COUNT } from '../../src/policy/network.js';
import { ROW_BLOCKING, ROW_BLOCKING_KNOWN, ROW_SIZE, ROW_WAIT } from '../../src/learning/row.js';
import { FEATURE_COUNT } from '../../src/traffic/traffic.js';

const champion = randomWeights(createRandom(3));

/** Rows whose labels are what these weights predict, and a little noise. */
function rowsLabelledBy(weights: Float32Array, count: number, noise: number): HeldOut {
  const random = createRandom(7);
  const rows = new Float32Array(count * ROW_SIZE);
  const forward = createForwardPass(weights);
  for (let i = 0; i < count; i++) {
    const features = Float32Array.from({ length: FEATURE_COUNT }, () => 3 * random.next());
    forward.run(features, 0);
    rows.set(features, i * ROW_SIZE);
    rows[i * ROW_SIZE + ROW_WAIT] = forward.waitHat + noise * random.normal();
    rows[i * ROW_SIZE + ROW_BLOCKING] = forward.blockingHat;
    rows[i * ROW_SIZE + ROW_BLOCKING_KNOWN] = 1;
  }
  return { rows, rowSize: ROW_SIZE, count };
}

function withWeight(index: number, value: number): Float32Array {
  const weights = champion.slice();
  weights[index] = value;
  return weights;
}

describe('gate on a training step', () => {
  it('lets a finite, bounded loss and gradient pass', () => {
    expect(gateStep({ loss: 0, gradientNorm: 0 })).toBeNull();
    expect(gateStep({ loss: 12.5, gradientNorm: 300 })).toBeNull();
  });

  it.each([NaN, Infinity, 1e38])('stops a loss of %s', (loss) => {
    expect(gateStep({ loss, gradientNorm: 1 })).toBe('loss');
  });

  it.each([NaN, Infinity, 1e38])('stops a gradient norm of %s', (gradientNorm) => {
    expect(gateStep({ loss: 1, gradientNorm })).toBe('gradient');
  });
});

describe('gate on weights', () => {
  it('lets cold weights pass', () => expect(gateWeights(champion)).toBeNull());

  it.each([NaN, Infinity, -Infinity, 1e38, -1e38])('stops a single %s, wherever it is', (value) => {
    for (const index of [0, 200, WEIGHT_COUNT - 1]) {
      expect(gateWeights(withWeight(index, value))).toBe('weights');
    }
  });

  it('does not mind denormal numbers', () => expect(gateWeights(withWeight(5, 1e-42))).toBeNull());
});

describe('gate on the probe set', () => {
  it('lets cold weights pass', () => expect(gateProbe(champion)).toBeNull());

  it.each([NaN, Infinity, 1e38])('stops predictions made with a bias of %s', (value) => {
    expect(gateProbe(withWeight(WEIGHT_COUNT - 1, value))).toBe('probe');
    expect(gateProbe(withWeight(WEIGHT_COUNT - 2, value))).toBe('probe');
  });

  it('stops bounded weights that predict hours for a lane', () => {
    const weights = Float32Array.from(champion, () => 50);
    expect(gateWeights(weights)).toBeNull();
    expect(gateProbe(weights)).toBe('probe');
  });
});

describe('gate on held-out rows', () => {
  const learnt = Float32Array.from(champion, (weight, i) => weight * 1.5 + (i % 3) / 10);
  const heldOut = rowsLabelledBy(learnt, 256, 0.2);

  it('lets the champion itself, and a better candidate, pass', () => {
    expect(gateHeldOut(learnt, learnt, heldOut)).toBeNull();
    expect(gateHeldOut(learnt, champion, heldOut)).toBeNull();
  });

  it('stops a worse candidate: the cold one, shuffled, flipped', () => {
    expect(gateHeldOut(champion, learnt, heldOut)).toBe('heldOut');
    const shuffled = Float32Array.from(createRandom(1).shuffle([...learnt]));
    expect(gateHeldOut(shuffled, learnt, heldOut)).toBe('heldOut');
    expect(
      gateHeldOut(
        learnt.map((weight) => -weight),
        learnt,
        heldOut,
      ),
    ).toBe('heldOut');
  });

  it('stops a candidate that is worse at blocking only', () => {
    const worse = learnt.slice();
    worse[WEIGHT_COUNT - 1]! += 2;
    expect(gateHeldOut(worse, learnt, heldOut)).toBe('heldOut');
  });

  it('does not ask for blocking where it is not known', () => {
    const worse = learnt.slice();
    worse[WEIGHT_COUNT - 1]! += 2;
    const rows = heldOut.rows.slice();
    for (let i = 0; i < heldOut.count; i++) rows[i * ROW_SIZE + ROW_BLOCKING_KNOWN] = 0;
    expect(gateHeldOut(worse, learnt, { ...heldOut, rows })).toBeNull();
  });

  it('lets a candidate pass that is worse within the noise of the rows', () => {
    const noisy = rowsLabelledBy(learnt, 256, 8);
    const other = learnt.slice();
    other[WEIGHT_COUNT - 2]! += 0.02;
    expect(gateHeldOut(other, learnt, noisy)).toBeNull();
  });

  it('asks nothing while there are too few rows to tell', () => {
    expect(gateHeldOut(champion, learnt, { ...heldOut, count: 20 })).toBeNull();
  });
});
