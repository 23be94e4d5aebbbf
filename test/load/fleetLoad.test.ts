import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { chooseWarehouse, targetOf } from '../../load/api.js';
import { loadFleet } from '../../load/fleetLoad.js';
import { readFloor, type Floor } from '../../load/floor.js';
import { httpEntries, loadHttp } from '../../load/httpLoad.js';
import { measureProcessors } from '../../load/processorUse.js';
import { createRandom } from '../../src/platform/random.js';
import { startServer, type TestServer } from '../server/support/startServer.js';

const ORDER = { picks: 1, hops: 2 };
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

async function prepare() {
  const target = targetOf(server.url, server.tokens.operator);
  const warehouse = await chooseWarehouse(target, 'north');
  const random = createRandom(5).fork('load');
  return { target, random, floor: await readFloor(target, warehouse, random.fork('floor')), order: ORDER };
}

describe('the load driver on a real server', () => {
  it('has every request, report and completion of an open-loop fleet answered', async () => {
    const lines: string[] = [];
    const result = await loadFleet({
      ...(await prepare()),
      ...{
        robots: 12,
        connections: 2,
        ordersPerSecond: 20,
        seconds: 1,
        onProgress: (line) => lines.push(line),
      },
    });
    expect(result.unanswered).toBe(0);
    expect(result.request.count).toBeGreaterThan(5);
    expect(result.completion.count).toBe(result.request.count);
    expect(result.completion.p999).toBeGreaterThan(0);
    // The test server's clock stands still: the traces of the wall's lie in its future.
    expect(result.errors).toEqual({ 'not learnt: E_TRACE_FUTURE': result.request.count });
  });

  it('loads the HTTP entries at a fixed rate without a refusal, and tells the processors of both sides', async () => {
    const prepared = await prepare();
    server.service.hello({
      ...{ type: 'hello', warehouseId: 'north' },
      robots: [{ robotId: 'load-1', robotType: prepared.floor.robotType }],
    });
    const options = { ...prepared, seconds: 1, connections: 2, readsPerSecond: 40, plansPerSecond: 20 };
    const measured = await measureProcessors(prepared.target);
    for (const entry of httpEntries(options)) {
      const { requestsPerSecond, failures, refusals } = await loadHttp(options, entry);
      expect([failures, refusals]).toEqual([0, 0]);
      expect(requestsPerSecond).toBeGreaterThan(10);
      // A driver that does not hold back makes hundreds; the measured second is not sharp on a busy machine.
      expect(requestsPerSecond).toBeLessThan(3 * entry.ratePerSecond);
    }
    const { server: serverUse, driver } = await measured();
    expect(serverUse).toBeGreaterThan(0);
    expect(driver).toBeGreaterThan(0);
  });
});

describe('a fleet that the server takes only in part', () => {
  it("fails with the server's words and leaves no connection open, which would keep the process alive", async () => {
    const refusing = new WebSocketServer({ port: 0 });
    const closed: Promise<unknown>[] = [];
    refusing.on('connection', (socket) => {
      const answer =
        closed.push(once(socket, 'close')) === 1
          ? { type: 'welcome', openRoutes: [] }
          : { type: 'error', code: 'E_BUSY', message: 'too many robots', references: {} };
      socket.once('message', () => socket.send(JSON.stringify(answer)));
    });
    await once(refusing, 'listening');
    const floor: Floor = {
      ...{ warehouseId: 'north', robotType: 'unit', randomNode: () => 'a' },
      order: (requestId, robotId) => ({ requestId, robotId, from: 'a', stops: ['b'] }),
    };
    const load = loadFleet({
      target: targetOf(`http://127.0.0.1:${(refusing.address() as AddressInfo).port}`, 'none'),
      ...{ floor, random: createRandom(1), order: ORDER, ordersPerSecond: 1, seconds: 1 },
      ...{ robots: 2, connections: 2, onProgress: () => undefined },
    });
    await expect(load).rejects.toThrow('hello was refused, E_BUSY: too many robots');
    expect(closed).toHaveLength(2);
    await Promise.all(closed);
    refusing.close();
  });
});
