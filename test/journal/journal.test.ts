import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import { createJournal } from '../../src/journal/journal.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { createFaultyStore, settle, type Fate } from './support/faultyStore.js';
import { createFullDisk } from './support/fullDisk.js';
import { all, cancelled, samples } from './support/records.js';

const ignore = () => undefined;

/** How appends ended, in the order in which they did. */
function watch(promise: Promise<number>, ends: (number | string)[]): void {
  promise.then(
    (sequence) => ends.push(sequence),
    (error: AppError) => ends.push(error.code),
  );
}

describe('the journal', () => {
  it('puts everything that waits into the next transaction', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: ignore });
    const ends: (number | string)[] = [];
    for (let number = 1; number <= 3; number++) watch(journal.append(cancelled(number)), ends);
    await settle();
    for (let number = 4; number <= 100; number++) watch(journal.append(cancelled(number)), ends);
    expect(journal.waiting()).toBe(100);
    store.finish('stored');
    await settle();
    store.finish('stored');
    await settle();
    expect(store.batches).toEqual([3, 97]);
    expect(ends).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(journal.waiting()).toBe(0);
  });

  it('acknowledges nothing before its commit has returned', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: ignore });
    const ends: (number | string)[] = [];
    watch(journal.append(cancelled(1)), ends);
    await settle();
    expect(ends).toEqual([]);
    expect(journal.lastSequence()).toBe(0);
    store.finish('stored');
    await settle();
    expect(ends).toEqual([1]);
  });

  it('refuses with E_JOURNAL_FULL while the disk is full, and goes on when it no longer is', async () => {
    const store = createFaultyStore();
    const onFatal = vi.fn();
    const journal = createJournal(store, { onFatal });
    const ends: (number | string)[] = [];
    for (const fate of ['stored', 'full', 'stored'] as const) {
      watch(journal.append(cancelled(1)), ends);
      await settle();
      store.finish(fate);
      await settle();
    }
    expect(ends).toEqual([1, 'E_JOURNAL_FULL', 2]);
    expect(onFatal).not.toHaveBeenCalled();
  });

  it('lets changes of policy into what is kept for the floor, but only so many while the disk is full', async () => {
    const disk = createFullDisk();
    const journal = disk.open();
    const payload = { policyVersion: 'v1', reason: 'activated by an operator' };
    const activated = { at: 1, warehouseId: 'site', kind: 'policy.activated', payload } as const;
    const codes = async (count: number) => {
      const ends = await Promise.allSettled(Array.from({ length: count }, () => journal.append(activated)));
      return ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as AppError).code] : []));
    };
    disk.isFull = true;
    expect(await codes(LIMITS.activationsInReserve)).toEqual([]);
    expect(await codes(2)).toEqual(['E_JOURNAL_FULL', 'E_JOURNAL_FULL']);
    expect(await journal.append(cancelled(1))).toBe(LIMITS.activationsInReserve + 1);
    disk.isFull = false;
    await journal.append(cancelled(2));
    disk.isFull = true;
    expect(await codes(LIMITS.activationsInReserve)).toEqual([]);
  });

  it.each(['lost', 'torn'] as const)(
    'stops for ever after a commit that failed (%s), and says so once',
    async (fate) => {
      const store = createFaultyStore();
      const onFatal = vi.fn();
      const journal = createJournal(store, { onFatal });
      const ends: (number | string)[] = [];
      watch(journal.append(cancelled(1)), ends);
      await settle();
      watch(journal.append(cancelled(2)), ends);
      store.finish(fate);
      await settle();
      watch(journal.append(cancelled(3)), ends);
      await settle();
      expect(ends).toEqual(['E_JOURNAL_FAILED', 'E_JOURNAL_FAILED', 'E_JOURNAL_FAILED']);
      expect(onFatal).toHaveBeenCalledOnce();
      expect(store.batches).toEqual([1]);
    },
  );

  it('acknowledges only what a power cut at that moment would leave, whatever commits do', async () => {
    const fates = fc.constantFrom<Fate>('stored', 'stored', 'stored', 'full', 'lost', 'torn');
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ finish: fates }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const store = createFaultyStore();
        const journal = createJournal(store, { onFatal: ignore });
        let number = 0;
        let failed = false;
        const broken: string[] = [];
        for (const action of steps) {
          if ('append' in action) {
            for (let i = 0; i < action.append; i++) {
              const mine = cancelled(++number);
              journal.append(mine).then(
                (sequence) => {
                  const there = store.durable[sequence - 1]?.payload === JSON.stringify(mine.payload);
                  if (failed || !there) broken.push(mine.payload.routeId);
                },
                () => undefined,
              );
            }
          } else if (store.finish(action.finish)) {
            failed ||= action.finish === 'lost' || action.finish === 'torn';
          }
          await settle();
        }
        expect(broken).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses with E_BUSY when its queue is full, by records and by bytes', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: ignore });
    for (let number = 0; number < LIMITS.journalRecordsWaiting; number++)
      void journal.append(cancelled(number));
    await expect(journal.append(cancelled(1))).rejects.toMatchObject({ code: 'E_BUSY' });

    const other = createJournal(createFaultyStore(), { onFatal: ignore });
    const size = LIMITS.journalRecordBytes / 2;
    for (let bytes = 0; bytes < LIMITS.journalBytesWaiting; bytes += size) void other.append(samples(size));
    await expect(other.append(cancelled(1))).rejects.toMatchObject({ code: 'E_BUSY' });
  });

  it('splits what waits into transactions of bounded size', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: ignore });
    for (let number = 0; number < LIMITS.journalRecordsPerCommit + 1; number++)
      void journal.append(cancelled(number));
    await settle();
    store.finish('stored');
    await settle();
    store.finish('stored');
    const perCommit = LIMITS.journalBytesPerCommit / 1024 / 1024;
    for (let number = 0; number < perCommit + 1; number++) void journal.append(samples(1024 * 1024));
    await settle();
    store.finish('stored');
    await settle();
    expect(store.batches).toEqual([LIMITS.journalRecordsPerCommit, 1, perCommit, 1]);
  });

  it('refuses a record that is too large, and numbers that JSON would turn into null', async () => {
    const journal = createMemoryJournal();
    await expect(journal.append(samples(LIMITS.journalRecordBytes))).rejects.toMatchObject({
      code: 'E_TOO_LARGE',
    });
    const record = { at: 1, warehouseId: 'site', kind: 'rows.corrected' } as const;
    const payload = { rows: [1], blockingSeconds: [Number.NaN] };
    await expect(journal.append({ ...record, payload })).rejects.toThrow(RangeError);
    expect(journal.lastSequence()).toBe(0);
  });

  it('commits what waits before it closes, and takes nothing afterwards', async () => {
    const journal = createMemoryJournal();
    const appended = journal.append(cancelled(1));
    await journal.close();
    expect(await appended).toBe(1);
    await expect(journal.append(cancelled(2))).rejects.toMatchObject({ code: 'E_SHUTTING_DOWN' });
  });
});

describe('the memory journal', () => {
  it('settles without a turn of the event loop and keeps a copy of what it was given', async () => {
    const journal = createMemoryJournal();
    const record = samples(40);
    let sequence = 0;
    void journal.append(record).then((value) => (sequence = value));
    for (let microtask = 0; microtask < 10; microtask++) await Promise.resolve();
    expect(sequence).toBe(1);
    record.blob?.fill(0);
    expect((await all(journal.read()))[0]?.blob).toEqual(new Uint8Array(40).fill(7));
  });

  it('drops the oldest records where it is told to, and reads from the oldest kept', async () => {
    const journal = createMemoryJournal(10);
    for (let number = 1; number <= 95; number++) await journal.append(cancelled(number));
    const sequences = (await all(journal.read())).map(({ sequence }) => sequence);
    expect(sequences.at(-1)).toBe(95);
    expect(sequences.length).toBeGreaterThanOrEqual(10);
    expect(sequences.length).toBeLessThanOrEqual(20);
    expect(sequences[0]).toBe(journal.firstSequence());
  });
});
