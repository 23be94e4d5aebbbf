import { describe, expect, it } from 'vitest';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { gridToFile } from '../../src/warehouse/movingAi.js';
import { updatesIn } from './support/closing.js';
import { codeOf, SITE, startService, type TestService } from './support/startService.js';

/**
 * Thirty rungs between two ways, and a spur that leads to the first. Without the rungs the way from each stop to the
 * next leads round by the bottom: 7,979 nodes from the spur's end, 8,002 from its top.
 */
const SPUR = 23;
const RUNGS = 30;
const BOTTOM = SPUR + 160;
const COMB = [
  ...new Array<string>(SPUR).fill('.@@'),
  ...Array.from({ length: 2 * RUNGS }, (_, row) => (row % 2 === 0 ? '...' : '.@.')),
  ...new Array<string>(BOTTOM - SPUR - 2 * RUNGS).fill('.@.'),
  'w.e',
];
const at = (row: number, column: number): string => `r${row}c${column}`;
const rungRows = Array.from({ length: RUNGS }, (_, i) => SPUR + 2 * i);
const rungLanes = rungRows.flatMap((row) =>
  [0, 2].flatMap((end) => [
    { from: at(row, end), to: at(row, 1) },
    { from: at(row, 1), to: at(row, end) },
  ]),
);
const acrossEach = rungRows.flatMap((row, i) =>
  i % 2 === 0 ? [at(row, 0), at(row, 2)] : [at(row, 2), at(row, 0)],
);

/** `a` at the top of the spur with a stop at each end of each rung; `b` has the last rung before it. */
async function start(options: Parameters<typeof startService>[0] = {}) {
  const started = await startService({ map: COMB.join('\n'), ...options });
  const { service } = started;
  const a = await service.requestRoute(SITE, request('a', at(0, 0), acrossEach));
  const last = rungRows.at(-1)!;
  const b = await service.requestRoute(SITE, request('b', at(last, 0), [at(last, 2)]));
  for (const [route, node] of [
    [a, at(0, 0)],
    [b, at(last, 0)],
  ] as const) {
    service.routeProgress(SITE, progress(started, route.routeId, node));
  }
  return { ...started, a, b };
}

const request = (robotId: string, from: string, stops: readonly string[]) => ({
  ...{ requestId: 'q1', robotId, from, stops: [...stops] },
});

function progress({ now }: TestService, routeId: string, node: string) {
  return { type: 'route.progress' as const, routeId, revision: 0, node, at: now() };
}

const holdsIn = ({ events }: TestService) =>
  events.flatMap((event) => (event.kind === 'route.held' ? [event.message] : []));

describe('a robot whose way round has more nodes than a route may have', () => {
  it('is told to wait, and neither closings nor ticks fail for it', async () => {
    const started = await start();
    const { service, pass, a, b } = started;
    await service.closeLanes(SITE, rungLanes);
    expect(holdsIn(started)).toMatchObject([{ routeId: a.routeId, revision: 1, node: at(0, 0) }]);
    expect(updatesIn(started.events)).toMatchObject([{ routeId: b.routeId, revision: 1 }]);
    const [held] = service.openRoutes(SITE, { held: true }).routes;
    expect(held).toMatchObject({ routeId: a.routeId, heldBecause: 'wayTooLong' });
    await service.closeLanes(SITE, rungLanes);
    await pass(1);
    expect(holdsIn(started)).toHaveLength(1);
    await pass(5 * 3600);
    expect(service.openRoutes(SITE).total).toBe(0);
  });

  it('gets a way when lanes open, and is told so where it asks for one before', async () => {
    const started = await start();
    const { service, now, a } = started;
    await service.closeLanes(SITE, rungLanes);
    const deviated = { type: 'route.deviated' as const, routeId: a.routeId, revision: 1, node: at(1, 0) };
    expect(await codeOf(() => service.routeDeviated(SITE, { ...deviated, at: now() }))).toBe(
      'E_ROUTE_TOO_LONG',
    );
    await service.openLanes(SITE, rungLanes);
    const update = updatesIn(started.events).find(({ routeId }) => routeId === a.routeId);
    expect(update).toMatchObject({ reason: 'laneOpened' });
  });

  it('gets a way once it has come near enough', async () => {
    const started = await start();
    const { service, pass, a } = started;
    await service.closeLanes(SITE, rungLanes);
    const lengthAfter = async (row: number): Promise<number | undefined> => {
      service.routeProgress(SITE, progress(started, a.routeId, at(row, 0)));
      await pass(1);
      return updatesIn(started.events).find(({ routeId }) => routeId === a.routeId)?.nodes.length;
    };
    expect(await lengthAfter(1)).toBeUndefined();
    expect(await lengthAfter(2)).toBe(8000);
  });

  it('waits after a restart, and after a hello as a type that may not take the rungs', async () => {
    const file = gridToFile(COMB, { dialect: 'kiva', id: SITE });
    const [unit] = file.robotTypes;
    const middles = new Set(rungRows.map((row) => at(row, 1)));
    const lanes = file.lanes.map((one) =>
      middles.has(one.from) || middles.has(one.to) ? { ...one, barred: ['wide'] } : one,
    );
    const robotTypes = [
      { ...unit!, name: 'unit' },
      { ...unit!, name: 'wide' },
    ];
    const options = { graphs: [compileFile({ ...file, lanes, robotTypes })] };
    const before = await start(options);
    before.service.hello({
      ...{ type: 'hello', warehouseId: SITE },
      robots: [{ robotId: 'a', robotType: 'wide' }],
    });
    await before.pass(1);
    expect(holdsIn(before)).toMatchObject([{ routeId: before.a.routeId, revision: 1 }]);
    await before.service.closeLanes(SITE, rungLanes);
    const { journal, now } = before;
    const after = await startService({ ...options, journal, at: now(), robots: [] });
    await after.pass(1);
    const [held] = after.service.openRoutes(SITE, { held: true }).routes;
    expect(held).toMatchObject({ routeId: before.a.routeId, heldBecause: 'wayTooLong' });
    await after.service.closeLanes(SITE, rungLanes);
  });
});
