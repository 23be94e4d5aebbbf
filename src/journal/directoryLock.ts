import Database from 'better-sqlite3';
import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../domain/errors.js';
import { giveToOwner, makeDirectory } from '../platform/directories.js';
import { LOCK_FILE } from './segmentFiles.js';
import { sqliteCode, withDirectoryErrors } from './sqliteErrors.js';

export interface DirectoryLock {
  release(): void;
}

/**
 * Keeps all others that write to a data directory out of it; makes the directory where it is missing. The operating
 * system ends the lock with the process, however that ends, and it stays with a directory that is renamed. Node itself
 * locks no files: this is the lock of a SQLite database that stays empty.
 * @throws E_DATA_DIRECTORY another holds it, or the directory cannot be written
 */
export function lockDirectory(directory: string): DirectoryLock {
  const lock = lockUnlessHeld(directory);
  if (lock !== null) return lock;
  const detail = 'a server or another command has it open';
  throw new AppError('E_DATA_DIRECTORY', { directory, detail });
}

/**
 * The same, null where another holds it.
 * @throws E_DATA_DIRECTORY the directory cannot be written
 */
export function lockUnlessHeld(directory: string): DirectoryLock | null {
  const database = openLock(directory);
  return isBegun(database, 'EXCLUSIVE') ? { release: () => void database.close() } : null;
}

/**
 * The same for who only reads, which says who else holds it: SQLite's `RESERVED` lets others look, `EXCLUSIVE` does not.
 * @throws E_DATA_DIRECTORY the directory cannot be written
 */
export function lockToRead(directory: string): DirectoryLock | 'heldByReader' | 'heldByWriter' {
  const database = openLock(directory);
  if (isBegun(database, 'IMMEDIATE')) return { release: () => void database.close() };
  const other = openLock(directory);
  if (!isBegun(other, 'DEFERRED')) return 'heldByWriter';
  other.close();
  return 'heldByReader';
}

function openLock(directory: string): Database.Database {
  const file = join(directory, LOCK_FILE);
  return withDirectoryErrors(directory, () => {
    makeDirectory(directory);
    // Not opened where it is there: closing it again would end a lock that this process holds.
    if (!existsSync(file)) {
      closeSync(openSync(file, 'a', 0o600));
      giveToOwner(file);
    }
    return new Database(file, { timeout: 0, fileMustExist: true });
  });
}

/** False where another holds the lock; the database is closed then. */
function isBegun(database: Database.Database, mode: 'DEFERRED' | 'IMMEDIATE' | 'EXCLUSIVE'): boolean {
  try {
    // No log of what is never written; else a kill would leave one.
    database.pragma('journal_mode = memory');
    database.exec(`BEGIN ${mode}; SELECT count(*) FROM sqlite_schema`);
    return true;
  } catch (error) {
    database.close();
    if (sqliteCode(error).startsWith('SQLITE_BUSY')) return false;
    const detail = `${LOCK_FILE}: ${String(error)}`;
    throw new AppError('E_DATA_DIRECTORY', { directory: dirname(database.name), detail }, error);
  }
}
