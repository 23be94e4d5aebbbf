import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { AppError, isAppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { encodedBytes, recordChecksum, type EncodedRecord, type StoredRecord } from './encoding.js';
import { openHighWaterMark, type HighWaterMark } from './highWaterMark.js';

/** The journal's file and its high-water mark, in the data directory. */
export const JOURNAL_FILE = 'journal.sqlite';
export const MARK_FILE = 'journal.mark';
const SCHEMA_VERSION = 1;

/** SQLite, synchronous: it belongs in a thread of its own (18-23 ms at checkpoints, measured). */
export interface SqliteStore {
  readonly firstSequence: number;
  lastSequence(): number;
  /** @throws E_JOURNAL_FULL nothing was stored @throws E_JOURNAL_FAILED nobody knows what was stored */
  commit(batch: readonly EncodedRecord[]): number;
  read(from: number, to: number): StoredRecord[];
  routeRecords(warehouseId: string, routeId: string, from: number): StoredRecord[];
  close(): void;
}

/**
 * Opens or makes the journal of a data directory, for the owner only (0700, 0600).
 *
 * @throws E_DATA_DIRECTORY it cannot be written, or another server has it open
 * @throws E_JOURNAL_CORRUPT the database fails its check, or ends before the high-water mark
 */
export function openSqliteStore(directory: string): SqliteStore {
  const file = join(directory, JOURNAL_FILE);
  const markFile = join(directory, MARK_FILE);
  // The mark is made before the database: only a loss leaves one without the other.
  if (existsSync(file) && !existsSync(markFile)) {
    throw new AppError('E_JOURNAL_CORRUPT', { sequence: 0, detail: `${MARK_FILE} is missing` });
  }
  const opened = withDirectoryErrors(directory, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const mark = openHighWaterMark(markFile);
    // Made here and not by SQLite, which would follow the umask; its log takes the file's mode over.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    return mark;
  });
  if (opened.kind === 'damaged') {
    throw new AppError('E_JOURNAL_CORRUPT', { sequence: 0, detail: `${MARK_FILE} is damaged` });
  }
  const database = new Database(file, { timeout: 0 });
  try {
    withDirectoryErrors(directory, () => setPragmas(database));
    prepareSchema(database);
    checkDatabase(database, opened.mark);
    return createStore(database, opened.mark);
  } catch (error) {
    database.close();
    opened.mark.close();
    throw asDamage(error);
  }
}

/**
 * Exclusive: one server a data directory, and no shared-memory file that a full disk could fail.
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

function prepareSchema(database: Database.Database): void {
  const version: unknown = database.pragma('user_version', { simple: true });
  if (version === SCHEMA_VERSION) return;
  if (version !== 0) {
    const detail = `its format is ${String(version)}, this program knows ${SCHEMA_VERSION}`;
    throw new AppError('E_JOURNAL_FAILED', { detail });
  }
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

function checkDatabase(database: Database.Database, mark: HighWaterMark): void {
  const verdict: unknown = database.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw new AppError('E_JOURNAL_CORRUPT', { sequence: 0, detail: String(verdict) });
  const last = lastSequenceOf(database);
  if (last < mark.sequence) {
    const detail = `the file ends at ${last}, but records up to ${mark.sequence} were acknowledged`;
    throw new AppError('E_JOURNAL_CORRUPT', { sequence: last + 1, detail });
  }
}

function lastSequenceOf(database: Database.Database): number {
  const row = database
    .prepare<[], { last: number }>('SELECT coalesce(max(sequence), 0) AS last FROM records')
    .get();
  return row?.last ?? 0;
}

const COLUMNS =
  'sequence, at, warehouse_id AS warehouseId, kind, route_id AS routeId, payload, blob, checksum';
type Row = StoredRecord & { readonly checksum: number };

function createStore(database: Database.Database, mark: HighWaterMark): SqliteStore {
  const insert = database.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const range = database.prepare<[number, number], Row>(
    `SELECT ${COLUMNS} FROM records WHERE sequence BETWEEN ? AND ? ORDER BY sequence`,
  );
  const ofRoute = database.prepare<[string, string, number], Row>(
    `SELECT ${COLUMNS} FROM records WHERE route_id = ? AND warehouse_id = ? AND sequence >= ? ORDER BY sequence`,
  );
  let last = lastSequenceOf(database);

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
    firstSequence: 1,
    lastSequence: () => last,
    commit(batch) {
      try {
        const committed = insertAll(batch);
        // Only now: until the mark is raised too, a loss of this commit would go unnoticed.
        mark.raise(committed);
        last = committed;
        return committed;
      } catch (error) {
        throw commitError(error);
      }
    },
    read: (from, to) => readSome(range.iterate(from, to)),
    routeRecords: (warehouseId, routeId, from) => readSome(ofRoute.iterate(routeId, warehouseId, from)),
    close() {
      database.close();
      mark.close();
    },
  };
}

/** @throws E_JOURNAL_CORRUPT */
function readSome(rows: Iterable<Row>): StoredRecord[] {
  const records: StoredRecord[] = [];
  let bytes = 0;
  let next = 0;
  try {
    for (const row of rows) {
      next = row.sequence;
      if (recordChecksum(row) !== row.checksum) {
        throw new AppError('E_JOURNAL_CORRUPT', { sequence: row.sequence, detail: 'its checksum is wrong' });
      }
      records.push(row);
      bytes += encodedBytes(row);
      if (records.length >= LIMITS.journalRecordsPerRead || bytes >= LIMITS.journalBytesPerRead) break;
    }
  } catch (error) {
    throw asDamage(error, next + 1);
  }
  return records;
}

const sqliteCode = (error: unknown): string => (error instanceof Database.SqliteError ? error.code : '');

/** SQLITE_FULL comes from a write that the commit had not got past: it is rolled back, and known to be. */
function commitError(error: unknown): AppError {
  if (sqliteCode(error) === 'SQLITE_FULL') return new AppError('E_JOURNAL_FULL', {}, error);
  return new AppError('E_JOURNAL_FAILED', { detail: String(error) }, error);
}

function asDamage(error: unknown, sequence = 0): unknown {
  const code = sqliteCode(error);
  if (!code.startsWith('SQLITE_CORRUPT') && code !== 'SQLITE_NOTADB') return error;
  return new AppError('E_JOURNAL_CORRUPT', { sequence, detail: String(error) }, error);
}

const DIRECTORY_CODES =
  /^(EACCES|EPERM|EROFS|ENOENT|ENOTDIR|EEXIST|EISDIR|SQLITE_(BUSY|READONLY|CANTOPEN|PERM).*)$/;

function withDirectoryErrors<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (isAppError(error) || typeof code !== 'string' || !DIRECTORY_CODES.test(code)) throw error;
    const detail = code === 'SQLITE_BUSY' ? 'another server has it open' : String(error);
    throw new AppError('E_DATA_DIRECTORY', { directory, detail }, error);
  }
}
