import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory } from '../../src/platform/directories.js';

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'aisleflow-directories-'))));
afterEach(() => rmSync(root, { recursive: true }));

describe('making a directory', () => {
  it('makes those above it too, for the owner only, and leaves what is there as it is', () => {
    const deep = join(root, 'a', 'b', 'c');
    makeDirectory(deep);
    for (const path of [deep, join(root, 'a', 'b'), join(root, 'a')]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
    makeDirectory(deep);
    expect(statSync(deep).isDirectory()).toBe(true);
  });

  it('fails where a file is in the way', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    expect(() => makeDirectory(file)).toThrow('EEXIST');
    expect(() => makeDirectory(join(file, 'below'))).toThrow('ENOTDIR');
  });

  // Node's own `recursive` never comes back from it.
  it.runIf(process.platform === 'linux')('fails at once on a file system that takes no directories', () => {
    expect(() => makeDirectory('/proc/aisleflow/data')).toThrow('ENOENT');
  });
});
