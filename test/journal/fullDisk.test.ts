import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RESERVE_FILE } from '../../src/journal/segmentFiles.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { all, cancelled, samples, temporaryDirectory } from './support/records.js';

/** A file system of its own needs the rights to mount one: root, and a container that lets it. */
function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
}

function mountTmpfs(options: string): string {
  const directory = temporaryDirectory();
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', directory]);
  });
  return directory;
}

describe.skipIf(!mayMount())('on a file system of its own', () => {
  it('refuses completions while the disk is full, stores routes all the same, and goes on once there is space', async () => {
    const directory = mountTmpfs('size=8m');
    const ballast = join(directory, 'ballast');
    writeFileSync(ballast, new Uint8Array(4 * 1024 * 1024));
    const onFatal = vi.fn();
    const sizes = { journalReserveBytes: 1024 * 1024 };
    const journal = await openJournal({ directory, onFatal, sizes });
    onTestFinished(() => journal.close());

    const acknowledged: number[] = [];
    const codes = new Set<unknown>();
    for (let number = 0; number < 200; number++) {
      await journal.append(samples(40_000)).then(
        (sequence) => acknowledged.push(sequence),
        (error: { code?: unknown }) => codes.add(error.code),
      );
    }
    expect([...codes]).toEqual(['E_JOURNAL_FULL']);
    expect(acknowledged.length).toBeGreaterThan(5);
    // What robots cannot wait for goes into the reserve, also in one breath with what can wait.
    const [refused, stored] = await Promise.allSettled([
      journal.append(samples(40_000)),
      journal.append(cancelled(1)),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'E_JOURNAL_FULL' } });
    expect(stored).toEqual({ status: 'fulfilled', value: acknowledged.length + 1 });
    const whileFull = (await all(journal.read())).map(({ sequence }) => sequence);
    expect(whileFull).toEqual([...acknowledged, acknowledged.length + 1]);

    rmSync(ballast);
    expect(await journal.append(samples(40_000))).toBe(acknowledged.length + 2);
    expect(await all(journal.read())).toHaveLength(acknowledged.length + 2);
    expect(statSync(join(directory, RESERVE_FILE)).size).toBe(sizes.journalReserveBytes);
    expect(onFatal).not.toHaveBeenCalled();
  });

  it('refuses a data directory on a read-only file system', async () => {
    const directory = mountTmpfs('size=1m,ro');
    const opening = openJournal({ directory, onFatal: vi.fn() });
    await expect(opening).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
  });
});
