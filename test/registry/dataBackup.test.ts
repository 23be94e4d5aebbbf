import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import { backUpData, restoreData } from '../../src/registry/dataBackup.js';

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

describe('a backup', () => {
  const backUp = (to: string, copyJournal: () => Promise<never>) =>
    backUpData({ directory, now: 1, copyJournal }, to);

  it('leaves nothing where its journal cannot be copied', async () => {
    const to = join(directory, 'backup');
    const failed = backUp(to, () => Promise.reject(new AppError('E_SHUTTING_DOWN')));
    await expect(failed).rejects.toMatchObject({ code: 'E_SHUTTING_DOWN' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each(['policies', 'policies/b'])('is not begun in %s of the directory itself', async (name) => {
    const copyJournal = vi.fn<() => Promise<never>>();
    await expect(backUp(join(directory, name), copyJournal)).rejects.toMatchObject({
      code: 'E_DATA_DIRECTORY',
    });
    expect(copyJournal).not.toHaveBeenCalled();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('ends while its files are read for their digests', async () => {
    const stop = new AbortController();
    const to = join(directory, 'backup');
    const copyJournal = async () => {
      writeFileSync(`${to}.unfinished/journal`, 'records');
      stop.abort(new AppError('E_SHUTTING_DOWN'));
      return { first: 1, last: 1 };
    };
    const source = { directory, now: 1, copyJournal, signal: stop.signal };
    await expect(backUpData(source, to)).rejects.toMatchObject({ code: 'E_SHUTTING_DOWN' });
    expect(readdirSync(directory)).toEqual([]);
  });
});
