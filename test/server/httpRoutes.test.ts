import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Compile } from 'typebox/compile';
import { AppError } from '../../src/domain/errors.js';
import { RouteAssignedBody, RouteScoredBody, Welcome } from '../../src/domain/messages.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import {
  LaneField,
  OpenRoutesField,
  ProblemField,
  RouteField,
  WarehouseSummaryField,
} from '../../src/server/http/schemas.js';
import type { TSchema } from 'typebox';
import { NORTH, startServer, type TestServer } from './support/startServer.js';

/** Fails with the first fault where a value does not fit the schema that the API documents. */
function expectToFit(schema: TSchema, value: unknown): void {
  expect(Compile(schema).Errors(value)).toEqual([]);
}

const PLAN = { requestId: 'plan', robotId: 'amr-3', from: 'r0c0', stops: ['r2c1'] };

describe('HTTP', () => {
  let server: TestServer;
  let clock = 1_000_000;
  let requests = 0;
  beforeAll(async () => {
    server = await startServer();
    const robots = ['amr-1', 'amr-2', 'amr-3'].map((robotId) => ({
      robotId,
      robotType: 'unit',
      node: 'r0c0',
    }));
    const { token, body } = { token: server.tokens.robot, body: { robots } };
    const welcome = await server.http('POST', `${NORTH}/robots`, { token, body });
    expectToFit(Welcome, welcome.json);
  });
  afterAll(() => server.close());

  const get = (path: string) => server.http('GET', path, { token: server.tokens.viewer });
  const send = (method: string, path: string, body?: unknown) =>
    server.http(method, path, { token: server.tokens.operator, body });
  const robot = (path: string, body: unknown) =>
    server.http('POST', path, { token: server.tokens.robot, body });
  const request = (robotId: string) => ({
    ...{ requestId: `http-${++requests}`, robotId, from: 'r0c0', stops: ['r2c1'], dropoff: 'r1c0' },
  });

  it('lists warehouses and lanes as documented', async () => {
    const warehouses = JSON.parse((await get('/v1/warehouses')).text) as unknown[];
    expect(warehouses).toHaveLength(2);
    for (const warehouse of warehouses) expectToFit(WarehouseSummaryField, warehouse);
    expectToFit(WarehouseSummaryField, (await get(NORTH)).json);
    const lanes = JSON.parse((await get(`${NORTH}/lanes`)).text) as unknown[];
    expect(lanes.length).toBeGreaterThan(50);
    for (const lane of lanes) expectToFit(LaneField, lane);
    expect(JSON.parse((await get('/v1/policies')).text)).toBeInstanceOf(Array);
  });

  it('issues a route, reads it, scores its trace once, and says so the second time', async () => {
    const issued = await robot(`${NORTH}/routes`, request('amr-1'));
    expect(issued.status).toBe(201);
    expectToFit(RouteAssignedBody, issued.json);
    const { routeId, nodes } = issued.json as { routeId: string; nodes: string[] };
    const route = `${NORTH}/routes/${routeId}`;
    expect((await get(route)).json).toMatchObject({ state: 'issued', robotId: 'amr-1', nodes });

    const start = clock;
    const trace = nodes.map((node, index) => [node, start + index * 1000, null]);
    clock += nodes.length * 1000;
    await send('POST', `${NORTH}/clock/advance`, { at: clock });
    const first = await robot(`${route}/complete`, { trace });
    expect(first.status).toBe(200);
    expectToFit(RouteScoredBody, first.json);
    const second = await robot(`${route}/complete`, { trace });
    expect(second.json).toEqual({ ...first.json, duplicate: true });
    const other = await robot(`${route}/complete`, { trace: trace.slice(1) });
    expect([other.status, other.json['code']]).toEqual([409, 'E_COMPLETION_CONFLICT']);
    const read = await get(route);
    expect(read.json).toMatchObject({ state: 'completed' });
    expectToFit(RouteField, read.json);
  });

  it('answers the same request the same, and refuses other content under its id', async () => {
    const body = request('amr-2');
    const first = await robot(`${NORTH}/routes`, body);
    expect((await robot(`${NORTH}/routes`, body)).json).toEqual(first.json);
    const other = await robot(`${NORTH}/routes`, { ...body, stops: ['r2c3'] });
    expect([other.status, other.json['code']]).toEqual([409, 'E_REQUEST_CONFLICT']);
    const second = await robot(`${NORTH}/routes`, request('amr-2'));
    expect([second.status, second.json['code']]).toEqual([409, 'E_ROUTE_OPEN']);
    const cancelled = await robot(`${NORTH}/routes/${first.json['routeId'] as string}/cancel`, {
      reason: 'test',
    });
    expect(cancelled.json).toMatchObject({ type: 'route.closed', state: 'cancelled' });
  });

  it('lists open routes as documented, by robot and by whether they are held', async () => {
    const issued = await robot(`${NORTH}/routes`, request('amr-1'));
    const { routeId } = issued.json as { routeId: string };
    const listed = await get(`${NORTH}/routes`);
    expectToFit(OpenRoutesField, listed.json);
    expect([listed.status, listed.json]).toMatchObject([
      200,
      { total: 1, routes: [{ routeId, held: false }] },
    ]);
    const none = { total: 0, routes: [] };
    expect((await get(`${NORTH}/routes?held=true`)).json).toEqual(none);
    expect((await get(`${NORTH}/routes?robotId=amr-2`)).json).toEqual(none);
    expect((await get('/v1/warehouses/south/routes')).json).toEqual(none);
    // Nobody gets away from the node where it stands.
    const shut = ['r0c1', 'r1c0'].map((to) => ({ from: 'r0c0', to }));
    await send('POST', `${NORTH}/lanes/close`, { lanes: shut });
    const held = await get(`${NORTH}/routes?held=true&robotId=amr-1`);
    expectToFit(OpenRoutesField, held.json);
    expect(held.json).toMatchObject({ routes: [{ routeId, node: 'r0c0', heldBecause: 'noOpenWay' }] });
    expect((await get(NORTH)).json).toMatchObject({ openRoutes: 1, heldRoutes: 1 });
    expect((await get('/metrics')).text).toContain('aisleflow_held_routes{warehouse="north"} 1\n');
    await send('POST', `${NORTH}/lanes/open`, { lanes: shut });
    expect((await get(`${NORTH}/routes?held=false`)).json).toMatchObject({ total: 1 });
    await robot(`${NORTH}/routes/${routeId}/cancel`, { reason: 'test' });
  });

  it('plans without issuing', async () => {
    const before = (await get(NORTH)).json['openRoutes'];
    const plan = await robot(`${NORTH}/plans`, request('amr-3'));
    expect(plan.status).toBe(200);
    expectToFit(RouteAssignedBody, plan.json);
    expect((await get(NORTH)).json['openRoutes']).toBe(before);
  });

  it('closes and opens lanes', async () => {
    const lanes = [{ from: 'r0c0', to: 'r0c1' }];
    expect((await send('POST', `${NORTH}/lanes/close`, { lanes })).json).toEqual({ lanes, open: false });
    expect((await get(NORTH)).json['closedLanes']).toBe(1);
    const listed = JSON.parse((await get(`${NORTH}/lanes?closed=true`)).text) as unknown[];
    for (const lane of listed) expectToFit(LaneField, lane);
    expect(listed).toMatchObject([{ ...lanes[0], open: false, closedBy: 'closure', price: -1 }]);
    const all = JSON.parse((await get(`${NORTH}/lanes`)).text) as unknown[];
    const open = JSON.parse((await get(`${NORTH}/lanes?closed=false`)).text) as unknown[];
    expect(open.length).toBe(all.length - 1);
    const plan = await robot(`${NORTH}/plans`, request('amr-3'));
    expect((plan.json['nodes'] as string[]).slice(0, 2)).toEqual(['r0c0', 'r1c0']);
    expect((await send('POST', `${NORTH}/lanes/open`, { lanes })).json).toEqual({ lanes, open: true });
    expect((await get(NORTH)).json['closedLanes']).toBe(0);
  });

  it('sets reward weights, mode and a driven clock', async () => {
    const weights = { time: 1, wait: 2, blocking: 0.5, distance: 0, turns: 0, lateness: 1 };
    expect((await send('PUT', `${NORTH}/weights`, weights)).json).toEqual(weights);
    expect((await get(`${NORTH}/weights`)).json).toEqual(weights);
    const more = { ...weights, turns: 0.5 };
    expect((await send('PATCH', `${NORTH}/weights`, { turns: 0.5 })).json).toEqual(more);
    expect((await get(`${NORTH}/weights`)).json).toEqual(more);
    expect((await get('/v1/warehouses/south/weights')).json).toMatchObject({ wait: 1 });
    expect((await send('PUT', `${NORTH}/mode`, { mode: 'frozen' })).json).toEqual({ mode: 'frozen' });
    expect((await get(NORTH)).json).toMatchObject({ mode: 'frozen' });
    const back = await send('POST', `${NORTH}/clock/advance`, { at: 1 });
    expect([back.status, back.json['code']]).toEqual([409, 'E_CLOCK_BACKWARDS']);
  });

  it.each([
    ['an unknown warehouse', 'GET', '/v1/warehouses/nowhere', undefined, 404, 'E_UNKNOWN_WAREHOUSE'],
    ['events of nowhere', 'GET', '/v1/events?warehouseId=nowhere', undefined, 404, 'E_UNKNOWN_WAREHOUSE'],
    ['an unknown route', 'GET', `${NORTH}/routes/none`, undefined, 404, 'E_UNKNOWN_ROUTE'],
    ['routes of nowhere', 'GET', '/v1/warehouses/nowhere/routes', undefined, 404, 'E_UNKNOWN_WAREHOUSE'],
    ['a flag that is none', 'GET', `${NORTH}/routes?held=yes`, undefined, 400, 'E_BAD_MESSAGE'],
    ['a flag twice', 'GET', `${NORTH}/routes?held=true&held=true`, undefined, 400, 'E_BAD_MESSAGE'],
    ['an unknown filter', 'GET', `${NORTH}/routes?state=open`, undefined, 400, 'E_BAD_MESSAGE'],
    ['no robot id', 'GET', `${NORTH}/routes?robotId=`, undefined, 400, 'E_BAD_MESSAGE'],
    ['lanes of a sort', 'GET', `${NORTH}/lanes?closed=1`, undefined, 400, 'E_BAD_MESSAGE'],
    ['an unknown path', 'GET', '/v1/nothing', undefined, 404, 'E_NOT_FOUND'],
    ['an unknown method', 'PUT', '/v1/warehouses', {}, 405, 'E_METHOD_NOT_ALLOWED'],
    ['a roll back of no name', 'POST', `${NORTH}/policies/rollback?from=`, undefined, 400, 'E_BAD_MESSAGE'],
    ['a roll back with a body', 'POST', `${NORTH}/policies/rollback`, { from: 'v9' }, 400, 'E_BAD_MESSAGE'],
    ['a save with a body', 'POST', `${NORTH}/policies/save`, null, 400, 'E_BAD_MESSAGE'],
    ['a parameter of none', 'POST', `${NORTH}/policies/save?dryRun=true`, undefined, 400, 'E_BAD_MESSAGE'],
    ['one more', 'PUT', `${NORTH}/mode?dryRun=true`, { mode: 'frozen' }, 400, 'E_BAD_MESSAGE'],
    ['metrics of a sort', 'GET', '/metrics?name=plans', undefined, 400, 'E_BAD_MESSAGE'],
    ['of another', 'POST', `${NORTH}/policies/rollback?from=v9`, undefined, 409, 'E_POLICY_CHANGED'],
    ['an unknown policy', 'POST', `${NORTH}/policies/v999/activate`, undefined, 404, 'E_UNKNOWN_POLICY'],
    [
      'unknown lane',
      'POST',
      `${NORTH}/lanes/close`,
      { lanes: [{ from: 'r0c0', to: 'r4c6' }] },
      422,
      'E_UNKNOWN_LANE',
    ],
    [
      'unknown node',
      'POST',
      `${NORTH}/lanes/close`,
      { lanes: [{ from: 'x', to: 'r0c0' }] },
      422,
      'E_UNKNOWN_NODE',
    ],
    ['an unknown mode', 'PUT', `${NORTH}/mode`, { mode: 'fast' }, 422, 'E_MODE_INVALID'],
    ['a change of no weight', 'PATCH', `${NORTH}/weights`, {}, 400, 'E_BAD_MESSAGE'],
    ['a weight of another name', 'PATCH', `${NORTH}/weights`, { speed: 1 }, 400, 'E_BAD_MESSAGE'],
    ['a time weight of 0 alone', 'PATCH', `${NORTH}/weights`, { time: 0 }, 422, 'E_WEIGHTS_INVALID'],
    ['a time weight of 0', 'PUT', `${NORTH}/weights`, weightsWith(0), 422, 'E_WEIGHTS_INVALID'],
    ['a weight above 100', 'PUT', `${NORTH}/weights`, weightsWith(101), 422, 'E_WEIGHTS_INVALID'],
    ['an unknown robot', 'POST', `${NORTH}/plans`, { ...PLAN, robotId: 'ghost' }, 404, 'E_UNKNOWN_ROBOT'],
    ['no stops', 'POST', `${NORTH}/plans`, { ...PLAN, stops: [] }, 422, 'E_NO_STOPS'],
    [
      '500 stops',
      'POST',
      `${NORTH}/plans`,
      { ...PLAN, stops: Array(500).fill('r2c1') },
      422,
      'E_TOO_MANY_STOPS',
    ],
    ['an unknown stop', 'POST', `${NORTH}/plans`, { ...PLAN, stops: ['shelf'] }, 422, 'E_UNKNOWN_NODE'],
    [
      'an unknown robot type',
      'POST',
      `${NORTH}/robots`,
      { robots: [{ robotId: 'amr-9', robotType: 'truck' }] },
      422,
      'E_UNKNOWN_ROBOT_TYPE',
    ],
  ])('answers %s with a problem of the catalogue', async (_what, method, path, body, status, code) => {
    const answer = await send(method, path, body);
    expect([answer.status, answer.json['code']]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expectToFit(ProblemField, answer.json);
    expect(answer.text).not.toMatch(/node_modules|\.ts:\d|\.js:\d/);
  });

  it('shows metrics in the Prometheus format', async () => {
    const { text, headers } = await get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    for (const name of [
      'aisleflow_plans_total{warehouse="north",served="priced"}',
      'aisleflow_plan_seconds_bucket{le="0.01",warehouse="north"}',
      'aisleflow_routes_scored_total{warehouse="north"',
      'aisleflow_slowdown{warehouse="north"} ',
      'aisleflow_pressure{warehouse="south"} ',
      'aisleflow_score_ratio{warehouse="north"} ',
      'aisleflow_policy_saved_version{warehouse="north"} 0',
      'aisleflow_policy_staleness_seconds{warehouse="north"} ',
      'aisleflow_open_routes{warehouse="north"} 0',
      'aisleflow_held_routes{warehouse="north"} 0',
      'aisleflow_queue_depth{queue="webSocketConnections"} 0',
      'aisleflow_queue_depth{queue="sharedRobots"} 0',
      'aisleflow_queue_depth{queue="plans"} 0',
      'aisleflow_queue_depth{queue="learnerRows"} ',
      'aisleflow_nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(text).toContain(name);
    }
    const foreign = text
      .split('\n')
      .filter((line) => line !== '' && !/^(# (HELP|TYPE) )?aisleflow_/.test(line));
    expect(foreign).toEqual([]);
  });

  it.each([
    ['DELETE', NORTH, 'GET'],
    ['HEAD', '/v1/policies', 'GET'],
    ['GET', `${NORTH}/lanes/close`, 'POST'],
    ['POST', `${NORTH}/weights?turns=1`, 'GET, PUT, PATCH'],
    ['OPTIONS', '/healthz', 'GET, HEAD'],
    ['GET', `${NORTH}/lanes/shut`, null],
    ['GET', `${NORTH}/weights/turns`, null],
  ])('says of %s %s what is allowed there: %s', async (method, path, allowed) => {
    const { status, headers } = await send(method, path);
    expect([status, headers.get('allow')]).toEqual([allowed === null ? 404 : 405, allowed]);
  });

  it('names the body or the parameter that it does not know', async () => {
    const path = `${NORTH}/policies/rollback`;
    expect((await send('POST', path, { from: 'v9' })).json['detail']).toContain(
      'body: this request takes none',
    );
    expect((await send('POST', `${path}?form=v9`)).json['detail']).toMatch(/querystring: .*form/);
  });

  it.each([
    ['GET', `${NORTH}/lanes?closed=yes`, undefined, 'querystring: /closed must be "true" or "false"'],
    [
      'POST',
      `${NORTH}/policies/drill`,
      { sabotage: 'all' },
      'body: /sabotage must be "shuffled" or "flipped" or "passing"',
    ],
    [
      'GET',
      '/v1/warehouses/h%C3%A4lle',
      undefined,
      'params: /warehouseId may have no other characters than A-Z a-z 0-9 _ . : + -',
    ],
  ])('names what %s %s may have instead', async (method, path, body, detail) => {
    const { status, json } = await send(method, path, body);
    expect([status, json['references']]).toEqual([400, { detail }]);
  });

  it('answers the probes to anybody, whatever the query', async () => {
    expect((await server.http('GET', '/healthz?from=balancer')).json).toEqual({ status: 'ok' });
    expect((await server.http('HEAD', '/readyz?1')).status).toBe(200);
    expect((await server.http('GET', '/readyz')).json).toEqual({ status: 'ready' });
  });
});

it('reads what warehouses do once for all metrics of a scrape', async () => {
  let reads = 0;
  const server = await startServer({
    wrap: (service) => ({ ...service, warehouses: () => (reads++, service.warehouses()) }),
  });
  const { text } = await server.http('GET', '/metrics', { token: server.tokens.viewer });
  expect([text.includes('aisleflow_held_routes{warehouse="south"} 0'), reads]).toEqual([true, 1]);
  await server.close();
});

it('takes a completion again for a route that only the journal still knows', async () => {
  const server = await startServer({
    wrap: (service) => ({
      ...service,
      robotOf(_warehouseId, routeId) {
        throw new AppError('E_UNKNOWN_ROUTE', { routeId });
      },
    }),
  });
  const post = (path: string, body: unknown) =>
    server.http('POST', `${NORTH}${path}`, { token: server.tokens.robot, body });
  await post('/robots', { robots: [{ robotId: 'amr-1', robotType: 'unit', node: 'r0c0' }] });
  const { json } = await post('/routes', { ...PLAN, robotId: 'amr-1' });
  const { routeId, nodes } = json as { routeId: string; nodes: string[] };
  const trace = nodes.map((node) => [node, 1, null]);
  const first = await post(`/routes/${routeId}/complete`, { trace });
  const second = await post(`/routes/${routeId}/complete`, { trace });
  expect([second.status, second.json]).toEqual([200, { ...first.json, duplicate: true }]);
  await server.close();
});

describe('over HTTP, a robot', () => {
  const busy = new AppError('E_BUSY', { limit: 256, what: 'look-ups', retryAfterSeconds: 1 });

  async function startWithRoute(options: { readonly remembers: boolean }) {
    const route = vi.fn<RoutingService['route']>();
    const server = await startServer({
      wrap: (service) => ({
        ...service,
        robotOf(warehouseId, routeId) {
          if (options.remembers) return service.robotOf(warehouseId, routeId);
          throw new AppError('E_UNKNOWN_ROUTE', { routeId });
        },
        route: route.mockImplementation((warehouseId, routeId) => service.route(warehouseId, routeId)),
      }),
    });
    onTestFinished(() => server.close());
    const robot = (path: string, body: unknown, method = 'POST') =>
      server.http(method, `${NORTH}${path}`, { token: server.tokens.robot, body });
    await robot('/robots', { robots: [{ robotId: 'amr-1', robotType: 'unit', node: 'r0c0' }] });
    const { json } = await robot('/routes', { ...PLAN, robotId: 'amr-1' });
    const { routeId, nodes } = json as { routeId: string; nodes: string[] };
    return { route, robot, routeId, trace: nodes.map((node) => [node, 1, null]) };
  }

  it('completes and cancels what memory knows without a look into the journal', async () => {
    const { route, robot, routeId, trace } = await startWithRoute({ remembers: true });
    const completion = await robot(`/routes/${routeId}/complete`, { trace });
    const cancelling = await robot(`/routes/${routeId}/cancel`, { reason: 'why' });
    expect([completion.status, cancelling.json['code']]).toEqual([200, 'E_ROUTE_CLOSED']);
    expect(route).not.toHaveBeenCalled();
  });

  it('is told when to come back where the journal is too busy to look, and loses nothing', async () => {
    const { route, robot, routeId, trace } = await startWithRoute({ remembers: false });
    const path = `/routes/${routeId}`;
    for (const [method, asked, body] of [
      ['POST', `${path}/complete`, { trace }],
      ['POST', `${path}/cancel`, { reason: 'why' }],
      ['GET', path, undefined],
    ] as const) {
      route.mockRejectedValueOnce(busy);
      const { status, json, headers } = await robot(asked, body, method);
      expect([status, json['code'], headers.get('retry-after')]).toEqual([503, 'E_BUSY', '1']);
    }
    const { status, json } = await robot(`${path}/complete`, { trace });
    expect([status, json['duplicate']]).toEqual([200, undefined]);
  });
});

function weightsWith(time: number): object {
  return { time, wait: 1, blocking: 1, distance: 0, turns: 0, lateness: 1 };
}
