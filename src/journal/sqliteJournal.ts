import type { Worker } from 'node:worker_threads';
import { AppError } from '../domain/errors.js';
import { siblingModule, spawnWorker } from '../platform/spawnWorker.js';
import type { StoredRecord } from './encoding.js';
import { createJournal, type Journal, type JournalOptions } from './journal.js';
import type { JournalAnswer, JournalRequest, JournalWorkerData } from './journalWorker.js';

export interface SqliteJournalOptions extends JournalOptions {
  /** The data directory; made where it is missing. */
  readonly directory: string;
}

/**
 * Opens the durable journal in its own thread.
 *
 * @throws E_DATA_DIRECTORY it cannot be written, or another server has it open
 * @throws E_JOURNAL_CORRUPT the database fails its check, or lacks records that were acknowledged
 */
export async function openJournal(options: SqliteJournalOptions): Promise<Journal> {
  const data: JournalWorkerData = { directory: options.directory };
  const channel = createChannel(spawnWorker(siblingModule(import.meta.url, 'journalWorker'), data));
  const opened = (await channel.opened) as { firstSequence: number; lastSequence: number };
  return createJournal(
    {
      firstSequence: () => opened.firstSequence,
      lastSequence: () => opened.lastSequence,
      commit: (batch) => channel.ask({ operation: 'commit', batch }) as Promise<number>,
      read: (from, to) => channel.ask({ operation: 'read', from, to }) as Promise<StoredRecord[]>,
      routeRecords: (warehouseId, routeId, from) =>
        channel.ask({ operation: 'routeRecords', warehouseId, routeId, from }) as Promise<StoredRecord[]>,
      close: () => channel.close(),
    },
    options,
  );
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

/** Questions to the worker, answered in the order in which they were asked. */
function createChannel(worker: Worker): Channel {
  const questions: Question[] = [];
  let gone: AppError | null = null;
  const wait = (): Promise<unknown> => new Promise((resolve, reject) => questions.push({ resolve, reject }));

  function lose(detail: string, cause?: unknown): void {
    gone ??= new AppError('E_JOURNAL_FAILED', { detail }, cause);
    for (const question of questions.splice(0)) question.reject(gone);
  }
  worker.on('message', (answer: JournalAnswer) => {
    const question = questions.shift();
    if (answer.kind === 'value') question?.resolve(answer.value);
    else question?.reject(new AppError(answer.code, answer.references));
  });
  worker.on('error', (error) => lose(`its thread broke: ${String(error)}`, error));
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      lose(`its thread ended with ${code}`);
      resolve();
    });
  });

  const channel: Channel = {
    opened: wait(),
    ask(request) {
      if (gone !== null) return Promise.reject(gone);
      worker.postMessage(request);
      return wait();
    },
    async close() {
      // A thread that is gone has nothing left to close.
      if (gone === null) await channel.ask({ operation: 'close' });
      await exited;
    },
  };
  return channel;
}
