/** The journal's thread: owns the database, answers one request after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { isAppError, type ErrorCode, type ErrorReferences } from '../domain/errors.js';
import type { EncodedRecord } from './encoding.js';
import { openSqliteStore, type SqliteStore } from './sqliteStore.js';

export interface JournalWorkerData {
  readonly directory: string;
}
export type JournalRequest =
  | { readonly operation: 'commit'; readonly batch: readonly EncodedRecord[] }
  | { readonly operation: 'read'; readonly from: number; readonly to: number }
  | {
      readonly operation: 'routeRecords';
      readonly warehouseId: string;
      readonly routeId: string;
      readonly from: number;
    }
  | { readonly operation: 'close' };
/** The first answer tells how the opening went; then one for each request, in order. */
export type JournalAnswer =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly references: ErrorReferences };

function answerOf(work: () => unknown): JournalAnswer {
  try {
    return { kind: 'value', value: work() };
  } catch (error) {
    if (isAppError(error)) return { kind: 'refused', code: error.code, references: error.references };
    return { kind: 'refused', code: 'E_JOURNAL_FAILED', references: { detail: String(error) } };
  }
}

function serve(store: SqliteStore, request: JournalRequest): unknown {
  switch (request.operation) {
    case 'commit':
      return store.commit(request.batch);
    case 'read':
      return store.read(request.from, request.to);
    case 'routeRecords':
      return store.routeRecords(request.warehouseId, request.routeId, request.from);
    case 'close':
      store.close();
      return null;
  }
}

const { directory } = workerData as JournalWorkerData;
let store: SqliteStore | null = null;
const opened = answerOf(() => {
  store = openSqliteStore(directory);
  return { firstSequence: store.firstSequence, lastSequence: store.lastSequence() };
});
parentPort?.on('message', (request: JournalRequest) => {
  const open = store;
  if (open === null) return;
  parentPort?.postMessage(answerOf(() => serve(open, request)));
  if (request.operation === 'close') parentPort?.close();
});
parentPort?.postMessage(opened);
// Nothing will be asked of a store that did not open.
if (opened.kind === 'refused') parentPort?.close();
