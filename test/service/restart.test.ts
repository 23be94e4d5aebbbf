import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import type { Journal } from '../../src/journal/journal.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { createRouteLedger } from '../../src/journal/routeLedger.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { POLICY_SHAPE } from '../../src/policy/network.js';
import { openPolicyRegistry } from '../../src/registry/policyRegistry.js';
import { createLaneClosures } from '../../src/warehouse/laneClosures.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import {
  cell,
  codeOf,
  LADDER,
  lane,
  report,
  SITE,
  START,
  startService,
  traceAlong,
} from './support/startService.js';

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

/** A journal that can be closed and opened again, in memory or as SQLite on a disk. */
const JOURNALS: Record<string, () => Promise<() => Promise<Journal>>> = {
  async 'a journal in memory'() {
    const journal = createMemoryJournal();
    return async () => ({ ...journal, close: async () => undefined });
  },
  async 'a journal in SQLite'() {
    const directory = await mkdtemp(join(tmpdir(), 'aisleflow-service-'));
    directories.push(directory);
    return () =>
      openJournal({
        directory,
        onFatal: (error) => {
          throw error;
        },
      });
  },
};

const request = (robotId: string, from: string, stops: readonly string[]) => ({
  ...{ requestId: `${robotId}1`, robotId, from: cell(from) },
  stops: stops.map((stop) => ({ node: cell(stop), handlingSeconds: 2 })),
  dropoff: cell('14'),
});

/** The ledger that the journal tells of. */
async function hashOf(journal: Journal): Promise<string> {
  const ledger = createRouteLedger({ warehouseId: SITE, journal });
  for await (const record of journal.read()) ledger.apply(record);
  return ledger.hash();
}

for (const [name, prepare] of Object.entries(JOURNALS)) {
  describe(`a restart on ${name}`, () => {
    it('brings back planned flow, closures, weights, modes and open routes', async () => {
      const open = await prepare();
      const journal = await open();
      const before = await startService({ journal, learns: true });
      const { service } = before;
      await service.requestRoute(SITE, request('a', '00', ['02', '04']));
      const done = await service.requestRoute(SITE, request('b', '10', ['12']));
      await service.requestRoute(SITE, request('c', '03', ['13']));
      await before.pass(20);
      const trace = traceAlong(done.nodes, START, [1, 1, 3, 1]);
      const scored = await service.completeRoute(SITE, report(done, trace));
      expect(scored.learnt).toBe(true);
      await service.setWeights(SITE, { ...service.weights(SITE), distance: 0.5 });
      await service.closeLanes(SITE, [lane('00', '01')]);
      await service.setMode(SITE, 'frozen');
      const { weights, mode, closedLanes, openRoutes } = service.warehouse(SITE);
      const routes = await Promise.all(
        ['route-1', 'route-2', 'route-3'].map((id) => service.route(SITE, id)),
      );
      const hash = await hashOf(journal);
      const planned = service.lanes(SITE);
      const welcome = helloAgain(service);
      await service.close();

      const reopened = await open();
      expect(await hashOf(reopened)).toBe(hash);
      const at = before.now() - 1000;
      const after = await startService({ journal: reopened, learns: true, robots: [], at });
      await after.pass(1);
      expect(after.service.warehouse(SITE)).toMatchObject({ weights, mode, closedLanes, openRoutes });
      const fixed = ({ from, to, open: isOpen, plannedFlow }: (typeof planned)[number]) => [
        `${from} ${to} ${isOpen}`,
        plannedFlow,
      ];
      expect(after.service.lanes(SITE).map(fixed)).toEqual(planned.map(fixed));
      expect(
        await Promise.all(['route-1', 'route-2', 'route-3'].map((id) => after.service.route(SITE, id))),
      ).toEqual(routes);
      expect(helloAgain(after.service)).toEqual(welcome);
      // The same reports and requests get the same answers.
      expect(await after.service.completeRoute(SITE, report(done, trace))).toEqual({
        ...scored,
        duplicate: true,
      });
      expect(await after.service.requestRoute(SITE, request('c', '03', ['13']))).toMatchObject({
        routeId: 'route-3',
      });
      await after.service.close();
    });

    it('leaves a lane open that the map has closed and an operator opened, start after start', async () => {
      const open = await prepare();
      const way = lane('01', '02');
      const graphOf = () => {
        const graph = gridFromText('.....');
        const [from, to] = [way.from, way.to].map((name) => graph.nodeIndexOf.get(name)!);
        createLaneClosures(graph).close([laneBetween(graph, from!, to!)]);
        return graph;
      };
      let server = await startService({ journal: await open(), graphs: [graphOf()] });
      expect(server.service.warehouse(SITE).closedLanes).toBe(1);
      await server.service.openLanes(SITE, [way]);
      for (let start = 0; start < 2; start++) {
        await server.service.close();
        server = await startService({ journal: await open(), graphs: [graphOf()], robots: [] });
        expect(server.service.warehouse(SITE).closedLanes).toBe(0);
      }
      await server.service.closeLanes(SITE, [way]);
      await server.service.close();
      server = await startService({ journal: await open(), graphs: [graphOf()], robots: [] });
      expect(server.service.warehouse(SITE).closedLanes).toBe(1);
      await server.service.close();
    });

    it('goes on with a driven clock where the journal ends', async () => {
      const open = await prepare();
      const before = await startService({ journal: await open() });
      await before.pass(20);
      await before.service.requestRoute(SITE, request('a', '00', ['03']));
      await before.service.close();
      const after = await startService({ journal: await open(), at: 0, robots: [] });
      const hello = { type: 'hello' as const, warehouseId: SITE, robots: [] };
      expect(after.service.hello(hello).serverTime).toBe(START + 20_000);
      await after.service.close();
    });

    it('goes on with a driven clock though a policy was saved, which is stamped with the wall clock too', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'aisleflow-service-'));
      directories.push(directory);
      const registry = { directory, shippedDirectory: null, shape: POLICY_SHAPE };
      const openRegistry = () => openPolicyRegistry(registry);
      const open = await prepare();
      const options = { openRegistry, policies: 'each' as const };
      const before = await startService({ ...options, journal: await open(), learns: true });
      await before.service.savePolicy(SITE);
      const [saved] = before.service.policies();
      await before.service.activatePolicy(SITE, saved!.policyVersion);
      await before.service.close();
      const after = await startService({ ...options, journal: await open(), at: 0, robots: [] });
      const hello = { type: 'hello' as const, warehouseId: SITE, robots: [] };
      expect(after.service.hello(hello).serverTime).toBe(START);
      await after.service.close();
    });

    it('still learns from a route that was issued before it', async () => {
      const open = await prepare();
      const before = await startService({ journal: await open(), learns: true });
      const route = await before.service.requestRoute(SITE, request('a', '00', ['03']));
      await before.service.close();
      const after = await startService({ journal: await open(), learns: true, robots: [] });
      await after.pass(20);
      const trace = traceAlong(route.nodes, START, [1, 4, 1, 3]);
      const scored = await after.service.completeRoute(SITE, report(route, trace));
      expect(scored).toMatchObject({ learnt: true, components: { wait: 3 } });
      await after.pass(1);
      expect(after.service.warehouse(SITE).updatesApplied).toBe(1);
      await after.service.close();
    });

    it('keeps a held robot held, where it waits, until there is a way', async () => {
      const open = await prepare();
      const before = await startService({ journal: await open() });
      const route = await before.service.requestRoute(SITE, request('a', '00', ['04']));
      await before.pass(2);
      for (const node of ['01', '02']) {
        before.service.routeProgress(SITE, {
          ...{
            type: 'route.progress',
            routeId: route.routeId,
            revision: 0,
            node: cell(node),
            at: before.now(),
          },
        });
      }
      const ways = [lane('02', '03'), lane('12', '13')];
      await before.service.closeLanes(SITE, ways);
      const planned = before.service.lanes(SITE).map(({ plannedFlow }) => plannedFlow);
      expect(planned.every((flow) => flow === 0)).toBe(true);
      await before.service.close();
      const after = await startService({ journal: await open(), robots: [] });
      expect(after.service.lanes(SITE).map(({ plannedFlow }) => plannedFlow)).toEqual(planned);
      await after.service.openLanes(SITE, ways);
      const [update] = after.events.flatMap((event) =>
        event.kind === 'route.updated' ? [event.message] : [],
      );
      expect(update?.nodes).toEqual(['02', '03', '04', '14'].map(cell));
      await after.service.close();
    });

    it('leaves a route alone whose first way is no longer on the map', async () => {
      const open = await prepare();
      const before = await startService({ journal: await open() });
      await before.service.requestRoute(SITE, request('a', '00', ['04']));
      await before.service.closeLanes(SITE, [lane('01', '02'), lane('12', '02'), lane('02', '03')]);
      const [update] = before.events.flatMap((event) =>
        event.kind === 'route.updated' ? [event.message] : [],
      );
      expect(update?.nodes).not.toContain(cell('02'));
      await before.service.close();
      const after = await startService({ journal: await open(), map: '..@..\n.....', robots: [] });
      expect(after.service.warehouse(SITE).openRoutes).toBe(0);
      await after.service.close();
    });

    it('on a map that lost a lane and a node starts all the same', async () => {
      const open = await prepare();
      const before = await startService({ journal: await open() });
      const route = await before.service.requestRoute(SITE, request('a', '00', ['04']));
      await before.service.closeLanes(SITE, [lane('03', '04'), lane('13', '14')]);
      await before.service.openLanes(SITE, [lane('03', '04'), lane('13', '14')]);
      await before.service.close();
      const after = await startService({ journal: await open(), map: '....\n....', robots: [] });
      expect(after.service.lanes(SITE).every(({ plannedFlow }) => plannedFlow === 0)).toBe(true);
      expect(await after.service.route(SITE, route.routeId)).toMatchObject({ state: 'issued' });
      const { routeId } = route;
      const closed = await after.service.cancelRoute(SITE, {
        type: 'route.cancelled',
        routeId,
        reason: 'map',
      });
      expect(closed.state).toBe('cancelled');
      await after.service.close();
    });

    it('lets a route expire, and be reported late, whose way is no longer on the map', async () => {
      const open = await prepare();
      const before = await startService({ journal: await open() });
      const expiring = await before.service.requestRoute(SITE, request('a', '00', ['04']));
      const reported = await before.service.requestRoute(SITE, request('b', '10', ['04']));
      await before.service.close();
      const after = await startService({ journal: await open(), map: '....\n....', robots: [] });
      const { routeId: gone } = expiring;
      const deviated = {
        type: 'route.deviated' as const,
        routeId: gone,
        revision: 0,
        node: cell('00'),
        at: START,
      };
      expect(await codeOf(() => after.service.routeDeviated(SITE, deviated))).toBe('E_ROUTE_OTHER_MAP');
      const trace = traceAlong(reported.nodes, START);
      const scored = await after.service.completeRoute(SITE, report(reported, trace));
      expect(scored.learnt).toBe(false);
      expect(scored.reason).toContain('E_TRACE_OTHER_MAP');
      await after.pass(LIMITS.openRouteLifeSeconds);
      expect((await after.service.route(SITE, expiring.routeId)).state).toBe('issued');
      await after.pass(1);
      expect((await after.service.route(SITE, expiring.routeId)).state).toBe('expired');
      const { routeId, robotId } = expiring;
      const message = { type: 'route.closed', routeId, state: 'expired', robotId };
      expect(after.events).toContainEqual({ kind: 'route.expired', warehouseId: SITE, message });
      await after.service.close();
    });

    it('tells no lane’s memory of waits that it has forgotten whether they were expected', async () => {
      const map = '.......';
      const open = await prepare();
      const before = await startService({ journal: await open(), map, learns: true, mode: 'frozen' });
      const routes = new Map<string, string>();
      for (const robotId of ['a', 'b']) {
        const wanted = { requestId: robotId, robotId, from: cell('00'), stops: [cell('06')] };
        routes.set(robotId, (await before.service.requestRoute(SITE, wanted)).routeId);
      }
      await before.service.close();
      const after = await startService({
        ...{ journal: await open(), map, learns: true, mode: 'frozen', at: before.now() },
      });
      for (const routeId of routes.values()) {
        for (const column of [1, 2, 3, 4]) {
          await after.pass(column === 3 ? 26 : 1);
          after.service.routeProgress(SITE, {
            ...{ type: 'route.progress', routeId, revision: 0, node: cell(`0${column}`), at: after.now() },
          });
        }
        await after.service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'measured' });
      }
      await after.pass(1);
      const { price } = after.service
        .lanes(SITE)
        .find(({ from, to }) => from === cell('02') && to === cell('03'))!;
      expect(price).toBeLessThan(25);
      await after.service.close();
    });

    it('scores an open route against the shortest tour, as before', async () => {
      const graph = gridFromText(LADDER);
      const dear = new Set([lane('01', '02'), lane('02', '03')].map((way) => laneOf(graph, way)));
      const forcedSource = (index: number): number => (dear.has(index) ? 30 : 0);
      const open = await prepare();
      const before = await startService({ journal: await open(), forcedSource });
      const route = await before.service.requestRoute(SITE, request('a', '00', ['04']));
      expect(route.nodes).toContain(cell('12'));
      await before.service.close();
      const after = await startService({ journal: await open(), forcedSource });
      await after.pass(60);
      const trace = traceAlong(route.nodes, START, [1, 1, 1, 1, 1, 1, 3]);
      const { components, ratio } = await after.service.completeRoute(SITE, report(route, trace));
      expect([components.time, ratio]).toEqual([7, 7 / 5]);
      await after.service.close();
    });
  });
}

it('a restart takes a route whose end is lost for expired where its robot has the next one', async () => {
  const before = await startService({ learns: true });
  const done = await before.service.requestRoute(SITE, request('a', '00', ['02']));
  await before.pass(20);
  const trace = traceAlong(done.nodes, START);
  await before.service.completeRoute(SITE, report(done, trace));
  const next = { ...request('a', '14', ['02']), requestId: 'a2' };
  const { routeId } = await before.service.requestRoute(SITE, next);
  const journal = createMemoryJournal();
  const lost = { at: 1, warehouseId: '*', kind: 'record.lost' as const, payload: { detail: 'damaged' } };
  for await (const record of before.journal.read())
    await journal.append(record.kind === 'route.completed' ? lost : record);
  await before.service.close();

  const after = await startService({ journal, learns: true, robots: [], at: before.now() });
  expect((await after.service.route(SITE, done.routeId)).state).toBe('expired');
  expect(await after.service.requestRoute(SITE, next)).toMatchObject({ routeId });
  const scored = await after.service.completeRoute(SITE, report(done, trace));
  expect([scored.learnt, scored.reason]).toEqual([false, expect.stringContaining('E_TRACE_LATE')]);
  await after.service.close();
});

function laneOf(graph: LaneGraph, { from, to }: ReturnType<typeof lane>): number {
  return laneBetween(graph, graph.nodeIndexOf.get(from)!, graph.nodeIndexOf.get(to)!);
}

function helloAgain(service: Awaited<ReturnType<typeof startService>>['service']) {
  const robots = ['a', 'b', 'c'].map((robotId) => ({ robotId, robotType: 'unit' }));
  return service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
}

it.each([
  ['the wall’s clock', { kind: 'wall' }, { kind: 'driven', startAt: 0 }, /without --driven-clock/],
  ['a driven clock', { kind: 'driven', startAt: START }, { kind: 'wall' }, /with --driven-clock/],
] as const)(
  'data of %s is not served under the other: all its routes would be over',
  async (_whose, clock, other, how) => {
    const journal = createMemoryJournal();
    const before = await startService({ journal, clock });
    await before.service.requestRoute(SITE, request('a', '00', ['04']));
    const after = startService({ journal, clock: other, robots: [] });
    await expect(after).rejects.toThrow(how);
    const again = await startService({ journal, clock, robots: [] });
    expect(again.service.warehouse(SITE).openRoutes).toBe(1);
    await again.service.close();
  },
);
