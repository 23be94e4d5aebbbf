import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PolicyRegistry } from '../../src/registry/policyRegistry.js';
import { code, filled, open, places, policy, type Places } from './support/registries.js';

describe('what a registry knows of its versions', () => {
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

  it.each(Object.entries(damages))(
    'is not forgotten where its file %s: there is a copy',
    async (_, damage) => {
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
    },
  );

  it('is lost with both files: that is told of, hides no version, and makes none good', async () => {
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
  ])('is written to its copy anew where that %s', async (_, change) => {
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

  it('is what its file says, whatever the copy does', async () => {
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
