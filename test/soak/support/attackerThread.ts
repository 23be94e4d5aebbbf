/**
 * Attacks a server in every way at once until it is told to stop, in a thread of its own: what an attacker has to do
 * must not count as the waiting of the healthy.
 */
import type { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { createRandom } from '../../../src/platform/random.js';
import {
  frameOf,
  fuzzConnection,
  openRawSocket,
  openSilent,
  type Victim,
} from '../../server/support/hostile.js';

/** What the thread is given. */
export interface AttackOrder extends Victim {
  readonly warehouseId: string;
  readonly seed: number;
}

/** What it answers when it is told to stop: how often each way was tried, and how many connections are left open. */
export interface AttackReport {
  readonly attacks: Readonly<Record<string, number>>;
  readonly heldOpen: number;
}

/** As long as one may be, wrong at its end. */
const WRONG_TRACE = JSON.stringify({
  type: 'route.completed',
  routeId: 'x',
  trace: Array.from({ length: 16_000 }, (_, i) => [i < 15_999 ? 'r0c0' : 7, 1, null]),
});
const PAUSE_MILLISECONDS = 50;
const repeated = (frame: Buffer, bytes: number): Buffer =>
  Buffer.concat(Array.from({ length: Math.ceil(bytes / frame.length) }, () => frame));
const text = (payload: Buffer | string, first = 0x81): Buffer => {
  const bytes = Buffer.from(payload);
  return frameOf({ first, claimed: bytes.length, isMasked: true, payload: bytes });
};
/** Made once: the processors are the server's, which a real attacker is not on. */
const FRAMES: Readonly<Record<string, Buffer>> = {
  fragmentFlood: Buffer.concat([text('"', 0x01), repeated(text('x', 0x00), 500 * 7)]),
  hugeFrame: frameOf({ first: 0x81, claimed: 2 ** 31 - 1, isMasked: true, payload: Buffer.alloc(1000) }),
  bigMessage: text('x'.repeat(1_000_000)),
  badUtf8: text(Buffer.from('{"type":"\xff\xfe"}', 'latin1')),
  deepJson: text('['.repeat(500_000)),
  wrongTrace: text(WRONG_TRACE),
  manyObjects: text(`[${'{},'.repeat(300_000)}{}]`),
  // A chunk of messages that fit no schema, and of pongs that nobody asked for between two halves of one.
  smallMessages: repeated(text('{"type":"robot.state","robotId":"a","node":"b","x":1}'), 60_000),
  pongs: Buffer.concat([text('"', 0x01), repeated(text('', 0x8a), 60_000), text('"', 0x00)]),
  prototype: text('{"type":"hello","__proto__":{"x":1}}'),
};

const order = workerData as AttackOrder;
const random = createRandom(order.seed);
const head = `POST /v1/warehouses/${order.warehouseId}/plans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${order.token}\r\n`;
const silent = new Set<Socket>();
const keep = (socket: Socket): void => {
  silent.add(socket);
  socket.once('close', () => silent.delete(socket));
};
const throughSocket = async (bytes: Buffer): Promise<void> => {
  const socket = await openRawSocket(order);
  socket.write(bytes);
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
};
const attacks: Readonly<Record<string, () => Promise<void> | void>> = {
  slowHeaders: () => keep(openSilent(order, 'GET /healthz HTTP/1.1\r\nX: ')),
  slowBodies: () =>
    keep(openSilent(order, `${head}Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{`)),
  halfOpenUpgrades: () =>
    keep(
      openSilent(order, 'GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'),
    ),
  ...Object.fromEntries(Object.entries(FRAMES).map(([name, bytes]) => [name, () => throughSocket(bytes)])),
  fuzz: () => fuzzConnection(order, random, 40),
};
const counts: Record<string, number> = {};
let isOver = false;
const waves = Object.entries(attacks).map(async ([name, attack]) => {
  while (!isOver) {
    await attack();
    counts[name] = (counts[name] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
});
parentPort?.once('message', () => {
  isOver = true;
  void Promise.all(waves).then(() => {
    parentPort?.postMessage({ attacks: counts, heldOpen: silent.size } satisfies AttackReport);
    for (const socket of silent) socket.destroy();
  });
});
