import type { StoredRecord } from './encoding.js';
import { createJournal, type Journal, type JournalStore } from './journal.js';

/**
 * A journal without a disk, for simulations in process: the same contract, settled by microtasks
 * alone, so that a run repeats itself.
 *
 * @param recordsKept older records are dropped; `read` then starts at the oldest kept. Default: all are kept
 */
export function createMemoryJournal(recordsKept = Infinity): Journal {
  const store = createMemoryStore(recordsKept);
  return createJournal(store, {
    onFatal(error) {
      throw error;
    },
  });
}

function createMemoryStore(recordsKept: number): JournalStore {
  let records: StoredRecord[] = [];
  let last = 0;
  return {
    firstSequence: () => last - records.length + 1,
    lastSequence: () => last,
    async commit(batch) {
      for (const record of batch) records.push({ ...record, sequence: ++last });
      // Cut by half, not one by one: the cost of the cut is shared by as many appends.
      if (records.length > 2 * recordsKept) records = records.slice(records.length - recordsKept);
      return last;
    },
    read: async (from, to) => {
      const first = last - records.length + 1;
      return records.slice(Math.max(0, from - first), Math.max(0, to - first + 1));
    },
    readListed: async (sequences) => {
      const first = last - records.length + 1;
      return sequences.map((sequence) => records[sequence - first] as StoredRecord);
    },
    routeRecords: async (warehouseId, routeId, from) =>
      records.filter(
        (record) =>
          record.routeId === routeId && record.warehouseId === warehouseId && record.sequence >= from,
      ),
    close: async () => undefined,
  };
}
