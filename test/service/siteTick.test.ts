import { AssertionError } from 'node:assert';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import type { Journal } from '../../src/journal/journal.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import type { NewRecord } from '../../src/journal/records.js';
import { createDrivenClock } from '../../src/platform/clock.js';
import { orderTour } from '../../src/planning/tourOrder.js';
import type { ServiceCore, SiteEntry } from '../../src/service/serviceCore.js';
import { createSite } from '../../src/service/site.js';
import { tick, tickAll } from '../../src/service/siteTick.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { cell, SITE, startService } from './support/startService.js';

/** A journal that answers records of one kind when it is told to. */
function slowJournal(kind: NewRecord['kind']) {
  const journal = createMemoryJournal();
  const waiting: { readonly record: NewRecord; readonly answer: (error?: Error) => void }[] = [];
  const append: Journal['append'] = (record) => {
    if (record.kind !== kind) return journal.append(record);
    return new Promise((resolve, reject) => {
      const answer = (error?: Error) => (error ? reject(error) : resolve(journal.append(record)));
      waiting.push({ record, answer });
    });
  };
  return { journal: { ...journal, append }, waiting };
}

/** A site of two cells and what ticks it, without a learner or a ledger behind it. */
function openSite(journal: Journal) {
  const clock = createDrivenClock(0);
  const site = createSite({
    ...{ graph: gridFromText('..'), source: 0, clock, driven: clock, mode: 'off' },
    ...{ weights: DEFAULT_REWARD_WEIGHTS, tieBreaks: null, visitOrder: orderTour, legsThatCount: 2 },
  });
  const entry = {
    site,
    host: { maturity: () => 1, tick: () => undefined },
    ledger: { openRoutes: () => new Map() },
    shadow: { tick: () => undefined },
  } as unknown as SiteEntry;
  const core = { journal, entries: new Map([[site.warehouseId, entry]]) } as unknown as ServiceCore;
  const pass = () => {
    clock.advanceTo(clock.now() + 1000);
    return tick(core, entry);
  };
  return { site, core, entry, pass };
}

describe('a tick', () => {
  it('keeps the order of labels that a slow journal refuses', async () => {
    const { journal, waiting } = slowJournal('rows.corrected');
    const { site, pass } = openSite(journal);
    site.corrections.push({ row: 7, blockingSeconds: 5 });
    const ticks = [pass()];
    site.corrections.push({ row: 7, blockingSeconds: 9 });
    ticks.push(pass());
    for (const { answer } of waiting.splice(0)) answer(new AppError('E_JOURNAL_FULL'));
    await Promise.all(ticks);
    const last = pass();
    expect(waiting.map(({ record }) => record.payload)).toEqual([{ rows: [7, 7], blockingSeconds: [5, 9] }]);
    for (const { answer } of waiting) answer();
    await last;
    expect(site.corrections).toEqual([]);
  });

  it('expires all routes that are overdue in one commit', async () => {
    const { journal, waiting } = slowJournal('route.expired');
    const { service, pass } = await startService({ journal });
    for (const robotId of ['a', 'b', 'c'])
      await service.requestRoute(SITE, { requestId: 'q', robotId, from: cell('00'), stops: [cell('04')] });
    const passing = pass(LIMITS.openRouteLifeSeconds + 1);
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    for (const { answer } of waiting) answer();
    await passing;
    expect(service.openRoutes(SITE).routes).toEqual([]);
    await service.close();
  });

  it('ends the process where what is in memory cannot be what is in the journal', async () => {
    const { core, entry } = openSite(createMemoryJournal());
    const broken = new AssertionError({ message: 'cannot be applied' });
    entry.ledger.openRoutes = () => {
      throw broken;
    };
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    const rejected = new Promise((resolve) => process.once('unhandledRejection', resolve));
    onTestFinished(() => others.forEach((listener) => process.on('unhandledRejection', listener)));
    entry.site.driven?.advanceTo(1000);
    tickAll(core);
    expect(await rejected).toBe(broken);
  });
});
