import type * as Fs from 'node:fs';
import { appendFileSync, chownSync, cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { existingData } from '../../src/cli/backupCommands.js';
import { listCheckpoints, writeCheckpoint } from '../../src/journal/checkpointFile.js';
import { decodeRecord, encodeRecord } from '../../src/journal/encoding.js';
import { inspectJournal, isSound } from '../../src/journal/inspection.js';
import { createWarehouseState } from '../../src/journal/journalState.js';
import { quarantineJournal } from '../../src/journal/quarantine.js';
import { issuedEntry } from '../../src/journal/routeEntry.js';
import { LOCK_FILE, RESERVE_FILE, SALVAGE_DIRECTORY, segmentFile } from '../../src/journal/segmentFiles.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { temporaryDirectory } from './support/records.js';
import { completed, issued, request, trace } from './support/routes.js';

/** Steps that change a directory until the process is taken for killed; Infinity: never. */
const life = vi.hoisted(() => ({ steps: Infinity, isDiskFull: false }));
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof Fs>();
  const mortal =
    <A extends unknown[], R>(step: (...args: A) => R) =>
    (...args: A): R => {
      if (life.steps-- <= 0) throw new Error('killed');
      return step(...args);
    };
  const { mkdirSync, renameSync, rmSync: remove } = fs;
  const writeFileSync: typeof fs.writeFileSync = (...args) => {
    if (life.isDiskFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    fs.writeFileSync(...args);
  };
  const steps = { mkdirSync, renameSync, rmSync: remove, writeFileSync };
  const mortals = Object.entries(steps).map(([name, step]) => [name, mortal(step as () => unknown)]);
  return { ...fs, ...Object.fromEntries(mortals) } as typeof Fs;
});

const SIZES = { segmentRecords: 4, segmentBytes: Infinity, journalReserveBytes: 0 };

/** Records 1 to 10 in segments of four. */
function journalOfTen(): string {
  const directory = temporaryDirectory();
  const store = openSqliteStore(directory, SIZES);
  for (let number = 1; number <= 10; number++) {
    store.commit([{ at: number, warehouseId: '*', kind: 'k', routeId: null, payload: '{}', blob: null }]);
  }
  store.close();
  return directory;
}

/** Those from 9 on are lost. */
function damaged(): string {
  const directory = journalOfTen();
  rmSync(segmentFile(directory, 9).file);
  return directory;
}

async function isKilled(directory: string, steps: number): Promise<boolean> {
  life.steps = steps;
  try {
    await quarantineJournal(directory, 1_000);
    return false;
  } catch (error) {
    expect((error as Error).message).toBe('killed');
    return true;
  } finally {
    life.steps = Infinity;
  }
}

const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return 'none';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe('a quarantine that is killed', () => {
  it('is finished by the next one, wherever it was, and no server starts before', async () => {
    const source = damaged();
    const lost = (await quarantineJournal(copyOf(source), 1_000)).lost;
    expect(lost).toMatchObject([{ from: 9, to: 10 }]);
    const places = new Set<string>();
    for (let steps = 0; ; steps++) {
      const directory = copyOf(source);
      if (!(await isKilled(directory, steps))) break;
      const isMoving = existsSync(join(directory, SALVAGE_DIRECTORY));
      const isDone = !isMoving && existsSync(join(directory, 'quarantine-1000'));
      places.add(isMoving ? 'moving' : isDone ? 'done' : 'drafting');
      const verdict = codeOf(() => openSqliteStore(copyOf(directory), SIZES).close());
      expect([steps, verdict]).toEqual([
        steps,
        isMoving ? 'E_QUARANTINE_UNFINISHED' : isDone ? 'none' : 'E_JOURNAL_CORRUPT',
      ]);
      expect(codeOf(() => inspectJournal(copyOf(directory)))).toBe(
        isMoving ? 'E_QUARANTINE_UNFINISHED' : 'none',
      );
      expect(existingData(directory)).toBe(directory);

      const done = await quarantineJournal(directory, 2_000);
      const movedTo = isDone ? null : join(directory, isMoving ? 'quarantine-1000' : 'quarantine-2000');
      expect(done).toMatchObject({ movedTo, lost: isDone ? [] : lost });
      const report = inspectJournal(directory);
      expect([isSound(report), report.first, report.last]).toEqual([true, 1, 10]);
      // The damaged files are all in one place, and nothing of the work is left.
      const names = readdirSync(directory);
      const [aside, ...others] = names.filter((name) => name.startsWith('quarantine-'));
      expect(others).toEqual([]);
      expect(readdirSync(join(directory, aside ?? '')).sort()).toEqual(
        readdirSync(source).filter((name) => name !== RESERVE_FILE && name !== LOCK_FILE),
      );
      expect(names.filter((name) => name.startsWith(SALVAGE_DIRECTORY))).toEqual([]);
    }
    expect([...places]).toEqual(['drafting', 'moving', 'done']);
  }, 60_000);

  it('by a program that did not say how far it was loses nothing to the next one', async () => {
    const directory = damaged();
    cpSync(damaged(), join(directory, SALVAGE_DIRECTORY), { recursive: true });
    const before = readdirSync(directory, { recursive: true }).sort();
    await expect(quarantineJournal(directory, 1_000)).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    expect(readdirSync(directory, { recursive: true }).sort()).toEqual(before);
  });
});

describe('a quarantine', () => {
  it('keeps servers out from its first look to its end', async () => {
    const directory = damagedWithin();
    const running = quarantineJournal(directory, 1_000);
    // The first pass is over, the second one has not begun.
    expect(codeOf(() => openSqliteStore(directory, SIZES).close())).toBe('E_DATA_DIRECTORY');
    await expect(quarantineJournal(directory, 1_000)).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    expect(await running).toMatchObject({ lost: [{ from: 2, to: 2 }] });
    expect(codeOf(() => openSqliteStore(directory, SIZES).close())).toBe('none');
  });

  it.skipIf(process.getuid?.() !== 0)('by root leaves all to the owner of the directory', async () => {
    const directory = damagedWithin();
    for (const name of ['.', ...readdirSync(directory)]) chownSync(join(directory, name), 1234, 1235);
    await quarantineJournal(directory, 1_000);
    for (const name of readdirSync(directory, { recursive: true }) as string[]) {
      const { uid, gid } = statSync(join(directory, name));
      expect([name, uid, gid]).toEqual([name, 1234, 1235]);
    }
  });

  it('without room for a second journal says so, and changes nothing', async () => {
    const directory = damagedWithin();
    const before = readdirSync(directory);
    life.isDiskFull = true;
    onTestFinished(() => void (life.isDiskFull = false));
    await expect(quarantineJournal(directory, 1_000)).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    life.isDiskFull = false;
    expect(readdirSync(directory)).toEqual(before);
    expect(await quarantineJournal(directory, 1_000)).toMatchObject({ lost: [{ from: 2, to: 2 }] });
  });

  it('is not begun beside a server', async () => {
    const directory = damagedWithin();
    const before = readdirSync(directory);
    const store = openSqliteStore(directory, SIZES);
    await expect(quarantineJournal(directory, 1_000)).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    store.close();
    expect(readdirSync(directory)).toEqual(before);
    expect(await quarantineJournal(directory, 1_000)).toMatchObject({ lost: [{ from: 2, to: 2 }] });
  });

  it('moves nothing where another reads a segment that it must read', async () => {
    const directory = damagedWithin();
    const running = quarantineJournal(directory, 1_000);
    const reader = new Database(segmentFile(directory, 9).file);
    reader.pragma('locking_mode = exclusive');
    reader.prepare('SELECT max(sequence) FROM records').get();
    await expect(running).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    expect(existsSync(join(directory, SALVAGE_DIRECTORY))).toBe(false);
    reader.close();
    const done = await quarantineJournal(directory, 1_000);
    expect(done).toMatchObject({ lost: [{ from: 2, to: 2 }], report: { last: 10 } });
  });
});

it('a quarantine that finds the end of a route lost keeps the later routes of its robot, and a start too', async () => {
  const directory = temporaryDirectory();
  const store = openSqliteStore(directory, { ...SIZES, segmentRecords: 100 });
  for (let n = 1; n <= 10; n++) {
    const issue = issued(`r${n}`, request('robot', `q${n}`), n);
    const entry = issuedEntry({ ...issue, sequence: 2 * n - 1, blob: null });
    store.commit([encodeRecord(issue), encodeRecord(completed(entry, trace(n), n))]);
  }
  store.close();
  const database = new Database(segmentFile(directory, 1).file);
  database.exec('UPDATE records SET checksum = 1 WHERE sequence IN (2, 6, 11)');
  database.close();
  const lost = [2, 6, 11].map((sequence) => ({ from: sequence, to: sequence }));
  expect(await quarantineJournal(directory, 1_000)).toMatchObject({ lost });
  const { ledger } = createWarehouseState();
  const saved = openSqliteStore(directory, SIZES);
  for (const record of saved.read(1, 20)) ledger.apply(decodeRecord(record));
  saved.close();
  const ends = ledger.snapshot().closed.map(({ routeId, state }) => `${routeId} ${state}`);
  expect(ends.slice(0, 4)).toEqual(['r1 expired', 'r2 completed', 'r3 expired', 'r4 completed']);
  expect([ends.length, ledger.snapshot().open]).toEqual([10, []]);
});

/** Records 9 and 10, those before dropped, and checkpoints of these sequences. */
async function withCheckpoints(...sequences: number[]): Promise<string> {
  const directory = journalOfTen();
  for (const sequence of sequences) await writeCheckpoint(directory, sequence, []);
  const store = openSqliteStore(directory, SIZES);
  store.dropBefore(9);
  store.close();
  return directory;
}

describe('a journal whose older records were dropped, and whose checkpoints', () => {
  const damageAll = (directory: string): void =>
    listCheckpoints(directory).forEach(({ file }) => appendFileSync(file, 'x'));
  it.each([
    ['are gone', [], () => undefined],
    ['are damaged', [8, 10], damageAll],
    ['do not stand for all that was dropped', [6, 7], () => undefined],
  ])(
    '%s, is not sound, and starts again from quarantine, which says what is lost',
    async (_, kept, damage) => {
      const directory = await withCheckpoints(...kept);
      damage(directory);
      const forgotten = { from: 1, to: 8, detail: expect.stringContaining('closures') as string };
      const report = inspectJournal(directory);
      expect([isSound(report), report.damaged]).toEqual([false, [forgotten]]);
      expect(await quarantineJournal(directory, 1_000)).toMatchObject({
        ...{ lost: [forgotten], movedTo: join(directory, 'quarantine-1000') },
      });
      expect(isSound(inspectJournal(directory))).toBe(true);
      const journal = await openJournal({ directory, sizes: SIZES, onFatal: () => undefined });
      expect([journal.firstSequence(), journal.upkeep?.checkpoint()]).toEqual([
        9,
        { sequence: 8, parts: [] },
      ]);
      await journal.close();
    },
  );

  it('stand for all that was dropped, loses nothing for a damaged newer one', async () => {
    const directory = await withCheckpoints(8, 10);
    appendFileSync(listCheckpoints(directory)[0]!.file, 'x');
    expect(await quarantineJournal(directory, 1_000)).toMatchObject({ lost: [] });
    expect(await quarantineJournal(directory, 2_000)).toMatchObject({ movedTo: null });
  });
});

/** Records 1 to 10 in segments of four, the second one damaged: a server starts from it all the same. */
function damagedWithin(): string {
  const directory = journalOfTen();
  const database = new Database(segmentFile(directory, 1).file);
  database.exec("UPDATE records SET payload = '[]' WHERE sequence = 2");
  database.close();
  return directory;
}

function copyOf(directory: string): string {
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true });
  return copy;
}
