import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Compile } from 'typebox/compile';
import type { TSchema } from 'typebox';
import {
  ErrorMessage,
  RouteAssigned,
  RouteClosed,
  RouteScored,
  RouteUpdated,
  Welcome,
} from '../../src/domain/messages.js';
import type { RouteScoredContent } from '../../src/domain/messages.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import { NORTH, startServer, type TestClient, type TestServer } from './support/startServer.js';

const WEIGHTS = { time: 1, wait: 2, blocking: 1, distance: 0, turns: 0, lateness: 1 };

function expectToFit(schema: TSchema, value: unknown): void {
  expect(Compile(schema).Errors(value)).toEqual([]);
}

describe('the WebSocket of a fleet', () => {
  let server: TestServer;
  let fleet: TestClient;
  let clock = 1_000_000;
  let count = 0;
  /** Completions of these routes wait until they are let go. */
  const held = new Map<string, () => void>();
  const holdCompletions = new Set<string>();

  /** The real service, but the commit of chosen completions takes as long as a test wants. */
  const withSlowCommits = (service: RoutingService): RoutingService => ({
    ...service,
    async completeRoute(warehouseId, report): Promise<RouteScoredContent> {
      const scored = await service.completeRoute(warehouseId, report);
      if (holdCompletions.has(report.routeId)) {
        await new Promise<void>((resolve) => held.set(report.routeId, resolve));
      }
      return scored;
    },
  });

  beforeAll(async () => {
    server = await startServer({ wrap: withSlowCommits });
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    fleet = await server.connect(server.tokens.robot);
  });
  afterEach(() => fleet.socket.terminate());

  const hello = (...ids: string[]) => ({
    ...{ type: 'hello', warehouseId: 'north' },
    robots: ids.map((robotId) => ({ robotId, robotType: 'unit', node: 'r0c0' })),
  });
  const request = (robotId: string, more: object = {}) => ({
    ...{ type: 'route.request', requestId: `socket-${++count}`, robotId },
    ...{ from: 'r0c0', stops: ['r2c1'], dropoff: 'r1c0', ...more },
  });
  /** Drives a route at one node a second, on the warehouse's clock. */
  const drive = async (nodes: readonly string[]) => {
    const start = clock;
    clock += nodes.length * 1000;
    await server.service.advanceClock('north', clock);
    return nodes.map((node, index) => [node, start + index * 1000, null]);
  };
  const routed = async (client: TestClient, robotId: string) => {
    client.send(request(robotId));
    const assigned = await client.next((message) => message['robotId'] === robotId && 'nodes' in message);
    return assigned as unknown as { routeId: string; nodes: string[]; revision: number };
  };

  it('welcomes robots, routes one and scores its trace, each as documented', async () => {
    const welcome = await fleet.ask(hello('amr-1'), 'welcome');
    expectToFit(Welcome, welcome);
    expect(welcome).toMatchObject({ warehouseId: 'north', openRoutes: [], serverTime: clock });
    const assigned = await fleet.ask(request('amr-1'), 'route.assigned');
    expectToFit(RouteAssigned, assigned);
    const trace = await drive(assigned['nodes'] as string[]);
    const completed = { type: 'route.completed', routeId: assigned['routeId'], trace };
    const scored = await fleet.ask(completed, 'route.scored');
    expectToFit(RouteScored, scored);
    expect(scored).toMatchObject({ routeId: assigned['routeId'], learnt: true });
    expect(await fleet.ask(completed, 'route.scored')).toEqual({ ...scored, duplicate: true });
    const other = { ...completed, trace: trace.slice(0, -1) };
    expect(await fleet.ask(other, 'error')).toMatchObject({ code: 'E_COMPLETION_CONFLICT' });
  });

  it('answers the same request the same on another connection, and HTTP with it', async () => {
    await fleet.ask(hello('amr-2'), 'welcome');
    const message = request('amr-2');
    const assigned = await fleet.ask(message, 'route.assigned');
    const other = await server.connect(server.tokens.robot);
    const welcome = await other.ask(hello('amr-2'), 'welcome');
    expect(welcome['openRoutes']).toMatchObject([{ routeId: assigned['routeId'], robotId: 'amr-2' }]);
    expect(await other.ask(message, 'route.assigned')).toEqual(assigned);
    const body = { ...message, type: undefined };
    const { json } = await server.http('POST', `${NORTH}/routes`, { token: server.tokens.robot, body });
    expect({ type: 'route.assigned', ...json }).toEqual(assigned);
    expect(await other.ask({ ...message, stops: ['r2c3'] }, 'error')).toMatchObject({
      ...{ code: 'E_REQUEST_CONFLICT', references: { requestId: message.requestId } },
    });
    const cancel = { type: 'route.cancelled', routeId: assigned['routeId'], reason: 'test' };
    const closed = await other.ask(cancel, 'route.closed');
    expectToFit(RouteClosed, closed);
    other.socket.terminate();
  });

  it('wants a hello first, from each robot', async () => {
    expect(await fleet.ask(request('amr-3'), 'error')).toMatchObject({
      ...{ code: 'E_HELLO_FIRST', references: { robotId: 'amr-3', whom: 'robot amr-3' } },
    });
    const progress = { type: 'route.progress', routeId: 'some', revision: 0, node: 'r0c0', at: 1 };
    expect(await fleet.ask(progress, 'error')).toMatchObject({
      code: 'E_HELLO_FIRST',
      references: { routeId: 'some', whom: 'the robot of route some' },
    });
    await fleet.ask(hello('amr-4'), 'welcome');
    expect(await fleet.ask(request('amr-3'), 'error')).toMatchObject({ code: 'E_HELLO_FIRST' });
    const state = { type: 'robot.state', robotId: 'amr-3', node: 'r0c0', available: true, at: clock };
    expect(await fleet.ask(state, 'error')).toMatchObject({
      code: 'E_HELLO_FIRST',
      references: { robotId: 'amr-3' },
    });
  });

  it('lets nobody speak for a robot of another connection', async () => {
    await fleet.ask(hello('amr-5'), 'welcome');
    const { routeId, nodes } = await routed(fleet, 'amr-5');
    const other = await server.connect(server.tokens.robot);
    await other.ask(hello('amr-6'), 'welcome');
    const at = clock;
    for (const message of [
      { type: 'route.completed', routeId, trace: nodes.map((node) => [node, at, null]) },
      { type: 'route.progress', routeId, revision: 0, node: 'r0c1', at },
      { type: 'route.deviated', routeId, revision: 0, node: 'r0c1', at },
      { type: 'route.cancelled', routeId, reason: 'mine' },
    ]) {
      expect(await other.ask(message, 'error')).toMatchObject({
        code: 'E_NOT_YOUR_ROUTE',
        references: { routeId },
      });
    }
    expect(await server.service.route('north', routeId)).toMatchObject({ state: 'issued' });
    other.socket.terminate();
    await fleet.ask({ type: 'route.cancelled', routeId, reason: 'done' }, 'route.closed');
  });

  it('answers for routes that were never issued', async () => {
    await fleet.ask(hello('amr-7'), 'welcome');
    const completed = { type: 'route.completed', routeId: 'never', trace: [['r0c0', clock, null]] };
    const answer = await fleet.ask(completed, 'error');
    expectToFit(ErrorMessage, answer);
    expect(answer).toMatchObject({ code: 'E_UNKNOWN_ROUTE', references: { routeId: 'never' } });
  });

  it('sends a new route to a robot that was pushed off, once', async () => {
    await fleet.ask(hello('amr-8'), 'welcome');
    const { routeId, revision } = await routed(fleet, 'amr-8');
    const deviated = { type: 'route.deviated', routeId, revision, node: 'r1c0', at: clock };
    const updated = await fleet.ask(deviated, 'route.updated');
    expectToFit(RouteUpdated, updated);
    expect(updated).toMatchObject({ routeId, revision: 1, reason: 'deviated' });
    await fleet.ask({ type: 'route.cancelled', routeId, reason: 'done' }, 'route.closed');
    const rest: unknown[] = [];
    fleet.socket.on('message', (data: Buffer) => rest.push(data.toString()));
    await fleet.ask(hello('amr-8'), 'welcome');
    expect(rest.filter((text) => String(text).includes('route.updated'))).toEqual([]);
  });

  it('pushes a new route to the newest connection of a robot when a lane closes', async () => {
    await fleet.ask(hello('amr-9'), 'welcome');
    const { routeId, nodes } = await routed(fleet, 'amr-9');
    const newer = await server.connect(server.tokens.robot);
    await newer.ask(hello('amr-9'), 'welcome');
    const lanes = [{ from: nodes[0] as string, to: nodes[1] as string }];
    await server.service.closeLanes('north', lanes);
    expect(await newer.next('route.updated')).toMatchObject({
      routeId,
      robotId: 'amr-9',
      reason: 'laneClosed',
    });
    await server.service.openLanes('north', lanes);
    newer.socket.terminate();
    const bystander = await fleet.ask({ type: 'route.cancelled', routeId, reason: 'done' }, 'route.closed');
    expect(bystander).toMatchObject({ state: 'cancelled' });
  });

  it('pushes to the older connection of a robot again once the newer has gone', async () => {
    await fleet.ask(hello('amr-15'), 'welcome');
    const newer = await server.connect(server.tokens.robot);
    await newer.ask(hello('amr-15'), 'welcome');
    newer.socket.close();
    await newer.closed;
    const { routeId, nodes } = await routed(fleet, 'amr-15');
    const lanes = [{ from: nodes[0] as string, to: nodes[1] as string }];
    await server.service.closeLanes('north', lanes);
    expect(await fleet.next('route.updated')).toMatchObject({ routeId, reason: 'laneClosed' });
    await server.service.openLanes('north', lanes);
    await fleet.ask({ type: 'route.cancelled', routeId, reason: 'done' }, 'route.closed');
  });

  it('tells robots to hold where no way is left, and gives them one when a lane opens', async () => {
    await fleet.ask(hello('amr-10'), 'welcome');
    const { routeId } = await routed(fleet, 'amr-10');
    const lanes = ['r0c1', 'r1c0'].map((to) => ({ from: 'r0c0', to }));
    await server.service.closeLanes('north', lanes);
    expect(await fleet.next('route.held')).toMatchObject({ routeId, robotId: 'amr-10', node: 'r0c0' });
    await server.service.openLanes('north', lanes);
    expect(await fleet.next('route.updated')).toMatchObject({ routeId, reason: 'laneOpened' });
    await fleet.ask({ type: 'route.cancelled', routeId, reason: 'done' }, 'route.closed');
  });

  it('tells those who said hello there about new weights', async () => {
    const elsewhere = await server.connect(server.tokens.operator);
    await elsewhere.ask({ type: 'hello', warehouseId: 'south', robots: [] }, 'welcome');
    await fleet.ask(hello('amr-11'), 'welcome');
    await server.service.setWeights('north', WEIGHTS);
    expect(await fleet.next('weights.updated')).toMatchObject({ warehouseId: 'north', weights: WEIGHTS });
    await server.service.setWeights('south', WEIGHTS);
    expect(await elsewhere.next('weights.updated')).toMatchObject({ warehouseId: 'south' });
    elsewhere.socket.terminate();
  });

  it('tells a robot that its route expired', async () => {
    await fleet.ask(hello('amr-12'), 'welcome');
    const { routeId } = await routed(fleet, 'amr-12');
    clock += 24 * 3_600_000;
    await server.service.advanceClock('north', clock);
    const closed = await fleet.next('route.closed');
    expectToFit(RouteClosed, closed);
    expect(closed).toMatchObject({ routeId, state: 'expired' });
  });

  it('keeps the messages of one robot in order, and lets no robot wait for the commit of another', async () => {
    await fleet.ask(hello('amr-13', 'amr-14'), 'welcome');
    const slow = await routed(fleet, 'amr-13');
    holdCompletions.add(slow.routeId);
    const order: string[] = [];
    fleet.socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string; robotId?: string; routeId?: string };
      order.push(`${message.type} ${message.robotId ?? (message.routeId === slow.routeId ? 'amr-13' : '')}`);
    });
    const trace = await drive(slow.nodes);
    fleet.send({ type: 'route.completed', routeId: slow.routeId, trace });
    fleet.send(request('amr-13', { from: slow.nodes.at(-1) }));
    fleet.send(request('amr-14'));
    await fleet.next((message) => message.type === 'route.assigned' && message['robotId'] === 'amr-14');
    expect(order).toEqual(['route.assigned amr-14']);
    held.get(slow.routeId)?.();
    await fleet.next((message) => message.type === 'route.assigned' && message['robotId'] === 'amr-13');
    expect(order).toEqual(['route.assigned amr-14', 'route.scored amr-13', 'route.assigned amr-13']);
  });
});
