import type { Worker } from 'node:worker_threads';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { siblingModule, spawnWorker } from '../platform/spawnWorker.js';
import {
  listCheckpoints,
  neededFrom,
  readCheckpoint,
  writeCheckpoint,
  type Checkpoint,
} from './checkpointFile.js';
import type { StoredRecord } from './encoding.js';
import type { MarkedRange } from './highWaterMark.js';
import { createJournal, type Journal, type JournalOptions, type JournalUpkeep } from './journal.js';
import type {
  JournalAnswer,
  JournalRequest,
  JournalWorkerData,
  NumberedRequest,
  OpenedJournal,
} from './journalWorker.js';
import { corrupt } from './sqliteErrors.js';
import type { SealedSegment } from './segmentChain.js';
import type { StoreSizes } from './sqliteStore.js';

export interface SqliteJournalOptions extends JournalOptions {
  /** The data directory; made where it is missing. */
  readonly directory: string;
  /** Default: LIMITS. */
  readonly sizes?: Partial<StoreSizes>;
}

/**
 * Opens the durable journal in its own thread.
 *
 * @throws E_DATA_DIRECTORY it cannot be written, or another server has it open
 * @throws E_JOURNAL_FORMAT another version of the program wrote the journal
 * @throws E_QUARANTINE_UNFINISHED
 * @throws E_JOURNAL_CORRUPT the database fails its check, or lacks records that were acknowledged
 */
export async function openJournal(options: SqliteJournalOptions): Promise<Journal> {
  const { directory } = options;
  const { segmentRecords, segmentBytes, journalReserveBytes } = { ...LIMITS, ...options.sizes };
  const data: JournalWorkerData = { directory, sizes: { segmentRecords, segmentBytes, journalReserveBytes } };
  const channel = createChannel(spawnWorker(siblingModule(import.meta.url, 'journalWorker'), data));
  const opened = (await channel.opened) as OpenedJournal;
  let { first } = opened.range;
  const upkeep = createUpkeep(channel, { directory, range: opened.range, onDrop: (next) => (first = next) });
  return createJournal(
    {
      firstSequence: () => first,
      lastSequence: () => opened.range.last,
      commit: (batch) => channel.ask({ operation: 'commit', batch }) as Promise<number>,
      read: (from, to) => channel.ask({ operation: 'read', from, to }) as Promise<StoredRecord[]>,
      readListed: (sequences) =>
        channel.ask({ operation: 'readListed', sequences }) as Promise<StoredRecord[]>,
      routeRecords: (warehouseId, routeId, from) =>
        channel.ask({ operation: 'routeRecords', warehouseId, routeId, from }) as Promise<StoredRecord[]>,
      reserve: {
        isHeld: opened.reserveIsHeld,
        hold: () => channel.ask({ operation: 'holdReserve' }) as Promise<boolean>,
        release: () => channel.ask({ operation: 'releaseReserve' }) as Promise<void>,
      },
      upkeep,
      close: () => channel.close(),
    },
    options,
  );
}

function createUpkeep(
  channel: Channel,
  options: { readonly directory: string; readonly range: MarkedRange; onDrop: (first: number) => void },
): JournalUpkeep {
  const { directory, range, onDrop } = options;
  return {
    checkpoint: () => newestCheckpoint(directory, range),
    writeCheckpoint: (sequence, parts) => writeCheckpoint(directory, sequence, parts),
    sealed: () => channel.ask({ operation: 'sealed' }) as Promise<SealedSegment[]>,
    checkpointSequences: () => listCheckpoints(directory).map(({ sequence }) => sequence),
    checkpointNeeds: () => listCheckpoints(directory).map(({ file }) => needOf(file)),
    async dropBefore(first) {
      await channel.ask({ operation: 'dropBefore', first });
      onDrop(first);
    },
    backUp: (target) => channel.ask({ operation: 'backUp', directory: target }) as Promise<MarkedRange>,
  };
}

function needOf(file: string): number {
  const checkpoint = readCheckpoint(file);
  return checkpoint === null ? 0 : neededFrom(checkpoint);
}

/**
 * The newest that is sound and not ahead of the journal; null where all is there to be replayed instead.
 * @throws E_JOURNAL_CORRUPT none is left to stand for records that were dropped
 */
function newestCheckpoint(directory: string, { first, last }: MarkedRange): Checkpoint | null {
  for (const { file, sequence } of listCheckpoints(directory)) {
    const checkpoint = sequence <= last && sequence >= first - 1 ? readCheckpoint(file) : null;
    if (checkpoint !== null) return checkpoint;
  }
  if (first === 1) return null;
  throw corrupt(first - 1, 'older records were dropped, and no checkpoint that stands for them is sound');
}

interface Channel {
  readonly opened: Promise<unknown>;
  ask(request: JournalRequest): Promise<unknown>;
  close(): Promise<void>;
}

interface Question {
  resolve(value: unknown): void;
  reject(error: AppError): void;
}

/** Questions to the worker, and its answers by their numbers. */
function createChannel(worker: Worker): Channel {
  const questions = new Map<number, Question>();
  let asked = 0;
  let closing = false;
  let gone: AppError | null = null;
  const wait = (): Promise<unknown> =>
    new Promise((resolve, reject) => questions.set(asked++, { resolve, reject }));

  function lose(reason: AppError): void {
    gone ??= reason;
    for (const question of questions.values()) question.reject(gone);
    questions.clear();
  }
  worker.on('message', (answer: JournalAnswer) => {
    const question = questions.get(answer.number);
    questions.delete(answer.number);
    if (answer.kind === 'value') question?.resolve(answer.value);
    else question?.reject(new AppError(answer.code, answer.references));
  });
  worker.on('error', (error) => lose(failed(`its thread broke: ${String(error)}`, error)));
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      // What it leaves unanswered then is a backup under way.
      lose(closing && code === 0 ? new AppError('E_SHUTTING_DOWN') : failed(`its thread ended with ${code}`));
      resolve();
    });
  });

  const channel: Channel = {
    opened: wait(),
    ask(request) {
      if (gone !== null) return Promise.reject(gone);
      const numbered: NumberedRequest = { ...request, number: asked };
      worker.postMessage(numbered);
      return wait();
    },
    async close() {
      closing = true;
      // A thread that is gone has nothing left to close.
      if (gone === null) await channel.ask({ operation: 'close' });
      await exited;
    },
  };
  return channel;
}

function failed(detail: string, cause?: unknown): AppError {
  return new AppError('E_JOURNAL_FAILED', { detail }, cause);
}
