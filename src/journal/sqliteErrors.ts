import Database from 'better-sqlite3';
import { AppError, isAppError } from '../domain/errors.js';

export const sqliteCode = (error: unknown): string =>
  error instanceof Database.SqliteError ? error.code : '';

export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error) === 'SQLITE_FULL' || (error as { code?: unknown } | null)?.code === 'ENOSPC';
}

/** SQLITE_FULL comes from a write that the commit had not got past: it is rolled back, and known to be. */
export function commitError(error: unknown): AppError {
  if (sqliteCode(error) === 'SQLITE_FULL') return new AppError('E_JOURNAL_FULL', {}, error);
  return new AppError('E_JOURNAL_FAILED', { detail: String(error) }, error);
}

/**
 * What SQLite finds broken is the record's damage; anything else stays what it is. SQLITE_ERROR is what a
 * damaged schema gives: the statements themselves are fixed.
 */
export function asDamage(error: unknown, sequence: number): unknown {
  const code = sqliteCode(error);
  if (!/^SQLITE_(CORRUPT|NOTADB|ERROR)/.test(code)) return error;
  return corrupt(sequence, String(error), error);
}

export function corrupt(sequence: number, detail: string, cause?: unknown): AppError {
  return new AppError('E_JOURNAL_CORRUPT', { sequence, detail: detail.replace(/\s*\n\s*/g, '; ') }, cause);
}

const DIRECTORY_CODES =
  /^(EACCES|EPERM|EROFS|ENOENT|ENOTDIR|EEXIST|EISDIR|ENOSPC|SQLITE_(BUSY|READONLY|CANTOPEN|PERM|FULL).*)$/;

/** @throws E_DATA_DIRECTORY for what is wrong with the directory and not with what is in it */
export function withDirectoryErrors<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asDirectoryError(directory, error);
  }
}

/** E_DATA_DIRECTORY for what is wrong with the directory; anything else stays what it is. */
export function asDirectoryError(directory: string, error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (isAppError(error) || typeof code !== 'string' || !DIRECTORY_CODES.test(code)) return error;
  const detail = code === 'SQLITE_BUSY' ? 'another server has it open' : (error as Error).message;
  return new AppError('E_DATA_DIRECTORY', { directory, detail }, error);
}
