import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import type { Journal } from '../../src/journal/journal.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import type { JournalKind } from '../../src/journal/records.js';
import { settle } from '../journal/support/faultyStore.js';
import { request, updatesIn } from './support/closing.js';
import { cell, codeOf, lane, SITE, startService } from './support/startService.js';

/** A journal that takes no such record of `route-1`, and others of such a kind when `release` is called. */
function createPartialJournal(kind: JournalKind): Journal & { release: () => void } {
  const journal = createMemoryJournal();
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  return {
    ...journal,
    async append(record) {
      if (record.kind !== kind || !('routeId' in record.payload)) return journal.append(record);
      if (record.payload.routeId === 'route-1') throw new AppError('E_JOURNAL_FULL');
      await released;
      return journal.append(record);
    },
    release,
  };
}

/** `a` and `b`, side by side, with the same lane before them. */
async function start(kind: JournalKind) {
  const journal = createPartialJournal(kind);
  const started = await startService({ map: '.....\n.....', journal });
  for (const [robotId, from] of [
    ['a', '00'],
    ['b', '01'],
  ] as const) {
    const { routeId } = await started.service.requestRoute(SITE, request(robotId, from, ['04']));
    // One that reports is where it says, however much time passes.
    const progress = {
      type: 'route.progress',
      routeId,
      revision: 0,
      node: cell(from),
      at: started.now(),
    } as const;
    started.service.routeProgress(SITE, progress);
  }
  return { ...started, release: journal.release };
}

describe('where one route cannot be stored', () => {
  it('a closing fails only after the others are told', async () => {
    const { service, events, release } = await start('route.revised');
    let code: string | null = null;
    const closing = codeOf(() => service.closeLanes(SITE, [lane('02', '03')])).then((its) => (code = its));
    await settle();
    expect([code, updatesIn(events)]).toEqual([null, []]);
    release();
    await closing;
    expect(code).toBe('E_JOURNAL_FULL');
    expect(updatesIn(events)).toMatchObject([{ robotId: 'b' }]);
  });

  it.each(['route.revised', 'route.expired'] as const)('(%s) a tick expires the others', async (kind) => {
    const { service, pass, release } = await start(kind);
    release();
    await service.closeLanes(SITE, [lane('02', '03')]).catch(() => undefined);
    expect(await codeOf(() => pass(5 * 3600))).toBe('E_JOURNAL_FULL');
    const left = service.openRoutes(SITE).routes.map(({ robotId }) => robotId);
    expect(left).toEqual(kind === 'route.expired' ? ['a'] : []);
  });
});
