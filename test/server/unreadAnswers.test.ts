import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import type { PolicyView } from '../../src/domain/serviceContract.js';
import { NORTH, startServer, type TestServer } from './support/startServer.js';

/** More than all buffers below the server take. */
const LARGE = 16 * 1024 * 1024;
const OF_EACH = LIMITS.httpRequestsOfConnection;

let server: TestServer;
let listed = 0;
/** Bytes of an answer to GET /v1/policies. */
let size = 0;
async function start(answerSeconds: number): Promise<void> {
  listed = 0;
  size = 0;
  server = await startServer({
    timing: { answerSeconds },
    wrap: (service) => ({
      ...service,
      // A disk that never answers, or late.
      route: (_warehouseId, routeId) =>
        new Promise((_resolve, reject) => {
          if (routeId === 'late') setTimeout(() => reject(new AppError('E_UNKNOWN_ROUTE', { routeId })), 600);
        }),
      policies() {
        listed++;
        return [{ warehouseId: null, policyVersion: 'x'.repeat(size) }] as unknown as readonly PolicyView[];
      },
    }),
  });
}
beforeEach(() => start(0.3));
afterEach(() => server.close());

const get = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.tokens.viewer}\r\n\r\n`;
function ask(requests: string): Socket {
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
  socket.pause().write(requests);
  return socket;
}
async function refused(what: string): Promise<number> {
  const { text } = await server.http('GET', '/metrics', { token: server.tokens.operator });
  return Number(new RegExp(`refusals_total{code="E_BUSY",what="${what}"} (\\d+)`).exec(text)?.[1] ?? 0);
}

it('takes a few requests of a connection at a time, and refuses those behind them', async () => {
  const socket = ask(get(`${NORTH}/routes/any`) + get('/v1/policies').repeat(OF_EACH + 4));
  await expect.poll(() => refused('request')).toBe(5);
  expect(listed).toBe(OF_EACH - 1);
  socket.destroy();
});

it('keeps places for the changes of operators, whoever else holds all others', async () => {
  const sockets = Array.from({ length: LIMITS.httpRequestsWaiting / OF_EACH }, () =>
    ask(get(`${NORTH}/routes/any`).repeat(OF_EACH)),
  );
  const { viewer, operator: token } = server.tokens;
  const look = async () => (await server.http('GET', '/v1/policies', { token: viewer })).json['code'];
  await expect.poll(look, { timeout: 5000 }).toBe('E_BUSY');
  const change = await server.http('PUT', `${NORTH}/mode`, { token, body: { mode: 'frozen' } });
  expect([change.status, change.json]).toEqual([200, { mode: 'frozen' }]);
  for (const socket of sockets) socket.destroy();
  await expect.poll(look, { timeout: 5000 }).toBeUndefined();
});

it('cuts a connection whose answer is not read in time', async () => {
  size = LARGE;
  const socket = ask(get('/v1/policies'));
  await expect.poll(() => refused('connection'), { timeout: 5000 }).toBe(1);
  await once(socket.resume(), 'close');
  expect(socket.bytesRead).toBeLessThan(LARGE);
  expect(server.log.filter((line) => line.includes('connection refused'))).toHaveLength(1);
});

it('cuts at once a connection that asks for more with a megabyte unread', async () => {
  await server.close();
  await start(600);
  size = LARGE;
  const socket = ask(get('/v1/policies').repeat(OF_EACH));
  await expect.poll(() => refused('connection'), { timeout: 5000 }).toBe(1);
  await once(socket.resume(), 'close');
  expect(socket.bytesRead).toBeLessThan(2 * LARGE);
});

it('keeps up to a megabyte of answers that wait behind another', async () => {
  await server.close();
  await start(600);
  size = 0.4 * LIMITS.httpUnreadBytes;
  const socket = ask(get(`${NORTH}/routes/any`) + get('/v1/policies').repeat(3));
  await expect.poll(() => listed).toBe(3);
  expect(await refused('connection')).toBe(0);
  socket.write(get('/v1/policies'));
  await expect.poll(() => refused('connection')).toBe(1);
});

it('gives an answer that waits behind another its time from when it can be read', async () => {
  size = 100;
  const socket = ask(get(`${NORTH}/routes/late`) + get('/v1/policies')).resume();
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await expect.poll(() => text, { timeout: 5000 }).toMatch(/ 404 [^]* 200 /);
  expect(await refused('connection')).toBe(0);
  size = LARGE;
  ask(get(`${NORTH}/routes/late`) + get('/v1/policies'));
  await expect.poll(() => refused('connection'), { timeout: 5000 }).toBe(1);
  expect(server.log.join()).not.toContain('it asks and does not read');
});
