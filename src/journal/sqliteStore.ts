import { existsSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { syncDirectory } from '../platform/directories.js';
import { listCheckpoints, removeCheckpointDrafts } from './checkpointFile.js';
import { lockDirectory, type DirectoryLock } from './directoryLock.js';
import { openDiskReserve } from './diskReserve.js';
import { encodedBytes, type EncodedRecord, type StoredRecord } from './encoding.js';
import {
  openHighWaterMark,
  writeHighWaterMark,
  type HighWaterMark,
  type MarkedRange,
} from './highWaterMark.js';
import { assertKnownFormat, openActiveSegment, type ActiveSegment, type Segment } from './segment.js';
import {
  openSegmentChain,
  removeSegment,
  sealedFile,
  type SealedFile,
  type SealedSegment,
  type SegmentChain,
} from './segmentChain.js';
import { assertNoSalvage, listSegments, MARK_FILE, RESERVE_FILE, segmentFile } from './segmentFiles.js';
import { createSegmentReaders } from './segmentReaders.js';
import { commitError, corrupt, isDiskFull, withDirectoryErrors } from './sqliteErrors.js';

export interface StoreSizes {
  /** A segment is sealed, and the next one begun, above these. */
  readonly segmentRecords: number;
  readonly segmentBytes: number;
  readonly journalReserveBytes: number;
}

/** SQLite, synchronous: it belongs in a thread of its own (18-23 ms at checkpoints, measured). */
export interface SqliteStore {
  range(): MarkedRange;
  /** @throws E_JOURNAL_FULL nothing was stored @throws E_JOURNAL_FAILED nobody knows what was stored */
  commit(batch: readonly EncodedRecord[]): number;
  read(from: number, to: number): StoredRecord[];
  /** The first ones of a list, up to the size of an answer. @throws E_JOURNAL_CORRUPT one is damaged or missing */
  readListed(sequences: readonly number[]): StoredRecord[];
  routeRecords(warehouseId: string, routeId: string, from: number): StoredRecord[];
  /** Whether the disk has room for all kinds of records: the reserve is held. */
  holdReserve(): boolean;
  releaseReserve(): void;
  /** What may be dropped: none while a backup reads them. */
  sealed(): SealedSegment[];
  /** Drops whole segments, after the backup that reads them: nothing else before `first` must be read any more. */
  dropBefore(first: number): void;
  /**
   * Copies checkpoints, journal and mark into an empty directory while they are written; `close` ends it.
   * @returns the range that the copy holds
   */
  backUp(directory: string): Promise<MarkedRange>;
  close(): void;
}

/**
 * Opens or makes the journal of a data directory, for the owner only (0700, 0600).
 *
 * @throws E_DATA_DIRECTORY it cannot be written, or a server or another command has it open
 * @throws E_JOURNAL_FORMAT another version of the program wrote it; nothing was changed
 * @throws E_QUARANTINE_UNFINISHED
 * @throws E_JOURNAL_CORRUPT the segment last written to fails its check, a segment is missing, or the journal
 *   ends before the high-water mark or a checkpoint
 */
export function openSqliteStore(directory: string, sizes: StoreSizes = LIMITS): SqliteStore {
  const lock = lockDirectory(directory);
  try {
    return openLocked(lock, directory, sizes);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openLocked(lock: DirectoryLock, directory: string, sizes: StoreSizes): SqliteStore {
  assertNoSalvage(directory);
  const markFile = join(directory, MARK_FILE);
  const files = withDirectoryErrors(directory, () => listSegments(directory));
  assertKnownFormat(files);
  const checkpoint = withDirectoryErrors(directory, () => listCheckpoints(directory)[0]?.sequence ?? 0);
  // The mark is made before the first segment, both before a checkpoint: only a loss leaves one without the other.
  const mustBeMarked = files.length > 0 || checkpoint > 0;
  if (mustBeMarked && statSync(markFile, { throwIfNoEntry: false }) === undefined) {
    const others =
      files.length > 0
        ? ''
        : `, and so are the segments; a checkpoint stands for records up to ${checkpoint}`;
    throw corrupt(files[0]?.first ?? 1, `${MARK_FILE} is missing${others}`);
  }
  const opened = withDirectoryErrors(directory, () => openHighWaterMark(markFile));
  if (opened.kind === 'damaged') throw corrupt(files[0]?.first ?? 1, `${MARK_FILE} is damaged`);
  const { mark } = opened;
  try {
    withDirectoryErrors(directory, () => removeCheckpointDrafts(directory));
    const { first, last } = mark.range();
    const chain = openSegmentChain(directory, files, { first, last: Math.max(last, checkpoint) });
    return createStore({ directory, sizes, lock, mark, ...chain });
  } catch (error) {
    mark.close();
    throw error;
  }
}

interface StoreParts extends SegmentChain {
  readonly directory: string;
  readonly sizes: StoreSizes;
  readonly lock: DirectoryLock;
  readonly mark: HighWaterMark;
}

function createStore({ directory, sizes, lock, mark, sealed, ...parts }: StoreParts): SqliteStore {
  const reserve = openDiskReserve(join(directory, RESERVE_FILE), sizes.journalReserveBytes);
  const readers = createSegmentReaders();
  let { active } = parts;
  let backingUp = false;
  let closed = false;
  let dropAfterBackup: number | null = null;

  function rollWhenFull(): void {
    const records = active.last() - active.first + 1;
    if (backingUp || records === 0) return;
    if (records < sizes.segmentRecords && active.bytes() < sizes.segmentBytes) return;
    const next = segmentFile(directory, active.last() + 1);
    let opened: ActiveSegment | null = null;
    try {
      opened = openActiveSegment(next.file, next.first);
      syncDirectory(directory);
      active.seal();
      sealed.push(sealedFile({ file: active.file, first: active.first }, next.first));
      active = opened;
    } catch (error) {
      // No room for a new segment: this one goes on, and the next commit tries again.
      if (!isDiskFull(error)) throw error;
      // Left open, its space would stay taken too.
      opened?.close();
      removeSegment(next.file);
    }
  }

  function segmentOf(sequence: number): Segment {
    const found = sealed.find(({ first, last }) => first <= sequence && sequence <= last);
    return found === undefined ? active : readers.open(found);
  }

  function drop(first: number): void {
    mark.raise({ first, last: mark.range().last });
    while ((sealed[0]?.last ?? Infinity) < first) {
      const { file } = sealed.shift() as SealedFile;
      readers.close(file);
      removeSegment(file);
    }
  }

  async function copyTo(target: string, file: string): Promise<void> {
    await copyFile(file, join(target, basename(file)));
    if (closed) throw new AppError('E_SHUTTING_DOWN');
  }

  function endBackup(): void {
    backingUp = false;
    if (dropAfterBackup !== null && !closed) drop(dropAfterBackup);
    dropAfterBackup = null;
  }

  return {
    // Not the mark's: the process may have ended between a commit and its mark.
    range: () => ({ first: mark.range().first, last: active.last() }),
    commit(batch) {
      try {
        const last = active.insert(batch);
        // Only now: until the mark is raised too, a loss of this commit would go unnoticed.
        mark.raise({ first: mark.range().first, last });
        rollWhenFull();
        return last;
      } catch (error) {
        throw commitError(error);
      }
    },
    read: (from, to) => segmentOf(from).read(from, to),
    readListed(sequences) {
      const records: StoredRecord[] = [];
      let bytes = 0;
      for (const sequence of sequences) {
        const [record] = segmentOf(sequence).read(sequence, sequence);
        if (record === undefined) throw corrupt(sequence, 'it is missing');
        records.push(record);
        bytes += encodedBytes(record);
        if (records.length >= LIMITS.journalRecordsPerRead || bytes >= LIMITS.journalBytesPerRead) break;
      }
      return records;
    },
    routeRecords(warehouseId, routeId, from) {
      for (const segment of sealed.filter(({ last }) => last >= from)) {
        const records = readers.open(segment).routeRecords(warehouseId, routeId, from);
        if (records.length > 0) return records;
      }
      return active.routeRecords(warehouseId, routeId, from);
    },
    holdReserve: () => reserve.hold(),
    releaseReserve: () => reserve.release(),
    sealed: () =>
      backingUp ? [] : sealed.map(({ first, last, bytes, sealedAt }) => ({ first, last, bytes, sealedAt })),
    dropBefore(first) {
      // A backup that began since it was asked what may go reads these still.
      if (backingUp) dropAfterBackup = first;
      else drop(first);
    },
    async backUp(target) {
      backingUp = true;
      try {
        // First: a checkpoint may not be ahead of the journal. What they stand for is not dropped any more.
        for (const { file } of listCheckpoints(directory)) if (existsSync(file)) await copyTo(target, file);
        for (const { file } of sealed) await copyTo(target, file);
        const copy = segmentFile(target, active.first);
        await active.backUp(copy.file);
        const copied = openActiveSegment(copy.file, copy.first);
        const range = { first: mark.range().first, last: copied.last() };
        copied.seal();
        writeHighWaterMark(join(target, MARK_FILE), range);
        return range;
      } finally {
        endBackup();
      }
    },
    close() {
      closed = true;
      readers.closeAll();
      active.close();
      mark.close();
      reserve.close();
      lock.release();
    },
  };
}
