import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreData } from '../../src/registry/dataBackup.js';

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
