import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LaneView } from '../../src/domain/serviceContract.js';
import { NORTH, startServer, type TestServer } from './support/startServer.js';

/** Some 60 MB of JSON: far more than the buffers below the server take. */
const LANES = 500_000;
const WEIGHTS = { time: 1, wait: 1, blocking: 1, distance: 0, turns: 0, lateness: 1 };

let server: TestServer;
let lanes: readonly LaneView[];
/** How long the list of all is. */
let length: number;
let made = 0;
async function start(longAnswerSeconds: number): Promise<void> {
  made = 0;
  length = LANES;
  server = await startServer({
    // What is written as it is read has a time of its own.
    timing: { answerSeconds: 0.05, longAnswerSeconds },
    wrap: (service) => ({
      ...service,
      setWeights: () => new Promise(() => undefined),
      *eachLane(warehouseId, filter) {
        if (filter?.closed === true) return;
        const count = length;
        for (let i = 0; i < count; i++, made++) yield lanes[i % lanes.length]!;
      },
    }),
  });
  lanes = server.service.lanes('north');
}
beforeEach(() => start(600));
afterEach(() => server.close());

const list = (query = '') => server.http('GET', `${NORTH}/lanes${query}`, { token: server.tokens.viewer });
function unread(...requests: string[]): Socket {
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
  socket.pause().write(requests.join(''));
  return socket;
}
const request = (method: string, path: string, body = ''): string =>
  [
    `${method} ${NORTH}/${path} HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${server.tokens.operator}`,
    ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`]),
    `\r\n${body}`,
  ].join('\r\n');

it('writes all lanes in parts, with everything else going on in between', async () => {
  length = 20_000;
  let before = 0;
  let most = 0;
  let turn = setImmediate(function count() {
    most = Math.max(most, made - before);
    before = made;
    turn = setImmediate(count);
  });
  const { status, headers, json } = await list();
  clearImmediate(turn);
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
  expect(json).toEqual(Array.from({ length }, (_, i) => lanes[i % lanes.length]));
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(1000);
});

it('makes no more of a list than is read, and one at a time', async () => {
  const socket = unread(request('GET', 'lanes'));
  let last = 0;
  await expect.poll(() => made > 0 && last === (last = made), { interval: 300, timeout: 20_000 }).toBe(true);
  expect(made).toBeLessThan(LANES / 2);
  const refused = await list();
  expect([refused.status, refused.json['code'], refused.json['references']]).toMatchObject([
    503,
    'E_BUSY',
    { retryAfterSeconds: 1 },
  ]);
  expect(await list('?closed=true')).toMatchObject({ status: 200, text: '[]' });
  socket.destroy();
  length = 2000;
  await expect.poll(async () => (await list()).status).toBe(200);
});

it('gives up a list that waits behind another answer when its connection closes', async () => {
  const socket = unread(request('PUT', 'weights', JSON.stringify(WEIGHTS)), request('GET', 'lanes'));
  await expect.poll(() => made).toBeGreaterThan(0);
  expect((await list()).status).toBe(503);
  socket.destroy();
  length = 2000;
  await expect.poll(async () => (await list()).status).toBe(200);
});

it('gives up a list that is not read to its end in time', async () => {
  await server.close();
  await start(0.5);
  const socket = unread(request('GET', 'lanes'));
  await expect.poll(async () => (await list()).status).toBe(503);
  length = 2000;
  await expect.poll(async () => (await list()).status, { timeout: 5000 }).toBe(200);
  socket.destroy();
});
