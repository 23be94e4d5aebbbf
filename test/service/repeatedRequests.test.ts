import { describe, expect, it } from 'vitest';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { gridToFile } from '../../src/warehouse/movingAi.js';
import { request, startOnSlowDisk, updatesIn } from './support/closing.js';
import { cell, codeOf, lane, SITE, startService, type TestService } from './support/startService.js';

const wanted = request('a', '00', ['02', '04']);
const ask = ({ service }: TestService) => service.requestRoute(SITE, wanted);

describe('a request that is sent again', () => {
  it('gets the same answer, and after a new plan that one, whose lanes are watched', async () => {
    const started = await startService();
    const { service, events } = started;
    const first = await ask(started);
    expect(await ask(started)).toEqual(first);
    const closed = [lane('02', '03')];
    await service.closeLanes(SITE, closed);
    // The way of the first answer is free again, but nobody would be told were it closed once more.
    await service.openLanes(SITE, closed);
    const again = await ask(started);
    const [update] = updatesIn(events);
    expect(again).toMatchObject({ routeId: first.routeId, revision: 1, nodes: update!.nodes });
    await service.closeLanes(SITE, [lane('12', '13')]);
    expect(updatesIn(events)).toMatchObject([{ revision: 1 }, { revision: 2 }]);
  });

  it('gets no plan that begins elsewhere than it asks, or leaves out a stop', async () => {
    const started = await startService();
    const { service, now } = started;
    const { routeId } = await ask(started);
    const report = { type: 'route.deviated' as const, routeId, at: now() };
    await service.routeDeviated(SITE, { ...report, revision: 0, node: cell('10') });
    expect(await codeOf(() => ask(started))).toBe('E_ROUTE_OPEN');
    // Back at its start: it may drive all of it.
    await service.routeDeviated(SITE, { ...report, revision: 1, node: cell('00') });
    expect(await ask(started)).toMatchObject({ routeId, revision: 2 });
    service.routeProgress(SITE, { ...report, type: 'route.progress', revision: 2, node: cell('02') });
    await service.routeDeviated(SITE, { ...report, revision: 2, node: cell('00') });
    expect(await codeOf(() => ask(started))).toBe('E_ROUTE_OPEN');
  });

  it('is told that the open route is its own, and any other request that it is not', async () => {
    const started = await startService();
    const { service, now } = started;
    const { routeId } = await ask(started);
    const report = { type: 'route.deviated' as const, routeId, at: now() };
    await service.routeDeviated(SITE, { ...report, revision: 0, node: cell('10') });
    await expect(ask(started)).rejects.toMatchObject({
      ...{
        code: 'E_ROUTE_OPEN',
        references: { routeId, detail: expect.stringContaining('this request') as unknown },
      },
    });
    await expect(service.requestRoute(SITE, { ...wanted, requestId: 'other' })).rejects.toMatchObject({
      ...{
        code: 'E_ROUTE_OPEN',
        references: { routeId, detail: expect.stringContaining('another request') as unknown },
      },
    });
  });

  it('gets none while its robot is to wait', async () => {
    const started = await startService({ map: '.....' });
    const { service } = started;
    await ask(started);
    await service.closeLanes(SITE, [lane('02', '03')]);
    expect(await codeOf(() => ask(started))).toBe('E_ROUTE_OPEN');
    await service.openLanes(SITE, [lane('02', '03')]);
    expect(await ask(started)).toMatchObject({ revision: 2 });
  });

  it('gets none either where the disk did not take the way that it has since', async () => {
    const started = await startOnSlowDisk({ map: '.....' });
    const { service, run } = started;
    await run(ask(started), 'stored');
    await run(service.closeLanes(SITE, [lane('02', '03')]), 'stored', 'stored');
    const opening = service.openLanes(SITE, [lane('02', '03')]);
    expect(await codeOf(() => run(opening, 'stored', 'full'))).toBe('E_JOURNAL_FULL');
    expect(await codeOf(() => ask(started))).toBe('E_ROUTE_OPEN');
  });

  it('gets no lane that is barred to what its robot is now', async () => {
    const file = gridToFile(['w...e', '.....'], { dialect: 'kiva', id: SITE });
    const [unit] = file.robotTypes;
    const isBarred = ({ from, to }: { from: string; to: string }): boolean => [from, to].includes(cell('03'));
    const lanes = file.lanes.map((one) => (isBarred(one) ? { ...one, barred: ['wide'] } : one));
    const robotTypes = [
      { ...unit!, name: 'unit' },
      { ...unit!, name: 'wide' },
    ];
    const graphs = [compileFile({ ...file, lanes, robotTypes })];
    const robots = [{ robotId: 'a', robotType: 'wide' }];
    for (const progress of [[], ['01', '02', '03', '04']]) {
      const started = await startService({ graphs });
      const { service, pass, now } = started;
      const { routeId, nodes } = await ask(started);
      expect(nodes).toContain(cell('03'));
      for (const node of progress) {
        const report = { routeId, revision: 0, node: cell(node), at: now() };
        service.routeProgress(SITE, { type: 'route.progress', ...report });
      }
      service.hello({ type: 'hello', warehouseId: SITE, robots });
      expect(await codeOf(() => ask(started))).toBe('E_ROUTE_OPEN');
      await pass(1);
      // Who has that behind it drives on, but from where it is.
      const again = await ask(started).catch(() => null);
      expect([again?.revision, again?.nodes.includes(cell('03'))]).toEqual(
        progress.length === 0 ? [1, false] : [undefined, undefined],
      );
    }
  });

  it('gets none of a route whose map has changed under it', async () => {
    const before = await startService();
    await ask(before);
    const { journal, service } = before;
    // By the lower row, which the next map does not have; the upper one is as it was.
    await service.closeLanes(SITE, [lane('02', '03')]);
    const after = await startService({ map: '.....', journal, at: before.now() });
    await after.service.openLanes(SITE, [lane('02', '03')]);
    expect(await codeOf(() => ask(after))).toBe('E_ROUTE_OTHER_MAP');
  });
});

describe('a route that is read', () => {
  it('shows the place to wait at while it is held, and not the way that it cannot drive', async () => {
    const { service, pass, now } = await startService({ map: '.....' });
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    const read = () => service.route(SITE, routeId);
    expect(await read()).toMatchObject({ held: false, revision: 0, stopIndexes: [4] });
    await service.closeLanes(SITE, [lane('02', '03')]);
    const held = { held: true, revision: 1, stopIndexes: [] };
    expect(await read()).toMatchObject({ ...held, nodes: [cell('00')] });
    service.routeProgress(SITE, {
      type: 'route.progress',
      routeId,
      revision: 1,
      node: cell('01'),
      at: now(),
    });
    expect(await read()).toMatchObject({ ...held, nodes: [cell('01')] });
    await pass(5 * 3600);
    expect(await read()).toMatchObject({ held: false, state: 'expired', stopIndexes: [4] });
  });
});
