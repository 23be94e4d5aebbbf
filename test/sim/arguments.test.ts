import { Command } from 'commander';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapOption, type MapFile } from '../../sim/arguments.js';

const read = (...args: string[]): MapFile => {
  const program = new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .addOption(mapOption('maps/kiva-33x36.json'));
  return program.parse(args, { from: 'user' }).opts<{ map: MapFile }>().map;
};

describe('the option for a map', () => {
  let directory = '';
  beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'aisleflow-'))));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('reads a map, or the standard one', () => {
    expect(read().graph.warehouseId).toBe('kiva-33x36');
    const other = read('--map', 'maps/narrow-33x57.json');
    expect([other.file, other.graph.warehouseId]).toEqual(['maps/narrow-33x57.json', 'narrow-33x57']);
  });

  it('says of a file that is not there, or no map, that it is wrong use', () => {
    const notes = join(directory, 'notes.json');
    writeFileSync(notes, '{"nodes": 3}');
    expect(() => read('--map', join(directory, 'nothing.json'))).toThrow(/--map.*ENOENT/);
    expect(() => read('--map', notes)).toThrow(/--map.*notes\.json/);
  });

  it.each(['soak', 'guardSoak', 'liarSoak'])(
    'ends %s with 2 where its map cannot be read, before anything is run',
    (name) => {
      const args = ['--import', 'tsx', join('sim', `${name}.ts`), '--map', join(directory, 'nothing.json')];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^error: option '--map <file>' argument .* is invalid\. ENOENT/);
    },
    60_000,
  );
});
