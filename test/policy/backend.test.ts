import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isAppError } from '../../src/domain/errors.js';
import { spawnWorker } from '../../src/platform/spawnWorker.js';
import { BACKEND_NAMES, selectBackend } from '../../src/policy/backend.js';

const nativeMissing = await selectBackend({ force: 'tensorflow' }).then(
  () => '',
  (error: unknown) => String(error),
);
const workerModule = new URL('./fixtures/backendWorker.ts', import.meta.url);

afterEach(() => {
  vi.restoreAllMocks();
});

for (const force of BACKEND_NAMES) {
  const skip = force === 'tensorflow' && nativeMissing !== '';
  describe.skipIf(skip)(`the ${force} backend${skip ? ` (skipped: ${nativeMissing})` : ''}`, () => {
    it('serves when it is forced, and says its version', async () => {
      const { tf, name, report } = await selectBackend({ force });
      expect(name).toBe(force);
      expect(tf.getBackend()).toBe(force);
      expect(report).toEqual([
        { name: force, usable: true, detail: expect.stringContaining('4.22.0') as string },
      ]);
    });

    it('leaves no tensor of its smoke test behind', async () => {
      const { tf } = await selectBackend({ force });
      expect(tf.memory().numTensors).toBe(0);
    });

    it('learns: a hundred Adam steps bring the loss of a small network down', async () => {
      const { tf } = await selectBackend({ force });
      const features = tf.randomNormal([64, 9], 0, 1, 'float32', 7);
      const targets = tf.tidy(() => features.slice([0, 0], [64, 2]).abs());
      const model = tf.sequential();
      const initializer = (seed: number) => tf.initializers.glorotUniform({ seed });
      model.add(
        tf.layers.dense({
          inputShape: [9],
          units: 16,
          activation: 'relu',
          kernelInitializer: initializer(1),
        }),
      );
      model.add(tf.layers.dense({ units: 2, activation: 'softplus', kernelInitializer: initializer(2) }));
      const optimizer = tf.train.adam(0.01);
      const step = () =>
        tf.tidy(() => {
          const loss = () =>
            tf.losses.huberLoss(targets, model.apply(features) as typeof features).asScalar();
          return optimizer.minimize(loss, true)?.dataSync()[0] ?? NaN;
        });
      const first = step();
      const tensors = tf.memory().numTensors;
      let last = first;
      for (let i = 0; i < 100; i++) last = step();
      expect(tf.memory().numTensors).toBe(tensors);
      expect(last).toBeLessThan(first / 3);
      tf.dispose([features, targets]);
      optimizer.dispose();
      model.dispose();
    });

    it('works in a worker thread', async () => {
      const worker = spawnWorker(workerModule, { force });
      expect(await once(worker, 'message')).toEqual([force]);
      await worker.terminate();
    });
  });
}

describe('choosing a backend', () => {
  it('takes the first that works and says why those before it do not', async () => {
    const { name, report } = await selectBackend();
    expect(name).toBe(nativeMissing === '' ? 'tensorflow' : 'wasm');
    expect(report.map((tried) => tried.usable)).toEqual(nativeMissing === '' ? [true] : [false, true]);
  });

  it('answers the same instance again in the same thread', async () => {
    expect(await selectBackend({ force: 'cpu' })).toBe(await selectBackend({ force: 'cpu' }));
    expect(selectBackend({ force: '' })).toBe(selectBackend());
  });

  it('refuses a name that it does not know with E_BACKEND', async () => {
    const error: unknown = await selectBackend({ force: 'webgl' }).catch((caught: unknown) => caught);
    expect(isAppError(error) && error.code).toBe('E_BACKEND');
  });

  it('does not call a backend usable that loads but computes nonsense', async () => {
    const { tf } = await selectBackend({ force: 'wasm' });
    const diverging = tf.train.adam(NaN);
    vi.spyOn(tf.train, 'adam').mockReturnValue(diverging);
    const error: unknown = await selectBackend({ force: 'cpu' }).catch((caught: unknown) => caught);
    expect(isAppError(error) && error.message).toContain("cpu: the smoke test's Adam step gave NaN");
    vi.restoreAllMocks();
    expect((await selectBackend({ force: 'cpu' })).name).toBe('cpu');
  });

  it('prints nothing, on any backend, in a process or a worker of it', async () => {
    const program = new URL('./fixtures/everyBackend.ts', import.meta.url).pathname;
    const environment: NodeJS.ProcessEnv = { ...process.env, NODE_OPTIONS: '' };
    delete environment['TF_CPP_MIN_LOG_LEVEL'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
      env: environment,
    });
    expect([stdout, stderr]).toEqual(['', '']);
  });
});
