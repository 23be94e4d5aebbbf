import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ToFleetMessage } from '../../src/domain/messages.js';
import { createFleetConnection, type FleetConnection } from '../../src/server/fleetConnection.js';
import { createSharedBytes } from '../../src/server/robotQueues.js';

/** Less than a kernel takes at once. */
const BUFFERED_BYTES = 25_000;
const saying = (message: string): ToFleetMessage => ({
  ...{ type: 'error', code: 'E_BUSY', message, references: {} },
});

describe('the sending side of a fleet connection', () => {
  let server: WebSocketServer;
  let client: WebSocket;
  let stream: Socket;
  let connection: FleetConnection;
  const heard: string[] = [];
  const refused: string[] = [];
  beforeEach(async () => {
    heard.length = refused.length = 0;
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[WebSocket, { socket: Socket }]>;
    client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    client.on('message', (bytes: Buffer) => {
      heard.push((JSON.parse(bytes.toString()) as { message: string }).message);
    });
    const [socket, request] = await connected;
    stream = request.socket;
    connection = createFleetConnection({
      ...{ socket, stream, connectionId: 'connection-1' },
      credential: { tokenId: 't', role: 'robot', warehouses: '*', robots: '*' },
      bufferedBytesLimit: BUFFERED_BYTES,
      sharedBytes: createSharedBytes(),
      refused: (reason) => refused.push(reason),
    });
  });
  afterEach(() => {
    client.terminate();
    server.close();
  });

  it('sends what is answered at once together, and holds it no longer', async () => {
    for (const word of ['one', 'two', 'three']) connection.send(saying(word));
    expect(stream.writableCorked).toBe(1);
    expect(connection.bufferedBytes).toBeGreaterThan(150);
    await new Promise((resolve) => process.nextTick(resolve));
    expect([stream.writableCorked, connection.bufferedBytes]).toEqual([0, 0]);
    await expect.poll(() => heard).toEqual(['one', 'two', 'three']);
    connection.send(saying('four'));
    expect(stream.writableCorked).toBe(1);
    await expect.poll(() => heard.at(-1)).toBe('four');
  });

  it('does not take what it holds itself for a reader that is too slow', async () => {
    for (const letter of ['x', 'y', 'z']) connection.send(saying(letter.repeat(0.6 * BUFFERED_BYTES)));
    expect(refused).toEqual([]);
    await expect.poll(() => heard.length).toBe(3);
  });

  it('writes before it holds more than a kernel takes at once', async () => {
    for (let i = 0; i < 1200; i++) connection.send(saying('x'.repeat(20)));
    expect([refused, connection.bufferedBytes < 20_000]).toEqual([[], true]);
    await expect.poll(() => heard.length).toBe(1200);
  });
});
