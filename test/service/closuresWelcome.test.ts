import { describe, expect, it } from 'vitest';
import { createFaultyStore, settle } from '../journal/support/faultyStore.js';
import { closedOn, request, startOnSlowDisk, updatesIn } from './support/closing.js';
import { cell, codeOf, lane, SITE, startService } from './support/startService.js';

describe('closing a lane', () => {
  it('that a crash cut short is made good by the next server, and no robot drives on meanwhile', async () => {
    const { service, now, store, finish, run } = await startOnSlowDisk();
    const { routeId } = await run(service.requestRoute(SITE, request('a', '00', ['04'])), 'stored');
    void service.closeLanes(SITE, [lane('01', '02')]).catch(() => undefined);
    await finish('stored');
    // The lane is closed, the new way is not stored: here the power goes.
    const rest = createFaultyStore([...store.durable]);
    const after = await startOnSlowDisk({ robots: [], at: now() }, rest);
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const hello = () => after.service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    expect(hello()).toMatchObject([{ routeId, revision: 0, nodes: [cell('00')], stopIndexes: [] }]);
    const repeated = () => after.service.requestRoute(SITE, request('a', '00', ['04']));
    expect(await codeOf(repeated)).toBe('E_ROUTE_OPEN');
    await after.run(after.pass(1), 'stored');
    const [open] = hello();
    expect(open).toMatchObject({ routeId, revision: 1 });
    expect([open!.nodes.at(-1), closedOn(after.service, open!.nodes)]).toEqual([cell('04'), []]);
    expect(after.events).toMatchObject([{ kind: 'route.updated', message: { nodes: open!.nodes } }]);
    // What is in order is left alone.
    await after.pass(1);
    expect(after.events.length).toBe(1);
  });

  it('leaves a held robot waiting when it says hello, and lets it go on at the next chance', async () => {
    const { service, events, pass } = await startService({ map: '.....' });
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    await service.closeLanes(SITE, [lane('02', '03')]);
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const hello = () => service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    const waits = { held: true, nodes: [cell('00')], stopIndexes: [] };
    expect(hello()).toEqual([{ routeId, robotId: 'a', revision: 1, ...waits }]);
    await pass(5);
    expect(events.filter(({ kind }) => kind === 'route.held').length).toBe(1);
    await service.openLanes(SITE, [lane('02', '03')]);
    expect(hello()).toMatchObject([{ routeId, revision: 2, stopIndexes: [4] }]);
  });

  it('leaves whoever says hello a way that is open from its first node on', async () => {
    const { service, events, pass, now } = await startService();
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    await pass(2);
    await service.closeLanes(SITE, [lane('00', '01'), lane('01', '02')]);
    // It is taken to have both behind it.
    expect(events.filter(({ kind }) => kind === 'route.updated')).toEqual([]);
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const [open] = service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    const rest = { held: false, nodes: ['02', '03', '04'].map(cell), stopIndexes: [2] };
    expect(open).toEqual({ routeId, robotId: 'a', revision: 0, ...rest });
    // The answer had never reached it: it says where it stands.
    const deviated = { type: 'route.deviated' as const, routeId, revision: 0, node: cell('00'), at: now() };
    const { nodes } = await service.routeDeviated(SITE, deviated);
    expect([nodes[0], nodes.at(-1), closedOn(service, nodes)]).toEqual([cell('00'), cell('04'), []]);
  });

  it('does not take a robot that its welcome told to wait for one that drives on', async () => {
    const { service, events, pass, run } = await startOnSlowDisk();
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const hello = () => service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    const { routeId } = await run(service.requestRoute(SITE, request('a', '00', ['04'])), 'stored');
    const closing = service.closeLanes(SITE, [lane('01', '02')]);
    expect(await codeOf(() => run(closing, 'stored', 'full'))).toBe('E_JOURNAL_FULL');
    expect(hello()).toMatchObject([{ routeId, held: true, nodes: [cell('00')] }]);
    // By its ETAs it would have the lane behind it before there is room for its next plan.
    expect(await codeOf(() => run(pass(3), 'full'))).toBe('E_JOURNAL_FULL');
    expect(hello()).toMatchObject([{ routeId, held: true, nodes: [cell('00')] }]);
    await run(pass(1), 'stored');
    const [update] = updatesIn(events);
    expect(update).toMatchObject({ routeId, revision: 1 });
    expect([update!.nodes[0], closedOn(service, update!.nodes)]).toEqual([cell('00'), []]);
  });

  it('lets whoever says hello while its next plan is being written wait for the one after it', async () => {
    const { service, events, pass, now, run } = await startOnSlowDisk();
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const hello = () => service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    const { routeId } = await run(service.requestRoute(SITE, request('a', '00', ['04'])), 'stored');
    const deviated = { type: 'route.deviated' as const, routeId, revision: 0, node: cell('10'), at: now() };
    const answer = service.routeDeviated(SITE, deviated);
    await settle();
    expect(hello()).toMatchObject([{ revision: 0, held: true, nodes: [cell('10')] }]);
    expect(await run(answer, 'stored')).toMatchObject({ revision: 1 });
    await run(pass(1), 'stored');
    const updates = updatesIn(events);
    expect(updates).toMatchObject([{ routeId, revision: 2 }]);
    expect(hello()).toMatchObject([{ revision: 2, held: false, nodes: updates[0]!.nodes }]);
  });
});
