import { AppError } from '../../src/domain/errors.js';
import { decodeRecord, type EncodedRecord, type StoredRecord } from '../../src/journal/encoding.js';
import type { JournalStore } from '../../src/journal/journal.js';
import type { JournalRecord } from '../../src/journal/records.js';
import type { Random } from '../../src/platform/random.js';
import type { Schedule } from './schedule.js';

/** The disk that outlives every process: a commit takes time, may be refused, may fail, and a crash cuts it short. */
export interface ChaosDisk {
  /** The disk as one process sees it, until the next crash. */
  open(): JournalStore;
  /** The process is gone: the commit under way is on the disk or it is not, and nobody hears of it. */
  crash(stored: boolean): void;
  fault(kind: 'slow' | 'full', milliseconds: number): void;
  /** The next commit ends in an error that says nothing about what was stored. */
  breakNext(stored: boolean): void;
  /** All records that would be there after a power cut now. */
  readonly durable: readonly JournalRecord[];
}

interface UnderWay {
  readonly batch: readonly EncodedRecord[];
  readonly life: number;
}

export function createChaosDisk(schedule: Schedule, random: Random): ChaosDisk {
  const stored: StoredRecord[] = [];
  const durable: JournalRecord[] = [];
  const until = { slow: 0, full: 0 };
  let life = 0;
  let commits = 0;
  let underWay: UnderWay | null = null;
  let broken: { readonly stored: boolean } | null = null;

  const write = (batch: readonly EncodedRecord[]): void => {
    for (const record of batch) {
      const next = { ...record, sequence: stored.length + 1 };
      stored.push(next);
      durable.push(decodeRecord(next));
    }
  };
  const takesMilliseconds = (): number => {
    const lot = random.fork(`commit ${commits++}`).next();
    return schedule.now() < until.slow ? 3000 * lot : 20 * lot * lot;
  };

  return {
    durable,
    open() {
      const mine = ++life;
      const store = {
        firstSequence: () => 1,
        lastSequence: () => stored.length,
        commit(batch: readonly EncodedRecord[]) {
          return new Promise<number>((resolve, reject) => {
            const commit = { batch, life: mine };
            underWay = commit;
            schedule.after(takesMilliseconds(), () => {
              // Nobody hears what becomes of a dead process's commit.
              if (underWay !== commit || mine !== life) return;
              underWay = null;
              if (broken) {
                if (broken.stored) write(batch);
                broken = null;
                reject(new Error('input/output error'));
              } else if (schedule.now() < until.full) reject(new AppError('E_JOURNAL_FULL'));
              else {
                write(batch);
                resolve(stored.length);
              }
            });
          });
        },
        read: async (from: number, to: number) => stored.slice(from - 1, to),
        readListed: async (sequences: readonly number[]) =>
          sequences.flatMap((sequence) => stored[sequence - 1] ?? []),
        routeRecords: async (warehouseId: string, routeId: string, from: number) =>
          stored.filter(
            (record) =>
              record.routeId === routeId && record.warehouseId === warehouseId && record.sequence >= from,
          ),
        close: async () => undefined,
      };
      return store;
    },
    crash(reached) {
      if (underWay && reached) write(underWay.batch);
      underWay = null;
      broken = null;
      life++;
    },
    fault(kind, milliseconds) {
      until[kind] = Math.max(until[kind], schedule.now() + milliseconds);
    },
    breakNext(reached) {
      broken = { stored: reached };
    },
  };
}
