import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { HYPERPARAMETERS } from '../../src/learning/hyperparameters.js';
import { createLearner, type LearnerUpdate } from '../../src/learning/learner.js';
import type { FromLearner } from '../../src/learning/learnerMessages.js';
import type { LearnerPort } from '../../src/learning/learnerPort.js';
import { ROW_SIZE, ROW_WAIT } from '../../src/learning/row.js';
import { startThreadedLearner } from '../../src/learning/threadedLearner.js';
import type * as platform from '../../src/platform/spawnWorker.js';
import { createRandom } from '../../src/platform/random.js';
import { selectBackend } from '../../src/policy/backend.js';
import { randomWeights } from '../../src/policy/network.js';
import { cell, report, SITE, START, startService, traceAlong } from '../service/support/startService.js';

// Real workers; the test only keeps hold of them, to kill them.
const workers: Worker[] = [];
vi.mock('../../src/platform/spawnWorker.js', async (importOriginal) => {
  const original = await importOriginal<typeof platform>();
  const spawnWorker: typeof original.spawnWorker = (...args) => {
    const worker = original.spawnWorker(...args);
    workers.push(worker);
    return worker;
  };
  return { ...original, spawnWorker };
});

const ports: LearnerPort[] = [];
afterEach(async () => {
  for (const port of ports.splice(0)) await port.close();
});

async function start(seed = 1, weights = randomWeights(createRandom(2))): Promise<LearnerPort> {
  const port = await startThreadedLearner({ seed, force: 'wasm', weights });
  ports.push(port);
  return port;
}

function rows(seed: number, count: number = HYPERPARAMETERS.rowsPerBatch): Float32Array {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: count * ROW_SIZE }, () => random.next());
  for (let row = 0; row < values.length; row += ROW_SIZE) values[row + ROW_WAIT] = 3 * values[row]!;
  return values;
}

const nextUpdate = (port: LearnerPort): Promise<LearnerUpdate> =>
  new Promise((resolve) => port.onUpdate(resolve));

async function nextMessage(worker: Worker, kind: FromLearner['kind']): Promise<FromLearner> {
  for (;;) {
    const [message] = (await once(worker, 'message')) as [FromLearner];
    if (message.kind === kind) return message;
  }
}

describe('the learner in its thread', () => {
  it('is not taken for dead while its answers wait for a main thread that was held, several sites or not', async () => {
    const port = await start();
    const failures: string[] = [];
    port.onFailure((detail) => failures.push(detail));
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    onTestFinished(() => clock.mockRestore());
    for (let site = 0; site < 2; site++) port.tick();
    // It answers meanwhile, and nobody reads that.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    clock.mockReturnValue(1000 * LIMITS.learnerSilenceSeconds + 1);
    for (let site = 0; site < 2; site++) port.tick();
    await setTimeout(100);
    expect(failures).toEqual([]);
  });

  it('hands over, intact, the weights that an inline learner comes to from the same rows', async () => {
    const cold = randomWeights(createRandom(2));
    const { tf } = await selectBackend({ force: 'wasm' });
    const inline = createLearner({ tf, random: createRandom(9), weights: cold });
    const port = await start(9, cold);
    expect(port.backend).toBe('wasm');
    for (let turn = 0; turn < 5; turn++) {
      const batch = { source: 0, firstRow: turn * 1_000, rows: rows(turn), completion: turn };
      const update = nextUpdate(port);
      port.offer(batch);
      inline.offer(batch);
      expect(await update).toEqual(inline.turn());
    }
    inline.dispose();
  });

  it('serves nothing that it learnt before a reset', async () => {
    const port = await start();
    const other = randomWeights(createRandom(77));
    const worker = workers.at(-1)!;
    const updates: LearnerUpdate[] = [];
    port.onUpdate((update) => updates.push(update));
    port.offer({ source: 0, firstRow: 1, rows: rows(1), completion: 1 });
    const early = await nextMessage(worker, 'update');
    expect(updates).toHaveLength(1);
    port.reset(other, { forgetRows: false });
    // An update of before crossed with the reset.
    worker.emit('message', early);
    expect(updates).toHaveLength(1);
    const update = nextUpdate(port);
    port.offer({ source: 0, firstRow: 1_001, rows: rows(2), completion: 2 });
    const { weights, batches } = await update;
    const distance = Math.max(...weights!.map((weight, i) => Math.abs(weight - other[i]!)));
    // A step of Adam moves no weight by more than the learning rate while its gradients keep their signs.
    expect(distance).toBeLessThan((batches + 0.5) * HYPERPARAMETERS.learningRate);
  });

  it('may die: plans and completions go on under the last weights, and the failure is told', async () => {
    const { service, events, pass } = await startService({
      mode: 'learn',
      startLearner: (weights) => start(3, weights),
    });
    const worker = workers.at(-1)!;
    const version = service.warehouse(SITE).policyVersion;
    expect(version).toBe('cold+0');
    const exited = once(worker, 'exit');
    await worker.terminate();
    await exited;
    expect(events.filter(({ kind }) => kind === 'learner.failed')).toHaveLength(1);
    for (let round = 0; round < 3; round++) {
      const request = { requestId: `q${round}`, robotId: 'a', from: cell('00'), stops: [cell('04')] };
      const from = START + 10_000 * round;
      const route = await service.requestRoute(SITE, request);
      expect(route.policyVersion).toBe(version);
      await pass(10);
      const scored = await service.completeRoute(SITE, report(route, traceAlong(route.nodes, from)));
      expect(scored.learnt).toBe(true);
    }
    await service.close();
  });

  it('that breaks in the middle of its work is told as failed too', async () => {
    const port = await start();
    const failed = new Promise<string>((resolve) => port.onFailure(resolve));
    port.correct(undefined as never);
    expect(await failed).toMatch(/undefined|source/);
    port.offer({ source: 0, firstRow: 1, rows: rows(1), completion: 1 });
    port.tick();
  });

  it('refuses a backend that there is not with E_BACKEND', async () => {
    await expect(startThreadedLearner({ seed: 1, force: 'webgl', weights: rows(1) })).rejects.toMatchObject({
      code: 'E_BACKEND',
    });
  });
});
