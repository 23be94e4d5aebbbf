import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { NORTH, startServer, type TestClient, type TestServer } from './support/startServer.js';

const HELLO = {
  type: 'hello',
  warehouseId: 'north',
  robots: [{ robotId: 'amr-1', robotType: 'unit', node: 'r0c0' }],
};
const REQUEST = { requestId: 'q', robotId: 'amr-1', from: 'r0c0', stops: ['r2c1'] };
const CLOSE_FRAME = 0x88;
const NOT_UTF8 = Buffer.from('{"type":"hello","warehouseId":"\xff\xfe"}', 'latin1');

describe('hostile input', () => {
  let server: TestServer;
  let fleet: TestClient;
  beforeAll(async () => {
    server = await startServer({ timing: { headersSeconds: 0.4, requestSeconds: 0.8, pingSeconds: 0.2 } });
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    fleet = await server.connect(server.tokens.robot);
  });
  /** Whatever came: others are served as before. */
  afterEach(async () => {
    fleet.socket.terminate();
    const client = await server.connect(server.tokens.robot);
    expect(await client.ask(HELLO, 'welcome')).toMatchObject({ warehouseId: 'north' });
    expect((await server.http('GET', '/healthz')).status).toBe(200);
    client.socket.terminate();
  });

  describe('in a WebSocket message', () => {
    it.each([
      ['nothing', '', 'E_BAD_ENCODING'],
      ['text', 'hello', 'E_BAD_ENCODING'],
      ['half an object', '{"type":"hello"', 'E_BAD_ENCODING'],
      ['NaN', '{"type":"hello","warehouseId":NaN}', 'E_BAD_ENCODING'],
      ['null', 'null', 'E_BAD_MESSAGE'],
      ['a list', '[]', 'E_BAD_MESSAGE'],
      ['no type', '{}', 'E_BAD_MESSAGE'],
      ['an unknown type', '{"type":"route.stolen"}', 'E_BAD_MESSAGE'],
      ['a type of the other side', '{"type":"route.assigned"}', 'E_BAD_MESSAGE'],
      ['a type that every object has', '{"type":"constructor"}', 'E_BAD_MESSAGE'],
      ['a type that is a list', '{"type":["hello"]}', 'E_BAD_MESSAGE'],
      ['a missing field', '{"type":"hello","warehouseId":"north"}', 'E_BAD_MESSAGE'],
      ['an extra field', JSON.stringify({ ...HELLO, admin: true }), 'E_BAD_MESSAGE'],
      [
        'a __proto__',
        '{"type":"hello","warehouseId":"north","robots":[],"__proto__":{"x":1}}',
        'E_BAD_ENCODING',
      ],
      ['a hidden __proto__', '{"type":"hello","a":{"\\u005f_proto__":{"x":1}}}', 'E_BAD_ENCODING'],
      ['a constructor', '{"type":"hello","constructor":{"prototype":{"x":1}}}', 'E_BAD_ENCODING'],
      ['half a million brackets', '['.repeat(500_000), 'E_BAD_ENCODING'],
      [
        'depth inside a field',
        `{"type":"hello","x":${'{"a":'.repeat(50)}1${'}'.repeat(50)}}`,
        'E_BAD_ENCODING',
      ],
    ])('is answered with %s', async (_what, text, code) => {
      fleet.socket.send(text);
      expect(await fleet.next('error')).toMatchObject({ code });
      expect(await fleet.ask(HELLO, 'welcome')).toBeDefined();
    });

    it('is answered with bytes that are not UTF-8, and with a binary frame', async () => {
      fleet.socket.send(NOT_UTF8, { binary: false });
      expect(await fleet.next('error')).toMatchObject({ code: 'E_BAD_ENCODING' });
      fleet.socket.send(Buffer.from(JSON.stringify(HELLO)), { binary: true });
      expect(await fleet.next('error')).toMatchObject({ code: 'E_BAD_ENCODING' });
    });

    it('names the request and the route that it read', async () => {
      await fleet.ask(HELLO, 'welcome');
      const message = { type: 'route.request', ...REQUEST, requestId: 'mine', stops: [null] };
      expect(await fleet.ask(message, 'error')).toMatchObject({
        ...{ code: 'E_BAD_MESSAGE', references: { requestId: 'mine', robotId: 'amr-1' } },
      });
      const stops = [{ node: 'r2c1', handlingSeconds: -1 }];
      expect(await fleet.ask({ ...message, stops }, 'error')).toMatchObject({
        references: { detail: '/stops/0/handlingSeconds must be >= 0' },
      });
      const trace = (entry: unknown) => ({ type: 'route.completed', routeId: 'theirs', trace: [entry] });
      for (const entry of [
        null,
        ['r0c0', null, null],
        ['r0c0', '1', null],
        ['r0c0', 1.5, null],
        ['r0c0', -1, null],
      ]) {
        expect(await fleet.ask(trace(entry), 'error')).toMatchObject({
          ...{ code: 'E_BAD_MESSAGE', references: { routeId: 'theirs' } },
        });
      }
      fleet.socket.send('{"type":"route.completed","routeId":"theirs","trace":[["r0c0",1e999,null]]}');
      expect(await fleet.next('error')).toMatchObject({ code: 'E_BAD_MESSAGE' });
    });

    it('of 5 MB closes that connection with 1009, and says why', async () => {
      fleet.socket.on('error', () => undefined);
      fleet.socket.send('x'.repeat(5_000_000));
      const { code, reason } = await fleet.closed;
      expect([code, reason.split(':')[0]]).toEqual([1009, 'E_TOO_LARGE']);
    });

    it('in a flood of fragments closes that connection', async () => {
      fleet.socket.on('error', () => undefined);
      fleet.socket.send('"', { fin: false });
      for (let i = 0; i <= LIMITS.webSocketFragments; i++) fleet.socket.send('x', { fin: false });
      expect([1006, 1008, 1009]).toContain((await fleet.closed).code);
    });
  });

  describe('in raw frames', () => {
    const upgraded = async (): Promise<Socket> => {
      const socket = connect(server.port, '127.0.0.1');
      const lines = [
        'GET /v1/ws HTTP/1.1',
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        'Sec-WebSocket-Protocol: aisleflow.v1',
        `Authorization: Bearer ${server.tokens.robot}`,
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      await new Promise<void>((resolve) => socket.once('data', () => resolve()));
      return socket;
    };

    it('that come byte by byte are closed with what is wrong: each chunk costs far more than its byte', async () => {
      const socket = (await upgraded()).setNoDelay(true);
      const head = Buffer.from([0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0]);
      let came = Buffer.alloc(0);
      socket.on('data', (bytes: Buffer) => (came = Buffer.concat([came, bytes])));
      socket.on('error', () => undefined).write(head);
      let sent = 0;
      for (; sent < 3 * LIMITS.webSocketChunks && !came.includes(CLOSE_FRAME); sent++) {
        socket.write('x');
        await new Promise((resolve) => setImmediate(resolve));
      }
      // Behind the pings of the server.
      const close = came.subarray(came.indexOf(CLOSE_FRAME));
      expect(close.readUInt16BE(2)).toBe(1008);
      expect(close.subarray(4).toString()).toContain('it comes in too many parts');
      socket.destroy();
    });

    it.each([
      ['reserved bits set', Buffer.from([0xf1, 0x80, 0, 0, 0, 0])],
      ['an unknown opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
      ['no mask', Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
      [
        'a length beyond all bounds',
        Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      ],
      ['a continuation of nothing', Buffer.from([0x80, 0x80, 0, 0, 0, 0])],
      ['a ping that is too long', Buffer.from([0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0])],
      ['a close of one byte', Buffer.from([0x88, 0x81, 0, 0, 0, 0, 0x03])],
    ])('with %s ends that connection, and says why', async (_what, frame) => {
      const socket = await upgraded();
      const closed = new Promise((resolve) => socket.on('close', resolve));
      let said = '';
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => (said += bytes.toString('latin1')));
      socket.write(frame);
      await closed;
      expect(said).toMatch(/E_(BAD_ENCODING|TOO_LARGE): /);
    });

    it('of noise ends that connection at most', async () => {
      for (let shot = 0; shot < 40; shot++) {
        const socket = await upgraded();
        socket.on('error', () => undefined);
        socket.end(randomBytes(64));
      }
    });

    it('resets in the middle of the handshake harm nobody', async () => {
      for (let shot = 0; shot < 20; shot++) (await upgraded()).resetAndDestroy();
      const socket = connect(server.port, '127.0.0.1');
      socket.write('GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
      socket.resetAndDestroy();
    });

    it('ends who never answers a ping', async () => {
      const socket = await upgraded();
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.on('data', () => undefined);
      await closed;
    });
  });

  describe('over HTTP', () => {
    const post = (raw: string | Buffer, headers: Record<string, string> = {}) =>
      server.http('POST', `${NORTH}/plans`, { token: server.tokens.robot, raw, headers });

    it.each([
      ['null', JSON.stringify({ ...REQUEST, robotId: null }), 400, 'E_BAD_MESSAGE'],
      ['a number for a text', JSON.stringify({ ...REQUEST, robotId: 1 }), 400, 'E_BAD_MESSAGE'],
      ['a text for a number', JSON.stringify({ ...REQUEST, priority: '1' }), 400, 'E_BAD_MESSAGE'],
      ['a boolean for a number', JSON.stringify({ ...REQUEST, deadlineAt: false }), 400, 'E_BAD_MESSAGE'],
      [
        'Infinity',
        `{"requestId":"q","robotId":"amr-1","from":"r0c0","stops":[],"deadlineAt":1e999}`,
        400,
        'E_BAD_MESSAGE',
      ],
      ['an extra field', JSON.stringify({ ...REQUEST, free: true }), 400, 'E_BAD_MESSAGE'],
      ['a __proto__', '{"requestId":"q","__proto__":{"x":1}}', 400, 'E_BAD_ENCODING'],
      ['half an object', '{"requestId":', 400, 'E_BAD_ENCODING'],
      ['nothing', '', 400, 'E_BAD_ENCODING'],
      ['bytes that are not UTF-8', NOT_UTF8, 400, 'E_BAD_ENCODING'],
      ['deep nesting', '['.repeat(30_000), 400, 'E_BAD_ENCODING'],
      ['5 MB', 'x'.repeat(5_000_000), 413, 'E_TOO_LARGE'],
    ])('refuses a body with %s', async (_what, raw, status, code) => {
      const answer = await post(raw);
      expect([answer.status, answer.json['code']]).toEqual([status, code]);
    });

    it('names the limit of the entry that a body is too large for', async () => {
      const { token, raw } = { token: server.tokens.robot, raw: 'x'.repeat(5_000_000) };
      const complete = await server.http('POST', `${NORTH}/routes/some/complete`, { token, raw });
      expect([complete.status, complete.json['references']]).toEqual([
        413,
        { limit: LIMITS.webSocketMessageBytes },
      ]);
      expect((await post(raw)).json['references']).toEqual({ limit: LIMITS.httpBodyBytes });
    });

    it('refuses other media types', async () => {
      const answer = await post('requestId=q', { 'content-type': 'application/x-www-form-urlencoded' });
      expect([answer.status, answer.json['code']]).toEqual([415, 'E_MEDIA_TYPE']);
    });

    it('names the field and never shows a stack', async () => {
      const { json } = await post(JSON.stringify({ ...REQUEST, stops: ['r2c1', { node: 7 }] }));
      expect(json['detail']).toContain('/stops');
      expect(JSON.stringify(json)).not.toContain('node_modules');
    });

    it('refuses a weight of null: it is no 0', async () => {
      const body = { time: null, wait: 1, blocking: 1, distance: 0, turns: 0, lateness: 1 };
      const answer = await server.http('PUT', `${NORTH}/weights`, { token: server.tokens.operator, body });
      expect([answer.status, answer.json['code']]).toEqual([400, 'E_BAD_MESSAGE']);
      expect(server.service.weights('north').time).toBe(1);
    });

    it.each([
      '/v1/warehouses/%00',
      '/v1/warehouses/%zz',
      `/v1/warehouses/${'x'.repeat(5000)}`,
      '/v1/warehouses/..%2f..%2fetc',
    ])('refuses the path %.40s', async (path) => {
      const answer = await server.http('GET', path, { token: server.tokens.operator });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.json['code']).toMatch(/^E_/);
    });

    it.each([
      ['what is not HTTP', '\x16\x03\x01\x02\x00'],
      ['a header without an end', `GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}`],
      ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ])('closes on %s, with a problem', async (_what, bytes) => {
      expect(await server.raw(bytes)).toMatch(/^HTTP\/1\.1 4\d\d[^]*E_BAD_MESSAGE/);
    });

    it('closes on headers that do not come', async () => {
      expect(await server.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n')).toMatch(/^(HTTP\/1\.1 4\d\d[^]*|)$/);
    });

    it('closes on nothing more after an answer', async () => {
      expect(await server.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    });

    it('closes on a body that does not come', async () => {
      const head = [
        `POST ${NORTH}/plans HTTP/1.1`,
        'Host: x',
        `Authorization: Bearer ${server.tokens.robot}`,
        'Content-Type: application/json',
        'Content-Length: 100',
      ];
      expect(await server.raw(`${head.join('\r\n')}\r\n\r\n{`)).not.toContain(' 200 ');
    });

    it('holds no place for a body that nobody without a token may send, wherever it is to go', async () => {
      const type = 'Content-Type: application/json';
      const head = `POST /nothing HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 100\r\n\r\n{`;
      const answers = await Promise.all(
        Array.from({ length: LIMITS.httpRequestsWaiting + 8 }, async () => {
          const socket = connect(server.port, '127.0.0.1');
          socket.write(head);
          const [bytes] = (await once(socket, 'data')) as [Buffer];
          socket.destroy();
          return bytes.toString().slice(0, 12);
        }),
      );
      expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 404']));
    });
  });
});
