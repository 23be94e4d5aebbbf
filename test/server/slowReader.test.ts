import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceEvent } from '../../src/domain/serviceContract.js';
import { LIMITS } from '../../src/domain/limits.js';
import { startServer, type TestServer } from './support/startServer.js';

const WEIGHTS = { time: 1, wait: 1, blocking: 1, distance: 0, turns: 0, lateness: 1 };

describe('a fleet connection that does not read', () => {
  let server: TestServer;
  const listeners = new Set<(event: ServiceEvent) => void>();
  beforeAll(async () => {
    server = await startServer({
      wrap: (service) => ({
        ...service,
        subscribe(listener) {
          listeners.add(listener);
          return service.subscribe(listener);
        },
      }),
    });
  });
  afterAll(() => server.close());

  it('is cut at the limit of its buffer; its robots come back and find their routes', async () => {
    const hello = {
      type: 'hello',
      warehouseId: 'north',
      robots: [{ robotId: 'amr-1', robotType: 'unit', node: 'r0c0' }],
    };
    const stalled = await server.connect(server.tokens.robot);
    await stalled.ask(hello, 'welcome');
    const asked = {
      type: 'route.request',
      requestId: 'slow-1',
      robotId: 'amr-1',
      from: 'r0c0',
      stops: ['r2c1'],
    };
    const assigned = await stalled.ask(asked, 'route.assigned');
    const routeId = assigned['routeId'] as string;
    stalled.socket.pause();
    const healthy = await server.connect(server.tokens.robot);
    await healthy.ask({ ...hello, robots: [] }, 'welcome');

    const buffered = async (): Promise<number> => {
      const { text } = await server.http('GET', '/metrics', { token: server.tokens.viewer });
      return Number(/queue="webSocketBytes"} (\d+)/.exec(text)?.[1]);
    };
    let most = 0;
    let rounds = 0;
    for (; rounds < 3000 && !server.log.some((line) => line.includes('"closeCode"')); rounds++) {
      // Distinct texts, each held by the one connection only.
      for (let push = 0; push < 10; push++) {
        const weights = { ...WEIGHTS, wait: (rounds * 10 + push) / 1e6 };
        for (const listener of listeners)
          listener({ kind: 'weights.updated', warehouseId: 'north', weights });
        const reason = `${rounds}/${push} `.repeat(2000);
        const message = {
          type: 'route.held',
          routeId,
          robotId: 'amr-1',
          revision: 0,
          node: 'r0c0',
          reason,
        } as const;
        for (const listener of listeners) listener({ kind: 'route.held', warehouseId: 'north', message });
      }
      most = Math.max(most, await buffered());
    }
    expect(rounds).toBeLessThan(3000);
    expect(most).toBeLessThan(LIMITS.webSocketBufferedBytes + 64 * 1024);
    expect(healthy.socket.readyState).toBe(healthy.socket.OPEN);
    expect(server.log.filter((line) => line.includes('connection refused'))).toEqual([
      expect.stringContaining('"reason":"read faster"'),
    ]);

    const back = await server.connect(server.tokens.robot);
    const welcome = await back.ask(hello, 'welcome');
    expect(welcome['openRoutes']).toMatchObject([{ routeId, robotId: 'amr-1' }]);
    for (const { socket } of [stalled, healthy, back]) socket.terminate();
  });
});
