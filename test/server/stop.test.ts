import { describe, expect, it } from 'vitest';
import type { RouteScoredContent } from '../../src/domain/messages.js';
import { NORTH, startServer, upgradeStatus } from './support/startServer.js';

const hello = (robotId: string) => ({
  ...{ type: 'hello', warehouseId: 'north', robots: [{ robotId, robotType: 'unit', node: 'r0c0' }] },
});
const request = (robotId: string) => ({
  ...{ type: 'route.request', requestId: `stop-${robotId}`, robotId, from: 'r0c0', stops: ['r2c1'] },
});

describe('a graceful stop', () => {
  it('finishes what is under way, refuses what is new, and closes sockets with 1001', async () => {
    let commit: () => void = () => undefined;
    const committed = new Promise<void>((resolve) => (commit = resolve));
    const server = await startServer({
      wrap: (service) => ({
        ...service,
        async completeRoute(warehouseId, report): Promise<RouteScoredContent> {
          const scored = await service.completeRoute(warehouseId, report);
          await committed;
          return scored;
        },
      }),
    });
    const fleet = await server.connect(server.tokens.robot);
    await fleet.ask(hello('amr-1'), 'welcome');
    await fleet.ask(hello('amr-2'), 'welcome');
    const { routeId } = await fleet.ask(request('amr-1'), 'route.assigned');
    fleet.send({ type: 'route.completed', routeId, trace: [['r0c0', 1_000_000, null]] });
    // The next answer shows that the completion before it was taken up.
    await fleet.ask(hello('amr-2'), 'welcome');

    const stopped = server.server.close();
    expect(await fleet.ask(request('amr-2'), 'error')).toMatchObject({ code: 'E_SHUTTING_DOWN' });
    const ready = await server.http('GET', '/readyz');
    expect([ready.status, ready.json['code']]).toEqual([503, 'E_SHUTTING_DOWN']);
    expect((await server.http('GET', '/healthz')).status).toBe(200);
    const late = await server.http('POST', `${NORTH}/plans`, { token: server.tokens.robot, body: {} });
    expect([late.status, late.json['code']]).toEqual([503, 'E_SHUTTING_DOWN']);
    const headers = { authorization: `Bearer ${server.tokens.robot}` };
    expect(await upgradeStatus(server, '/v1/ws', { headers })).toBe(503);

    commit();
    expect(await fleet.next('route.scored')).toMatchObject({ routeId });
    expect(await fleet.closed).toMatchObject({ code: 1001 });
    await stopped;
    await server.service.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it('does not wait for ever for a commit or a reader that never comes', async () => {
    const server = await startServer({
      timing: { drainSeconds: 0.2 },
      wrap: (service) => ({ ...service, requestRoute: () => new Promise(() => undefined) }),
    });
    const fleet = await server.connect(server.tokens.robot);
    await fleet.ask(hello('amr-1'), 'welcome');
    fleet.send(request('amr-1'));
    const hanging = server.raw(
      'POST /v1/warehouses/north/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{',
    );
    await fleet.ask(hello('amr-1'), 'welcome');
    const started = performance.now();
    await server.server.close();
    expect(performance.now() - started).toBeLessThan(5_000);
    expect((await fleet.closed).code).toBe(1001);
    await hanging;
    await server.service.close();
  });
});

describe('listening', () => {
  it('on a port in use is refused by name', async () => {
    const server = await startServer();
    await expect(startServer({ port: server.port })).rejects.toMatchObject({
      ...{ code: 'E_PORT_IN_USE', references: { port: server.port } },
    });
    expect((await server.http('GET', '/healthz')).status).toBe(200);
    await server.close();
  });
});
