import { describe, expect, it } from 'vitest';
import { ROW_SIZE } from '../../src/learning/row.js';
import { reasonNotLearnt } from '../../src/service/completions.js';
import { createJournal } from '../../src/journal/journal.js';
import { createFaultyStore, settle } from '../journal/support/faultyStore.js';
import { cell, codeOf, report, SITE, START, startService, traceAlong } from './support/startService.js';

const request = (robotId: string, from: string, stops: readonly string[], requestId = 'q1') => ({
  requestId,
  robotId,
  from: cell(from),
  stops: stops.map(cell),
});

describe('completions', () => {
  it('are scored once: the same again is a duplicate, another trace a conflict', async () => {
    const { service, pass } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['04']));
    await pass(10);
    const first = report(route, traceAlong(route.nodes, START, [4]));
    const scored = await service.completeRoute(SITE, first);
    expect(await service.completeRoute(SITE, first)).toEqual({ ...scored, duplicate: true });
    const other = report(route, traceAlong(route.nodes, START, [2]));
    expect(await codeOf(() => service.completeRoute(SITE, other))).toBe('E_COMPLETION_CONFLICT');
    // Of one route its mean is that of the route.
    expect(scored.ratio).toBeGreaterThan(1.5);
    expect(service.warehouse(SITE)).toMatchObject({ completedRoutes: 1, scoreRatio: scored.ratio });
  });

  it.each([
    ['E_TRACE_GAP', ['00', '01', '03', '04'], []],
    ['E_TRACE_TOO_FAST', ['00', '01', '02', '03', '04'], [1, 0.2, 1, 1]],
    ['E_TRACE_BACKWARDS', ['00', '01', '02', '03', '04'], [1, -1, 1, 1]],
    ['E_TRACE_INCOMPLETE', ['00', '01', '02'], []],
    ['E_TRACE_INCOMPLETE', ['01', '02', '03', '04'], []],
    ['E_TRACE_FUTURE', ['00', '01', '02', '03', '04'], [1, 1, 1, 600]],
    ['E_UNKNOWN_NODE', ['00', '01', '77', '03', '04'], []],
  ] as const)(
    'that cannot be (%s) are stored, not learnt, and end the route',
    async (code, nodes, seconds) => {
      const { service, pass } = await startService();
      const route = await service.requestRoute(SITE, request('a', '00', ['04']));
      await pass(10);
      const trace = traceAlong(nodes.map(cell), START, seconds);
      const scored = await service.completeRoute(SITE, report(route, trace));
      expect(scored.learnt).toBe(false);
      expect(scored.reason).toMatch(new RegExp(`^${code}:`));
      expect(await service.route(SITE, route.routeId)).toMatchObject({ state: 'completed', trace });
      expect(service.warehouse(SITE)).toMatchObject({ openRoutes: 0, slowdown: 1, scoreRatio: null });
    },
  );

  it('that were driven before the route was issued are not learnt', async () => {
    const { service, pass } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['04']));
    await pass(10);
    const early = traceAlong(route.nodes, START - 60_000, [1, 1, 1, 65]);
    const scored = await service.completeRoute(SITE, report(route, early));
    expect(scored.reason).toMatch(/^E_TRACE_FUTURE:/);
  });

  it('of a route that leads nowhere may tell how long its robot has stood there', async () => {
    const { service, pass } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['00']));
    await pass(10);
    const stood = [[cell('00'), START - 60_000, null]] as const;
    const scored = await service.completeRoute(SITE, report(route, stood as never));
    expect(scored.reason).toBe('no lane was driven');
  });

  it('whose last entry leaves before it came are not learnt', async () => {
    const { service, pass } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['01']));
    await pass(10);
    const trace = [
      [cell('00'), START, null],
      [cell('01'), START + 3000, START + 1000],
    ] as const;
    const scored = await service.completeRoute(SITE, report(route, trace as never));
    expect(scored.reason).toMatch(/^E_TRACE_BACKWARDS:/);
  });

  it.each([
    ['learn', '00', 'no lane was driven'],
    ['frozen', '04', 'nothing is learnt in mode frozen'],
  ] as const)('of which nothing is learnt in mode %s, to %s, say why', async (mode, stop, reason) => {
    const { service, pass } = await startService({ mode });
    const route = await service.requestRoute(SITE, request('a', '00', [stop]));
    await pass(10);
    const scored = await service.completeRoute(SITE, report(route, traceAlong(route.nodes, START)));
    expect(scored).toMatchObject({ learnt: false, reason });
  });

  it('whose lanes have values that nothing can be learnt from say so', () => {
    for (const value of [NaN, Infinity, 1e38]) {
      const rows = new Float32Array(ROW_SIZE).fill(value, 1, 2);
      expect(reasonNotLearnt('learn', rows)).toContain('far too large');
    }
    expect(reasonNotLearnt('learn', new Float32Array(ROW_SIZE))).toBeNull();
  });

  it('are refused while the disk is full, and taken when they are sent again', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, pass } = await startService({ journal });
    const finish = async <T>(call: Promise<T>, fate: 'stored' | 'full'): Promise<T> => {
      const guarded = call.catch((error: unknown) => error as T);
      await settle();
      expect(store.finish(fate)).toBe(true);
      void guarded;
      return call;
    };
    const asked = service.requestRoute(SITE, request('a', '00', ['04']));
    expect(await codeOf(() => finish(asked, 'full'))).toBe('E_JOURNAL_FULL');
    expect(service.lanes(SITE).every(({ plannedFlow }) => plannedFlow === 0)).toBe(true);
    const route = await finish(service.requestRoute(SITE, request('a', '00', ['04'])), 'stored');
    await pass(10);
    const done = report(route, traceAlong(route.nodes, START, [1, 3, 1, 1]));
    expect(await codeOf(() => finish(service.completeRoute(SITE, done), 'full'))).toBe('E_JOURNAL_FULL');
    expect(service.warehouse(SITE)).toMatchObject({ openRoutes: 1, completedRoutes: 0 });
    const scored = await finish(service.completeRoute(SITE, done), 'stored');
    expect(scored).toMatchObject({ learnt: true, ratio: 6 / 4 });
    expect(scored.duplicate).toBeUndefined();
    expect(service.warehouse(SITE)).toMatchObject({ openRoutes: 0, completedRoutes: 1 });
  });
});

describe('clocks of robots', () => {
  it('that run wild do not close a lane for the others', async () => {
    const { service, pass } = await startService({ learns: true });
    const route = await service.requestRoute(SITE, request('a', '00', ['04']));
    await pass(1);
    const prices = () => service.lanes(SITE).map(({ price }) => price);
    const before = prices();
    service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId: route.routeId, revision: 0, node: cell('01'), at: 8.64e15 },
    });
    await pass(1);
    const after = prices();
    expect(Math.max(...after.map((price, i) => price - before[i]!))).toBeLessThan(60);
  });

  it('do not make another robot pay for waits that nobody had', async () => {
    const { service, pass } = await startService({ map: '.....' });
    const ahead = await service.requestRoute(SITE, request('a', '01', ['04']));
    const behind = await service.requestRoute(SITE, request('b', '00', ['03']));
    await pass(3);
    // It says that it came to where the other one stands, in the year 275760.
    service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId: behind.routeId, revision: 0, node: cell('01'), at: 8.64e15 },
    });
    await pass(10);
    const trace = traceAlong(ahead.nodes, START, [6, 1, 1]);
    const { components } = await service.completeRoute(SITE, report(ahead, trace));
    expect(components.blocking).toBeGreaterThan(0);
    expect(components.blocking).toBeLessThan(10);
  });
});
