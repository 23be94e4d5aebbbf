/** A2: everything hostile at once, for a while; healthy robots want routes before and meanwhile. */
import { once } from 'node:events';
import { startServerProcess } from '../../sim/serverProcess.js';
import { loadMap } from '../../src/cli/mapShell.js';
import { createRandom } from '../../src/platform/random.js';
import { siblingModule, spawnWorker } from '../../src/platform/spawnWorker.js';
import { openAskers } from './support/askers.js';
import type { AttackOrder, AttackReport } from './support/attackerThread.js';
import { phaseOptions } from './support/soak.js';

const MAP = 'maps/narrow-33x57.json';

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
const server = await startServerProcess(['--map', MAP, '--mode', 'off', '--cold', '--driven-clock']);

try {
  const askers = await openAskers({
    ...{ target: server.target, graph, random, sockets: 20, robotsPerSocket: 5, prefix: 'healthy' },
  });
  const before = await askers.phase({ perSecond: 50, seconds, warmUpSeconds: 5 });
  console.log(JSON.stringify({ phase: 'quiet', ...before }));
  const order: AttackOrder = {
    port: Number(new URL(server.target.url).port),
    token: server.target.robotToken,
    warehouseId: graph.warehouseId,
    seed,
  };
  const attacker = spawnWorker(siblingModule(import.meta.url, 'support/attackerThread'), order);
  const meanwhile = await askers.phase({ perSecond: 50, seconds, warmUpSeconds: 5 });
  attacker.postMessage('stop');
  const [report] = (await once(attacker, 'message')) as [AttackReport];
  console.log(JSON.stringify({ phase: 'under attack', ...meanwhile, ...report }));
  const after = await askers.phase({ perSecond: 50, seconds: 5 });
  askers.close();
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
