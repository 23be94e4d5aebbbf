import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../domain/errors.js';

/** Names of the journal's files in a data directory. */
export const MARK_FILE = 'journal.mark';
export const RESERVE_FILE = 'journal.reserve';
/** Stays empty, and stays there: whoever removed it could lock out nobody who has it open. */
export const LOCK_FILE = 'journal.lock';
/** What quarantine has saved, from when that is whole until it stands in the journal's place. */
export const SALVAGE_DIRECTORY = 'journal.salvaged';
const JOURNAL_FILES = /^(journal-\d{16}\.sqlite|checkpoint-\d{16}\.jsonl|journal\.mark)/;

export interface SegmentFile {
  readonly file: string;
  /** Sequence of its first record. */
  readonly first: number;
}

export function segmentFile(directory: string, first: number): SegmentFile {
  return { file: join(directory, `journal-${String(first).padStart(16, '0')}.sqlite`), first };
}

/** The segments of a directory, oldest first; none where it is missing. */
export function listSegments(directory: string): SegmentFile[] {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) return [];
  return readdirSync(directory)
    .flatMap((name) => {
      const first = Number(/^journal-(\d{16})\.sqlite$/.exec(name)?.[1] ?? 0);
      return first > 0 ? [segmentFile(directory, first)] : [];
    })
    .sort((a, b) => a.first - b.first);
}

/** What SQLite keeps beside a database while it is open, or after a crash. */
export function companions(file: string): string[] {
  return [`${file}-wal`, `${file}-shm`, `${file}-journal`].filter((name) => existsSync(name));
}

/** Names of segments, what SQLite keeps beside them, checkpoints and mark, the mark last. */
export function journalFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => JOURNAL_FILES.test(name))
    .sort();
}

/** Whether there is anything of a journal, be it damaged. */
export function holdsJournal(directory: string): boolean {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) return false;
  return journalFiles(directory).length > 0 || existsSync(join(directory, SALVAGE_DIRECTORY));
}

/** @throws E_QUARANTINE_UNFINISHED what stands in the journal's place is not all of it */
export function assertNoSalvage(directory: string): void {
  if (existsSync(join(directory, SALVAGE_DIRECTORY))) {
    throw new AppError('E_QUARANTINE_UNFINISHED', { directory });
  }
}
