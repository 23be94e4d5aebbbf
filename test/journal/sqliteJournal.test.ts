import {
  chmodSync,
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { writeCheckpoint } from '../../src/journal/checkpointFile.js';
import type { Journal } from '../../src/journal/journal.js';
import { quarantineJournal } from '../../src/journal/quarantine.js';
import { blobOfFloats, floatsOfBlob } from '../../src/journal/records.js';
import { entryOfRecords } from '../../src/journal/routeEntry.js';
import { createRouteLedger } from '../../src/journal/routeLedger.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { MARK_FILE, segmentFile } from '../../src/journal/segmentFiles.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { all, cancelled, samples, temporaryDirectory } from './support/records.js';
import { completed, held, issued, report, request, revised, SITE, trace } from './support/routes.js';

/** The first segment's name. */
const JOURNAL_FILE = basename(segmentFile('', 1).file);

async function open(directory: string): Promise<Journal> {
  const journal = await openJournal({
    directory,
    onFatal(error) {
      throw error;
    },
  });
  onTestFinished(() => journal.close());
  return journal;
}

/** A closed journal with `count` small records. */
async function written(directory: string, count: number): Promise<void> {
  const journal = await open(directory);
  await Promise.all(Array.from({ length: count }, (_, number) => journal.append(cancelled(number + 1))));
  await journal.close();
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: { code?: string }) => error.code,
  );

describe('the SQLite journal', () => {
  it('ends a backup under way when it closes, and says that it does', async () => {
    const outcomes = new Set<string | undefined>();
    // A backup may be quicker than the closing: then it is whole.
    for (let attempt = 0; attempt < 20 && !outcomes.has('E_SHUTTING_DOWN'); attempt++) {
      const journal = await open(temporaryDirectory());
      await journal.append(samples(4_000_000));
      const backup = codeOf(journal.upkeep!.backUp(temporaryDirectory()));
      await journal.close();
      outcomes.add(await backup);
    }
    outcomes.delete('none');
    expect([...outcomes]).toEqual(['E_SHUTTING_DOWN']);
  });

  it('copies no further sealed segment once it is closed', async () => {
    const store = openSqliteStore(temporaryDirectory(), { ...LIMITS, segmentRecords: 1 });
    const record = { at: 1, warehouseId: 'w', kind: 'k', routeId: null, payload: '{}', blob: null };
    for (let number = 1; number <= 5; number++) store.commit([record]);
    const target = temporaryDirectory();
    const backup = codeOf(store.backUp(target));
    store.close();
    expect([await backup, readdirSync(target).length]).toEqual(['E_SHUTTING_DOWN', 1]);
  });

  it('takes a backup that cannot be written for the fault of its target, and goes on', async () => {
    const directory = temporaryDirectory();
    const journal = await open(directory);
    const target = join(directory, 'missing');
    await expect(journal.upkeep?.backUp(target)).rejects.toMatchObject({
      code: 'E_DATA_DIRECTORY',
      references: { directory: target },
    });
    expect(await journal.append(cancelled(1))).toBe(1);
  });

  it('gives back after reopening what was appended, in order, blobs included', async () => {
    const directory = temporaryDirectory();
    const first = await open(directory);
    const floats = Float32Array.from([1.5, -2, Number.NaN, Infinity]);
    expect(await first.append(cancelled(1))).toBe(1);
    expect(await first.append({ ...samples(40), blob: blobOfFloats(floats) })).toBe(2);
    await first.close();

    const second = await open(directory);
    expect(second.lastSequence()).toBe(2);
    expect(await second.append(cancelled(3))).toBe(3);
    const records = await all(second.read());
    expect(records.map(({ sequence, kind }) => [sequence, kind])).toEqual([
      [1, 'route.cancelled'],
      [2, 'rows.corrected'],
      [3, 'route.cancelled'],
    ]);
    expect(records[0]).toEqual({ ...cancelled(1), sequence: 1, blob: null });
    expect(floatsOfBlob(records[1]?.blob ?? null)).toEqual(floats);
    expect(await all(second.read(3))).toEqual(records.slice(2));
  });

  it('reads more than one chunk, without a gap', async () => {
    const journal = await open(temporaryDirectory());
    await Promise.all(Array.from({ length: 5_000 }, (_, number) => journal.append(cancelled(number + 1))));
    const records = await all(journal.read(2));
    expect(records.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 4_999 }, (_, index) => index + 2),
    );
  });

  it('finds the records of one route in one warehouse', async () => {
    const journal = await open(temporaryDirectory());
    await Promise.all(
      [cancelled(1), cancelled(2), cancelled(1, 'other'), cancelled(1)].map((r) => journal.append(r)),
    );
    expect((await journal.routeRecords('site', 'r1')).map(({ sequence }) => sequence)).toEqual([1, 4]);
    expect(await journal.routeRecords('site', 'r9')).toEqual([]);
  });

  it.each([1, 2, 4, 100])(
    'leaves out what a later plan replaced, with %i of them to a segment',
    async (segmentRecords) => {
      const directory = temporaryDirectory();
      const journal = await openJournal({ directory, sizes: { segmentRecords }, onFatal: () => undefined });
      onTestFinished(() => journal.close());
      const ledger = createRouteLedger({ warehouseId: SITE, journal });
      const content = request('robot', 'q1');
      await ledger.issue(content, () => issued('r1', content));
      for (const next of [held, revised, revised, held, revised, held, held])
        await ledger.revise('r1', (entry) => next(entry));
      await ledger.expire('r1', 9);
      const late = report('r1', trace(10));
      await ledger.complete(late, (entry) => completed(entry, late.trace));

      const written = await all(journal.read());
      const found = await journal.routeRecords(SITE, 'r1');
      expect(entryOfRecords(found)).toEqual(entryOfRecords(written));
      if (segmentRecords === 100) expect(found.map(({ sequence }) => sequence)).toEqual([1, 6, 7, 8, 9, 10]);
    },
  );

  it('keeps its files to their owner', async () => {
    const directory = temporaryDirectory();
    const journal = await open(join(directory, 'data'));
    await journal.append(cancelled(1));
    const mode = (name: string) => statSync(join(directory, 'data', name)).mode & 0o777;
    expect([mode('.'), mode(JOURNAL_FILE), mode(`${JOURNAL_FILE}-wal`), mode(MARK_FILE)]).toEqual([
      0o700, 0o600, 0o600, 0o600,
    ]);
  });

  it('refuses a data directory that another server has open', async () => {
    const directory = temporaryDirectory();
    await open(directory);
    expect(await codeOf(open(directory))).toBe('E_DATA_DIRECTORY');
  });

  it('refuses a data directory that cannot be one', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'file'), '');
    expect(await codeOf(open(join(directory, 'file')))).toBe('E_DATA_DIRECTORY');
    expect(await codeOf(open(join(directory, 'file', 'below')))).toBe('E_DATA_DIRECTORY');
  });

  it.skipIf(process.getuid?.() === 0)('refuses a data directory that it may not write', async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o500);
    expect(await codeOf(open(directory))).toBe('E_DATA_DIRECTORY');
  });
});

describe('a process that ended between a commit and its mark', () => {
  it('finds what was committed all the same, and goes on after it', async () => {
    const directory = temporaryDirectory();
    await written(directory, 3);
    const mark = readFileSync(join(directory, MARK_FILE));
    const journal = await open(directory);
    await journal.append(cancelled(4));
    await journal.close();
    writeFileSync(join(directory, MARK_FILE), mark);

    const reopened = await open(directory);
    expect(reopened.lastSequence()).toBe(4);
    expect(await all(reopened.read())).toHaveLength(4);
    expect(await reopened.append(cancelled(5))).toBe(5);
  });
});

describe('damage to the SQLite journal', () => {
  it('names the record whose byte was changed behind its back', async () => {
    const directory = temporaryDirectory();
    await written(directory, 10);
    const database = new Database(join(directory, JOURNAL_FILE));
    database.exec("UPDATE records SET payload = replace(payload, 'number 7', 'number 8') WHERE sequence = 7");
    database.close();
    const journal = await open(directory);
    await expect(all(journal.read())).rejects.toMatchObject({
      code: 'E_JOURNAL_CORRUPT',
      references: { sequence: 7 },
    });
  });

  it('names the record that is missing in the middle', async () => {
    const directory = temporaryDirectory();
    await written(directory, 10);
    const database = new Database(join(directory, JOURNAL_FILE));
    database.exec('DELETE FROM records WHERE sequence = 4');
    database.close();
    const journal = await open(directory);
    await expect(all(journal.read())).rejects.toMatchObject({
      code: 'E_JOURNAL_CORRUPT',
      references: { sequence: 4 },
    });
  });

  it('refuses to start when acknowledged records are missing at the end', async () => {
    const directory = temporaryDirectory();
    await written(directory, 10);
    const database = new Database(join(directory, JOURNAL_FILE));
    database.exec('DELETE FROM records WHERE sequence > 8');
    database.close();
    await expect(open(directory)).rejects.toMatchObject({
      code: 'E_JOURNAL_CORRUPT',
      references: { sequence: 9 },
    });
  });

  it('refuses to start without its database or without its mark', async () => {
    for (const name of [JOURNAL_FILE, MARK_FILE]) {
      const directory = temporaryDirectory();
      await written(directory, 3);
      rmSync(join(directory, name));
      expect([name, await codeOf(open(directory))]).toEqual([name, 'E_JOURNAL_CORRUPT']);
    }
  });

  it('refuses to start where a checkpoint stands for records that are not there, and quarantine loses only these', async () => {
    for (const { held, isMarked, missing } of [
      { held: 0, isMarked: false, missing: 1 },
      { held: 0, isMarked: true, missing: 1 },
      { held: 2, isMarked: true, missing: 3 },
    ]) {
      const directory = temporaryDirectory();
      await written(directory, held);
      if (held === 0) rmSync(join(directory, JOURNAL_FILE));
      if (!isMarked) rmSync(join(directory, MARK_FILE));
      await writeCheckpoint(directory, 5, []);
      const files = readdirSync(directory);
      await expect(open(directory)).rejects.toMatchObject({
        code: 'E_JOURNAL_CORRUPT',
        references: { sequence: missing },
      });
      expect(readdirSync(directory)).toEqual(files);
      const { lost } = await quarantineJournal(directory, 1_000);
      expect(lost).toMatchObject([{ from: missing, to: 5 }]);
      const journal = await open(directory);
      expect([journal.lastSequence(), journal.upkeep?.checkpoint()?.sequence]).toEqual([5, 5]);
      await journal.close();
    }
  });

  it('finds a flipped bit or a cut in the log that SQLite itself would drop without a word', () => {
    let found = 0;
    for (let trial = 0; trial < 20; trial++) {
      const directory = temporaryDirectory();
      const store = openSqliteStore(directory);
      for (let number = 1; number <= 20; number++) {
        store.commit([{ at: number, warehouseId: 'w', kind: 'k', routeId: null, payload: '{}', blob: null }]);
      }
      const copy = copyOf(directory);
      store.close();
      const log = join(copy, `${JOURNAL_FILE}-wal`);
      const offset = Math.floor((statSync(log).size * (trial + 0.5)) / 20);
      if (trial % 2 === 0) flipBit(log, offset, trial % 8);
      else truncateSync(log, offset);
      found += outcomeOf(copy, 20);
    }
    // The rest fell where nothing that counts was stored.
    expect(found).toBeGreaterThan(15);
  });
});

/** 1 when the damage is found, 0 when all records are there all the same; fails on a silent loss. */
function outcomeOf(directory: string, count: number): number {
  try {
    const store = openSqliteStore(directory);
    const records = store.read(1, count);
    store.close();
    expect(records.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    );
    return 0;
  } catch (error) {
    expect(error).toMatchObject({ code: 'E_JOURNAL_CORRUPT' });
    return 1;
  }
}

/** The files as a power cut would leave them: copied while the database is open. */
function copyOf(directory: string): string {
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true });
  return copy;
}

function flipBit(file: string, offset: number, bit: number): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, offset);
  byte[0] = (byte[0] as number) ^ (1 << bit);
  writeSync(descriptor, byte, 0, 1, offset);
  closeSync(descriptor);
}
