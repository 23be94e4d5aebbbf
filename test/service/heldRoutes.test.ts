import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { gridToFile } from '../../src/warehouse/movingAi.js';
import { request, startOnSlowDisk, updatesIn } from './support/closing.js';
import {
  cell,
  codeOf,
  lane,
  report,
  SITE,
  startService,
  traceAlong,
  type TestService,
} from './support/startService.js';

const ROW = '......';

/** a at 00 on its way to 05, held, since there is no way from 02 to 03. */
async function hold(started: TestService): Promise<string> {
  const { routeId } = await started.service.requestRoute(SITE, request('a', '00', ['05']));
  await started.service.closeLanes(SITE, [lane('02', '03')]);
  expect(holds(started)).toBe(1);
  return routeId;
}

function holds({ events }: TestService): number {
  return events.filter(({ kind }) => kind === 'route.held').length;
}

function arriveAt({ service, now }: TestService, routeId: string, node: string): void {
  const at = now();
  service.routeProgress(SITE, { type: 'route.progress', routeId, revision: 1, node: cell(node), at });
}

function askAt(
  { service, now }: TestService,
  { node, ...report }: { routeId: string; revision: number; node: string },
): Promise<string> {
  const message = { type: 'route.deviated' as const, ...report, node: cell(node), at: now() };
  return codeOf(() => service.routeDeviated(SITE, message));
}

describe('a robot that was told to wait', () => {
  it('is not looked at again while lanes only close: that makes no way', async () => {
    const started = await startService({ map: ROW });
    const { service, journal, pass } = started;
    const routeId = await hold(started);
    for (const closing of [lane('04', '05'), lane('01', '02'), lane('05', '04')]) {
      const stored = journal.lastSequence();
      await service.closeLanes(SITE, [closing]);
      await pass(1);
      expect(journal.lastSequence()).toBe(stored + 1);
    }
    expect(holds(started)).toBe(1);
    expect(service.openRoutes(SITE).routes).toMatchObject([
      { routeId, revision: 1, heldBecause: 'noOpenWay' },
    ]);
    // Each that opens may be the one.
    await service.openLanes(SITE, [lane('02', '03')]);
    await service.openLanes(SITE, [lane('01', '02')]);
    expect([holds(started), updatesIn(started.events)]).toEqual([3, []]);
    await service.openLanes(SITE, [lane('04', '05')]);
    expect(updatesIn(started.events)).toMatchObject([{ routeId, revision: 4, reason: 'laneOpened' }]);
  });

  it('is told so when it asks for a way, and only what is news is written down', async () => {
    const started = await startService({ map: ROW });
    const { service, journal } = started;
    const routeId = await hold(started);
    const stored = journal.lastSequence();
    const ask = (revision: number, node: string) => askAt(started, { routeId, revision, node });
    // By its revision it has not heard that it is to wait.
    expect([await ask(0, '00'), holds(started)]).toEqual(['E_UNREACHABLE', 2]);
    expect(started.events.at(-1)).toMatchObject({ message: { revision: 1, node: cell('00') } });
    expect([await ask(1, '00'), holds(started), journal.lastSequence()]).toEqual([
      'E_UNREACHABLE',
      2,
      stored,
    ]);
    // After a restart it waits where it was last told to.
    expect([await ask(1, '01'), holds(started), journal.lastSequence()]).toEqual([
      'E_UNREACHABLE',
      3,
      stored + 1,
    ]);
    await service.openLanes(SITE, [lane('02', '03')]);
    expect(await ask(3, '01')).toBe('');
  });

  it.each([
    ['it has made none', lane('00', '01'), '00', '01'],
    ['it has made the first', lane('02', '03'), '01', '05'],
  ])('is told which stop there is no way to, where %s', async (_, closed, node, to) => {
    const { service, now } = await startService({ map: ROW });
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['01', '05']));
    if (node !== '00')
      service.routeProgress(SITE, {
        ...{ type: 'route.progress', routeId, revision: 0, node: cell(node), at: now() },
      });
    await service.closeLanes(SITE, [closed]);
    const asked = { type: 'route.deviated' as const, routeId, revision: 1, node: cell(node), at: now() };
    await expect(service.routeDeviated(SITE, asked)).rejects.toMatchObject({
      ...{ code: 'E_UNREACHABLE', references: { from: cell(node), to: cell(to) } },
    });
  });

  it('cannot fill the journal by asking here and there', async () => {
    const started = await startService({ map: ROW });
    const routeId = await hold(started);
    const codes = new Set<string>();
    for (let revision = 1; revision <= LIMITS.revisionsPerRoute + 1; revision++) {
      codes.add(await askAt(started, { routeId, revision, node: `0${revision % 2}` }));
    }
    expect([...codes]).toEqual(['E_UNREACHABLE', 'E_ROUTE_REVISED_OFTEN']);
    expect(started.service.openRoutes(SITE).routes).toMatchObject([
      { revision: LIMITS.revisionsPerRoute + 1 },
    ]);
  });

  it('may leave its way later, however often lanes opened while it waited', async () => {
    const started = await startService({ map: ROW });
    const routeId = await hold(started);
    const far = [lane('00', '01')];
    for (let i = 0; i < LIMITS.revisionsPerRoute; i++) {
      await started.service.closeLanes(SITE, far);
      await started.service.openLanes(SITE, far);
    }
    const { revision } = started.service.openRoutes(SITE).routes[0]!;
    expect(revision).toBeGreaterThan(LIMITS.revisionsPerRoute);
    expect(await askAt(started, { routeId, revision, node: '00' })).toBe('E_UNREACHABLE');
  });

  it('gets a way once it says hello as a type to which another is not barred', async () => {
    const file = gridToFile(['w....e', '......'], { dialect: 'kiva', id: SITE });
    const [unit] = file.robotTypes;
    const isBarred = ({ from, to }: { from: string; to: string }): boolean => [from, to].includes(cell('12'));
    const lanes = file.lanes.map((one) => (isBarred(one) ? { ...one, barred: ['unit'] } : one));
    const robotTypes = [
      { ...unit!, name: 'unit' },
      { ...unit!, name: 'slim' },
    ];
    const started = await startService({ graphs: [compileFile({ ...file, lanes, robotTypes })] });
    const routeId = await hold(started);
    const robots = [{ robotId: 'a', robotType: 'slim' }];
    started.service.hello({ type: 'hello', warehouseId: SITE, robots });
    await started.pass(1);
    const updates = updatesIn(started.events);
    expect(updates).toMatchObject([{ routeId, revision: 2 }]);
    expect(updates[0]!.nodes).toContain(cell('12'));
  });

  it('gets a way from where it went, and is not looked at for going where it could', async () => {
    const started = await startService({ map: ROW });
    const routeId = await hold(started);
    for (const node of ['01', '02']) {
      arriveAt(started, routeId, node);
      await started.pass(1);
    }
    expect([holds(started), updatesIn(started.events)]).toEqual([1, []]);
    // Somebody pushed it over.
    arriveAt(started, routeId, '03');
    await started.pass(1);
    const nodes = ['03', '04', '05'].map(cell);
    expect(updatesIn(started.events)).toMatchObject([{ routeId, revision: 2, nodes }]);
  });

  it('is looked at again at the next tick where the disk did not take what the last look found', async () => {
    const started = await startOnSlowDisk({ map: ROW });
    const { service, run, pass } = started;
    await run(service.requestRoute(SITE, request('a', '00', ['05'])), 'stored');
    await run(service.closeLanes(SITE, [lane('02', '03'), lane('04', '05')]), 'stored', 'stored');
    const opening = service.openLanes(SITE, [lane('04', '05')]);
    expect(await codeOf(() => run(opening, 'stored', 'full'))).toBe('E_JOURNAL_FULL');
    expect(service.openRoutes(SITE).routes).toMatchObject([{ revision: 1, heldBecause: 'planDue' }]);
    await run(pass(1), 'stored');
    expect(service.openRoutes(SITE).routes).toMatchObject([{ revision: 2, heldBecause: 'noOpenWay' }]);
  });

  it('gets a way that it asks for where the disk did not take that before', async () => {
    const started = await startOnSlowDisk({ map: ROW });
    const { service, run } = started;
    const { routeId } = await run(service.requestRoute(SITE, request('a', '00', ['05'])), 'stored');
    await run(service.closeLanes(SITE, [lane('02', '03')]), 'stored', 'stored');
    const opening = service.openLanes(SITE, [lane('02', '03')]);
    expect(await codeOf(() => run(opening, 'stored', 'full'))).toBe('E_JOURNAL_FULL');
    expect(await run(askAt(started, { routeId, revision: 1, node: '00' }), 'stored')).toBe('');
  });

  it('was not told to wait where the disk did not take that: how long it took counts', async () => {
    const started = await startOnSlowDisk({ map: ROW });
    const { service, run, pass, now } = started;
    const route = await run(service.requestRoute(SITE, request('a', '00', ['05'])), 'stored');
    const closing = service.closeLanes(SITE, [lane('02', '03')]);
    expect(await codeOf(() => run(closing, 'stored', 'full'))).toBe('E_JOURNAL_FULL');
    await run(service.openLanes(SITE, [lane('02', '03')]), 'stored');
    const issuedAt = now();
    await pass(10);
    await run(service.completeRoute(SITE, report(route, traceAlong(route.nodes, issuedAt))), 'stored');
    expect(service.warehouse(SITE).scoreRatio).toBeCloseTo(1);
  });
});
