import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import type { RouteScoredContent } from '../../src/domain/messages.js';
import { createJournal, type Journal } from '../../src/journal/journal.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import type { JournalRecord } from '../../src/journal/records.js';
import { issuedEntry } from '../../src/journal/routeEntry.js';
import { createRouteLedger, type RouteLedger } from '../../src/journal/routeLedger.js';
import { createFaultyStore, settle } from './support/faultyStore.js';
import { completed, held, issued, report, request, revised, SITE, trace } from './support/routes.js';

const SMALL = { closedRoutesKept: 2, requestsKept: 3, openRoutesPerWarehouse: 4 };

function ledgerOn(journal: Journal, limits = SMALL): RouteLedger {
  return createRouteLedger({ warehouseId: SITE, journal, limits });
}

function issue(ledger: RouteLedger, robotId: string, routeId: string, requestId = `q-${routeId}`) {
  const content = request(robotId, requestId);
  return ledger.issue(content, () => issued(routeId, content));
}

function complete(ledger: RouteLedger, routeId: string, arrivedAt = 10): Promise<RouteScoredContent> {
  const of = trace(arrivedAt);
  return ledger.complete(report(routeId, of), (entry) => completed(entry, of));
}

const code = (expected: string) => expect.objectContaining({ code: expected }) as unknown;

it('fails an assertion where what was written cannot be applied: a server ends by it', async () => {
  const ledger = ledgerOn(createMemoryJournal());
  await issue(ledger, 'a', 'r1');
  await expect(issue(ledger, 'b', 'r1')).rejects.toEqual(code('ERR_ASSERTION'));
});

describe('requests', () => {
  it('get the first answer again when they are repeated, and a conflict when the content differs', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    const content = request('robot', 'q1');
    const first = await ledger.issue(content, () => issued('r1', content));
    const plan = vi.fn();
    expect(await ledger.issue({ ...content }, plan)).toEqual(first);
    await expect(ledger.issue(request('robot', 'q1', 'c'), plan)).rejects.toEqual(code('E_REQUEST_CONFLICT'));
    expect(plan).not.toHaveBeenCalled();
  });

  it('whose route is over are refused without a look into the journal, also where memory forgot how it ended', async () => {
    const journal = createMemoryJournal();
    const routeRecords = vi.spyOn(journal, 'routeRecords');
    const ledger = ledgerOn(journal);
    for (const routeId of ['r1', 'r2', 'r3']) {
      await issue(ledger, 'a', routeId);
      await complete(ledger, routeId);
    }
    expect(ledger.find('r1')).toBeUndefined();
    for (const [routeId, state] of [
      ['r1', 'closed'],
      ['r3', 'completed'],
    ]) {
      const error = { code: 'E_ROUTE_CLOSED', references: { routeId, state } };
      await expect(issue(ledger, 'a', routeId!)).rejects.toMatchObject(error);
    }
    expect(routeRecords).not.toHaveBeenCalled();
  });

  it('sent twice at the same time are planned once', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    const content = request('robot', 'q1');
    const plan = vi.fn(() => issued('r1', content));
    const [first, second] = await Promise.all([ledger.issue(content, plan), ledger.issue(content, plan)]);
    expect(second).toEqual(first);
    expect(plan).toHaveBeenCalledOnce();
  });

  it('are refused for a robot with an open route, and above the open routes of a warehouse', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    await issue(ledger, 'a', 'r1');
    await expect(issue(ledger, 'a', 'r2')).rejects.toEqual(code('E_ROUTE_OPEN'));
    const ends = await Promise.allSettled(
      ['b', 'c', 'd', 'e'].map((robotId) => issue(ledger, robotId, `r-${robotId}`)),
    );
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(ends[3]).toMatchObject({ reason: { code: 'E_BUSY' } });
  });

  it('may follow a completion in one breath', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    await issue(ledger, 'a', 'r1');
    const ends = await Promise.all([complete(ledger, 'r1'), issue(ledger, 'a', 'r2')]);
    expect(ends[1].routeId).toBe('r2');
  });

  it('stay known while their route is open, however many came after', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    const content = request('a', 'q1');
    const first = await ledger.issue(content, () => issued('r1', content));
    for (let number = 2; number < 12; number++) {
      await issue(ledger, 'b', `r${number}`);
      await complete(ledger, `r${number}`);
    }
    expect(await ledger.issue(content, () => issued('r99', content))).toEqual(first);
  });

  it('are not held against a robot when planning or the commit failed', async () => {
    const store = createFaultyStore();
    const ledger = ledgerOn(createJournal(store, { onFatal: () => undefined }));
    const content = request('a', 'q1');
    const unreachable = () => Promise.reject(new Error('no way'));
    await expect(ledger.issue(content, unreachable)).rejects.toThrow('no way');
    const refused = ledger.issue(content, () => issued('r1', content));
    await settle();
    store.finish('full');
    await expect(refused).rejects.toEqual(code('E_JOURNAL_FULL'));
    expect([ledger.openOf('a'), ledger.openRoutes().size]).toEqual([undefined, 0]);
    const again = ledger.issue(content, () => issued('r2', content));
    await settle();
    store.finish('stored');
    expect((await again).routeId).toBe('r2');
  });

  it('answer nothing before the commit', async () => {
    const store = createFaultyStore();
    const ledger = ledgerOn(createJournal(store, { onFatal: () => undefined }));
    let answered = false;
    const answer = issue(ledger, 'a', 'r1').then(() => (answered = true));
    await settle();
    expect([answered, ledger.open('r1')]).toEqual([false, undefined]);
    store.finish('stored');
    await answer;
    expect(ledger.open('r1')?.robotId).toBe('a');
  });
});

describe('completions', () => {
  it('are scored once: the same trace gets the first answer, another a conflict', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    await issue(ledger, 'a', 'r1');
    const first = await complete(ledger, 'r1', 10);
    expect(first.duplicate).toBeUndefined();
    expect(await complete(ledger, 'r1', 10)).toEqual({ ...first, duplicate: true });
    await expect(complete(ledger, 'r1', 11)).rejects.toEqual(code('E_COMPLETION_CONFLICT'));
  });

  it('that come twice while the first is being committed get one score', async () => {
    const store = createFaultyStore();
    const ledger = ledgerOn(createJournal(store, { onFatal: () => undefined }));
    const route = issue(ledger, 'a', 'r1');
    await settle();
    store.finish('stored');
    await route;
    const both = Promise.all([complete(ledger, 'r1'), complete(ledger, 'r1')]);
    await settle();
    store.finish('stored');
    const [first, second] = await both;
    expect(second).toEqual({ ...first, duplicate: true });
    expect(store.durable.map(({ kind }) => kind)).toEqual(['route.issued', 'route.completed']);
  });

  it('are tried again by the second sender when the commit for the first failed', async () => {
    const store = createFaultyStore();
    const ledger = ledgerOn(createJournal(store, { onFatal: () => undefined }));
    const route = issue(ledger, 'a', 'r1');
    await settle();
    store.finish('stored');
    await route;
    const both = Promise.allSettled([complete(ledger, 'r1'), complete(ledger, 'r1')]);
    await settle();
    store.finish('full');
    await settle();
    store.finish('stored');
    const [first, second] = await both;
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'E_JOURNAL_FULL' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: { routeId: 'r1' } });
  });

  it('of routes that were never issued are refused', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    await expect(complete(ledger, 'r9')).rejects.toEqual(code('E_UNKNOWN_ROUTE'));
  });

  it('of expired routes are stored and answered, and the scorer is told', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    await issue(ledger, 'a', 'r1');
    expect(await ledger.expire('r1', 9)).toBe(true);
    expect(await ledger.expire('r1', 9)).toBe(false);
    const late = await complete(ledger, 'r1');
    expect(late.learnt).toBe(false);
    expect(await complete(ledger, 'r1')).toEqual({ ...late, duplicate: true });
    expect(ledger.find('r1')?.state).toBe('completed');
  });

  it('that the journal is too busy for leave nothing behind, and are scored once when they are sent again', async () => {
    const journal = createMemoryJournal();
    const ledger = ledgerOn(journal);
    await issue(ledger, 'a', 'r1');
    await ledger.expire('r1', 9);
    const before = [ledger.hash(), journal.lastSequence()];
    const busy = new AppError('E_BUSY', { limit: 1, what: 'look-ups', retryAfterSeconds: 1 });
    vi.spyOn(journal, 'routeRecords').mockRejectedValueOnce(busy);
    await expect(complete(ledger, 'r1')).rejects.toEqual(busy);
    expect([ledger.hash(), journal.lastSequence()]).toEqual(before);
    const late = await complete(ledger, 'r1');
    expect(late.duplicate).toBeUndefined();
    expect(await complete(ledger, 'r1')).toEqual({ ...late, duplicate: true });
  });

  it('of routes that memory has forgotten are answered from the journal', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    const answers = new Map<string, RouteScoredContent>();
    for (const routeId of ['r1', 'r2', 'r3', 'r4']) {
      await issue(ledger, 'a', routeId);
      answers.set(routeId, await complete(ledger, routeId));
    }
    expect(ledger.find('r1')).toBeUndefined();
    expect(await complete(ledger, 'r1')).toEqual({ ...answers.get('r1'), duplicate: true });
    await expect(complete(ledger, 'r1', 99)).rejects.toEqual(code('E_COMPLETION_CONFLICT'));
    expect(await ledger.lookUp('r1')).toMatchObject({ state: 'completed', trace: trace(10) });
  });
});

describe('a robot that has a next route', () => {
  const lost = { at: 2, warehouseId: '*', kind: 'record.lost' as const, payload: { detail: 'damaged' } };
  const first = issued('r1', request('a', 'q1'), 1);
  const next = issued('r2', request('a', 'q2'), 3);
  const entry = issuedEntry({ ...first, sequence: 1, blob: null });

  it('has expired the one before, where the record of its end may be lost', async () => {
    const journal = createMemoryJournal();
    for (const record of [first, lost, next]) await journal.append(record);
    const ledger = ledgerOn(journal);
    for await (const record of journal.read()) ledger.apply(record);
    const expired = { state: 'expired', closedAt: 3 };
    expect([...ledger.openRoutes().keys(), ledger.find('r1')]).toMatchObject(['r2', expired]);
    expect(await ledger.lookUp('r1')).toMatchObject({ ...expired, plan: { nodes: ['a', 'b'] } });
    // It may have been scored, which nobody knows any more: nothing is learnt twice.
    expect(await complete(ledger, 'r1')).toMatchObject({ learnt: false });
    expect(await complete(ledger, 'r1')).toMatchObject({ duplicate: true });
  });

  it('has not where none is lost, or what is came before the newest plan', () => {
    for (const between of [[], [lost, revised(entry)], [lost, held(entry)]]) {
      const ledger = ledgerOn(createMemoryJournal());
      const records = [first, ...between, next];
      const replay = () =>
        records.forEach((record, i) => ledger.apply({ ...record, sequence: i + 1, blob: null }));
      expect(replay).toThrow('the robot already has an open route');
    }
  });
});

describe('revisions and ends', () => {
  it('replace the plan, keep the first answer and count up, holds included', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    await issue(ledger, 'a', 'r1');
    const revisions = await Promise.all([
      ledger.revise('r1', (e) => held(e)),
      ledger.revise('r1', (e) => revised(e)),
    ]);
    expect(revisions.map(({ revision, heldAt }) => [revision, heldAt])).toEqual([
      [1, 'a'],
      [2, null],
    ]);
    expect(ledger.open('r1')).toMatchObject({ revision: 2, plan: { revision: 2 }, answer: { revision: 0 } });
  });

  it('stand in a snapshot as they are read again: every plan, and a hold that is not over', async () => {
    const journal = createMemoryJournal();
    const ledger = ledgerOn(journal);
    await issue(ledger, 'a', 'r1');
    const open = () => ledger.snapshot().open;
    const afterIssue = open();
    for (const [at, next] of [held, held, revised, held, revised, held, held].entries())
      await ledger.revise('r1', (e) => next(e, 10 + at));
    expect([afterIssue, open()]).toEqual([[['r1', [1]]], [['r1', [1, 4, 6, 8]]]]);
    // What an older program wrote down names all of them.
    const records: JournalRecord[] = [];
    for await (const record of journal.read()) records.push(record);
    const loaded = (those: readonly JournalRecord[]) => {
      const later = ledgerOn(journal);
      later.load({ closed: [], requests: ledger.snapshot().requests }, [those]);
      expect([later.hash(), later.snapshot()]).toEqual([ledger.hash(), ledger.snapshot()]);
      return later;
    };
    const listed = records.filter(({ sequence }) => open()[0]![1].includes(sequence));
    for (const its of [loaded(records), loaded(listed), ledger]) {
      its.apply({ ...revised(its.open('r1')!), sequence: 20, blob: null });
      expect(its.snapshot().open).toEqual([['r1', [1, 4, 6, 20]]]);
    }
  });

  it('are refused once the route is closed', async () => {
    const ledger = ledgerOn(createMemoryJournal());
    await issue(ledger, 'a', 'r1');
    const end = { routeId: 'r1', reason: 'operator' };
    expect(await ledger.cancel(end, 5)).toEqual({ routeId: 'r1', state: 'cancelled' });
    expect(await ledger.cancel(end, 6)).toEqual({ routeId: 'r1', state: 'cancelled' });
    await expect(ledger.revise('r1', (entry) => revised(entry))).rejects.toEqual(code('E_ROUTE_CLOSED'));
    await expect(complete(ledger, 'r1')).rejects.toEqual(code('E_ROUTE_CLOSED'));
    await issue(ledger, 'a', 'r2');
    await complete(ledger, 'r2');
    await expect(ledger.cancel({ ...end, routeId: 'r2' }, 7)).rejects.toEqual(code('E_ROUTE_CLOSED'));
    await expect(ledger.cancel({ ...end, routeId: 'r9' }, 7)).rejects.toEqual(code('E_UNKNOWN_ROUTE'));
  });
});
