import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockDirectory } from '../../src/journal/directoryLock.js';
import { LOCK_FILE } from '../../src/journal/segmentFiles.js';
import { compiledProgram } from '../support/compiled.js';
import { temporaryDirectory } from './support/records.js';

const REFUSED: unknown = expect.objectContaining({ code: 'E_DATA_DIRECTORY' });

/** A process that takes the lock, and holds it until it is killed. */
function holderOf(directory: string) {
  const program = join(compiledProgram(), 'test', 'journal', 'fixtures', 'lockHolder.js');
  const holder = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void holder.kill('SIGKILL'));
  return holder;
}

describe('the lock of a data directory', () => {
  it('is held against other processes, ends with its own, however that ends, and leaves nothing to clean up', async () => {
    const directory = join(temporaryDirectory(), 'data');
    const holder = holderOf(directory);
    await once(holder.stdout, 'data');
    expect(() => lockDirectory(directory)).toThrow(REFUSED);
    holder.kill('SIGKILL');
    await once(holder, 'close');
    lockDirectory(directory).release();
    const { mode, size } = statSync(join(directory, LOCK_FILE));
    expect([readdirSync(directory), mode & 0o777, size]).toEqual([[LOCK_FILE], 0o600, 0]);
  }, 60_000);

  it.skipIf(process.getuid?.() !== 0)('belongs to the owner of the directory where root makes it', () => {
    const directory = temporaryDirectory();
    chownSync(directory, 1234, 1235);
    lockDirectory(directory).release();
    expect(statSync(join(directory, LOCK_FILE))).toMatchObject({ uid: 1234, gid: 1235 });
  });

  it('is held against a second one in the process, which does not end the first', async () => {
    const directory = temporaryDirectory();
    const lock = lockDirectory(directory);
    expect(() => lockDirectory(directory)).toThrow(REFUSED);
    expect(await once(holderOf(directory), 'close')).toEqual([1, null]);
    lock.release();
    lockDirectory(directory).release();
  }, 60_000);

  it('stays with a directory that is renamed', () => {
    const [draft, data] = ['draft', 'data'].map((name) => join(temporaryDirectory(), name)) as [
      string,
      string,
    ];
    const lock = lockDirectory(draft);
    renameSync(draft, data);
    expect(() => lockDirectory(data)).toThrow(REFUSED);
    lock.release();
    lockDirectory(data).release();
  });

  it('says what is wrong with a file that is no lock', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, LOCK_FILE), 'no lock'.repeat(100));
    expect(() => lockDirectory(directory)).toThrow(REFUSED);
  });
});
