import { describe, expect, it } from 'vitest';
import { HYPERPARAMETERS } from '../../src/learning/hyperparameters.js';
import { ROW_BLOCKING, ROW_BLOCKING_KNOWN, ROW_SIZE, ROW_WAIT } from '../../src/learning/row.js';
import { createTrainer } from '../../src/learning/trainer.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { selectBackend } from '../../src/policy/backend.js';
import { randomWeights } from '../../src/policy/network.js';
import { FEATURE_COUNT } from '../../src/traffic/traffic.js';
import { BACKENDS } from '../policy/support/backends.js';

const UPDATES = Number(process.env['AISLEFLOW_UPDATES'] ?? 300);

/** Rows of a function that can be learnt: waits grow with flow, blocking with occupancy. */
function learnableRows(random: Random, count: number = HYPERPARAMETERS.batchRows): Float32Array {
  const rows = new Float32Array(count * ROW_SIZE);
  for (let i = 0; i < count; i++) {
    const row = i * ROW_SIZE;
    for (let f = 0; f < FEATURE_COUNT; f++) rows[row + f] = random.next() * 2;
    rows[row + ROW_WAIT] = 2 * rows[row]! + rows[row + 2]!;
    rows[row + ROW_BLOCKING] = 1.5 * rows[row + 5]!;
    rows[row + ROW_BLOCKING_KNOWN] = random.next() < 0.7 ? 1 : 0;
  }
  return rows;
}

for (const { force, skip, title } of BACKENDS) {
  describe.skipIf(skip)(`the trainer ${title}`, () => {
    it(
      `holds as many tensors after ${UPDATES} updates as after the first`,
      { timeout: 3_600_000 },
      async () => {
        const { tf } = await selectBackend({ force });
        const before = tf.memory().numTensors;
        const random = createRandom(1);
        const trainer = createTrainer(tf, randomWeights(random));
        trainer.step(learnableRows(random));
        const tensors = tf.memory().numTensors;
        for (let i = 0; i < UPDATES; i++) {
          trainer.step(learnableRows(random));
          if (i % 10 === 0) trainer.weights();
          if (i % 100 === 99) {
            trainer.reset(randomWeights(random));
            trainer.step(learnableRows(random));
          }
          expect(tf.memory().numTensors).toBe(tensors);
        }
        trainer.predict(new Float32Array(FEATURE_COUNT));
        expect(tf.memory().numTensors).toBe(tensors);
        trainer.dispose();
        expect(tf.memory().numTensors).toBe(before);
      },
    );

    it('gives the same weights to the bit from the same seed', async () => {
      const { tf } = await selectBackend({ force });
      const [first, second] = [1, 2].map(() => {
        const random = createRandom(5);
        const trainer = createTrainer(tf, randomWeights(random));
        for (let i = 0; i < 30; i++) trainer.step(learnableRows(random));
        const weights = trainer.weights();
        trainer.dispose();
        return weights;
      });
      expect(first).toEqual(second);
      expect(first).not.toEqual(randomWeights(createRandom(5)));
    });

    it('brings the loss of a function that can be learnt down, blocking only where it is known', async () => {
      const { tf } = await selectBackend({ force });
      const random = createRandom(2);
      const trainer = createTrainer(tf, randomWeights(random));
      const first = trainer.step(learnableRows(random)).loss;
      let last = first;
      for (let i = 0; i < 300; i++) last = trainer.step(learnableRows(random)).loss;
      expect(last).toBeLessThan(first / 10);
      trainer.dispose();
    });

    it('is not moved by a label that is masked', async () => {
      const { tf } = await selectBackend({ force });
      const [known, masked] = [0, 1].map((far) => {
        const random = createRandom(3);
        const trainer = createTrainer(tf, randomWeights(random));
        const rows = learnableRows(random);
        for (let row = 0; row < rows.length; row += ROW_SIZE) {
          rows[row + ROW_BLOCKING_KNOWN] = 0;
          if (far) rows[row + ROW_BLOCKING] = 25;
        }
        trainer.step(rows);
        const weights = trainer.weights();
        trainer.dispose();
        return weights;
      });
      expect(known).toEqual(masked);
    });

    it.each([NaN, Infinity, -Infinity])('changes nothing for a batch with a %s in it', async (value) => {
      const { tf } = await selectBackend({ force });
      const random = createRandom(4);
      const trainer = createTrainer(tf, randomWeights(random));
      trainer.step(learnableRows(random));
      const before = trainer.weights();
      for (const column of [0, ROW_WAIT, ROW_BLOCKING]) {
        const rows = learnableRows(random);
        rows[7 * ROW_SIZE + column] = value;
        rows[7 * ROW_SIZE + ROW_BLOCKING_KNOWN] = 1;
        const report = trainer.step(rows);
        expect(Number.isFinite(report.loss) && Number.isFinite(report.gradientNorm)).toBe(false);
        expect(trainer.weights()).toEqual(before);
      }
      trainer.step(learnableRows(random));
      expect(trainer.weights().every((weight) => Number.isFinite(weight))).toBe(true);
      expect(trainer.weights()).not.toEqual(before);
      trainer.dispose();
    });

    it('forgets the momentum of Adam when it is reset', async () => {
      const { tf } = await selectBackend({ force });
      const random = createRandom(6);
      const start = randomWeights(random);
      const rows = learnableRows(random);
      const trainer = createTrainer(tf, start);
      trainer.step(rows);
      const once = trainer.weights();
      for (let i = 0; i < 20; i++) trainer.step(learnableRows(random));
      trainer.reset(start);
      expect(trainer.weights()).toEqual(start);
      trainer.step(rows);
      expect(trainer.weights()).toEqual(once);
      trainer.dispose();
    });
  });
}
