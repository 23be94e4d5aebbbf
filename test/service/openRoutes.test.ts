import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { request } from './support/closing.js';
import { cell, lane, SITE, START, startService, type TestService } from './support/startService.js';

const ROW = '.....';

describe('the list of open routes', () => {
  const report = ({ service, now }: TestService, routeId: string, digits: string): void =>
    service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId, revision: 0, node: cell(digits), at: now() },
    });

  it('begins with who waits longest, and says where, for how long and how late', async () => {
    const started = await startService();
    const { service, pass } = started;
    const deadlineAt = START + 60_000;
    const b = await service.requestRoute(SITE, { ...request('b', '10', ['14']), deadlineAt });
    const a = await service.requestRoute(SITE, request('a', '00', ['04']));
    await pass(1);
    report(started, a.routeId, '01');
    await pass(4);
    report(started, b.routeId, '11');
    await pass(5);
    const { total, routes } = service.openRoutes(SITE);
    const both = { robotType: 'unit', revision: 0, assumed: false, issuedAt: START };
    expect([total, routes]).toEqual([
      2,
      [
        {
          ...{ ...both, routeId: a.routeId, robotId: 'a', node: cell('01'), heardAt: START + 1000 },
          // Its next node it should have reached after two seconds, and it has not after ten.
          ...{ deadlineAt: null, waitingSeconds: 9, lateSeconds: 8, held: false, heldBecause: null },
        },
        {
          ...{ ...both, routeId: b.routeId, robotId: 'b', node: cell('11'), heardAt: START + 5000 },
          ...{ deadlineAt, waitingSeconds: 5, lateSeconds: 8, held: false, heldBecause: null },
        },
      ],
    ]);
    // As late as it came, where that is more than what it has waited since.
    report(started, b.routeId, '12');
    expect(service.openRoutes(SITE, { robotId: 'b' }).routes).toMatchObject([
      { node: cell('12'), waitingSeconds: 0, lateSeconds: 8 },
    ]);
  });

  it('takes nobody whose clock is behind for waiting longer than since its last move', async () => {
    const started = await startService();
    const { service, pass, now } = started;
    await pass(100);
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    for (const node of ['01', '02']) {
      await pass(10);
      const at = now() - 60_000;
      service.routeProgress(SITE, { type: 'route.progress', routeId, revision: 0, node: cell(node), at });
    }
    await pass(3);
    expect(service.openRoutes(SITE).routes).toMatchObject([{ node: cell('02'), waitingSeconds: 3 }]);
  });

  it('does not take handling for waiting, nor who is beside its way for punctual', async () => {
    const started = await startService();
    const { service, pass, now } = started;
    const stops = [{ node: cell('01'), handlingSeconds: 30 }, cell('04')];
    const { routeId } = await service.requestRoute(SITE, { ...request('a', '00', []), stops });
    await pass(3);
    report(started, routeId, '01');
    await pass(20);
    const handling = { node: cell('01'), waitingSeconds: 0, lateSeconds: 2 };
    expect(service.openRoutes(SITE).routes).toMatchObject([handling]);
    await pass(20);
    expect(service.openRoutes(SITE).routes).toMatchObject([{ waitingSeconds: 10, lateSeconds: 11 }]);
    const aside = { type: 'route.progress' as const, routeId, revision: 0, node: cell('11'), at: now() };
    service.routeProgress(SITE, aside);
    expect(service.openRoutes(SITE).routes).toMatchObject([
      { node: cell('11'), waitingSeconds: 0, lateSeconds: null },
    ]);
  });

  it('takes nobody for late for a plan that begins while it handles', async () => {
    const started = await startService();
    const { service, pass } = started;
    const stops = [{ node: cell('01'), handlingSeconds: 30 }, cell('04')];
    const { routeId } = await service.requestRoute(SITE, { ...request('a', '00', []), stops });
    await pass(3);
    report(started, routeId, '01');
    await pass(20);
    await service.closeLanes(SITE, [lane('02', '03')]);
    const anew = { node: cell('01'), revision: 1, waitingSeconds: 0, lateSeconds: 0 };
    expect(service.openRoutes(SITE).routes).toMatchObject([anew]);
  });

  it('takes a robot that reports nothing for where its ETAs put it, and says so', async () => {
    const { service, pass } = await startService();
    const stops = [{ node: cell('01'), handlingSeconds: 3 }, cell('04')];
    await service.requestRoute(SITE, { ...request('a', '00', []), stops });
    await pass(3);
    const assumed = { assumed: true, waitingSeconds: 0, lateSeconds: null, heardAt: START };
    expect(service.openRoutes(SITE).routes).toMatchObject([{ ...assumed, node: cell('01') }]);
    await pass(20);
    expect(service.openRoutes(SITE).routes).toMatchObject([
      { ...assumed, node: cell('04'), waitingSeconds: 16 },
    ]);
  });

  it('tells who is held, why, and how many', async () => {
    const { service, pass, journal, now } = await startService({ map: ROW });
    const a = await service.requestRoute(SITE, request('a', '00', ['04']));
    await service.requestRoute(SITE, request('b', '00', ['01']));
    await pass(0);
    await service.closeLanes(SITE, [lane('02', '03')]);
    await pass(7);
    const held = { routeId: a.routeId, revision: 1, node: cell('00'), held: true };
    const waits = { ...held, heldBecause: 'noOpenWay', waitingSeconds: 7 };
    expect(service.openRoutes(SITE, { held: true })).toMatchObject({ total: 1, routes: [waits] });
    expect(service.openRoutes(SITE, { held: false }).routes).toMatchObject([{ robotId: 'b', held: false }]);
    expect(service.openRoutes(SITE, { held: true, robotId: 'b' })).toEqual({ total: 0, routes: [] });
    expect(service.openRoutes(SITE, { robotId: 'c' })).toEqual({ total: 0, routes: [] });
    expect(service.warehouse(SITE)).toMatchObject({ openRoutes: 2, heldRoutes: 1 });
    // A restart looks for its way anew, at the first tick.
    const after = await startService({ map: ROW, journal, at: now(), robots: [] });
    const due = [{ ...held, heldBecause: 'planDue' }];
    expect(after.service.openRoutes(SITE, { held: true }).routes).toMatchObject(due);
    await after.pass(1);
    expect(after.service.openRoutes(SITE, { held: true }).routes).toMatchObject([
      { heldBecause: 'noOpenWay' },
    ]);
    await after.service.openLanes(SITE, [lane('02', '03')]);
    expect(after.service.openRoutes(SITE, { held: true }).total).toBe(0);
    expect(after.service.warehouse(SITE)).toMatchObject({ openRoutes: 2, heldRoutes: 0 });
  });

  it('names a route whose map has changed under it: its robot waits too', async () => {
    const before = await startService();
    const { routeId } = await before.service.requestRoute(SITE, request('a', '00', ['04']));
    const { journal, now } = before;
    const { service, pass } = await startService({ map: '..\n..', journal, at: now(), robots: [] });
    await pass(5);
    const otherMap = { routeId, node: null, held: true, heldBecause: 'otherMap', waitingSeconds: 5 };
    expect(service.openRoutes(SITE).routes).toMatchObject([{ ...otherMap, lateSeconds: null }]);
    expect(service.warehouse(SITE).heldRoutes).toBe(1);
  });

  it('is no longer than its limit, and tells how many there are', async () => {
    const robots = Array.from({ length: LIMITS.routesListed + 1 }, (_, i) => `robot-${i}`);
    const { service } = await startService({ map: '..', robots: robots.slice(0, LIMITS.robotsPerHello) });
    const last = robots.at(-1)!;
    service.hello({ type: 'hello', warehouseId: SITE, robots: [{ robotId: last, robotType: 'unit' }] });
    await Promise.all(robots.map((id) => service.requestRoute(SITE, request(id, '00', ['01']))));
    const { total, routes } = service.openRoutes(SITE);
    expect([total, routes.length]).toEqual([robots.length, LIMITS.routesListed]);
  });
});
