import type * as Fs from 'node:fs';
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import {
  listCheckpoints,
  readCheckpoint,
  writeCheckpoint,
  type CheckpointPart,
} from '../../src/journal/checkpointFile.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { temporaryDirectory } from './support/records.js';

/** Node ends at 2^29 - 24 units; here the longest string is one chunk. */
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof Fs>();
  const readFile: typeof fs.readFileSync = (...args: Parameters<typeof fs.readFileSync>) => {
    const read = fs.readFileSync(...args);
    if (typeof read === 'string' && read.length > LIMITS.checkpointBytesPerRead)
      throw Object.assign(new Error('too long'), { code: 'ERR_STRING_TOO_LONG' });
    return read as never;
  };
  return { ...fs, readFileSync: readFile };
});

/** Lines of all lengths, so that chunks end anywhere in them, also within a letter and at a line's end. */
const PARTS = Array.from({ length: 60 }, (_, n): CheckpointPart => ({
  warehouseId: `Lager-${'ü'.repeat(n * 977)}`,
  ...{ facts: null, open: [[`r${n}`, [n]]], closed: [], requests: [] },
}));

async function written(): Promise<string> {
  const directory = temporaryDirectory();
  await writeCheckpoint(directory, 7, PARTS);
  return listCheckpoints(directory)[0]!.file;
}

it('a checkpoint that is longer than any string is read line by line', async () => {
  const file = await written();
  expect(readFileSync(file).length).toBeGreaterThan(3 * LIMITS.checkpointBytesPerRead);
  expect(readCheckpoint(file)).toEqual({ sequence: 7, parts: PARTS });
});

it('a checkpoint is none where a byte of it changed, or its end is missing, or something follows', async () => {
  const file = await written();
  const whole = readFileSync(file);
  const isRead = (bytes: Buffer): boolean => {
    writeFileSync(file, bytes);
    return readCheckpoint(file) !== null;
  };
  for (let at = 0; at < whole.length; at += 810_013) {
    const changed = Buffer.from(whole);
    changed[at] = changed[at]! ^ 1;
    expect([at, isRead(changed)]).toEqual([at, false]);
    expect([at, isRead(whole.subarray(0, at))]).toEqual([at, false]);
  }
  expect(isRead(whole)).toBe(true);
  truncateSync(file, whole.length - 2);
  expect(readCheckpoint(file)).toBeNull();
  writeFileSync(file, whole);
  appendFileSync(file, 'x');
  expect(readCheckpoint(file)).toBeNull();
});

it('what a kill left of a checkpoint is removed by the next server, and not beside one', () => {
  const directory = temporaryDirectory();
  const draft = join(directory, 'checkpoint-0000000000000007.jsonl.new');
  const store = openSqliteStore(directory);
  writeFileSync(draft, 'half');
  expect(() => openSqliteStore(directory)).toThrow('has it open');
  expect(existsSync(draft)).toBe(true);
  store.close();
  openSqliteStore(directory).close();
  expect(existsSync(draft)).toBe(false);
});
