import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { frameOf, openRawSocket } from './support/hostile.js';
import { LIMITS } from '../../src/domain/limits.js';
import { startServer, type TestServer } from './support/startServer.js';

let server: TestServer;
beforeEach(async () => void (server = await startServer()));
afterEach(() => server.close());

/** What is counted, as `code what: times`. */
async function refusals(): Promise<string[]> {
  const { text } = await server.http('GET', '/metrics', { token: server.tokens.viewer });
  const lines = text.matchAll(/^aisleflow_refusals_total{code="(\w+)",what="(\w+)"} (\d+)$/gm);
  return [...lines].map(([, code, what, times]) => `${code} ${what}: ${times}`).toSorted();
}

it('counts what is refused, by code, as messages, requests and connections', async () => {
  expect(await refusals()).toEqual([]);
  const client = await server.connect(server.tokens.robot);
  await client.ask('no JSON', 'error');
  await client.ask({ type: 'route.completed', routeId: 'no-such', trace: [['r0c0', 1, null]] }, 'error');
  await server.http('GET', '/v1/nothing', { token: server.tokens.viewer });
  await server.http('GET', '/v1/warehouses');
  await expect(server.connect('no token')).rejects.toThrow('401');
  // The answers are more than all buffers below the server take, and it reads none.
  const payload = Buffer.from(JSON.stringify({ type: 'hello', warehouseId: 'north', robots: [] }));
  const hello = frameOf({ first: 0x81, claimed: payload.length, isMasked: true, payload });
  const raw = await openRawSocket({ port: server.port, token: server.tokens.robot });
  raw.pause().write(Buffer.concat(Array.from({ length: 100_000 }, () => hello)));
  await vi.waitFor(
    async () =>
      expect(await refusals()).toEqual([
        'E_BAD_MESSAGE message: 1',
        'E_BUSY connection: 1',
        'E_HELLO_FIRST message: 1',
        'E_NOT_FOUND request: 1',
        'E_UNAUTHENTICATED request: 2',
      ]),
    { timeout: 20_000 },
  );
  expect(server.log.filter((line) => line.includes('connection refused'))).toHaveLength(1);
  raw.destroy();
});

it('tells one connection what is wrong with so many messages a second, and refuses the rest without', async () => {
  const client = await server.connect(server.tokens.robot);
  const say = async (): Promise<string> => String((await client.ask({ type: 'hello' }, 'error'))['message']);
  const said: string[] = [];
  for (let i = 0; i <= LIMITS.faultsExplainedPerSecond; i++) said.push(await say());
  const last = said.pop()!;
  expect(new Set(said)).toEqual(new Set([expect.stringContaining('must have required properties')]));
  expect(last).toContain('what is wrong is told of 20 messages a second');
  const other = await server.connect(server.tokens.robot);
  expect((await other.ask({ type: 'hello' }, 'error'))['message']).toBe(said[0]);
  await expect.poll(say, { timeout: 5000 }).toBe(said[0]);
});
