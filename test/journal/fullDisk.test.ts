import {
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { encodeRecord } from '../../src/journal/encoding.js';
import { RESERVE_FILE, segmentFile } from '../../src/journal/segmentFiles.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { mayMount, mountTmpfs } from '../support/tmpfs.js';
import { all, cancelled, samples } from './support/records.js';

/** Of this process, removed ones too. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)];
    } catch {
      // The one that listed them is closed.
      return [];
    }
  });
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

  it('closes the next segment again where this one cannot be sealed, at each commit', () => {
    const directory = mountTmpfs('size=8m');
    const sizes = { segmentRecords: 50, segmentBytes: Infinity, journalReserveBytes: 0 };
    const store = openSqliteStore(directory, sizes);
    onTestFinished(() => store.close());
    for (let number = 1; number < sizes.segmentRecords; number++)
      store.commit([encodeRecord(samples(40_000))]);
    const ballast = join(directory, 'ballast');
    const { bavail, bsize } = statfsSync(directory);
    writeFileSync(ballast, new Uint8Array(bavail * bsize));
    for (let number = 50; number <= 55; number++) {
      // Room for the commit and the next segment, not for the 2 MB that the seal moves from the log into the database.
      truncateSync(ballast, statSync(ballast).size - 256 * 1024);
      expect(store.commit([encodeRecord(cancelled(number))])).toBe(number);
      expect(store.sealed()).toEqual([]);
      const next = segmentFile(directory, number + 1).file;
      expect(openFiles().filter((name) => name.startsWith(next))).toEqual([]);
    }

    rmSync(ballast);
    store.commit([encodeRecord(cancelled(56))]);
    expect(store.sealed()).toMatchObject([{ first: 1, last: 56 }]);
  });

  it('refuses a data directory on a read-only file system', async () => {
    const directory = mountTmpfs('size=1m,ro');
    const opening = openJournal({ directory, onFatal: vi.fn() });
    await expect(opening).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
  });
});
