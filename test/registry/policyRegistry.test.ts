import {
  closeSync,
  mkdirSync,
  mkdtempSync,
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
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRandom } from '../../src/platform/random.js';
import { checksumOf, weightCountOf, type PolicyShape } from '../../src/registry/policyFormat.js';
import {
  openPolicyRegistry,
  type NewPolicy,
  type PolicyRegistry,
} from '../../src/registry/policyRegistry.js';

const SHAPE: PolicyShape = {
  layerSizes: [3, 4, 5, 2],
  activations: ['relu', 'relu', 'softplus'],
  features: ['flow', 'reverseFlow', 'degree'],
};

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-registry-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function weights(seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: weightCountOf(SHAPE) }, () => random.normal());
}

function policy(seed: number, more: Partial<NewPolicy> = {}): NewPolicy {
  return {
    weights: weights(seed),
    parent: null,
    savedAt: 1_000 + seed,
    reason: 'interval',
    updates: seed,
    trainedOn: { from: 1, to: seed },
    metrics: { loss: 0.5 },
    ...more,
  };
}

async function saveActive(registry: PolicyRegistry, saved: NewPolicy): Promise<void> {
  await registry.activate((await registry.save(saved)).policyVersion);
}

interface Places {
  readonly directory: string;
  readonly shippedDirectory: string;
}
function places(): Places {
  const root = temporaryDirectory();
  return { directory: join(root, 'policies'), shippedDirectory: join(root, 'shipped') };
}
const open = (
  where: Places,
  more: { versionsKept?: number; shape?: PolicyShape } = {},
): Promise<PolicyRegistry> => openPolicyRegistry({ ...where, shape: SHAPE, ...more });

/** A registry whose versions v1, v2, ... have the seeds 1, 2, ... */
async function filled(where: Places, count: number): Promise<PolicyRegistry> {
  const registry = await open(where);
  for (let seed = 1; seed <= count; seed++) await saveActive(registry, policy(seed));
  return registry;
}

const code = (expected: string) => expect.objectContaining({ code: expected }) as unknown;

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

  describe("of the registry's own state", () => {
    const damages: Record<string, (file: string) => void> = {
      'is cut off': (file) => writeFileSync(file, '{"active"'),
      'fits no schema': (file) => writeFileSync(file, '{"active":"v1"}'),
      'is missing': (file) => rmSync(file),
      'cannot be read': (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    };
    const condemned = async (where: Places): Promise<void> => {
      const registry = await filled(where, 3);
      await registry.takeBack(['v3'], 'guard: error on arriving rows', 'v2');
      await registry.trust('v1');
    };

    it.each(Object.entries(damages))('which %s forgets nothing: there is a copy', async (_, damage) => {
      const where = places();
      await condemned(where);
      const main = join(where.directory, 'registry.json');
      const before = readFileSync(main, 'utf8');
      damage(main);
      const registry = await open(where);
      expect([registry.active(), registry.trusted(), registry.isCondemned('v3')]).toEqual(['v2', 'v1', true]);
      expect(registry.faults()[0]).toEqual({
        policyVersion: 'registry.json',
        reason: expect.stringMatching(/its copy is used/) as string,
      });
      rmSync(main, { recursive: true, force: true });
      await registry.settle();
      expect(readFileSync(main, 'utf8')).toBe(before);
      expect((await open(where)).damages()).toEqual([]);
    });

    it('which is damaged twice is told of, hides no version, and makes none good', async () => {
      const where = places();
      await condemned(where);
      for (const name of ['registry.json', 'registry.copy.json'])
        writeFileSync(join(where.directory, name), '{"active"');
      const registry = await open(where);
      expect([registry.active(), registry.newestHealthy(), registry.isNoneTrusted()]).toEqual([
        null,
        'v3',
        true,
      ]);
      expect(registry.damages()).toEqual([
        { policyVersion: 'registry.json', reason: expect.stringMatching(/is forgotten/) as string },
      ]);
    });

    it.each([
      ['is missing, as before there was one', (copy: string) => rmSync(copy)],
      ['is damaged', (copy: string) => writeFileSync(copy, '{')],
      ['is older', (copy: string) => writeFileSync(copy, '{"active":"v3","condemned":{}}')],
    ])('has its copy written anew where that %s', async (_, change) => {
      const where = places();
      await condemned(where);
      const [main, copy] = ['registry.json', 'registry.copy.json'].map((name) => join(where.directory, name));
      change(copy!);
      await (await open(where)).settle();
      expect(readFileSync(copy!, 'utf8')).toBe(readFileSync(main!, 'utf8'));
    });

    it('keeps the names of what was found bad from those that come after it', async () => {
      const where = places();
      await condemned(where);
      rmSync(join(where.directory, 'v3'), { recursive: true });
      expect((await (await open(where)).save(policy(4))).policyVersion).toBe('v4');
    });

    it('counts where it can be read, whatever its copy says', async () => {
      const where = places();
      const registry = await filled(where, 2);
      // As a refusal, or the end of the process, between the two files leaves them.
      mkdirSync(join(where.directory, '.registry.json'));
      await expect(registry.activate('v1')).rejects.toEqual(code('E_DATA_DIRECTORY'));
      rmSync(join(where.directory, '.registry.json'), { recursive: true });
      const copy = JSON.parse(readFileSync(join(where.directory, 'registry.copy.json'), 'utf8')) as unknown;
      expect(copy).toMatchObject({ active: 'v1' });
      expect((await open(where)).active()).toBe('v2');
    });
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

describe('a file of the registry that cannot be written', () => {
  /** Its draft cannot be opened. */
  const block = ({ directory }: Places): string => {
    const draft = join(directory, '.registry.json');
    mkdirSync(draft);
    return draft;
  };

  it('leaves active what was, also on the disk once it can be', async () => {
    const where = places();
    const registry = await filled(where, 2);
    const draft = block(where);
    await expect(registry.activate('v1')).rejects.toEqual(code('E_DATA_DIRECTORY'));
    expect(registry.active()).toBe('v2');
    rmSync(draft, { recursive: true });
    await registry.settle();
    expect((await open(where)).active()).toBe('v2');
  });

  it('hides nothing of what was found out, and is written when asked again', async () => {
    const where = places();
    const registry = await filled(where, 3);
    const draft = block(where);
    await expect(registry.takeBack(['v2', 'v3'], 'bad', null)).rejects.toEqual(code('E_DATA_DIRECTORY'));
    await expect(registry.trust('v1')).rejects.toEqual(code('E_DATA_DIRECTORY'));
    await expect(registry.settle()).rejects.toEqual(code('E_DATA_DIRECTORY'));
    const known = (of: PolicyRegistry) => [of.active(), of.trusted(), of.newestHealthy(), of.faults().length];
    expect(known(registry)).toEqual([null, 'v1', 'v1', 2]);
    rmSync(draft, { recursive: true });
    await registry.settle();
    expect(known(await open(where))).toEqual(known(registry));
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
