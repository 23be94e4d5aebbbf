import fc from 'fast-check';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, resolveConfig } from 'prettier';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepSeed, readKeptSeeds } from '../../sim/chaos/keptSeeds.js';

describe('the file of kept seeds', () => {
  let directory = '';
  let file = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-'));
    file = join(directory, 'seeds.json');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('gets each seed once, in the order of failing, and none by being read', () => {
    expect(readKeptSeeds(file)).toEqual([]);
    expect(existsSync(file)).toBe(false);
    for (const seed of [12, 7, 12, 0]) keepSeed(file, seed);
    expect(readKeptSeeds(file)).toEqual([12, 7, 0]);
  });

  it('is written as the formatter wants it, however many they are', async () => {
    const style = await resolveConfig('sim/chaos/seeds.json');
    const seed = fc.oneof(...[9, 99, 999, 9_999, 99_999].map((max) => fc.nat({ max })));
    const lists = fc.uniqueArray(seed, { minLength: 1, maxLength: 70, size: 'max' });
    await fc.assert(
      fc.asyncProperty(lists, async (seeds) => {
        writeFileSync(file, JSON.stringify(seeds.slice(1)));
        keepSeed(file, seeds[0]!);
        expect(readKeptSeeds(file)).toEqual([...seeds.slice(1), seeds[0]]);
        expect(await check(readFileSync(file, 'utf8'), { ...style, filepath: file })).toBe(true);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it.each(['# Seeds', '{"seeds": [1]}', '[1, "2"]', '[1.5]'])('that holds %s is wrong use', (text) => {
    writeFileSync(file, text);
    expect(() => readKeptSeeds(file)).toThrow(/seeds\.json holds no seeds/);
    expect(() => keepSeed(file, 1)).toThrow(/seeds\.json holds no seeds/);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});
