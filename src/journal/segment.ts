import { chmodSync, closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { encodedBytes, isIntact, recordChecksum, type EncodedRecord, type StoredRecord } from './encoding.js';
import type { SegmentFile } from './segmentFiles.js';
import { asDamage, corrupt, sqliteCode } from './sqliteErrors.js';

const SCHEMA_VERSION = 2;
export const COLUMNS =
  'sequence, at, warehouse_id AS warehouseId, kind, route_id AS routeId, payload, blob, checksum';
export type Row = StoredRecord & { readonly checksum: number };

/** Records that follow one another, in one SQLite database. */
export interface Segment {
  readonly file: string;
  /** Sequence of its first record, whether that is there yet or not. */
  readonly first: number;
  /** Of its last record; `first - 1` where it has none. */
  last(): number;
  bytes(): number;
  read(from: number, to: number): StoredRecord[];
  /** Without what the newest plan among them replaced. */
  routeRecords(warehouseId: string, routeId: string, from: number): StoredRecord[];
  close(): void;
}

/** The segment that is written to; all before it are sealed. */
export interface ActiveSegment extends Segment {
  /** All or nothing, durable when it returns. @returns the last sequence */
  insert(batch: readonly EncodedRecord[]): number;
  /** Makes the file one that only readers open, and closes it. */
  seal(): void;
  /** Copies it while it is written to. */
  backUp(file: string): Promise<void>;
}

/**
 * The newest segment that tells its format decides: a program of a newer format writes it first, and in one before it
 * another number is damage. Changes nothing but SQLite's own recovery.
 * @throws E_JOURNAL_FORMAT another version of the program wrote these
 */
export function assertKnownFormat(files: readonly SegmentFile[]): void {
  for (const { file } of files.toReversed()) {
    const format = formatOf(file);
    if (format === SCHEMA_VERSION) return;
    if (format !== 0) throw unknownFormat(file, format);
  }
}

/** 0 where it tells none: nothing was written yet, it is damaged, or a server has it open. */
function formatOf(file: string): number {
  try {
    const database = new Database(file, { timeout: 0, fileMustExist: true });
    try {
      database.pragma('locking_mode = exclusive');
      return database.pragma('user_version', { simple: true }) as number;
    } finally {
      database.close();
    }
  } catch (error) {
    if (sqliteCode(error) === '') throw error;
    return 0;
  }
}

function unknownFormat(file: string, format: number): AppError {
  return new AppError('E_JOURNAL_FORMAT', { file, format, known: SCHEMA_VERSION });
}

/**
 * Opens or makes the segment that is written to, for the owner only.
 * @throws E_JOURNAL_CORRUPT it fails its check
 */
export function openActiveSegment(file: string, first: number): ActiveSegment {
  // Made here and not by SQLite, which would follow the umask; its log takes the file's mode over.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new Database(file, { timeout: 0 });
  try {
    setPragmas(database);
    prepareSchema(database, file);
    const verdict: unknown = database.pragma('quick_check(1)', { simple: true });
    if (verdict !== 'ok') throw corrupt(first, String(verdict));
    return activeSegment(database, file, first);
  } catch (error) {
    database.close();
    throw asDamage(error, first);
  }
}

/** @throws E_JOURNAL_CORRUPT it cannot be read */
export function openSealedSegment(file: string, first: number): Segment {
  try {
    const database = new Database(file, { readonly: true, fileMustExist: true });
    try {
      // A negative number is one of KiB.
      database.pragma(`cache_size = -${LIMITS.sealedSegmentCacheBytes / 1024}`);
      return readableSegment(database, file, first);
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw asDamage(error, first);
  }
}

/**
 * Exclusive: no shared-memory file that a full disk could fail.
 * FULL: each commit is synced before it returns. Both are asserted, since SQLite ignores what it does not know.
 */
function setPragmas(database: Database.Database): void {
  const wanted = [
    ['locking_mode', 'exclusive'],
    ['journal_mode', 'wal'],
    ['synchronous', 2],
    ['wal_autocheckpoint', 1000],
  ] as const;
  for (const [name, value] of wanted) {
    database.pragma(`${name} = ${value}`);
    const actual: unknown = database.pragma(name, { simple: true });
    if (actual !== value) {
      throw new AppError('E_JOURNAL_FAILED', { detail: `pragma ${name} is ${String(actual)}, not ${value}` });
    }
  }
}

function prepareSchema(database: Database.Database, file: string): void {
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version === SCHEMA_VERSION) return;
  if (version !== 0) throw unknownFormat(file, version);
  database.transaction(() => {
    database.exec(`
      CREATE TABLE records (
        sequence INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        warehouse_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        route_id TEXT,
        payload TEXT NOT NULL,
        blob BLOB,
        checksum INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX records_by_route ON records (route_id, warehouse_id) WHERE route_id IS NOT NULL;
    `);
    database.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

function readableSegment(database: Database.Database, file: string, first: number): Segment {
  const range = database.prepare<[number, number], Row>(
    `SELECT ${COLUMNS} FROM records WHERE sequence BETWEEN ? AND ? ORDER BY sequence`,
  );
  // Of a route with thousands of plans, SQLite then reads no more than their kinds.
  const ofRoute = database.prepare<[{ routeId: string; warehouseId: string; from: number }], Row>(
    `SELECT ${COLUMNS} FROM records
      WHERE route_id = :routeId AND warehouse_id = :warehouseId AND sequence >= :from AND (
        kind NOT IN ('route.revised', 'route.held') OR sequence >= coalesce((
          SELECT sequence FROM records
            WHERE route_id = :routeId AND warehouse_id = :warehouseId AND kind = 'route.revised'
            ORDER BY sequence DESC LIMIT 1), 0))
      ORDER BY sequence`,
  );
  const last = lastOf(database, first);
  return {
    file,
    first,
    last: () => last,
    bytes: () => bytesOf(database),
    read: (from, to) => readSome(range.iterate(from, to), from),
    routeRecords: (warehouseId, routeId, from) =>
      readSome(ofRoute.iterate({ routeId, warehouseId, from }), from),
    close: () => void database.close(),
  };
}

function activeSegment(database: Database.Database, file: string, first: number): ActiveSegment {
  const insert = database.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const readable = readableSegment(database, file, first);
  let last = readable.last();
  const insertAll = database.transaction((batch: readonly EncodedRecord[]) => {
    let sequence = last;
    for (const record of batch) {
      const stored = { ...record, sequence: ++sequence };
      const { at, warehouseId, kind, routeId, payload, blob } = stored;
      insert.run(sequence, at, warehouseId, kind, routeId, payload, blob, recordChecksum(stored));
    }
    return sequence;
  });
  return {
    ...readable,
    last: () => last,
    insert: (batch) => (last = insertAll(batch)),
    seal() {
      database.pragma('wal_checkpoint(TRUNCATE)');
      database.pragma('journal_mode = delete');
      database.close();
    },
    async backUp(target) {
      await database.backup(target, { progress: () => LIMITS.backupPagesPerStep });
    },
  };
}

function lastOf(database: Database.Database, first: number): number {
  const found = database
    .prepare<[], { last: number | null }>('SELECT max(sequence) AS last FROM records')
    .get();
  return found?.last ?? first - 1;
}

function bytesOf(database: Database.Database): number {
  const pages = database.pragma('page_count', { simple: true }) as number;
  return pages * (database.pragma('page_size', { simple: true }) as number);
}

/** @throws E_JOURNAL_CORRUPT naming the first record that is not what was written */
function readSome(rows: Iterable<Row>, from: number): StoredRecord[] {
  const records: StoredRecord[] = [];
  let bytes = 0;
  let next = from;
  try {
    for (const row of rows) {
      // SQLite trusts its pages: a damaged one may lead to a row that was not asked for, or give its columns other names.
      if (!(row.sequence >= next)) throw corrupt(next, 'another record stands in its place');
      if (!isIntact(row)) throw corrupt(row.sequence, 'its checksum is wrong');
      next = row.sequence + 1;
      records.push(row);
      bytes += encodedBytes(row);
      if (records.length >= LIMITS.journalRecordsPerRead || bytes >= LIMITS.journalBytesPerRead) break;
    }
  } catch (error) {
    throw asDamage(error, next);
  }
  return records;
}
