import { describe, expect, it } from 'vitest';
import type { RouteAssignedContent } from '../../src/domain/messages.js';
import { settle } from '../journal/support/faultyStore.js';
import { closedOn, request, startOnSlowDisk, updatesIn } from './support/closing.js';
import { cell, codeOf, lane, SITE } from './support/startService.js';

describe('closing a lane', () => {
  it('while the issue is being committed, and again while that is mended, lets no route over it leave', async () => {
    const { service, events, finish, storeAll } = await startOnSlowDisk({ map: '.....\n.....\n.....' });
    let answer: RouteAssignedContent | undefined;
    let closedWhenItLeft: string[] | undefined;
    // The first closing is being written while the route is planned; the second stands between the route's
    // issue and what mends it.
    const closings = [service.closeLanes(SITE, [lane('01', '02'), lane('02', '03')])];
    await settle();
    const asked = service.requestRoute(SITE, request('a', '00', ['04'])).then((route) => {
      answer = route;
      closedWhenItLeft = closedOn(service, route.nodes);
    });
    await settle();
    closings.push(service.closeLanes(SITE, [lane('11', '12'), lane('12', '13')]));
    await finish('stored', 'stored');
    closings.push(service.closeLanes(SITE, [lane('10', '11')]));
    await storeAll();
    await Promise.all([asked, ...closings]);
    expect(answer!.revision).toBeGreaterThan(0);
    expect(closedWhenItLeft).toEqual([]);
    const route = await service.route(SITE, answer!.routeId);
    expect(closedOn(service, route.nodes)).toEqual([]);
    const last = updatesIn(events).at(-1);
    const told = last && last.revision > answer!.revision ? last : answer!;
    expect([told.revision, told.nodes]).toEqual([route.revision, route.nodes]);
  });

  it('while the issue is being committed leaves the route open where a full disk takes no other way', async () => {
    const { service, now, finish } = await startOnSlowDisk({ map: '.....\n.....\n.....' });
    const closing = service.closeLanes(SITE, [lane('01', '02'), lane('02', '03')]);
    await settle();
    const asked = codeOf(() => service.requestRoute(SITE, request('a', '00', ['04'])));
    await finish('stored', 'stored', 'full');
    await closing.catch(() => undefined);
    expect(await asked).toBe('E_JOURNAL_FULL');
    // What the ledger has open can be driven on from.
    const [open] = service.hello({
      ...{ type: 'hello', warehouseId: SITE },
      robots: [{ robotId: 'a', robotType: 'unit' }],
    }).openRoutes;
    const message = { type: 'route.deviated' as const, routeId: open!.routeId, revision: open!.revision };
    const updated = service.routeDeviated(SITE, { ...message, node: cell('00'), at: now() });
    await finish('stored');
    expect(closedOn(service, (await updated).nodes)).toEqual([]);
  });

  it('while a slow disk writes the issue finds the robot where it asked, every stop before it', async () => {
    const { service, pass, storeAll } = await startOnSlowDisk();
    const asked = service.requestRoute(SITE, request('a', '00', ['02', '04']));
    const closing = service.closeLanes(SITE, [lane('01', '02')]);
    await settle();
    // By its ETAs it would be at its goal when it gets its way.
    await pass(10);
    await storeAll();
    await closing;
    const { nodes, stopIndexes } = await asked;
    expect([nodes[0], closedOn(service, nodes)]).toEqual([cell('00'), []]);
    expect(stopIndexes.map((index) => nodes[index])).toEqual([cell('02'), cell('04')]);
  });

  it('that fails for a full disk may be called again, and then tells the robots', async () => {
    const { service, events, run } = await startOnSlowDisk();
    const flow = () => service.lanes(SITE).map(({ plannedFlow }) => plannedFlow);
    const route = await run(service.requestRoute(SITE, request('a', '00', ['04'])), 'stored');
    const before = flow();
    const closing = () => service.closeLanes(SITE, [lane('01', '02')]);
    expect(await codeOf(() => run(closing(), 'stored', 'full'))).toBe('E_JOURNAL_FULL');
    // What the robot drives is what the floor is planned with: it was told nothing yet.
    expect(flow()).toEqual(before);
    expect(events.filter(({ kind }) => kind === 'route.updated')).toEqual([]);
    await run(closing(), 'stored', 'stored');
    const [update] = updatesIn(events);
    expect(update).toMatchObject({ routeId: route.routeId, revision: 1 });
    expect(closedOn(service, update!.nodes)).toEqual([]);
  });

  it('while a robot pushed off is being re-planned sends it no way over the lane', async () => {
    const { service, now, storeAll } = await startOnSlowDisk({ map: '.....\n.....\n.....' });
    const asked = service.requestRoute(SITE, request('a', '00', ['04']));
    await storeAll();
    const { routeId } = await asked;
    const closing = service.closeLanes(SITE, [lane('11', '12')]);
    const deviated = { type: 'route.deviated' as const, routeId, revision: 0, node: cell('10'), at: now() };
    let closedWhenItLeft: string[] | undefined;
    const updated = service.routeDeviated(SITE, deviated).then(({ nodes }) => {
      closedWhenItLeft = closedOn(service, nodes);
    });
    await settle();
    // Both are in one commit, and the closing is in force as soon as that returns.
    const second = service.closeLanes(SITE, [lane('00', '01'), lane('20', '21')]);
    await storeAll();
    await Promise.all([closing, second, updated]);
    expect(closedWhenItLeft).toEqual([]);
  });

  describe('while the next plan of a route is being written', () => {
    /** A robot on its way from 00 to 04, on a disk whose commits end when the test says. */
    async function startUnderWay() {
      const { service, events, pass, now, finish } = await startOnSlowDisk();
      const asked = service.requestRoute(SITE, request('a', '00', ['04']));
      await finish('stored');
      const { routeId } = await asked;
      /** For each closing that was answered, the revisions that the robot had been sent by then. */
      const sentAtAnswer: number[][] = [];
      const close = async (): Promise<void> => {
        await service.closeLanes(SITE, [lane('01', '02')]);
        sentAtAnswer.push(
          events.flatMap((event) => (event.kind === 'route.updated' ? [event.message.revision] : [])),
        );
      };
      return { service, events, pass, now, finish, routeId, close, sentAtAnswer };
    }

    it('for another closing, is answered after its robot was told', async () => {
      const { finish, close, sentAtAnswer } = await startUnderWay();
      const first = close();
      await settle();
      const second = close();
      // The closings' own records come before the plan that both wait for.
      await finish('stored', 'stored');
      expect(sentAtAnswer).toEqual([]);
      await finish('stored');
      await Promise.all([first, second]);
      expect(sentAtAnswer).toEqual([[1], [1]]);
    });

    it('for a tick, is answered after its robot was told', async () => {
      const { finish, close, pass, sentAtAnswer } = await startUnderWay();
      const refused = codeOf(close);
      await finish('stored', 'full');
      expect(await refused).toBe('E_JOURNAL_FULL');
      const again = close();
      await settle();
      const ticked = pass(1);
      await finish('stored');
      expect(sentAtAnswer).toEqual([]);
      await finish('stored');
      await Promise.all([again, ticked]);
      expect(sentAtAnswer).toEqual([[1]]);
    });

    it('for a robot pushed off twice, finds another one where a full disk refuses those', async () => {
      const { service, events, now, finish, routeId, close, sentAtAnswer } = await startUnderWay();
      const pushOff = (digits: string): Promise<string> => {
        const place = { routeId, revision: 0, node: cell(digits), at: now() };
        return codeOf(() => service.routeDeviated(SITE, { type: 'route.deviated', ...place }));
      };
      const closing = close();
      await settle();
      const refused = [pushOff('12')];
      // The closing waits for this plan, and the next one begins meanwhile.
      await finish('stored');
      refused.push(pushOff('13'));
      await finish('full');
      expect(sentAtAnswer).toEqual([]);
      await finish('full');
      expect(sentAtAnswer).toEqual([]);
      await finish('stored');
      await closing;
      expect(await Promise.all(refused)).toEqual(['E_JOURNAL_FULL', 'E_JOURNAL_FULL']);
      expect(sentAtAnswer).toEqual([[1]]);
      const [update] = updatesIn(events);
      expect([update!.nodes[0], closedOn(service, update!.nodes)]).toEqual([cell('13'), []]);
    });
  });
});
