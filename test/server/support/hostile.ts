import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Random } from '../../../src/platform/random.js';

/** A server to attack, and a token that lets the attacker in. */
export interface Victim {
  readonly port: number;
  readonly token: string;
}

/** A raw socket with its WebSocket handshake done; what comes is dropped, and errors are nobody's business. */
export async function openRawSocket({ port, token }: Victim): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const lines = [
    'GET /v1/ws HTTP/1.1',
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Protocol: aisleflow.v1',
    `Authorization: Bearer ${token}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.once('data', () => resolve()).once('close', () => resolve()));
  socket.resume();
  return socket;
}

const TEXTS = [
  '{"type":"hello","warehouseId":"north","robots":[]}',
  '{"type":"hello","warehouseId":"north","robots":[{"robotId":"amr-1","robotType":"unit","node":"r0c0"}]}',
  '{"type":"route.request","requestId":"f","robotId":"amr-1","from":"r0c0","stops":["r2c1"]}',
  '{"type":"route.progress","routeId":"x","revision":0,"node":"r0c0","at":1}',
  '{"type":"route.completed","routeId":"x","trace":[["r0c0",1,null]]}',
  '{"type":"hello","__proto__":{"admin":true}}',
  '['.repeat(2_000),
  '',
];

/** A frame that is valid, nearly valid or noise; the seed of `random` decides. */
export function fuzzFrame(random: Random): Buffer {
  const kind = random.integer(8);
  if (kind === 0)
    return Buffer.from(Array.from({ length: 1 + random.integer(64) }, () => random.integer(256)));
  const payload = mutate(Buffer.from(TEXTS[random.integer(TEXTS.length)] as string), random, kind);
  const opcode = kind === 1 ? random.integer(16) : [1, 1, 1, 2, 0, 8, 9, 10][random.integer(8)]!;
  const isFinal = random.integer(4) > 0;
  const reserved = kind === 2 ? random.integer(8) << 4 : 0;
  const claimed = kind === 3 ? random.integer(2 ** 31) : payload.length;
  return frameOf({ first: (isFinal ? 0x80 : 0) | reserved | opcode, claimed, isMasked: kind !== 4, payload });
}

function mutate(payload: Buffer, random: Random, kind: number): Buffer {
  if (kind < 5) return payload;
  const changed = Buffer.from(payload);
  for (let i = 0; i < 1 + random.integer(4) && changed.length > 0; i++) {
    changed[random.integer(changed.length)] = random.integer(256);
  }
  return kind === 5 ? changed.subarray(0, random.integer(changed.length + 1)) : changed;
}

/** Masked with zeros: the payload travels as it is. */
export function frameOf(frame: {
  first: number;
  claimed: number;
  isMasked: boolean;
  payload: Buffer;
}): Buffer {
  const { first, claimed, isMasked, payload } = frame;
  const mask = isMasked ? 0x80 : 0;
  const head =
    claimed < 126
      ? Buffer.from([first, mask | claimed])
      : claimed < 65_536
        ? Buffer.from([first, mask | 126, claimed >> 8, claimed & 255])
        : Buffer.concat([Buffer.from([first, mask | 127, 0, 0, 0, 0]), uint32(claimed)]);
  return Buffer.concat([head, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One connection's worth of fuzz: frames until the server ends it or `frames` are sent. */
export async function fuzzConnection(victim: Victim, random: Random, frames: number): Promise<void> {
  const socket = await openRawSocket(victim);
  for (let sent = 0; sent < frames && !socket.destroyed && socket.writable; sent++) {
    socket.write(fuzzFrame(random));
    if (random.integer(8) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (random.integer(2) === 0) socket.resetAndDestroy();
  else socket.destroy();
}

/** Opens a connection, says part of something, and leaves it there. */
export function openSilent({ port }: Victim, bytes: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(bytes);
  return socket;
}
