import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseWarehouse } from '../../load/api.js';
import { loadFleet } from '../../load/fleetLoad.js';
import { readFloor } from '../../load/floor.js';
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
  const target = { url: server.url, token: server.tokens.operator };
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
