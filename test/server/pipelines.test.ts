import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { NORTH, startServer, type TestServer } from './support/startServer.js';

const WEIGHTS = { time: 1, wait: 1, blocking: 1, distance: 0, turns: 0, lateness: 1 };

describe('requests asked behind one that is not answered yet', () => {
  let server: TestServer;
  let listed = 0;
  beforeAll(async () => {
    server = await startServer({
      wrap: (service) => ({
        ...service,
        // A disk that never answers.
        setWeights: () => new Promise(() => undefined),
        warehouses() {
          listed++;
          return service.warehouses();
        },
      }),
    });
  });
  afterAll(() => server.close());

  const text = (method: string, path: string, body = ''): string =>
    [
      `${method} ${path} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${server.tokens.operator}`,
      ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`]),
      `\r\n${body}`,
    ].join('\r\n');
  const ask = (...requests: string[]): Socket => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.resume().write(requests.join(''));
    return socket;
  };

  it('hold no place any more once their connection is closed', { timeout: 30_000 }, async () => {
    const behind = LIMITS.httpRequestsOfConnection - 1;
    const before = listed;
    const rounds = Math.ceil(2 + LIMITS.httpRequestsWaiting / behind);
    for (let round = 1; round <= rounds; round++) {
      const put = text('PUT', `${NORTH}/weights`, JSON.stringify(WEIGHTS));
      const socket = ask(put, ...Array.from({ length: behind }, () => text('GET', '/v1/warehouses')));
      await expect.poll(() => listed - before, { timeout: 5000 }).toBe(round * behind);
      socket.destroy();
    }
  });

  it('leave no event stream open once their connection is closed', async () => {
    const open = async () =>
      /queue="eventStreams"} (\d+)/.exec(
        (await server.http('GET', '/metrics', { token: server.tokens.operator })).text,
      )?.[1];
    const put = text('PUT', `${NORTH}/weights`, JSON.stringify(WEIGHTS));
    const socket = ask(put, text('GET', '/v1/events'));
    await expect.poll(open, { timeout: 5000 }).toBe('1');
    socket.destroy();
    await expect.poll(open, { timeout: 5000 }).toBe('0');
  });

  it.each([
    ['with it', (socket: Socket, more: string) => void socket.write(text('GET', '/v1/events') + more)],
    [
      'after it began',
      (socket: Socket, more: string) => {
        socket.once('data', () => socket.write(more));
        socket.write(text('GET', '/v1/events'));
      },
    ],
  ])('are not waited for behind an event stream, asked %s', async (_when, say) => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    const closed = once(socket, 'close');
    say(socket, text('GET', '/v1/warehouses'));
    await closed;
    await expect
      .poll(async () => (await server.http('GET', '/metrics', { token: server.tokens.viewer })).text, {
        timeout: 5000,
      })
      .toContain('queue="eventStreams"} 0');
  });
});
