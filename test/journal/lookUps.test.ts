import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import type { StoredRecord } from '../../src/journal/encoding.js';
import { createJournal } from '../../src/journal/journal.js';
import { createFaultyStore, settle } from './support/faultyStore.js';
import { cancelled } from './support/records.js';

/** A journal whose store answers look-ups when the test says. */
function startJournal() {
  const store = createFaultyStore();
  const asked: string[] = [];
  const underWay: { resolve(records: readonly StoredRecord[]): void; reject(error: Error): void }[] = [];
  const journal = createJournal(
    {
      ...store,
      routeRecords(_warehouseId, routeId) {
        asked.push(routeId);
        return new Promise((resolve, reject) => underWay.push({ resolve, reject }));
      },
    },
    { onFatal: () => undefined },
  );
  const lookUp = (routeId: string) => journal.routeRecords('site', routeId);
  return { store, asked, underWay, journal, lookUp };
}

describe('look-ups by route', () => {
  it('go to the journal one at a time, in order, so that commits go between them', async () => {
    const { store, asked, underWay, journal, lookUp } = startJournal();
    const answers = Promise.all(['r1', 'r2', 'r3'].map(lookUp));
    await settle();
    expect([asked, journal.lookUpsWaiting()]).toEqual([['r1'], 3]);
    const append = journal.append(cancelled(1));
    await settle();
    store.finish('stored');
    expect([await append, asked]).toEqual([1, ['r1']]);
    for (let answered = 0; answered < 3; answered++) {
      underWay.shift()?.resolve([]);
      await settle();
    }
    expect([await answers, asked, journal.lookUpsWaiting()]).toEqual([[[], [], []], ['r1', 'r2', 'r3'], 0]);
  });

  it('go on behind one that failed', async () => {
    const { underWay, lookUp } = startJournal();
    const [first, second] = [lookUp('r1'), lookUp('r2')];
    await settle();
    underWay.shift()?.reject(new Error('damaged'));
    await expect(first).rejects.toThrow('damaged');
    await settle();
    underWay.shift()?.resolve([]);
    expect(await second).toEqual([]);
  });

  it('are refused with E_BUSY beyond their limit, and taken again once one is answered', async () => {
    const { asked, underWay, lookUp } = startJournal();
    const limit = LIMITS.journalLookUpsWaiting;
    const taken = Array.from({ length: limit }, (_, number) => lookUp(`r${number}`));
    const { busyRetryAfterSeconds: retryAfterSeconds } = LIMITS;
    await expect(lookUp('late')).rejects.toMatchObject({
      code: 'E_BUSY',
      references: { limit, what: 'look-ups of past routes', retryAfterSeconds },
    });
    await settle();
    underWay.shift()?.resolve([]);
    await taken[0];
    taken.push(lookUp('again'));
    await settle();
    while (underWay.length > 0) {
      underWay.shift()?.resolve([]);
      await settle();
    }
    expect((await Promise.all(taken)).length).toBe(limit + 1);
    expect([asked.includes('late'), asked.at(-1)]).toEqual([false, 'again']);
  });
});
