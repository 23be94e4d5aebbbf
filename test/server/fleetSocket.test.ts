import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NORTH, startServer, type TestClient, type TestServer } from './support/startServer.js';

const HELLO = { type: 'hello', warehouseId: 'north' };
const robots = (...names: string[]) => names.map((robotId) => ({ robotId, robotType: 'unit', node: 'r0c0' }));

describe('the WebSocket of a fleet', () => {
  let server: TestServer;
  let fleet: TestClient;
  let requests = 0;
  const request = (robotId: string, more: object = {}) => ({
    type: 'route.request',
    requestId: `request-${++requests}`,
    robotId,
    from: 'r0c0',
    stops: ['r2c1'],
    dropoff: 'r1c0',
    ...more,
  });
  /** A trace that drives the nodes at one second each. */
  const trace = (nodes: readonly string[], startAt: number) =>
    nodes.map((node, index) => [
      node,
      startAt + index * 1000,
      index + 1 < nodes.length ? startAt + index * 1000 : null,
    ]);
  const now = () => server.service.warehouse('north').clock === 'driven' && clock;
  let clock = 1_000_000;

  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    fleet = await server.connect(server.tokens.robot);
  });
  afterEach(() => fleet.socket.terminate());

  it('welcomes robots, routes one, scores its trace', async () => {
    const welcome = await fleet.ask({ ...HELLO, robots: robots('amr-1') }, 'welcome');
    expect(welcome).toMatchObject({ warehouseId: 'north', openRoutes: [], serverTime: clock });
    const assigned = await fleet.ask(request('amr-1'), 'route.assigned');
    expect(assigned).toMatchObject({ robotId: 'amr-1', revision: 0, stopOrder: [0] });
    const nodes = assigned['nodes'] as string[];
    expect(nodes[0]).toBe('r0c0');
    const start = now() as number;
    clock += nodes.length * 1000;
    await server.service.advanceClock('north', clock);
    const scored = await fleet.ask(
      { type: 'route.completed', routeId: assigned['routeId'], trace: trace(nodes, start) },
      'route.scored',
    );
    expect(scored).toMatchObject({ routeId: assigned['routeId'] });
  });
});
void NORTH;
