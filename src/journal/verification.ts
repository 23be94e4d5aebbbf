import { isAppError } from '../domain/errors.js';
import { lockUnlessHeld, type DirectoryLock } from './directoryLock.js';
import { inspectJournal, type JournalReport, type Visit } from './inspection.js';

/**
 * `inspectJournal` where a server may be: none starts meanwhile, and beside a running one what it writes to is left out.
 * @throws E_JOURNAL_FORMAT @throws E_QUARANTINE_UNFINISHED
 */
export function verifyJournal(directory: string, visit?: Visit): JournalReport {
  const lock = lockWhereWritable(directory);
  try {
    return inspectJournal(directory, visit, lock === null);
  } finally {
    lock?.release();
  }
}

/** A backup may lie on a disk that can only be read: no server is there either. */
function lockWhereWritable(directory: string): Pick<DirectoryLock, 'release'> | null {
  try {
    return lockUnlessHeld(directory);
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { release: () => undefined };
  }
}
