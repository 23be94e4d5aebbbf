import { AppError } from '../../../src/domain/errors.js';
import type { EncodedRecord, StoredRecord } from '../../../src/journal/encoding.js';
import type { JournalStore } from '../../../src/journal/journal.js';

/** `full`: refused and known to be; `lost`: an error before anything was stored; `torn`: stored, and then an error. */
export type Fate = 'stored' | 'full' | 'lost' | 'torn';

export interface FaultyStore extends JournalStore {
  /** What would be there after a power cut now. */
  readonly durable: StoredRecord[];
  /** Sizes of the batches that came. */
  readonly batches: number[];
  /** Lets the oldest commit under way end; false when none is under way. */
  finish(fate: Fate): boolean;
}

/** A store whose commits end when and how the test says. */
export function createFaultyStore(durable: StoredRecord[] = []): FaultyStore {
  const underWay: {
    batch: readonly EncodedRecord[];
    resolve(last: number): void;
    reject(error: unknown): void;
  }[] = [];
  const batches: number[] = [];
  return {
    durable,
    batches,
    firstSequence: () => 1,
    lastSequence: () => durable.length,
    commit(batch) {
      batches.push(batch.length);
      return new Promise((resolve, reject) => underWay.push({ batch, resolve, reject }));
    },
    finish(fate) {
      const commit = underWay.shift();
      if (commit === undefined) return false;
      if (fate === 'stored' || fate === 'torn') {
        for (const record of commit.batch) durable.push({ ...record, sequence: durable.length + 1 });
      }
      if (fate === 'stored') commit.resolve(durable.length);
      else if (fate === 'full') commit.reject(new AppError('E_JOURNAL_FULL'));
      else commit.reject(new Error('input/output error'));
      return true;
    },
    read: async (from, to) => durable.slice(from - 1, to),
    readListed: async (sequences) => sequences.map((sequence) => durable[sequence - 1] as StoredRecord),
    routeRecords: async (warehouseId, routeId, from) =>
      durable.filter(
        (record) =>
          record.warehouseId === warehouseId && record.routeId === routeId && record.sequence >= from,
      ),
    close: async () => undefined,
  };
}

/** Lets all promise callbacks that are due run. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
