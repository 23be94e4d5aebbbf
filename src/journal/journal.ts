import { AppError, busy, isAppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import {
  decodeRecord,
  encodedBytes,
  encodeRecord,
  type EncodedRecord,
  type StoredRecord,
} from './encoding.js';
import type { Checkpoint, CheckpointPart } from './checkpointFile.js';
import type { MarkedRange } from './highWaterMark.js';
import { createLookUps } from './lookUps.js';
import type { JournalKind, JournalRecord, NewRecord } from './records.js';
import type { SealedSegment } from './segmentChain.js';

/** The durable log: what is acknowledged stands in it. */
export interface Journal {
  /**
   * Settles, with the record's sequence, after the commit that holds it returned. Records settle in
   * the order of their sequences.
   *
   * @throws E_JOURNAL_FULL disk full: nothing of it was stored, it may be sent again, the service goes on.
   *   While the reserve lasts only for kinds that can wait (`DEFERRABLE`), and `policy.activated` once it has its share
   * @throws E_JOURNAL_FAILED anything else: the process must stop (`onFatal`), later appends fail too
   * @throws E_BUSY too many records or bytes wait
   * @throws E_TOO_LARGE the record is above `LIMITS.journalRecordBytes`
   * @throws E_SHUTTING_DOWN after `close`
   * @throws RangeError a number in the payload is not finite (a bug of the caller)
   */
  append(record: NewRecord): Promise<number>;
  /**
   * The records from a sequence on (default: the oldest) up to the last one committed when the reading begins.
   * @throws E_JOURNAL_CORRUPT naming the first record that is damaged or missing
   */
  read(fromSequence?: number): AsyncIterable<JournalRecord>;
  /** Records by their sequences, in the order given. @throws E_JOURNAL_CORRUPT naming one that is damaged or missing */
  readListed(sequences: readonly number[]): AsyncIterable<JournalRecord>;
  /**
   * The records that tell what became of a route, in order; none if it was never issued. Plans and holds that a later
   * plan replaced may be left out: a route may have thousands of them. One such look-up is under way at a time, so that
   * commits go between them.
   * @throws E_BUSY too many look-ups wait
   */
  routeRecords(warehouseId: string, routeId: string): Promise<JournalRecord[]>;
  /** Of the oldest record held; 1 unless older ones were dropped. */
  firstSequence(): number;
  /** Of the last committed record; 0 while there is none. */
  lastSequence(): number;
  /** Records not yet committed. */
  waiting(): number;
  /** Look-ups by route, waiting and under way. */
  lookUpsWaiting(): number;
  /** Told of each record once it is committed, in order, before its `append` settles. */
  subscribe(listener: (record: NewRecord, sequence: number) => void): void;
  /** Checkpoints, retention and backups; null in memory. */
  readonly upkeep: JournalUpkeep | null;
  /** Commits what waits, then closes. */
  close(): Promise<void>;
}

/** What keeps a journal on a disk small, quick to start from, and safe elsewhere. */
export interface JournalUpkeep {
  /** What to start from, as it was when the journal was opened. @throws E_JOURNAL_CORRUPT there must be one, and it is damaged */
  checkpoint(): Checkpoint | null;
  /** Rejects where it cannot be written; the one before stays. */
  writeCheckpoint(sequence: number, parts: Iterable<CheckpointPart>): Promise<void>;
  /** Of the checkpoints kept, newest first. */
  checkpointSequences(): readonly number[];
  /** The oldest record that each of them, or the replay after it, reads. Reads the files whole; 0 for a damaged one. */
  checkpointNeeds(): readonly number[];
  /** What may be dropped: none while a backup reads them. */
  sealed(): Promise<readonly SealedSegment[]>;
  /** Drops the sealed segments before this record, at once or after the backup that began meanwhile. */
  dropBefore(first: number): Promise<void>;
  /** Copies checkpoints, journal and mark into an empty directory while records are appended. */
  backUp(directory: string): Promise<MarkedRange>;
}

/** What a journal writes to: SQLite in its thread, memory, or a test's faulty disk. */
export interface JournalStore {
  firstSequence(): number;
  lastSequence(): number;
  /**
   * Stores the batch as a whole or not at all, and resolves with the sequence of its last record
   * once it would outlast a power cut. Rejects with E_JOURNAL_FULL or anything else (fatal).
   */
  commit(batch: readonly EncodedRecord[]): Promise<number>;
  /** Some of the records from `from` to `to`, in order from `from` on, verified; at least one if there is any. */
  read(from: number, to: number): Promise<readonly StoredRecord[]>;
  /**
   * Some of the route's records from a sequence on, in order, verified; none only when there are no more. Plans and
   * holds before its newest plan may be left out.
   */
  routeRecords(warehouseId: string, routeId: string, from: number): Promise<readonly StoredRecord[]>;
  /** Those of the listed records that fit into one answer, from the first on; at least one. */
  readListed(sequences: readonly number[]): Promise<readonly StoredRecord[]>;
  /** Space for what the floor cannot wait for when the disk is full; left out, a full disk refuses everything. */
  readonly reserve?: {
    readonly isHeld: boolean;
    /** True once it is held again. */
    hold(): Promise<boolean>;
    release(): Promise<void>;
  };
  readonly upkeep?: JournalUpkeep;
  close(): Promise<void>;
}

/** Kinds that are refused while the disk is full, so that the reserve lasts for routes, holds and closures. */
const DEFERRABLE: readonly JournalKind[] = [
  'route.completed',
  'rows.corrected',
  'corner.kept',
  'improvement.set',
  'policy.saved',
];

export interface JournalOptions {
  /** Called once, when the journal cannot be trusted any more. The process must stop. */
  onFatal(error: AppError): void;
}

interface WaitingRecord {
  readonly content: NewRecord;
  readonly record: EncodedRecord;
  resolve(sequence: number): void;
  reject(error: unknown): void;
}

/**
 * The journal on top of a store, with group commit: while one transaction is under way all others
 * wait, and go into the next one together. The price is one more round trip for a lone record.
 */
export function createJournal(store: JournalStore, options: JournalOptions): Journal {
  let queue: WaitingRecord[] = [];
  let queuedBytes = 0;
  let inFlight = 0;
  let pumping: Promise<void> | null = null;
  let failure: AppError | null = null;
  let closed: Promise<void> | null = null;
  let last = store.lastSequence();
  let hasSpace = store.reserve?.isHeld ?? true;
  let activationsInReserve = 0;
  const lookUps = createLookUps();
  const listeners: ((record: NewRecord, sequence: number) => void)[] = [];

  function refusal(): AppError | null {
    if (failure !== null) return failure;
    if (closed !== null) return new AppError('E_SHUTTING_DOWN');
    if (queue.length + inFlight < LIMITS.journalRecordsWaiting && queuedBytes < LIMITS.journalBytesWaiting)
      return null;
    return busy(LIMITS.journalRecordsWaiting, 'journal records');
  }

  function takeBatch(): WaitingRecord[] {
    let bytes = 0;
    let count = 0;
    while (
      count < queue.length &&
      count < LIMITS.journalRecordsPerCommit &&
      bytes < LIMITS.journalBytesPerCommit
    ) {
      bytes += encodedBytes((queue[count] as WaitingRecord).record);
      count++;
    }
    queuedBytes -= bytes;
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    return batch;
  }

  async function commitBatch(batch: readonly WaitingRecord[]): Promise<void> {
    try {
      if (!hasSpace) hasSpace = (await store.reserve?.hold()) ?? true;
      if (hasSpace) activationsInReserve = 0;
      const stored = hasSpace ? batch : refuseDeferrable(batch);
      if (stored.length > 0) settle(stored, await store.commit(stored.map(({ record }) => record)));
    } catch (error) {
      if (!isAppError(error) || error.code !== 'E_JOURNAL_FULL') return fail(error, batch);
      if (hasSpace && store.reserve !== undefined) return intoReserve(store.reserve, batch);
      for (const entry of batch) entry.reject(error);
    }
  }

  function settle(batch: readonly WaitingRecord[], lastOfBatch: number): void {
    last = lastOfBatch;
    batch.forEach((entry, index) => {
      const sequence = lastOfBatch - batch.length + 1 + index;
      for (const listener of listeners) listener(entry.content, sequence);
      entry.resolve(sequence);
    });
  }

  async function intoReserve(
    reserve: NonNullable<JournalStore['reserve']>,
    batch: readonly WaitingRecord[],
  ): Promise<void> {
    hasSpace = false;
    try {
      await reserve.release();
    } catch (error) {
      return fail(error, batch);
    }
    return commitBatch(batch);
  }

  function refuseDeferrable(batch: readonly WaitingRecord[]): WaitingRecord[] {
    const full = new AppError('E_JOURNAL_FULL');
    return batch.filter((entry) => {
      const { kind } = entry.content;
      // A bad policy must go at once. Nobody needs to change it so often that the floor finds no space left.
      const isOneTooMany =
        kind === 'policy.activated' && ++activationsInReserve > LIMITS.activationsInReserve;
      const isRefused = isOneTooMany || DEFERRABLE.includes(kind);
      if (isRefused) entry.reject(full);
      return !isRefused;
    });
  }

  /** A commit that failed for any other reason than space may or may not have happened: nothing may follow it. */
  function fail(cause: unknown, batch: readonly WaitingRecord[]): void {
    const error =
      isAppError(cause) && cause.code === 'E_JOURNAL_FAILED'
        ? cause
        : new AppError('E_JOURNAL_FAILED', { detail: String(cause) }, cause);
    failure = error;
    for (const entry of [...batch, ...queue]) entry.reject(error);
    queue = [];
    queuedBytes = 0;
    options.onFatal(error);
  }

  async function pump(): Promise<void> {
    // What is appended in the same turn as the first record joins its transaction.
    await Promise.resolve();
    while (queue.length > 0) {
      const batch = takeBatch();
      inFlight = batch.length;
      await commitBatch(batch);
      inFlight = 0;
    }
    pumping = null;
  }

  function append(record: NewRecord): Promise<number> {
    return new Promise((resolve, reject) => {
      const refused = refusal();
      if (refused !== null) throw refused;
      const encoded = encodeRecord(record);
      queue.push({ content: record, record: encoded, resolve, reject });
      queuedBytes += encodedBytes(encoded);
      pumping ??= pump();
    });
  }

  async function* read(fromSequence = store.firstSequence()): AsyncGenerator<JournalRecord> {
    const to = last;
    for (let next = fromSequence; next <= to;) {
      const chunk = await store.read(next, to);
      if (chunk.length === 0)
        throw new AppError('E_JOURNAL_CORRUPT', { sequence: next, detail: 'it is missing' });
      for (const stored of chunk) {
        if (stored.sequence !== next) {
          throw new AppError('E_JOURNAL_CORRUPT', {
            sequence: next,
            detail: `${stored.sequence} stands in its place`,
          });
        }
        yield decodeRecord(stored);
        next++;
      }
    }
  }

  async function* readListed(sequences: readonly number[]): AsyncGenerator<JournalRecord> {
    for (let done = 0; done < sequences.length;) {
      const chunk = await store.readListed(sequences.slice(done));
      for (const stored of chunk) yield decodeRecord(stored);
      done += chunk.length;
    }
  }

  async function findRoute(warehouseId: string, routeId: string): Promise<JournalRecord[]> {
    const records: JournalRecord[] = [];
    for (;;) {
      const from = (records.at(-1)?.sequence ?? 0) + 1;
      const chunk = await store.routeRecords(warehouseId, routeId, from);
      if (chunk.length === 0) return records;
      for (const stored of chunk) records.push(decodeRecord(stored));
    }
  }

  async function shutDown(): Promise<void> {
    await pumping;
    await store.close();
  }

  return {
    append,
    read,
    readListed,
    routeRecords: (warehouseId, routeId) => lookUps.run(() => findRoute(warehouseId, routeId)),
    subscribe: (listener) => void listeners.push(listener),
    upkeep: store.upkeep ?? null,
    firstSequence: () => store.firstSequence(),
    lastSequence: () => last,
    waiting: () => queue.length + inFlight,
    lookUpsWaiting: () => lookUps.depth,
    close: () => (closed ??= shutDown()),
  };
}
