import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../domain/limits.js';
import { listCheckpoints, readCheckpoint } from './checkpointFile.js';
import { encodedBytes, isIntact, type StoredRecord } from './encoding.js';
import { readHighWaterMark, type MarkedRange } from './highWaterMark.js';
import { assertKnownFormat, COLUMNS, type Row } from './segment.js';
import { assertNoSalvage, companions, listSegments, MARK_FILE, type SegmentFile } from './segmentFiles.js';
import { sqliteCode } from './sqliteErrors.js';

/** Records that are not what was written, or are not there; or that were dropped, and nothing stands for them. */
export interface DamagedRange {
  readonly from: number;
  readonly to: number;
  readonly detail: string;
}

export interface JournalReport {
  /** What the journal must hold, by its mark and checkpoints; where these are damaged, by what was found. */
  readonly first: number;
  readonly last: number;
  readonly markIsSound: boolean;
  readonly soundRecords: number;
  readonly damaged: readonly DamagedRange[];
  /** Damage that costs no record: an index, a free page. */
  readonly structure: readonly string[];
  readonly checkpoints: readonly { readonly sequence: number; readonly isSound: boolean }[];
  /** Of what a running server writes to, and what was left out therefore; null: everything was read. */
  readonly servedFrom: number | null;
}

/** What a reader of every record is told of each, in order: the record, or why it is not there. */
export type Visit = (sequence: number, found: StoredRecord | string) => void;

/**
 * Reads and checks every record of a directory's journal, index and checkpoint. Changes nothing but SQLite's own recovery.
 * @param isServed a server may have it open, and go on: what it begins, seals and drops meanwhile is no damage
 * @throws E_JOURNAL_FORMAT another version of the program wrote it
 * @throws E_QUARANTINE_UNFINISHED
 */
export function inspectJournal(
  directory: string,
  visit: Visit = () => undefined,
  isServed = false,
): JournalReport {
  assertNoSalvage(directory);
  const readMark = (): MarkedRange | null =>
    existsSync(directory) ? readHighWaterMark(join(directory, MARK_FILE)) : null;
  const mark = readMark();
  const files = listSegments(directory);
  const readable = isServed ? files.slice(0, servedIndex(files)) : files;
  assertKnownFormat(readable);
  const damaged: DamagedRange[] = [];
  const structure: { readonly first: number; readonly fault: string }[] = [];
  const soundBefore = new Map<number, number>();
  const first = mark?.first ?? files[0]?.first ?? 1;
  const acknowledged = Math.max(mark?.last ?? 0, listCheckpoints(directory)[0]?.sequence ?? 0);
  let next = first;
  let soundRecords = 0;
  let servedFrom = files[readable.length]?.first ?? null;

  const tell: Visit = (sequence, found) => {
    next = sequence + 1;
    if (typeof found === 'string') addTo(damaged, sequence, found);
    else soundRecords++;
    visit(sequence, found);
  };
  const missing = (upTo: number, detail: string): void => {
    while (next <= upTo) tell(next, detail);
  };

  for (const [index, file] of readable.entries()) {
    soundBefore.set(file.first, soundRecords);
    missing(file.first - 1, 'its segment is missing');
    const following = files[index + 1];
    const to = following === undefined ? null : following.first - 1;
    const read = readSegment(file, { from: next, to, atLeast: acknowledged }, tell);
    if (read.kind === 'served') {
      servedFrom = file.first;
      break;
    }
    if (read.fault !== null) structure.push({ first: file.first, fault: `${file.file}: ${read.fault}` });
  }
  if (servedFrom === null) missing(acknowledged, 'it was acknowledged, and the journal ends before it');
  // What retention dropped meanwhile: the mark is raised before a segment is removed.
  const keptFrom = Math.max(first, (isServed ? readMark()?.first : null) ?? first);
  const stillThere = [...soundBefore].find(([start]) => start >= keptFrom);
  const soundDropped = keptFrom > first ? (stillThere?.[1] ?? soundRecords) : 0;
  const checkpoints = listCheckpoints(directory).flatMap(inspectCheckpoint);
  const stillHeld = damaged
    .filter(({ to }) => to >= keptFrom)
    .map((range) => ({ ...range, from: Math.max(range.from, keptFrom) }));
  return {
    first: keptFrom,
    last: Math.max(acknowledged, next - 1, keptFrom - 1),
    markIsSound: mark !== null || files.length === 0,
    soundRecords: soundRecords - soundDropped,
    damaged: [...forgotten(keptFrom, checkpoints), ...stillHeld],
    structure: structure.filter((found) => found.first >= keptFrom).map(({ fault }) => fault),
    checkpoints,
    servedFrom,
  };
}

/** Of the first that a server may write to: the newest, or one that it is about to seal. To open it could fail the server. */
function servedIndex(files: readonly SegmentFile[]): number {
  const unsealed = files.findIndex(({ file }) => companions(file).length > 0);
  return Math.max(0, unsealed === -1 ? files.length - 1 : unsealed);
}

/** None where it has made room for a newer one since it was listed. */
function inspectCheckpoint({ file, sequence }: ReturnType<typeof listCheckpoints>[number]) {
  try {
    return [{ sequence, isSound: readCheckpoint(file) !== null }];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}

/** What was dropped before `first`, where no checkpoint tells what it came to: a start goes on from one, or from record 1. */
function forgotten(first: number, checkpoints: JournalReport['checkpoints']): DamagedRange[] {
  if (first === 1 || checkpoints.some((one) => one.isSound && one.sequence >= first - 1)) return [];
  const what = 'closures, modes, weights, open routes, and which requests and reports were answered';
  const detail = `dropped by retention, and no sound checkpoint tells what they came to: ${what}`;
  return [{ from: 1, to: first - 1, detail }];
}

export function isSound(report: JournalReport): boolean {
  const { damaged, structure, markIsSound, checkpoints } = report;
  return damaged.length + structure.length === 0 && markIsSound && checkpoints.every((one) => one.isSound);
}

/** Neighbours with the same detail are one range. */
export function addTo(damaged: DamagedRange[], sequence: number, detail: string): void {
  const before = damaged.at(-1);
  const goesOn = before?.to === sequence - 1 && before.detail === detail;
  if (goesOn) damaged.pop();
  damaged.push({ from: goesOn ? before.from : sequence, to: sequence, detail });
}

type ReadSegment = { readonly kind: 'served' } | { readonly kind: 'read'; readonly fault: string | null };

/** @param range.to null: as far as it goes, at least to `range.atLeast` */
function readSegment(
  { file }: SegmentFile,
  range: { readonly from: number; readonly to: number | null; readonly atLeast: number },
  tell: Visit,
): ReadSegment {
  let database: Database.Database | null = null;
  try {
    const opened = (database = new Database(file, { timeout: 0, fileMustExist: true }));
    opened.pragma('locking_mode = exclusive');
    const newest = attempt(() => lastOf(opened));
    const to = range.to ?? Math.max(range.atLeast, typeof newest === 'string' ? 0 : newest);
    readRange(opened, { from: range.from, to }, tell);
    const verdict = attempt(() => opened.pragma('integrity_check(1)', { simple: true }));
    return { kind: 'read', fault: verdict === 'ok' ? null : String(verdict) };
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_BUSY') return { kind: 'served' };
    for (let lost = range.from; lost <= (range.to ?? range.atLeast); lost++) tell(lost, String(error));
    return { kind: 'read', fault: String(error) };
  } finally {
    database?.close();
  }
}

function lastOf(database: Database.Database): number {
  const found = database
    .prepare<[], { last: number | null }>('SELECT max(sequence) AS last FROM records')
    .get();
  return found?.last ?? 0;
}

/** @throws SqliteError before anything is told, where the file is no database or has no table */
function readRange(
  database: Database.Database,
  { from, to }: { readonly from: number; readonly to: number },
  tell: Visit,
): void {
  const select = database.prepare<[number, number], Row>(
    `SELECT ${COLUMNS} FROM records WHERE sequence BETWEEN ? AND ? ORDER BY sequence`,
  );
  for (let next = from; next <= to;) {
    const { run, goesOnAt } = readRun(select.iterate(next, to), { first: next, last: to });
    for (const row of run) tell(next++, checked(row, row.sequence));
    const isDamaged = run.length === 0 && goesOnAt === next;
    while (next < goesOnAt) tell(next++, 'it is missing');
    if (!isDamaged) continue;
    // By itself, so that its neighbours are saved.
    const found = attempt(() => select.get(next, next) ?? 'it is missing');
    tell(next, typeof found === 'string' ? found : checked(found, next));
    next++;
  }
}

/**
 * The rows from `first` on, as far as they can be read one after the other, and as many as may be held at once; and where
 * the next row is, those in between being missing.
 */
function readRun(
  rows: Iterable<Row>,
  { first, last }: { readonly first: number; readonly last: number },
): { readonly run: readonly Row[]; readonly goesOnAt: number } {
  const run: Row[] = [];
  let bytes = 0;
  const goesOnAt = attempt(() => {
    for (const row of rows) {
      const next = first + run.length;
      if (row.sequence !== next) return row.sequence > next ? row.sequence : next;
      run.push(row);
      bytes += encodedBytes(row);
      if (run.length >= LIMITS.journalRecordsPerRead || bytes >= LIMITS.journalBytesPerRead) return next + 1;
    }
    return last + 1;
  });
  return { run, goesOnAt: typeof goesOnAt === 'string' ? first + run.length : goesOnAt };
}

function checked(row: Row, sequence: number): StoredRecord | string {
  if (row.sequence !== sequence) return 'another record stands in its place';
  return isIntact(row) ? row : 'its checksum is wrong';
}

function attempt<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_BUSY') throw error;
    return String(error);
  }
}
