import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { LIMITS } from '../../src/domain/limits.js';
import { openInbox } from '../../src/server/inbox.js';
import { frameOf, openRawSocket } from './support/hostile.js';

/** Each frame takes a quarter of the time of a turn. */
const FRAMES_A_TURN = 4;

describe('the inbox of a connection', () => {
  let server: WebSocketServer;
  let line: Socket;
  let socket: WebSocket;
  let stream: Socket;
  let read: string[] = [];
  /** Frames handed on without anything else between them. */
  let together = 0;
  let mostTogether = 0;
  let now = 0;
  let milliseconds = 0;
  const take = (into: string[], what: string): void => {
    into.push(what);
    now += milliseconds;
    mostTogether = Math.max(mostTogether, ++together);
    process.nextTick(() => (together = 0));
  };
  beforeEach(async () => {
    [read, mostTogether, now] = [[], 0, 0];
    milliseconds = LIMITS.webSocketMillisecondsPerTurn / FRAMES_A_TURN;
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[WebSocket, { socket: Socket }]>;
    line = await openRawSocket({ port: (server.address() as AddressInfo).port, token: '' });
    const [webSocket, request] = await connected;
    [socket, stream] = [webSocket, request.socket];
    socket.on('error', () => undefined);
    const own = read;
    openInbox({
      ...{ socket, now: () => now },
      message(bytes) {
        const word = bytes.toString();
        take(own, word);
        return word !== 'unreadable';
      },
      pong: () => take(own, 'pong'),
    });
    socket.on('ping', (payload) => take(own, `ping ${payload.toString()}`));
  });
  afterEach(() => {
    line.destroy();
    server.close();
  });
  const frame = (payload: Buffer, first = 0x81): Buffer =>
    frameOf({ first, claimed: payload.length, isMasked: true, payload });
  const say = (...frames: Buffer[]): void => void line.write(Buffer.concat(frames));
  const words = (count: number): string[] => Array.from({ length: count }, (_, i) => `word-${i}`);
  const text = (word: string): Buffer => frame(Buffer.from(word));

  it('hands on in order, no more than its time in each turn of the loop', async () => {
    say(...words(300).map(text));
    while (read.length === 0) await turn();
    const readBefore = read.length;
    let turns = 0;
    for (; read.length < 300; turns++) await turn();
    expect(read).toEqual(words(300));
    expect(mostTogether).toBe(FRAMES_A_TURN);
    const turnsNeeded = (300 - readBefore) / FRAMES_A_TURN;
    expect(turns).toBeGreaterThanOrEqual(turnsNeeded - 1);
    expect(turns).toBeLessThan(turnsNeeded + 20);
  });

  it('hands on one ping or pong a turn, however many there are', async () => {
    const frames = words(100).flatMap((word) => [
      frame(Buffer.from(word), 0x89),
      frame(Buffer.alloc(0), 0x8a),
    ]);
    say(...frames);
    await expect.poll(() => read.length).toBe(200);
    expect(read.slice(0, 3)).toEqual(['ping word-0', 'pong', 'ping word-1']);
    expect(mostTogether).toBe(1);
    expect(socket.readyState).toBe(socket.OPEN);
  });

  it('hands on one message a turn of those that cannot be read', async () => {
    say(...Array.from({ length: 100 }, () => text('unreadable')), ...words(8).map(text));
    while (read.length < 100) await turn();
    expect(mostTogether).toBe(1);
    await expect.poll(() => read.length).toBe(108);
    expect(mostTogether).toBe(FRAMES_A_TURN);
  });

  it('begins anew in the next turn', async () => {
    for (const word of words(30)) {
      say(text(word));
      while (read.at(-1) !== word) await turn();
    }
    say(...words(FRAMES_A_TURN).map(text));
    await expect.poll(() => read.length).toBe(30 + FRAMES_A_TURN);
    expect(mostTogether).toBe(FRAMES_A_TURN);
  });

  it('reads no more than a few chunks of what it has not handed on', async () => {
    say(...Array.from({ length: 100_000 }, () => text('a word of 24 letters, so')));
    await expect.poll(() => read.length).toBeGreaterThan(100);
    expect(stream.bytesRead).toBeLessThan(30 * read.length + 256 * 1024);
  });

  it('hands on what came before its connection closed', async () => {
    const closed = once(socket, 'close') as Promise<[number]>;
    say(...words(50).map(text), frame(Buffer.from([0x03, 0xe8]), 0x88));
    expect((await closed)[0]).toBe(1000);
    expect(read).toEqual(words(50));
  });

  it('drops what waits of a connection that broke off', async () => {
    const closed = once(socket, 'close') as Promise<[number]>;
    say(...words(3000).map(text));
    while (read.length === 0) await turn();
    line.resetAndDestroy();
    expect((await closed)[0]).toBe(1006);
    expect(read.length).toBeLessThan(3000);
  });

  it('lets go soon of a connection that broke off, whatever waits of it', async () => {
    milliseconds = LIMITS.webSocketMillisecondsPerTurn / 1000;
    let isClosed = false;
    socket.once('close', () => (isClosed = true));
    say(...Array.from({ length: 10_000 }, () => frame(Buffer.alloc(0), 0x8a)));
    while (read.length === 0) await turn();
    line.resetAndDestroy();
    while (socket.readyState === socket.OPEN) await turn();
    let turns = 0;
    for (; !isClosed; turns++) await turn();
    expect(turns).toBeLessThan(100);
  });

  it('hands on nothing of what was told to go', async () => {
    say(text('before'));
    await expect.poll(() => read).toEqual(['before']);
    const closed = once(socket, 'close');
    socket.close(1008);
    say(...words(50).map(text));
    setTimeout(() => socket.terminate(), 50);
    await closed;
    expect(read).toEqual(['before']);
  });

  it('does not work with another ws than it was made for', () => {
    const other = { on: () => undefined } as unknown as WebSocket;
    const nothing = (): boolean => false;
    expect(() => openInbox({ socket: other, message: nothing, pong: nothing })).toThrow('this version of ws');
  });
});
