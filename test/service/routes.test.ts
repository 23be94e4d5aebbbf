import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { cell, codeOf, report, SITE, START, startService, traceAlong } from './support/startService.js';

const request = (robotId: string, from: string, stops: readonly string[], requestId = 'q1') => ({
  requestId,
  robotId,
  from: cell(from),
  stops: stops.map(cell),
});

describe('the life of a route', () => {
  it('goes from issued to completed: planned flow comes and goes with it', async () => {
    const { service, pass, now } = await startService();
    const flow = (): number => service.lanes(SITE).reduce((sum, { plannedFlow }) => sum + plannedFlow, 0);
    const route = await service.requestRoute(SITE, request('a', '00', ['04']));
    expect(route).toMatchObject({
      routeId: 'route-1',
      robotId: 'a',
      revision: 0,
      policyVersion: 'free-flow',
    });
    expect(route.nodes).toEqual(['00', '01', '02', '03', '04'].map(cell));
    expect([flow(), service.warehouse(SITE).openRoutes]).toEqual([4, 1]);
    expect(await service.route(SITE, 'route-1')).toMatchObject({ state: 'issued', issuedAt: START });

    await pass(1);
    service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId: 'route-1', revision: 0, node: cell('01'), at: now() },
    });
    expect(flow()).toBe(3);
    await pass(5);
    const scored = await service.completeRoute(
      SITE,
      report(route, traceAlong(route.nodes, START, [1, 1, 2, 1])),
    );
    expect(scored).toMatchObject({ learnt: true, score: -5, ratio: 5 / 4 });
    expect(scored.components).toEqual({ time: 4, wait: 1, blocking: 0, distance: 4, turns: 0, lateness: 0 });
    expect([flow(), service.warehouse(SITE).openRoutes]).toEqual([0, 0]);
    expect(await service.route(SITE, 'route-1')).toMatchObject({ state: 'completed', scored });
    expect(service.robotOf(SITE, 'route-1')).toBe('a');
  });

  it('gets no new plan any more when its robot has left its way too often', async () => {
    const { service, now } = await startService();
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    const deviate = (revision: number) =>
      service.routeDeviated(SITE, {
        ...{ type: 'route.deviated', routeId, revision, node: cell(`${revision % 2}0`), at: now() },
      });
    for (let revision = 0; revision < LIMITS.revisionsPerRoute; revision++) await deviate(revision);
    expect(await codeOf(() => deviate(LIMITS.revisionsPerRoute))).toBe('E_ROUTE_REVISED_OFTEN');
    expect(service.warehouse(SITE).openRoutes).toBe(1);
  });

  it('may end by cancelling, twice with the same answer, and then takes no report', async () => {
    const { service } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['04']));
    const cancel = () =>
      service.cancelRoute(SITE, { type: 'route.cancelled', routeId: route.routeId, reason: 'no need' });
    const closed = { type: 'route.closed', routeId: route.routeId, state: 'cancelled' };
    expect(await cancel()).toEqual(closed);
    expect(await cancel()).toEqual(closed);
    expect(service.lanes(SITE).every(({ plannedFlow }) => plannedFlow === 0)).toBe(true);
    expect(
      await codeOf(() => service.completeRoute(SITE, report(route, traceAlong(route.nodes, START)))),
    ).toBe('E_ROUTE_CLOSED');
    expect((await service.requestRoute(SITE, request('a', '00', ['04'], 'q2'))).routeId).not.toBe(
      route.routeId,
    );
  });

  it('may expire; a report after that is stored and not learnt', async () => {
    const { service, pass, events } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['04']));
    await pass(LIMITS.openRouteLifeSeconds - 1);
    expect(service.warehouse(SITE).openRoutes).toBe(1);
    await pass(2);
    expect(service.warehouse(SITE).openRoutes).toBe(0);
    expect(events).toContainEqual({
      kind: 'route.expired',
      warehouseId: SITE,
      message: { type: 'route.closed', routeId: route.routeId, state: 'expired', robotId: 'a' },
    });
    const scored = await service.completeRoute(SITE, report(route, traceAlong(route.nodes, START)));
    expect(scored).toMatchObject({ learnt: false });
    expect(scored.reason).toContain('E_TRACE_LATE');
    expect(await service.route(SITE, route.routeId)).toMatchObject({ state: 'completed' });
  });

  it('goes on from where a robot was pushed to, with the stops that are left', async () => {
    const { service, pass, now } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['02', '04']));
    expect(route.stopOrder).toEqual([0, 1]);
    for (const node of ['01', '02', '03']) {
      await pass(1);
      const { routeId } = route;
      service.routeProgress(SITE, {
        type: 'route.progress',
        routeId,
        revision: 0,
        node: cell(node),
        at: now(),
      });
    }
    await pass(1);
    const deviated = { routeId: route.routeId, revision: 0, node: cell('13'), at: now() };
    const updated = await service.routeDeviated(SITE, { type: 'route.deviated', ...deviated });
    expect(updated).toMatchObject({ revision: 1, reason: 'deviated', stopOrder: [1] });
    expect(updated.nodes[0]).toBe(cell('13'));
    expect(updated.nodes.at(-1)).toBe(cell('04'));
    await pass(3);
    const trace = traceAlong([...route.nodes.slice(0, 4), ...updated.nodes], START);
    expect(await service.completeRoute(SITE, report(route, trace))).toMatchObject({ learnt: true });
  });

  it('takes reports under an older revision for where the robot is, and refuses one never issued', async () => {
    const { service, now } = await startService();
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    const at = (node: string, revision: number) => ({ routeId, revision, node: cell(node), at: now() });
    const ahead = () => service.routeProgress(SITE, { type: 'route.progress', ...at('01', 1) });
    expect(await codeOf(ahead)).toBe('E_UNKNOWN_REVISION');
    const flow = (): number => service.lanes(SITE).reduce((sum, { plannedFlow }) => sum + plannedFlow, 0);
    expect(flow()).toBe(4);
    const deviated = (node: string, revision: number) =>
      service.routeDeviated(SITE, { type: 'route.deviated', ...at(node, revision) });
    expect(await codeOf(() => deviated('10', 1))).toBe('E_UNKNOWN_REVISION');
    const { revision, nodes } = await deviated('10', 0);
    expect(revision).toBe(1);
    const lanes = nodes.length - 1;
    expect(flow()).toBe(lanes);
    service.routeProgress(SITE, { type: 'route.progress', ...at('10', 0), node: nodes[1]! });
    expect(flow()).toBe(lanes - 1);
  });

  it('does not send a robot back to stops that sparse progress passed over', async () => {
    const { service, pass, now } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['02', '04']));
    await pass(3);
    const progress = { routeId: route.routeId, revision: 0, node: cell('03'), at: now() };
    service.routeProgress(SITE, { type: 'route.progress', ...progress });
    await pass(1);
    const deviated = { ...progress, node: cell('13'), at: now() };
    const updated = await service.routeDeviated(SITE, { type: 'route.deviated', ...deviated });
    expect([updated.stopOrder, updated.nodes.length]).toEqual([[1], 3]);
  });

  it('is at its end for a robot pushed off its last stop: nothing is left to drive', async () => {
    const { service, pass, now } = await startService();
    const route = await service.requestRoute(SITE, request('a', '00', ['01']));
    await pass(1);
    const progress = { routeId: route.routeId, revision: 0, node: cell('01'), at: now() };
    service.routeProgress(SITE, { type: 'route.progress', ...progress });
    await pass(1);
    const deviated = { ...progress, node: cell('11'), at: now() };
    const updated = await service.routeDeviated(SITE, { type: 'route.deviated', ...deviated });
    expect(updated).toMatchObject({ nodes: [cell('11')], stopIndexes: [], stopOrder: [] });
    // Whoever says hello hears the same, and is not told to wait.
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const { openRoutes } = service.hello({ type: 'hello', warehouseId: SITE, robots });
    expect(openRoutes).toMatchObject([{ revision: 1, held: false, nodes: [cell('11')], stopIndexes: [] }]);
    const trace = traceAlong(['00', '01', '11'].map(cell), START);
    expect(await service.completeRoute(SITE, report(route, trace))).toMatchObject({ learnt: true });
  });
});

describe('requests', () => {
  it('sent twice get the same answer, with other content a conflict', async () => {
    const { service } = await startService();
    const first = await service.requestRoute(SITE, request('a', '00', ['04']));
    expect(await service.requestRoute(SITE, request('a', '00', ['04']))).toEqual(first);
    expect(service.warehouse(SITE).openRoutes).toBe(1);
    expect(await codeOf(() => service.requestRoute(SITE, request('a', '00', ['03'])))).toBe(
      'E_REQUEST_CONFLICT',
    );
    expect(await codeOf(() => service.requestRoute(SITE, request('a', '00', ['03'], 'q2')))).toBe(
      'E_ROUTE_OPEN',
    );
  });

  it('at the same moment make one route', async () => {
    const { service } = await startService();
    const answers = await Promise.all(
      [1, 2, 3].map(() => service.requestRoute(SITE, request('a', '00', ['04']))),
    );
    expect(new Set(answers.map(({ routeId }) => routeId)).size).toBe(1);
    expect(service.lanes(SITE).reduce((sum, { plannedFlow }) => sum + plannedFlow, 0)).toBe(4);
  });

  it.each([
    ['E_UNKNOWN_ROBOT', request('nobody', '00', ['04'])],
    ['E_UNKNOWN_NODE', request('a', '99', ['04'])],
    ['E_UNKNOWN_NODE', request('a', '00', ['04', '77'])],
    ['E_NO_STOPS', request('a', '00', [])],
    ['E_TOO_MANY_STOPS', request('a', '00', new Array<string>(500).fill('04'))],
  ])('of the impossible are refused with %s and leave nothing behind', async (code, impossible) => {
    const { service } = await startService();
    expect(await codeOf(() => service.requestRoute(SITE, impossible))).toBe(code);
    expect(await codeOf(() => service.dryRun(SITE, impossible))).toBe(code);
    expect(service.warehouse(SITE).openRoutes).toBe(0);
    expect((await service.requestRoute(SITE, request('a', '00', ['04']))).routeId).toBeDefined();
  });

  it('for a stop without a way to it are refused with E_UNREACHABLE', async () => {
    const { service } = await startService({ map: '..@.' });
    expect(await codeOf(() => service.requestRoute(SITE, request('a', '00', ['03'])))).toBe('E_UNREACHABLE');
    expect(service.lanes(SITE).every(({ plannedFlow }) => plannedFlow === 0)).toBe(true);
  });

  it('run dry answer as if they were served, and change nothing', async () => {
    const { service, journal } = await startService();
    const dry = await service.dryRun(SITE, request('a', '00', ['04']));
    expect(dry).toMatchObject({ routeId: 'dry-run', nodes: ['00', '01', '02', '03', '04'].map(cell) });
    expect([service.warehouse(SITE).openRoutes, journal.lastSequence()]).toEqual([0, 0]);
  });
});

describe('unknown things', () => {
  it('each have their code', async () => {
    const { service } = await startService();
    const trace = report({ routeId: 'route-9' }, traceAlong([cell('00')], START));
    const progress = { routeId: 'route-9', revision: 0, node: cell('00'), at: START };
    const calls: [string, () => unknown][] = [
      ['E_UNKNOWN_WAREHOUSE', () => service.warehouse('nowhere')],
      ['E_UNKNOWN_WAREHOUSE', () => service.requestRoute('nowhere', request('a', '00', ['04']))],
      ['E_UNKNOWN_ROUTE', () => service.completeRoute(SITE, trace)],
      ['E_UNKNOWN_ROUTE', () => service.route(SITE, 'route-9')],
      ['E_UNKNOWN_ROUTE', () => service.robotOf(SITE, 'route-9')],
      ['E_UNKNOWN_ROUTE', () => service.routeDeviated(SITE, { type: 'route.deviated', ...progress })],
      [
        'E_UNKNOWN_ROUTE',
        () => service.cancelRoute(SITE, { type: 'route.cancelled', routeId: 'x', reason: 'y' }),
      ],
      ['E_UNKNOWN_LANE', () => service.closeLanes(SITE, [{ from: cell('00'), to: cell('04') }])],
      ['E_UNKNOWN_NODE', () => service.closeLanes(SITE, [{ from: cell('00'), to: 'moon' }])],
      ['E_UNKNOWN_POLICY', () => service.activatePolicy(SITE, 'v9')],
      ['E_UNKNOWN_ROBOT_TYPE', () => service.hello(hello('z', 'crane'))],
      ['E_UNKNOWN_NODE', () => service.hello(hello('z', 'unit', 'moon'))],
      ['E_UNKNOWN_ROBOT', () => service.robotState(SITE, state('nobody', cell('00')))],
      ['E_CLOCK_BACKWARDS', () => service.advanceClock(SITE, START - 1)],
      ['E_MODE_INVALID', () => service.setMode(SITE, 'daring' as 'off')],
    ];
    for (const [code, call] of calls) expect([code, await codeOf(call)]).toEqual([code, code]);
  });

  const hello = (robotId: string, robotType: string, node?: string) => ({
    ...{ type: 'hello' as const, warehouseId: SITE },
    robots: [{ robotId, robotType, ...(node === undefined ? {} : { node }) }],
  });
  const state = (robotId: string, node: string) => ({
    ...{ type: 'robot.state' as const, robotId, node, available: true, at: START },
  });
});

describe('a hello', () => {
  const good = { robotId: 'y', robotType: 'unit', node: cell('00') };
  it.each([
    ['E_UNKNOWN_ROBOT_TYPE', { robotId: 'z', robotType: 'crane' }],
    ['E_UNKNOWN_NODE', { robotId: 'z', robotType: 'unit', node: 'moon' }],
  ])('introduces all of its robots or, where one is refused with %s, none', async (code, bad) => {
    const { service } = await startService();
    const hello = (...robots: (typeof bad)[]) => ({ type: 'hello' as const, warehouseId: SITE, robots });
    expect(await codeOf(() => service.hello(hello(good, bad)))).toBe(code);
    expect(service.warehouse(SITE).robots).toBe(3);
    service.hello(hello(good, good));
    expect(service.warehouse(SITE).robots).toBe(4);
  });

  it('introduces none where all of its robots would be more than a warehouse takes', async () => {
    const { service } = await startService();
    const many = Array.from({ length: LIMITS.robotsPerWarehouse - 3 }, (_, i) => `robot-${i}`);
    const hello = (...ids: string[]) => ({
      ...{ type: 'hello' as const, warehouseId: SITE },
      robots: ids.map((robotId) => ({ robotId, robotType: 'unit' })),
    });
    expect(await codeOf(() => service.hello(hello(...many, 'one-more')))).toBe('E_BUSY');
    expect(service.warehouse(SITE).robots).toBe(3);
    service.hello(hello(...many));
    service.hello(hello('a', many[0]!));
    expect(await codeOf(() => service.hello(hello('one-more')))).toBe('E_BUSY');
  });
});

describe('reward weights and modes', () => {
  it('take effect on the next plan', async () => {
    const { service } = await startService();
    const price = async () => (await service.dryRun(SITE, request('a', '00', ['04']))).why.pricedCost;
    expect(await price()).toBe(4);
    await service.setWeights(SITE, { ...service.weights(SITE), time: 2, distance: 3 });
    expect(await price()).toBe(20);
    expect(service.lanes(SITE)[0]?.price).toBe(5);
  });

  it('keep what two people change of them at the same time', async () => {
    const { service } = await startService();
    const answers = await Promise.all([
      service.setWeights(SITE, { wait: 7 }),
      service.setWeights(SITE, { blocking: 9 }),
    ]);
    const both = { ...answers[0], blocking: 9 };
    expect([answers[0]?.wait, answers[1], service.weights(SITE)]).toEqual([7, both, both]);
    await service.close();
  });

  it.each([NaN, Infinity, -1, 101])('refuse a weight of %s', async (wait) => {
    const { service } = await startService();
    const before = service.weights(SITE);
    expect(await codeOf(() => service.setWeights(SITE, { ...before, wait }))).toBe('E_WEIGHTS_INVALID');
    expect(await codeOf(() => service.setWeights(SITE, { ...before, time: 0 }))).toBe('E_WEIGHTS_INVALID');
    expect(service.weights(SITE)).toEqual(before);
  });

  it('say in the route what priced it', async () => {
    const { service } = await startService({ learns: true });
    const version = async () => (await service.dryRun(SITE, request('a', '00', ['04']))).policyVersion;
    expect(await version()).toBe('cold+0');
    for (const [mode, policyVersion] of [
      ['off', 'free-flow'],
      ['observe', 'free-flow'],
      ['frozen', 'cold+0'],
    ] as const) {
      await service.setMode(SITE, mode);
      expect([mode, await version()]).toEqual([mode, policyVersion]);
    }
  });
});
