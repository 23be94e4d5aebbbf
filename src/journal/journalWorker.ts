/** The journal's thread: owns the database, answers one request after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, isAppError, type ErrorCode, type ErrorReferences } from '../domain/errors.js';
import type { EncodedRecord } from './encoding.js';
import type { MarkedRange } from './highWaterMark.js';
import { openSqliteStore, type SqliteStore, type StoreSizes } from './sqliteStore.js';

export interface JournalWorkerData {
  readonly directory: string;
  readonly sizes: StoreSizes;
}
export type JournalRequest =
  | { readonly operation: 'commit'; readonly batch: readonly EncodedRecord[] }
  | { readonly operation: 'read'; readonly from: number; readonly to: number }
  | { readonly operation: 'readListed'; readonly sequences: readonly number[] }
  | {
      readonly operation: 'routeRecords';
      readonly warehouseId: string;
      readonly routeId: string;
      readonly from: number;
    }
  | { readonly operation: 'holdReserve' | 'releaseReserve' | 'sealed' | 'close' }
  | { readonly operation: 'dropBefore'; readonly first: number }
  | { readonly operation: 'backUp'; readonly directory: string };
export type NumberedRequest = JournalRequest & { readonly number: number };
/** The first answer, number 0, tells how the opening went; then one for each request. */
export type JournalAnswer = { readonly number: number } & (
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly references: ErrorReferences }
);
export interface OpenedJournal {
  readonly range: MarkedRange;
  readonly reserveIsHeld: boolean;
}

async function answer(number: number, work: () => unknown): Promise<boolean> {
  try {
    const done = work();
    // Only a backup takes more than one turn; all else is answered in the order in which it came.
    const value: unknown = done instanceof Promise ? await done : done;
    parentPort?.postMessage({ number, kind: 'value', value });
    return true;
  } catch (error) {
    const known = isAppError(error);
    const code = known ? error.code : 'E_JOURNAL_FAILED';
    const references = known ? error.references : { detail: String(error) };
    parentPort?.postMessage({ number, kind: 'refused', code, references });
    return false;
  }
}

function serve(store: SqliteStore, request: JournalRequest): unknown {
  switch (request.operation) {
    case 'commit':
      return store.commit(request.batch);
    case 'read':
      return store.read(request.from, request.to);
    case 'readListed':
      return store.readListed(request.sequences);
    case 'routeRecords':
      return store.routeRecords(request.warehouseId, request.routeId, request.from);
    case 'holdReserve':
      return store.holdReserve();
    case 'releaseReserve':
      return store.releaseReserve();
    case 'sealed':
      return store.sealed();
    case 'dropBefore':
      return store.dropBefore(request.first);
    case 'backUp':
      return copyInto(request.directory, store);
    case 'close':
      store.close();
      return null;
  }
}

/** @throws E_DATA_DIRECTORY the copy cannot be written: a fault of its disk, while the journal goes on */
async function copyInto(target: string, store: SqliteStore): Promise<MarkedRange> {
  try {
    return await store.backUp(target);
  } catch (error) {
    if (isAppError(error)) throw error;
    throw new AppError('E_DATA_DIRECTORY', { directory: target, detail: (error as Error).message }, error);
  }
}

const { directory, sizes } = workerData as JournalWorkerData;
let store: SqliteStore | null = null;
parentPort?.on('message', ({ number, ...request }: NumberedRequest) => {
  const open = store;
  if (open === null) return;
  void answer(number, () => serve(open, request));
  if (request.operation === 'close') parentPort?.close();
});
const opened = await answer(0, (): OpenedJournal => {
  store = openSqliteStore(directory, sizes);
  return { range: store.range(), reserveIsHeld: store.holdReserve() };
});
// Nothing will be asked of a store that did not open.
if (!opened) parentPort?.close();
