import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NORTH, startServer, type TestServer } from './support/startServer.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

describe('over the wire of HTTP', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  describe('an offer of HTTP/2, as some clients make it on plain HTTP,', () => {
    const send = (method: string, path: string, body = ''): Promise<unknown[]> =>
      new Promise((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${server.tokens.operator}`,
          ...{ connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' },
          ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        };
        request(`${server.url}${path}`, { method, headers, agent: false }, (answer) => {
          let text = '';
          answer.on('data', (part: Buffer) => (text += part.toString()));
          answer.on('end', () => resolve([answer.statusCode, JSON.parse(text)]));
        })
          .on('error', reject)
          .end(body);
      });

    it('is ignored, and what is asked is answered, with a body or without', async () => {
      expect(await send('GET', '/healthz')).toEqual([200, { status: 'ok' }]);
      expect(await send('GET', '/v1/warehouses')).toMatchObject([200, [{ warehouseId: 'north' }, {}]]);
      const set = await send('PUT', `${NORTH}/mode`, '{"mode":"frozen"}');
      expect(set).toEqual([200, { mode: 'frozen' }]);
      expect(await send('PUT', `${NORTH}/mode`, '{"mode":')).toMatchObject([400, { code: 'E_BAD_ENCODING' }]);
    });
  });

  const webSocket = (lines: {
    method?: string;
    version?: number;
    key?: string;
    protocol?: string;
    upgrade?: string[];
  }): string =>
    [
      `${lines.method ?? 'GET'} /v1/ws HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${server.tokens.robot}`,
      ...['Connection: Upgrade', ...(lines.upgrade ?? ['Upgrade: websocket'])],
      `Sec-WebSocket-Version: ${lines.version ?? 13}`,
      `Sec-WebSocket-Key: ${lines.key ?? KEY}`,
      `Sec-WebSocket-Protocol: ${lines.protocol ?? 'aisleflow.v1'}`,
      '\r\n',
    ].join('\r\n');

  it.each([
    [['Upgrade: websocket']],
    [['Upgrade: h2c, WebSocket']],
    [['Upgrade: websocket,h2c']],
    [['Upgrade: h2c', 'Upgrade: websocket']],
  ])('takes the WebSocket among what is offered: %j', async (upgrade) => {
    const close = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
    const answer = await server.raw(Buffer.concat([Buffer.from(webSocket({ upgrade })), close]));
    expect(answer).toMatch(/^HTTP\/1\.1 101 [^]*\r\nUpgrade: websocket\r\n/i);
  });

  it('takes nothing whose name only begins like it', async () => {
    const upgrade = ['Connection: close', 'Upgrade: h2c, websocket2'];
    expect(await server.raw(webSocket({ upgrade }))).toMatch(/^HTTP\/1\.1 426 /);
  });

  it('says to what is no handshake that there is the WebSocket, and asks for one', async () => {
    for (const method of ['GET', 'POST']) {
      const { status, json, headers } = await server.http(method, '/v1/ws?x=1');
      expect([status, json['code'], headers.get('upgrade')]).toEqual([
        ...[426, 'E_UPGRADE_REQUIRED', 'websocket'],
      ]);
      expect(headers.get('connection')).toContain('upgrade');
      expect(json['detail']).toMatch(/"Upgrade: websocket".*aisleflow\.v1/);
    }
    expect((await server.http('GET', '/v1/ws/more')).status).toBe(404);
  });

  const counted = async (): Promise<number> => {
    const { text } = await server.http('GET', '/metrics', { token: server.tokens.viewer });
    return Number(/refusals_total{code="E_BAD_MESSAGE",what="request"} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const get = (path: string, header: string): string =>
    `GET ${path} HTTP/1.1\r\nConnection: close\r\n${header}\r\n\r\n`;

  it.each([
    ['a handshake without a key', () => webSocket({ key: '' })],
    ['a handshake by POST', () => webSocket({ method: 'POST' })],
    ['a handshake of another version', () => webSocket({ version: 99 })],
    ['a sub-protocol twice', () => webSocket({ protocol: 'aisleflow.v1, aisleflow.v1' })],
    ['a list of sub-protocols that is none', () => webSocket({ protocol: 'aisleflow.v1, ' })],
    ['a request without a host', () => get('/healthz', 'X: x')],
    ['an unknown expectation', () => get('/healthz', 'Host: x\r\nExpect: banana')],
    ['CONNECT', () => 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a path that cannot be read', () => get('/v1/warehouses/%zz', 'Host: x')],
    ['an id that is far too long', () => get(`/v1/warehouses/${'x'.repeat(150)}`, 'Host: x')],
  ])('refuses %s with a problem of the catalogue, and counts it', async (_what, bytes) => {
    const before = await counted();
    const answer = await server.raw(bytes());
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"code":"E_BAD_MESSAGE"/i);
    expect(await counted()).toBe(before + 1);
  });

  it('names the versions of WebSocket that it speaks to whom speaks another', async () => {
    const answer = await server.raw(webSocket({ version: 99 }));
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*sec-websocket-version: 13, 8\r\n[^]*"code":"E_BAD_MESSAGE"/i);
  });

  it('asks no host of HTTP/1.0, which knows none', async () => {
    expect(await server.raw('GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });
});
