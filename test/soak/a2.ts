/** A2: everything hostile at once, for a while; healthy robots want routes before and meanwhile. */
import type { Socket } from 'node:net';
import { startServerProcess } from '../../sim/serverProcess.js';
import { loadMap } from '../../src/cli/mapShell.js';
import { createRandom } from '../../src/platform/random.js';
import {
  fuzzConnection,
  openRawSocket,
  openSilent,
  frameOf,
  type Victim,
} from '../server/support/hostile.js';
import { openAskers } from './support/askers.js';
import { phaseOptions } from './support/soak.js';

const MAP = 'maps/narrow-33x57.json';
const PAUSE_MILLISECONDS = 50;

const { seconds, seed } = phaseOptions(
  'soak:a2',
  'attack in every way at once while healthy robots want routes',
  {
    seconds: { what: 'of each phase', unlessTold: 60 },
    seed: { what: 'of the attacks', unlessTold: 1 },
  },
);
const { graph } = loadMap(MAP);
const random = createRandom(seed);
const server = await startServerProcess(['--map', MAP, '--mode', 'off', '--cold']);
const victim: Victim = { port: Number(new URL(server.target.url).port), token: server.target.robotToken };
const head = `POST /v1/warehouses/${graph.warehouseId}/plans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${victim.token}\r\n`;
const counts: Record<string, number> = {};
const silent = new Set<Socket>();
const keep = (socket: Socket): void => {
  silent.add(socket);
  socket.once('close', () => silent.delete(socket));
};
const text = (payload: Buffer | string, first = 0x81): Buffer => {
  const bytes = Buffer.from(payload);
  return frameOf({ first, claimed: bytes.length, isMasked: true, payload: bytes });
};
const throughSocket = async (bytes: Buffer): Promise<void> => {
  const socket = await openRawSocket(victim);
  socket.write(bytes);
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
};
const attacks: Readonly<Record<string, () => Promise<void> | void>> = {
  slowHeaders: () => keep(openSilent(victim, 'GET /healthz HTTP/1.1\r\nX: ')),
  slowBodies: () =>
    keep(openSilent(victim, `${head}Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{`)),
  halfOpenUpgrades: () =>
    keep(
      openSilent(victim, 'GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'),
    ),
  fragmentFlood: () =>
    throughSocket(Buffer.concat([text('"', 0x01), ...Array.from({ length: 500 }, () => text('x', 0x00))])),
  hugeFrame: () =>
    throughSocket(
      frameOf({ first: 0x81, claimed: 2 ** 31 - 1, isMasked: true, payload: Buffer.alloc(1000) }),
    ),
  bigMessage: () => throughSocket(text('x'.repeat(1_000_000))),
  badUtf8: () => throughSocket(text(Buffer.from('{"type":"\xff\xfe"}', 'latin1'))),
  deepJson: () => throughSocket(text('['.repeat(500_000))),
  prototype: () => throughSocket(text('{"type":"hello","__proto__":{"x":1}}')),
  fuzz: () => fuzzConnection(victim, random, 40),
};

try {
  const askers = await openAskers({
    ...{ target: server.target, graph, random, sockets: 20, robotsPerSocket: 5, prefix: 'healthy' },
  });
  const before = await askers.phase({ perSecond: 20, seconds, warmUpSeconds: 5 });
  console.log(JSON.stringify({ phase: 'quiet', ...before }));
  let isOver = false;
  const waves = Object.entries(attacks).map(async ([name, attack]) => {
    while (!isOver) {
      await attack();
      counts[name] = (counts[name] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
    }
  });
  const meanwhile = await askers.phase({ perSecond: 20, seconds, warmUpSeconds: 5 });
  isOver = true;
  await Promise.all(waves);
  console.log(
    JSON.stringify({ phase: 'under attack', ...meanwhile, attacks: counts, heldOpen: silent.size }),
  );
  const after = await askers.phase({ perSecond: 20, seconds: 5 });
  askers.close();
  for (const socket of silent) socket.destroy();
  const holds = {
    alive: (await fetch(`${server.target.url}/healthz`)).status === 200,
    planning: after.accepted.count > 0 && meanwhile.accepted.count > 0.9 * meanwhile.offered,
    healthyP99: meanwhile.accepted.p99 <= 2 * before.accepted.p99,
  };
  console.log(JSON.stringify({ p99Ratio: meanwhile.accepted.p99 / before.accepted.p99, holds }));
  if (Object.values(holds).includes(false)) process.exitCode = 1;
} finally {
  await server.stop();
}
