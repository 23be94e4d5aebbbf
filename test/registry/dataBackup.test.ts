import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import { writeCheckpoint } from '../../src/journal/checkpointFile.js';
import { lockDirectory } from '../../src/journal/directoryLock.js';
import { inspectJournal, isSound } from '../../src/journal/inspection.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { backUpData, restoreData } from '../../src/registry/dataBackup.js';
import { compiledProgram } from '../support/compiled.js';
import { mayMount, mountTmpfs } from '../support/tmpfs.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'data-backup-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('a restore', () => {
  it.each([
    '{',
    'null',
    '{"format":1}',
    '{"format":1,"files":{}}',
    '{"format":2,"takenAt":1,"journal":{"first":1,"last":0},"files":{"a":"b"}}',
    '{"format":1,"takenAt":1,"journal":{"first":1,"last":0},"files":{}}',
  ])('refuses a backup whose manifest is %s', async (manifest) => {
    const [from, to] = [join(directory, 'backup'), join(directory, 'data')];
    mkdirSync(from);
    writeFileSync(join(from, 'backup.json'), manifest);
    await expect(restoreData(from, to)).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    expect(existsSync(to)).toBe(false);
  });
});

describe('a directory that is restored', () => {
  const record = { at: 1, warehouseId: '*', kind: 'k', routeId: null, payload: '{}', blob: null };
  const place = (name: string) => join(directory, name);

  /** Of three records. */
  async function backedUp(): Promise<string> {
    const store = openSqliteStore(place('data'));
    store.commit([record, record, record]);
    const copyJournal = (to: string) => store.backUp(to);
    await backUpData({ directory: place('data'), now: 1, copyJournal }, place('backup'));
    store.close();
    return place('backup');
  }
  const recordsOf = (data: string): number => {
    const store = openSqliteStore(data);
    store.close();
    return store.range().last;
  };

  it('is whole where retention went on until the journal was copied', async () => {
    const data = place('data');
    const store = openSqliteStore(data, { ...LIMITS, segmentRecords: 2, journalReserveBytes: 0 });
    for (let n = 0; n < 4; n++) store.commit([record]);
    await writeCheckpoint(data, 2, []);
    const copyJournal = async (to: string) => {
      for (const sequence of [3, 4]) await writeCheckpoint(data, sequence, []);
      store.dropBefore(4);
      return store.backUp(to);
    };
    await backUpData({ directory: data, now: 1, copyJournal }, place('backup'));
    store.close();
    await restoreData(place('backup'), place('new'));
    const report = inspectJournal(place('new'));
    expect([isSound(report), report.first]).toEqual([true, 4]);
  });

  it('is left alone where a server starts there before the end', async () => {
    const restoring = restoreData(await backedUp(), place('new'));
    const store = openSqliteStore(place('new'));
    store.commit([record]);
    await expect(restoring).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    store.commit([record]);
    store.close();
    expect([recordsOf(place('new')), existsSync(place('new.unfinished'))]).toEqual([2, false]);
  });

  it('is made by one of two restores, and whole', async () => {
    const from = await backedUp();
    const both = await Promise.allSettled([restoreData(from, place('new')), restoreData(from, place('new'))]);
    const detail = 'another backup or restore is at it: wait for its end';
    const refused = {
      code: 'E_DATA_DIRECTORY',
      references: { directory: place('new.unfinished'), detail },
    };
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(both.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: refused }]);
    expect(recordsOf(place('new'))).toBe(3);
  });

  it.each([
    [() => undefined, 'another backup or restore is at it, or was killed and left it: then remove it'],
    // The lock of one that lives is held by it, to the end; see above.
    [
      () => lockDirectory(place('new.unfinished')).release(),
      'a backup or restore that was killed left it: remove it, and try again',
    ],
  ])('is not made over what a killed restore left, which is named and kept', async (leave, detail) => {
    const from = await backedUp();
    mkdirSync(place('new.unfinished'));
    leave();
    await expect(restoreData(from, place('new'))).rejects.toMatchObject({
      references: { directory: place('new.unfinished'), detail },
    });
    expect([existsSync(place('new')), existsSync(place('new.unfinished'))]).toEqual([false, true]);
  });

  it('lets no server start before its name is on disk', async () => {
    let isDone = false;
    const restoring = restoreData(await backedUp(), place('new')).finally(() => (isDone = true));
    // The first turn in which the directory is there: its parent is synced in the next one at the earliest.
    while (!existsSync(place('new')) && !isDone) await setImmediate();
    expect(isDone).toBe(false);
    expect(() => openSqliteStore(place('new'))).toThrow('has it open');
    // This process knows what it locked; whether the operating system does, another one tells.
    const holder = join(compiledProgram(), 'test', 'journal', 'fixtures', 'lockHolder.js');
    const other = spawnSync(process.execPath, [holder, place('new')], { encoding: 'utf8', timeout: 20_000 });
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining('has it open')]);
    await restoring;
    expect(recordsOf(place('new'))).toBe(3);
  }, 60_000);

  it('may be empty, and where a link leads to', async () => {
    mkdirSync(place('disk'));
    symlinkSync(place('disk'), place('new'));
    await restoreData(await backedUp(), place('new'));
    expect([recordsOf(place('disk')), lstatSync(place('new')).isSymbolicLink()]).toEqual([3, true]);
  });
});

describe('a backup', () => {
  const data = () => join(directory, 'data');
  const backUp = (to: string, copyJournal: () => Promise<never>) =>
    backUpData({ directory: data(), now: 1, copyJournal }, to);

  it('leaves nothing where its journal cannot be copied', async () => {
    const to = join(directory, 'backup');
    const failed = backUp(to, () => Promise.reject(new AppError('E_SHUTTING_DOWN')));
    await expect(failed).rejects.toMatchObject({ code: 'E_SHUTTING_DOWN' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each(['', 'b', 'policies', 'policies/b'])(
    'is not begun in "%s" of the directory itself',
    async (name) => {
      const copyJournal = vi.fn<() => Promise<never>>();
      await expect(backUp(join(data(), name), copyJournal)).rejects.toMatchObject({
        code: 'E_DATA_DIRECTORY',
      });
      expect(copyJournal).not.toHaveBeenCalled();
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  it.skipIf(!mayMount())('is not begun in place of a mount point, and neither is a restore', async () => {
    const to = mountTmpfs('size=1m');
    const refused = { code: 'E_DATA_DIRECTORY', references: { directory: to } };
    const copyJournal = vi.fn<() => Promise<never>>();
    await expect(backUp(to, copyJournal)).rejects.toMatchObject(refused);
    expect(copyJournal).not.toHaveBeenCalled();
    await expect(restoreData(join(directory, 'none'), to)).rejects.toMatchObject(refused);
  });

  it('leaves what came to its place meanwhile', async () => {
    const to = join(directory, 'backup');
    const copyJournal = () => {
      mkdirSync(to);
      writeFileSync(join(to, 'other'), '');
      return Promise.resolve({ first: 1, last: 0 });
    };
    const backup = backUpData({ directory: data(), now: 1, copyJournal }, to);
    await expect(backup).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    expect([readdirSync(directory), readdirSync(to)]).toEqual([['backup'], ['other']]);
  });

  it('ends while its files are read for their digests', async () => {
    const stop = new AbortController();
    const to = join(directory, 'backup');
    const copyJournal = async () => {
      writeFileSync(`${to}.unfinished/journal`, 'records');
      stop.abort(new AppError('E_SHUTTING_DOWN'));
      return { first: 1, last: 1 };
    };
    const source = { directory: data(), now: 1, copyJournal, signal: stop.signal };
    await expect(backUpData(source, to)).rejects.toMatchObject({ code: 'E_SHUTTING_DOWN' });
    expect(readdirSync(directory)).toEqual([]);
  });
});
