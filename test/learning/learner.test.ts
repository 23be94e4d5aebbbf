import { afterEach, describe, expect, it, vi } from 'vitest';
import { HYPERPARAMETERS } from '../../src/learning/hyperparameters.js';
import { createLearner, type Learner, type LearnerUpdate } from '../../src/learning/learner.js';
import { ROW_BLOCKING, ROW_BLOCKING_KNOWN, ROW_SIZE, ROW_WAIT } from '../../src/learning/row.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { selectBackend } from '../../src/policy/backend.js';
import type * as gates from '../../src/policy/gates.js';
import { createForwardPass, randomWeights } from '../../src/policy/network.js';
import { FEATURE_COUNT } from '../../src/traffic/traffic.js';
import { BACKENDS } from '../policy/support/backends.js';

// The real gates, but for the one of the held-out rows where a test says so.
const heldOut = { refuses: false };
vi.mock('../../src/policy/gates.js', async (importOriginal) => {
  const original = await importOriginal<typeof gates>();
  const gateHeldOut: typeof original.gateHeldOut = (...args) =>
    heldOut.refuses ? 'heldOut' : original.gateHeldOut(...args);
  return { ...original, gateHeldOut };
});
afterEach(() => void (heldOut.refuses = false));

const UPDATES = Number(process.env['AISLEFLOW_UPDATES'] ?? 300);

function learnableRows(random: Random, count: number): Float32Array {
  const rows = new Float32Array(count * ROW_SIZE);
  for (let i = 0; i < count; i++) {
    const row = i * ROW_SIZE;
    for (let f = 0; f < FEATURE_COUNT; f++) rows[row + f] = random.next() * 2;
    rows[row + ROW_WAIT] = 2 * rows[row]!;
    rows[row + ROW_BLOCKING] = rows[row + 5]!;
    rows[row + ROW_BLOCKING_KNOWN] = 1;
  }
  return rows;
}

/** Sends numbered rows of numbered completions, from one warehouse or more. */
function createFeeder(learner: Learner, random: Random) {
  const nextRow = [0, 0];
  let completion = 0;
  return (count: number, source = 0, change: (rows: Float32Array) => void = () => undefined): number => {
    const rows = learnableRows(random, count);
    change(rows);
    learner.offer({ source, firstRow: nextRow[source]!, rows, completion });
    nextRow[source]! += count;
    return completion++;
  };
}

async function setUp(force: string, seed = 1) {
  const { tf } = await selectBackend({ force });
  const random = createRandom(seed);
  const cold = randomWeights(random);
  const learner = createLearner({ tf, random, weights: cold });
  return { tf, learner, cold, feed: createFeeder(learner, createRandom(seed + 100)) };
}

function meanError(weights: Float32Array): number {
  const rows = learnableRows(createRandom(99), 200);
  const forward = createForwardPass(weights);
  let sum = 0;
  for (let i = 0; i < 200; i++) {
    const row = rows.subarray(i * ROW_SIZE, (i + 1) * ROW_SIZE);
    forward.run(row.slice(0, FEATURE_COUNT), 0);
    sum += Math.abs(forward.waitHat - row[ROW_WAIT]!) + Math.abs(forward.blockingHat - row[ROW_BLOCKING]!);
  }
  return sum / 200;
}

for (const { force, skip, title } of BACKENDS) {
  describe.skipIf(skip)(`the learner ${title}`, () => {
    it(
      `learns a function, and holds its count of tensors over ${UPDATES} turns`,
      { timeout: 3_600_000 },
      async () => {
        const { tf, learner, cold, feed } = await setUp(force);
        feed(HYPERPARAMETERS.rowsPerBatch);
        let update: LearnerUpdate | null = learner.turn();
        const tensors = tf.memory().numTensors;
        let served = 0;
        for (let i = 0; i < UPDATES; i++) {
          feed(HYPERPARAMETERS.rowsPerBatch);
          update = learner.turn();
          if (update?.weights) served++;
          // Fewer for a moment where rejected updates made it start again: Adam's state is not made yet.
          expect(tf.memory().numTensors).toBeLessThanOrEqual(tensors);
        }
        // Once all is learnt the gate stops most steps: what Adam does there is noise.
        expect(served).toBeGreaterThan(Math.min(UPDATES, 600) / 2);
        const { weights } = update?.weights ? update : (learner.tick(), feed(200), learner.turn()!);
        if (weights) expect(meanError(weights)).toBeLessThan(meanError(cold) / 2);
        learner.dispose();
      },
    );

    it('gives the same weights to the bit from the same seed and the same rows', async () => {
      const runs = [];
      for (let run = 0; run < 2; run++) {
        const { learner, feed } = await setUp(force, 7);
        const weights = [];
        for (let i = 0; i < 20; i++) {
          feed(130, i % 2);
          weights.push(learner.turn()?.weights ?? null);
        }
        runs.push(weights);
        learner.dispose();
      }
      expect(runs[0]).toEqual(runs[1]);
      expect(runs[0]!.some((weights) => weights !== null)).toBe(true);
    });
  });
}

describe('what the learner owes', () => {
  it('is a batch for so many rows, whenever they came, and nothing for none', async () => {
    const { learner, feed } = await setUp('cpu');
    expect(learner.turn()).toBeNull();
    learner.tick();
    expect(learner.turn()).toBeNull();
    feed(3 * HYPERPARAMETERS.rowsPerBatch);
    expect(learner.turn()?.batches).toBe(3);
    expect(learner.turn()).toBeNull();
    learner.dispose();
  });

  it('is learnt within a second even where few rows came', async () => {
    const { learner, feed } = await setUp('cpu');
    const completion = feed(5);
    expect(learner.turn()).toBeNull();
    learner.tick();
    expect(learner.turn()).toMatchObject({ batches: 1, completions: [completion] });
    learner.dispose();
  });

  it('has a row of each completion in the next batch, however many came at once', async () => {
    const { learner, feed } = await setUp('cpu');
    const sent = new Set<number>();
    for (let i = 0; i < 90; i++) sent.add(feed(1 + (i % 7) * 9, i % 2));
    const served = new Set<number>();
    for (let second = 0; second < 4; second++) {
      learner.tick();
      for (const completion of learner.turn()?.completions ?? []) served.add(completion);
    }
    expect([...sent].filter((completion) => !served.has(completion))).toEqual([]);
    learner.dispose();
  });
});

describe('warehouses that share a policy', () => {
  /** Updates served of so many turns in which one drives, and what it is worth in the end. */
  const learnBeside = async (other: (feed: ReturnType<typeof createFeeder>) => void) => {
    const { learner, feed, cold } = await setUp('cpu', 3);
    let weights = cold;
    let served = 0;
    other(feed);
    for (let turn = 0; turn < 60; turn++) {
      for (let i = 0; i < 8; i++) feed(32);
      const update = learner.turn();
      if (!update?.weights) continue;
      weights = update.weights;
      served++;
    }
    learner.dispose();
    return { served, error: meanError(weights) };
  };

  it('do not learn one route of another again and again', async () => {
    const alone = await learnBeside(() => undefined);
    const beside = await learnBeside((feed) =>
      feed(14, 1, (rows) => {
        for (let i = 0; i < rows.length; i += ROW_SIZE) rows[i + ROW_WAIT] = 30;
      }),
    );
    expect(beside.served).toBeGreaterThan(0.7 * alone.served);
    expect(beside.error).toBeLessThan(1.5 * alone.error);
  });

  it('have what one drives in the next batch, however many stand still', async () => {
    const { learner, feed } = await setUp('cpu');
    for (let i = 0; i < 20; i++) feed(64, 1);
    for (let turn = 0; turn < 20; turn++) learner.turn();
    for (let round = 0; round < 20; round++) {
      const completions = Array.from({ length: 30 }, () => feed(2));
      learner.tick();
      const update = learner.turn();
      if (update?.weights) expect(update.completions).toEqual(expect.arrayContaining(completions));
    }
    learner.dispose();
  });
});

describe('what the learner refuses', () => {
  it.each([NaN, Infinity, 1e38])('is a row with %s in it: as if it had never come', async (value) => {
    const clean = await setUp('cpu', 3);
    const dirty = await setUp('cpu', 3);
    clean.feed(200);
    dirty.feed(200);
    const rows = learnableRows(createRandom(8), 10);
    rows[5 * ROW_SIZE + ROW_WAIT] = value;
    dirty.learner.offer({ source: 0, firstRow: 1_000, rows, completion: 77 });
    expect(dirty.learner.turn()).toEqual(clean.learner.turn());
    clean.learner.dispose();
    dirty.learner.dispose();
  });

  it.each([NaN, Infinity, -3])('is a correction of %s', async (blockingSeconds) => {
    const { learner, feed } = await setUp('cpu', 3);
    feed(200);
    for (let row = 0; row < 200; row++) learner.correct({ source: 0, row, blockingSeconds });
    const update = learner.turn();
    expect(update?.rejectedBy).toBeNull();
    expect(Number.isFinite(update?.loss)).toBe(true);
    learner.dispose();
  });

  it('is an update that is worse on held-out rows: the champion stays, and learning goes on from it', async () => {
    const { learner, feed } = await setUp('cpu', 5);
    for (let i = 0; i < 60; i++) {
      feed(256);
      learner.turn();
    }
    // Rows of another world, but the held-out ones still tell of the old one.
    const contradict = (rows: Float32Array): void => {
      for (let i = 0; i < rows.length; i += ROW_SIZE) rows[i + ROW_WAIT] = 30;
    };
    let rejected: LearnerUpdate | null = null;
    for (let i = 0; i < 5 && !rejected?.rejectedBy; i++) {
      feed(HYPERPARAMETERS.heldOutEvery - 1, 1, contradict);
      learner.tick();
      rejected = learner.turn();
    }
    expect(rejected).toMatchObject({ weights: null, rejectedBy: 'heldOut', completions: [] });
    learner.dispose();
  });

  it('starts again from the weights that it is given', async () => {
    const { learner, feed, tf } = await setUp('cpu', 6);
    for (let i = 0; i < 30; i++) {
      feed(256);
      learner.turn();
    }
    const other = randomWeights(createRandom(1234));
    const tensors = tf.memory().numTensors;
    learner.reset(other, { forgetRows: false });
    feed(HYPERPARAMETERS.rowsPerBatch);
    const next = learner.turn();
    const distance = Math.max(...next!.weights!.map((weight, i) => Math.abs(weight - other[i]!)));
    // One Adam step moves a weight by about the learning rate.
    expect(distance).toBeLessThan(3 * HYPERPARAMETERS.learningRate);
    expect(tf.memory().numTensors).toBe(tensors);
    learner.dispose();
  });
});

describe('a gate that keeps refusing', () => {
  /** A turn with a completion of its own, stopped. */
  async function setUpRefused() {
    const { learner, feed } = await setUp('cpu');
    heldOut.refuses = true;
    const refuse = (): number => {
      const completion = feed(5);
      learner.tick();
      expect(learner.turn()).toMatchObject({ rejectedBy: 'heldOut', completions: [] });
      return completion;
    };
    /** The completions behind what it lets pass at last. */
    const pass = (): readonly number[] => {
      heldOut.refuses = false;
      return learner.turn()?.completions ?? [];
    };
    return { learner, refuse, pass };
  }

  it('lets nothing pile up of what was learnt before the learner gave up', async () => {
    const { learner, refuse, pass } = await setUpRefused();
    const refused = Array.from({ length: 25 }, refuse);
    learner.again();
    expect(pass()).toEqual(refused.slice(20));
    learner.dispose();
  });

  it('takes no row from a learner that tries each again, however often', async () => {
    const { learner, refuse, pass } = await setUpRefused();
    const refused = Array.from({ length: 20 }, () => {
      const completion = refuse();
      learner.again();
      return completion;
    });
    expect(pass()).toEqual(refused);
    learner.dispose();
  });
});
