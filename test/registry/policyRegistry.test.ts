import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { checksumOf } from '../../src/registry/policyFormat.js';
import {
  SHAPE,
  code,
  filled,
  open,
  places,
  policy,
  saveActive,
  temporaryDirectory,
  weights,
} from './support/registries.js';

describe('the policy registry', () => {
  it('gives back what was saved, also to the next process', async () => {
    const where = places();
    const registry = await filled(where, 2);
    const manifest = await registry.save(policy(3, { parent: 'v2', reason: 'stop' }));
    expect(registry.active()).toBe('v2');
    await registry.activate('v3');
    expect(manifest).toMatchObject({ policyVersion: 'v3', parent: 'v2', features: SHAPE.features });
    const later = await open(where);
    expect(await later.load('v3')).toEqual({ manifest, weights: weights(3) });
    expect(later.list().map(({ policyVersion }) => policyVersion)).toEqual(['v1', 'v2', 'v3']);
    expect(later.active()).toBe('v3');
    expect((await later.save(policy(4))).policyVersion).toBe('v4');
    await expect(later.load('v9')).rejects.toEqual(code('E_UNKNOWN_POLICY'));
    await expect(later.load('../policies/v1')).rejects.toEqual(code('E_UNKNOWN_POLICY'));
  });

  it('writes models that TF.js loads, and that compute with the weights in their places', async () => {
    const where = places();
    await filled(where, 1);
    const read = (name: string) => readFileSync(join(where.directory, 'v1', name));
    const json = JSON.parse(read('model.json').toString()) as tf.io.ModelJSON;
    const weightData = new Uint8Array(read('weights.bin')).buffer;
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
        weightData,
      }),
    );
    const input = [0.5, -1, 2];
    const output = model.predict(tf.tensor2d([input])) as tf.Tensor;
    const expected = forward(weights(1), input);
    expect(Array.from(await output.data())).toEqual(
      expected.map((value) => expect.closeTo(value, 5) as number),
    );
  });

  it('keeps a number of versions, never dropping the active one, and never reuses a name', async () => {
    const where = places();
    const registry = await open(where, { versionsKept: 3 });
    await saveActive(registry, policy(1));
    for (let seed = 2; seed <= 6; seed++) await registry.save(policy(seed));
    const versions = () =>
      readdirSync(where.directory)
        .filter((name) => name.startsWith('v'))
        .sort();
    expect(versions()).toEqual(['v1', 'v4', 'v5', 'v6']);
    expect(registry.list().map(({ policyVersion }) => policyVersion)).toEqual(versions());
    await registry.activate('v6');
    await registry.save(policy(7));
    expect(versions()).toEqual(['v5', 'v6', 'v7']);
    expect((await (await open(where)).save(policy(8))).policyVersion).toBe('v8');
  });

  it('forgets why a version was found bad with the version', async () => {
    const where = places();
    const registry = await open(where, { versionsKept: 2 });
    for (const seed of [1, 2, 3, 4]) {
      await registry.save(policy(seed));
      await registry.condemn(`v${seed}`, `bad ${seed}`);
    }
    const state = JSON.parse(readFileSync(join(where.directory, 'registry.json'), 'utf8')) as object;
    expect(state).toMatchObject({ condemned: { v3: 'bad 3', v4: 'bad 4' } });
    expect(Object.keys((state as { condemned: object }).condemned)).toHaveLength(2);
  });

  it('goes on where an old version was removed by hand', async () => {
    const where = places();
    const registry = await open(where, { versionsKept: 2 });
    for (const seed of [1, 2]) await registry.save(policy(seed));
    rmSync(join(where.directory, 'v1'), { recursive: true });
    const names = () => registry.list().map(({ policyVersion }) => policyVersion);
    expect((await registry.save(policy(3))).policyVersion).toBe('v3');
    expect(names()).toEqual(['v2', 'v3']);
  });

  it('saves one after the other what is saved at once', async () => {
    const registry = await open(places());
    const manifests = await Promise.all([1, 2, 3].map((seed) => registry.save(policy(seed))));
    expect(manifests.map(({ policyVersion }) => policyVersion)).toEqual(['v1', 'v2', 'v3']);
    expect(registry.list().map(({ checksum }) => checksum)).toEqual(
      manifests.map(({ checksum }) => checksum),
    );
  });

  it('never saves weights that are not finite or too few', async () => {
    const where = places();
    const registry = await filled(where, 1);
    for (const bad of [
      weights(2).fill(Number.NaN, 7, 8),
      weights(2).fill(-Infinity, 0, 1),
      weights(2).subarray(1),
    ]) {
      await expect(registry.save(policy(2, { weights: bad }))).rejects.toEqual(code('E_POLICY_CORRUPT'));
    }
    expect(readdirSync(where.directory).sort()).toEqual([
      '.registry.reserve',
      'registry.copy.json',
      'registry.json',
      'v1',
    ]);
  });

  it('leaves out metrics that JSON would turn into null', async () => {
    const registry = await open(places());
    const { metrics } = await registry.save(policy(1, { metrics: { loss: Number.NaN, rows: 3 } }));
    expect(metrics).toEqual({ rows: 3 });
  });

  it('clears away what a killed process left half written', async () => {
    const where = places();
    await filled(where, 1);
    mkdirSync(join(where.directory, '.v2'));
    writeFileSync(join(where.directory, '.v2', 'weights.bin'), 'half');
    const registry = await open(where);
    expect(readdirSync(where.directory).sort()).toEqual([
      '.registry.reserve',
      'registry.copy.json',
      'registry.json',
      'v1',
    ]);
    expect([registry.faults(), registry.newestHealthy()]).toEqual([[], 'v1']);
  });

  it('refuses a directory that cannot be one', async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'file'), '');
    const where = { directory: join(root, 'file', 'policies'), shippedDirectory: join(root, 'none') };
    await expect(open(where)).rejects.toEqual(code('E_DATA_DIRECTORY'));
  });

  it('keeps its files to their owner', async () => {
    const where = places();
    await filled(where, 1);
    const mode = (...path: string[]) => statSync(join(where.directory, ...path)).mode & 0o777;
    expect([mode(), mode('v1'), mode('v1', 'weights.bin'), mode('registry.json')]).toEqual([
      0o700, 0o700, 0o600, 0o600,
    ]);
  });
});

describe('a damaged policy', () => {
  const damages: Record<string, (version: string) => void> = {
    'weights cut short': (version) => truncateSync(join(version, 'weights.bin'), 50),
    'a NaN with a matching checksum': (version) => {
      const bytes = readFileSync(join(version, 'weights.bin'));
      bytes.writeFloatLE(Number.NaN, 8);
      writeFileSync(join(version, 'weights.bin'), bytes);
      const manifest = JSON.parse(readFileSync(join(version, 'manifest.json'), 'utf8')) as object;
      writeFileSync(
        join(version, 'manifest.json'),
        JSON.stringify({ ...manifest, checksum: checksumOf(bytes) }),
      );
    },
    'a flipped byte': (version) => {
      const descriptor = openSync(join(version, 'weights.bin'), 'r+');
      writeSync(descriptor, Buffer.from([0x41]), 0, 1, 11);
      closeSync(descriptor);
    },
    'no weights': (version) => rmSync(join(version, 'weights.bin')),
    'a manifest cut short': (version) => truncateSync(join(version, 'manifest.json'), 20),
    'another manifest': (version) => writeFileSync(join(version, 'manifest.json'), '{"policyVersion": "v1"}'),
    'a model cut short': (version) => truncateSync(join(version, 'model.json'), 20),
    'a model of other layers': (version) => {
      const json = readFileSync(join(version, 'model.json'), 'utf8');
      writeFileSync(join(version, 'model.json'), json.replace(/5(?=\s*\n?\s*\])/, '6'));
    },
  };

  it.each(Object.keys(damages))('with %s is refused, named, and passed over at the start', async (damage) => {
    const where = places();
    const running = await filled(where, 3);
    damages[damage]?.(join(where.directory, 'v3'));
    await expect(running.load('v3')).rejects.toEqual(code('E_POLICY_CORRUPT'));
    await expect(running.activate('v3')).rejects.toEqual(code('E_POLICY_CORRUPT'));

    const registry = await open(where);
    expect(registry.faults()).toEqual([{ policyVersion: 'v3', reason: expect.any(String) as string }]);
    await expect(registry.load('v3')).rejects.toEqual(code('E_POLICY_CORRUPT'));
    expect(registry.newestHealthy()).toBe('v2');
  });

  it('of another network is passed over, and its name stays taken', async () => {
    const where = places();
    await filled(where, 2);
    const registry = await open(where, { shape: { ...SHAPE, features: ['flow', 'age', 'degree'] } });
    expect(registry.newestHealthy()).toBeNull();
    expect(registry.faults().map(({ policyVersion }) => policyVersion)).toEqual(['v1', 'v2']);
    expect((await registry.save(policy(3))).policyVersion).toBe('v3');
  });
});

describe('the choice of a policy', () => {
  it('falls back to the shipped ones, and then to none', async () => {
    const where = places();
    expect((await open(where)).newestHealthy()).toBeNull();
    const maker = { directory: where.shippedDirectory, shippedDirectory: where.shippedDirectory };
    await (await open(maker)).save(policy(1, { reason: 'shipped' }));
    renameSync(join(where.shippedDirectory, 'v1'), join(where.shippedDirectory, 'shipped-1'));
    const manifest = join(where.shippedDirectory, 'shipped-1', 'manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"v1"', '"shipped-1"'));

    const registry = await open(where);
    expect(registry.newestHealthy()).toBe('shipped-1');
    await registry.activate('shipped-1');
    expect([registry.active(), registry.previous()]).toEqual(['shipped-1', null]);
    await saveActive(registry, policy(2));
    expect([registry.newestHealthy(), registry.previous()]).toEqual(['v1', 'shipped-1']);
  });

  it('rolls back to the version saved before, and a restart keeps to it', async () => {
    const where = places();
    const registry = await filled(where, 4);
    expect(registry.previous()).toBe('v3');
    await registry.condemn('v3', 'guard: error on arriving rows');
    expect(registry.previous()).toBe('v2');
    expect((await registry.activate('v2')).weights).toEqual(weights(2));
    const later = await open(where);
    expect([later.newestHealthy(), later.previous()]).toEqual(['v2', 'v1']);
    expect(later.list().find(({ policyVersion }) => policyVersion === 'v3')?.healthy).toBe(false);
    expect(later.faults()).toEqual([{ policyVersion: 'v3', reason: 'guard: error on arriving rows' }]);
    await later.activate('v3');
    expect([later.faults(), later.newestHealthy()]).toEqual([[], 'v3']);
  });
});

describe('a version that was saved in vain', () => {
  it('is removed, and its name is not given to the next', async () => {
    const where = places();
    const registry = await filled(where, 1);
    await registry.save(policy(2));
    await registry.discard('v2', 'in vain');
    expect((await registry.save(policy(3))).policyVersion).toBe('v3');
    expect((await open(where)).list().map(({ policyVersion }) => policyVersion)).toEqual(['v1', 'v3']);
  });

  it('is condemned where it cannot be removed', async () => {
    const where = places();
    const registry = await filled(where, 1);
    await registry.save(policy(2));
    rmSync(join(where.directory, 'v2'), { recursive: true });
    await registry.discard('v2', 'in vain');
    expect(registry.faults()).toEqual([{ policyVersion: 'v2', reason: 'in vain' }]);
  });
});

/** The network written out, sharing no code with TF.js: relu, relu, softplus. */
function forward(flat: Float32Array, input: readonly number[]): number[] {
  let values = [...input];
  let at = 0;
  SHAPE.layerSizes.slice(1).forEach((outputs, layer) => {
    const inputs = values;
    const sums = Array.from({ length: outputs }, (_, out) =>
      inputs.reduce((sum, value, index) => sum + value * (flat[at + index * outputs + out] as number), 0),
    );
    at += inputs.length * outputs;
    values = sums.map((sum, out) => sum + (flat[at + out] as number));
    at += outputs;
    const last = layer === SHAPE.layerSizes.length - 2;
    values = values.map((value) => (last ? Math.log1p(Math.exp(value)) : Math.max(0, value)));
  });
  return values;
}
