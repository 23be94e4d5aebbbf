import { describe, expect, it } from 'vitest';
import type { RouteAssignedContent } from '../../src/domain/messages.js';
import { request, startOnSlowDisk } from './support/closing.js';
import { deviate, newestPlan, stopsOf } from './support/plans.js';
import { cell, lane, SITE, startService, type TestService } from './support/startService.js';

const tell = (
  { service, now }: TestService,
  { routeId }: RouteAssignedContent,
  revision: number,
  place: string,
): void =>
  service.routeProgress(SITE, {
    ...{ type: 'route.progress', routeId, revision, node: cell(place), at: now() },
  });

describe('a stop that a robot told to have made is in no later plan', () => {
  it('though it told it while a plan was being written that could not be stored', async () => {
    const started = await startOnSlowDisk();
    const route = await started.run(
      started.service.requestRoute(SITE, request('a', '00', ['02', '04'])),
      'stored',
    );
    tell(started, route, 0, '01');
    const closing = started.service.closeLanes(SITE, [lane('03', '04')]);
    closing.catch(() => undefined);
    await started.finish('stored');
    tell(started, route, 0, '02');
    await started.finish('full');
    await expect(closing).rejects.toThrow();
    await started.run(started.pass(1), 'stored');
    const plan = newestPlan(started);
    expect([plan.nodes[0], ...stopsOf(plan)]).toEqual([cell('02'), cell('04')]);
  });

  it('though another way to it was being written when it came there', async () => {
    const started = await startOnSlowDisk();
    const route = await started.run(
      started.service.requestRoute(SITE, request('a', '00', ['02', '04'])),
      'stored',
    );
    tell(started, route, 0, '01');
    const closing = started.service.closeLanes(SITE, [lane('01', '02')]);
    await started.finish('stored');
    tell(started, route, 0, '02');
    await started.finish('stored');
    await closing;
    const plan = await started.run(deviate(started, route, 1, '02'), 'stored');
    expect(stopsOf(plan)).toEqual([cell('04')]);
  });

  it('though it lacks another behind it, and asks where its plan begins', async () => {
    const started = await startService();
    const route = await started.service.requestRoute(SITE, request('a', '00', ['01', '03', '14']));
    tell(started, route, 0, '01');
    const { revision } = await deviate(started, route, 0, '03');
    const plan = await deviate(started, route, revision, '03');
    expect(stopsOf(plan)).toEqual([cell('03'), cell('14')]);
  });

  it('though one before it was passed over, which it has by what it follows', async () => {
    const started = await startService();
    const route = await started.service.requestRoute(SITE, request('a', '00', ['01', '03', '14']));
    const go = async (revision: number, ...places: readonly string[]): Promise<void> => {
      for (const place of places) {
        await started.pass(1);
        tell(started, route, revision, place);
      }
    };
    await go(0, '02');
    expect(stopsOf(await deviate(started, route, 0, '12'))).toEqual([cell('03'), cell('14')]);
    await go(1, '02', '03');
    expect(stopsOf(await deviate(started, route, 1, '13'))).toEqual([cell('14')]);
    expect(stopsOf(await deviate(started, route, 2, '13'))).toEqual([cell('14')]);
  });

  it('though it said nothing on the way to it', async () => {
    const started = await startService();
    const route = await started.service.requestRoute(SITE, request('a', '00', ['02', '04']));
    tell(started, route, 0, '02');
    expect(stopsOf(await deviate(started, route, 0, '12'))).toEqual([cell('04')]);
    expect(stopsOf(await deviate(started, route, 1, '12'))).toEqual([cell('04')]);
    tell(started, route, 2, '04');
    expect(stopsOf(await deviate(started, route, 2, '04'))).toEqual([]);
  });

  it('though it was first heard of at a later place of its way, beside where a start took it to be', async () => {
    const map = '...\n..@\n.@@';
    const first = await startService({ map });
    await first.service.closeLanes(SITE, [lane('00', '10'), lane('10', '00')]);
    const asked = { ...request('a', '00', ['20']), dropoff: cell('02') };
    const route = await first.service.requestRoute(SITE, asked);
    expect(route.nodes.slice(0, 6)).toEqual(['00', '01', '11', '10', '20', '10'].map(cell));
    const second = await startService({ map, journal: first.journal, at: first.now() + 1000, robots: ['a'] });
    for (const place of ['10', '20', '10']) {
      await second.pass(1);
      tell(second, route, 0, place);
    }
    expect(stopsOf(await deviate(second, route, 0, '01'))).toEqual([cell('02')]);
  });
});

describe('a robot that says again where it stands, under a plan that begins there, does not follow it yet', () => {
  it('and gets the stop that it lacks when it asks: it was passed over', async () => {
    const started = await startService();
    const route = await started.service.requestRoute(SITE, request('a', '00', ['01', '03', '14']));
    tell(started, route, 0, '02');
    expect(stopsOf(await deviate(started, route, 0, '12'))).toEqual([cell('03'), cell('14')]);
    await started.pass(1);
    tell(started, route, 1, '12');
    const all = ['01', '03', '14'].map(cell);
    expect(stopsOf(await deviate(started, route, 1, '12'))).toEqual(all);
  });

  it('and gets the stop that it lacks when it asks: it was pushed to it', async () => {
    const started = await startService();
    const route = await started.service.requestRoute(SITE, request('a', '00', ['01', '03']));
    expect(stopsOf(await deviate(started, route, 0, '01'))).toEqual([cell('03')]);
    tell(started, route, 1, '01');
    expect(stopsOf(await deviate(started, route, 1, '01'))).toEqual([cell('01'), cell('03')]);
  });

  it('and gets the stop that it lacks when it asks: its ETAs had passed it', async () => {
    const started = await startService();
    const route = await started.service.requestRoute(SITE, request('a', '00', ['01', '04']));
    await started.pass(2);
    await started.service.closeLanes(SITE, [lane('03', '04')]);
    expect([newestPlan(started).nodes[0], ...stopsOf(newestPlan(started))]).toEqual([cell('02'), cell('04')]);
    tell(started, route, 1, '02');
    expect(stopsOf(await deviate(started, route, 1, '02'))).toEqual([cell('01'), cell('04')]);
  });
});

it('a robot that drove on while a plan was written that could not be stored is welcomed from where it is', async () => {
  const started = await startOnSlowDisk();
  const asking = started.service.requestRoute(SITE, request('a', '00', ['02', '04']));
  const route = await started.run(asking, 'stored');
  tell(started, route, 0, '01');
  const closing = started.service.closeLanes(SITE, [lane('03', '04')]);
  closing.catch(() => undefined);
  await started.finish('stored');
  tell(started, route, 0, '02');
  await started.finish('full');
  await expect(closing).rejects.toThrow();
  await started.run(started.service.openLanes(SITE, [lane('03', '04')]), 'stored');
  const robots = [{ robotId: 'a', robotType: 'unit' }];
  const { openRoutes } = started.service.hello({ type: 'hello', warehouseId: SITE, robots });
  expect(openRoutes[0]!.nodes).toEqual(['02', '03', '04'].map(cell));
});
