import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../src/journal/checkpointFile.js';
import { inspectJournal } from '../../src/journal/inspection.js';
import { quarantineJournal } from '../../src/journal/quarantine.js';
import { segmentFile } from '../../src/journal/segmentFiles.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { temporaryDirectory } from './support/records.js';

const SIZES = { segmentRecords: 4, segmentBytes: Infinity, journalReserveBytes: 0 };

/** Records 1 to 10, in segments of four, and a checkpoint at 10. */
async function written(): Promise<string> {
  const directory = temporaryDirectory();
  const store = openSqliteStore(directory, SIZES);
  for (let number = 1; number <= 10; number++) {
    store.commit([{ at: number, warehouseId: 'w', kind: 'k', routeId: null, payload: '{}', blob: null }]);
  }
  store.close();
  await writeCheckpoint(directory, 10, []);
  return directory;
}

function openSegment(directory: string, first: number): Database.Database {
  return new Database(segmentFile(directory, first).file);
}

function contents(directory: string): Map<string, string> {
  return new Map(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name)).toString('base64')]),
  );
}

/** What a server, a backup, `journal verify` and `journal quarantine` say to the directory. */
async function verdicts(directory: string): Promise<unknown[]> {
  const onFatal = (error: Error): never => {
    throw error;
  };
  const start = async (): Promise<void> => {
    const journal = await openJournal({ directory, sizes: SIZES, onFatal });
    try {
      journal.upkeep?.checkpoint();
    } finally {
      await journal.close();
    }
  };
  const works = [
    start,
    async () => openSqliteStore(directory, SIZES).close(),
    async () => inspectJournal(directory),
    () => quarantineJournal(directory, 1_000),
  ];
  const codes = [];
  for (const work of works) {
    codes.push(
      await work().then(
        () => 'none',
        (error: { code?: string }) => error.code,
      ),
    );
  }
  return codes;
}

const REFUSED = Array.from({ length: 4 }, () => 'E_JOURNAL_FORMAT');

describe('a journal of another format', () => {
  it('is refused by everything that opens one, and left as it was', async () => {
    const directory = await written();
    const newest = openSegment(directory, 9);
    newest.pragma('user_version = 3');
    newest.close();
    const before = contents(directory);
    expect(await verdicts(directory)).toEqual(REFUSED);
    expect(contents(directory)).toEqual(before);
  });

  it('is refused where only the log of the segment last written to tells it', async () => {
    const directory = await written();
    const newest = openSegment(directory, 9);
    newest.pragma('user_version = 3');
    const copy = temporaryDirectory();
    cpSync(directory, copy, { recursive: true });
    newest.close();
    expect(await verdicts(copy)).toEqual(REFUSED);
  });

  it('is refused where the segment last written to is damaged or empty, and an older one tells it', async () => {
    for (const text of ['no database', '']) {
      const directory = await written();
      const older = openSegment(directory, 5);
      older.pragma('user_version = 3');
      older.close();
      writeFileSync(segmentFile(directory, 9).file, text);
      const before = contents(directory);
      expect(await verdicts(directory)).toEqual(REFUSED);
      expect(contents(directory)).toEqual(before);
    }
  });

  it('is not what a damaged number in an older segment makes of it', async () => {
    const directory = await written();
    const older = openSegment(directory, 5);
    older.pragma('user_version = 3');
    older.close();
    expect(await verdicts(directory)).toEqual(['none', 'none', 'none', 'none']);
    expect(inspectJournal(directory).soundRecords).toBe(10);
  });

  it('is refused by its checkpoint too', async () => {
    const directory = await written();
    const head = JSON.stringify({ format: 2, sequence: 10 });
    const line = `${crc32(head).toString(16).padStart(8, '0')} ${head}\n`;
    writeFileSync(join(directory, 'checkpoint-0000000000000010.jsonl'), line);
    expect(await verdicts(directory)).toEqual([
      'E_JOURNAL_FORMAT',
      'none',
      'E_JOURNAL_FORMAT',
      'E_JOURNAL_FORMAT',
    ]);
  });
});
