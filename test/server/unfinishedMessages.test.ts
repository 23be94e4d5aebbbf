import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createUnfinishedMessages, type UnfinishedMessages } from '../../src/server/unfinishedMessages.js';
import { frameOf, openRawSocket } from './support/hostile.js';
import { startServer } from './support/startServer.js';

const LIMITS = { bytesOfEach: 10_000, bytesAbove: 100_000, seconds: 30 };

/** The beginning of a text message of `claimed` bytes: header and mask, 14 bytes, and what is there of it. */
const begin = (claimed: number, there: number): Buffer =>
  frameOf({ first: 0x81, claimed, isMasked: true, payload: Buffer.alloc(there, 'x') });
const HEADER_BYTES = 14;
const PING = frameOf({ first: 0x89, claimed: 4, isMasked: true, payload: Buffer.from('ping') });

describe('messages of which a part has come', () => {
  let server: WebSocketServer;
  let unfinished: UnfinishedMessages;
  let now = 0;
  const arrived: number[] = [];
  const refused: string[] = [];
  beforeEach(async () => {
    now = 0;
    arrived.length = 0;
    refused.length = 0;
    unfinished = createUnfinishedMessages(LIMITS, () => now);
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    let accepted = 0;
    server.on('connection', (socket, request) => {
      const number = accepted++;
      const refuse = (reason: string): void => {
        refused.push(`${number}: ${reason}`);
        socket.close(1013, reason);
        setTimeout(() => socket.terminate(), 100);
      };
      const tokenId = request.headers.authorization ?? 'fleet';
      unfinished.watch({ socket, stream: request.socket, tokenId, refuse });
      socket.on('error', () => undefined);
      socket.on('message', (bytes: Buffer) => arrived.push(bytes.length));
    });
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const connect = async (
    authorization = 'fleet',
  ): Promise<{ readonly webSocket: WebSocket; readonly raw: Socket }> => {
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const webSocket = new WebSocket(url, { headers: { authorization } });
    const upgrade = once(webSocket, 'upgrade') as Promise<[{ socket: Socket }]>;
    await once(webSocket, 'open');
    webSocket.on('error', () => undefined);
    const [{ socket: raw }] = await upgrade;
    return { webSocket, raw };
  };
  const expectBytes = (bytes: number): Promise<void> =>
    vi.waitFor(() => expect(unfinished.bytes).toBe(bytes));

  it('count until they are over, in one frame or in many', async () => {
    const { webSocket, raw } = await connect();
    raw.write(begin(20_000, 5_000));
    await expectBytes(5_000 + HEADER_BYTES - 6);
    raw.write(Buffer.alloc(15_000, 'x'));
    await expectBytes(0);
    webSocket.send('x'.repeat(3_000), { fin: false });
    await expectBytes(3_008);
    webSocket.send('x'.repeat(3_000), { fin: true });
    await expectBytes(0);
    expect(arrived).toEqual([20_000, 6_000]);
  });

  it('count with what keeps them, pings between their parts, and pings alone do not', async () => {
    const { webSocket, raw } = await connect();
    const pingOften = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        const answered = once(webSocket, 'pong');
        raw.write(PING);
        await answered;
      }
    };
    await pingOften();
    raw.write(frameOf({ first: 0x01, claimed: 3_000, isMasked: true, payload: Buffer.alloc(3_000, 'x') }));
    await expectBytes(3_008);
    await pingOften();
    expect(unfinished.bytes).toBe(3_008 + 50 * PING.length);
    raw.write(frameOf({ first: 0x80, claimed: 0, isMasked: true, payload: Buffer.alloc(0) }));
    await expectBytes(0);
    expect(arrived).toEqual([3_000]);
  });

  it('count behind one that is over, also as long as that takes', async () => {
    const { raw } = await connect();
    raw.write(Buffer.concat([begin(100, 100), begin(9_000, 5_000)]));
    await expectBytes(5_008);
    expect(arrived).toEqual([100]);
    now = 30_001;
    unfinished.beat();
    expect(refused).toEqual(['0: E_BUSY: a message took too long to come']);
  });

  it('do not count once their connection is closing: what comes then is dropped', async () => {
    const [broken, healthy] = [await connect(), await connect()];
    healthy.raw.write(begin(30_000, 20_000));
    await expectBytes(20_008);
    broken.raw.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    broken.raw.write(Buffer.alloc(500_000));
    await once(broken.webSocket, 'close');
    expect(refused).toEqual([]);
    await expectBytes(20_008);
  });

  it('are given up by the token that holds most of them', async () => {
    const healthy = await connect('theirs');
    healthy.raw.write(begin(60_000, 50_000));
    await expectBytes(50_008);
    for (let i = 0; i < 4; i++) (await connect('attacker')).raw.write(begin(60_000, 40_000));
    await vi.waitFor(() => expect(refused.length).toBeGreaterThan(0));
    healthy.raw.write(Buffer.alloc(10_000, 'x'));
    await vi.waitFor(() => expect(arrived).toEqual([60_000]));
    expect(refused.map((line) => line.slice(0, 2))).not.toContain('0:');
  });

  it('are given up from the oldest on where they are too many, but no short one is', async () => {
    const [slow, short, quick] = [await connect(), await connect(), await connect()];
    short.raw.write(begin(8_000, 5_000));
    await vi.waitFor(() => expect(unfinished.bytes).toBeGreaterThanOrEqual(5_000));
    slow.raw.write(begin(90_000, 60_000));
    await vi.waitFor(() => expect(unfinished.bytes).toBeGreaterThanOrEqual(65_000));
    const closed = once(slow.webSocket, 'close') as Promise<[number]>;
    quick.raw.write(begin(80_000, 79_000));
    await vi.waitFor(() => expect(refused).toHaveLength(1));
    quick.raw.write(Buffer.alloc(1_000, 'x'));
    short.raw.write(Buffer.alloc(3_000, 'x'));
    await vi.waitFor(() => expect(arrived.toSorted((a, b) => a - b)).toEqual([8_000, 80_000]));
    expect(refused).toEqual(['0: E_BUSY: too many unfinished messages']);
    expect((await closed)[0]).toBe(1013);
    await expectBytes(0);
  });

  it('are given up when they take too long, and only then', async () => {
    const [slow, later] = [await connect(), await connect()];
    slow.raw.write(begin(200, 100));
    await expectBytes(108);
    now = 20_000;
    later.raw.write(begin(200, 100));
    await expectBytes(216);
    now = 30_001;
    unfinished.beat();
    expect(refused).toEqual(['0: E_BUSY: a message took too long to come']);
    expect(unfinished.bytes).toBe(108);
    later.raw.write(Buffer.alloc(100, 'x'));
    await vi.waitFor(() => expect(arrived).toEqual([200]));
    now = 100_000;
    unfinished.beat();
    expect(refused).toHaveLength(1);
  });

  it('go with their connection', async () => {
    const { raw } = await connect();
    raw.write(begin(90_000, 60_000));
    await vi.waitFor(() => expect(unfinished.bytes).toBeGreaterThan(0));
    raw.destroy();
    await expectBytes(0);
  });

  it('are a figure of the server', async () => {
    const whole = await startServer({ timing: { pingSeconds: 0.1 } });
    const raw = await openRawSocket({ port: whole.port, token: whole.tokens.robot });
    raw.write(begin(90_000, 60_000));
    await vi.waitFor(async () => {
      const { text } = await whole.http('GET', '/metrics', { token: whole.tokens.viewer });
      expect(Number(/queue="unfinishedBytes"} (\d+)/.exec(text)?.[1])).toBeGreaterThan(50_000);
    });
    raw.destroy();
    await whole.close();
  });
});
