import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { temporaryDirectory } from '../../journal/support/records.js';

const SHIM = join(import.meta.dirname, 'failingSync.c');

/** The C library's calls are stood in for by a library of ours: needs a compiler, and the loader of Linux. */
export function mayInject(): boolean {
  return process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;
}

/** That library, for LD_PRELOAD. */
export function builtShim(): string {
  const library = join(temporaryDirectory(), 'failing.so');
  const built = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SHIM, '-ldl'], {
    encoding: 'utf8',
  });
  expect(built.stderr).toBe('');
  return library;
}
