import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/platform/random.js';
import { startServer, type TestServer } from './support/startServer.js';
import { fuzzConnection } from './support/hostile.js';

const SEEDS = 60;

describe('raw frames made up by a seed', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  it('end a connection at most; robots are routed as before, and nothing breaks that should not', async () => {
    const victim = { port: server.port, token: server.tokens.robot };
    for (let seed = 1; seed <= SEEDS; seed++) await fuzzConnection(victim, createRandom(seed), 40);
    const fleet = await server.connect(server.tokens.operator);
    const robots = [{ robotId: 'healthy', robotType: 'unit', node: 'r0c0' }];
    await fleet.ask({ type: 'hello', warehouseId: 'north', robots }, 'welcome');
    const request = {
      type: 'route.request',
      requestId: 'after',
      robotId: 'healthy',
      from: 'r0c0',
      stops: ['r2c1'],
    };
    expect(await fleet.ask(request, 'route.assigned')).toMatchObject({ requestId: 'after' });
    fleet.socket.terminate();
    expect(
      server.log.filter((line) => line.includes('E_INTERNAL') || line.includes('message failed')),
    ).toEqual([]);
    // The frames reached the messages behind them: some were read and refused, some read and served.
    expect(server.log.some((line) => line.includes('E_BAD_MESSAGE'))).toBe(true);
    expect(server.log.some((line) => line.includes('E_HELLO_FIRST'))).toBe(true);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });
});
