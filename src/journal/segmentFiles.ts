import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Names of the journal's files in a data directory. */
export const MARK_FILE = 'journal.mark';
export const RESERVE_FILE = 'journal.reserve';

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
