import { AppError, isAppError } from '../domain/errors.js';
import { lockToRead } from './directoryLock.js';
import { inspectJournal, type JournalReport, type Visit } from './inspection.js';

/**
 * `inspectJournal` where a server may be: none starts meanwhile, and beside a running one what it writes to is left out.
 * @throws E_DATA_DIRECTORY another check is under way @throws E_JOURNAL_FORMAT
 * @throws E_QUARANTINE_UNFINISHED
 */
export function verifyJournal(directory: string, visit?: Visit): JournalReport {
  const lock = lockWhereWritable(directory);
  if (lock === 'heldByReader') {
    throw new AppError('E_DATA_DIRECTORY', { directory, detail: 'another check of it is under way' });
  }
  try {
    return inspectJournal(directory, visit, lock === 'heldByWriter');
  } finally {
    if (typeof lock === 'object') lock?.release();
  }
}

/** Null on a disk that can only be read, where a backup may lie: no server is there either. */
function lockWhereWritable(directory: string): ReturnType<typeof lockToRead> | null {
  try {
    return lockToRead(directory);
  } catch (error) {
    if (!isAppError(error)) throw error;
    return null;
  }
}
