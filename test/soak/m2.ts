/** M2: requests at half, once and twice what the server can plan. */
import { startServerProcess } from '../../sim/serverProcess.js';
import { loadMap } from '../../src/cli/mapShell.js';
import { createRandom } from '../../src/platform/random.js';
import { openAskers, type PhaseResult } from './support/askers.js';
import { phaseOptions } from './support/soak.js';

const MAP = 'maps/narrow-33x57.json';
const PRIORITIES = [0, 0, 0, 9];
/** More than any machine plans: else a quick one is taken for one that can do just this. */
const CLOSED_LOOP_PER_SECOND = 20_000;

const { seconds } = phaseOptions('soak:m2', 'ask for half, once and twice what the server can plan', {
  seconds: { what: 'of each phase', unlessTold: 30 },
});
const { graph } = loadMap(MAP);
const server = await startServerProcess(['--map', MAP, '--mode', 'off', '--cold', '--driven-clock']);
try {
  const random = createRandom(1);
  const askers = await openAskers({
    ...{
      target: server.target,
      graph,
      random,
      sockets: 8,
      robotsPerSocket: 400,
      prefix: 'asker',
      priorities: PRIORITIES,
    },
  });
  const phase = async (name: string, perSecond: number): Promise<PhaseResult> => {
    const result = await askers.phase({ perSecond, seconds, warmUpSeconds: 5 });
    console.log(JSON.stringify({ phase: name, perSecond: Math.round(perSecond), ...result }));
    return result;
  };
  // 256 robots that ask again as soon as they are answered find out what it can do.
  const closedLoop = await openAskers({
    ...{ target: server.target, graph, random, sockets: 8, robotsPerSocket: 32, prefix: 'loop' },
  });
  const loop = await closedLoop.phase({ perSecond: CLOSED_LOOP_PER_SECOND, seconds, warmUpSeconds: 5 });
  closedLoop.close();
  console.log(JSON.stringify({ phase: 'closed loop', ...loop }));
  const capacity = loop.accepted.count / seconds;
  await phase('half', capacity / 2);
  const once = await phase('once', capacity);
  const twice = await phase('twice', 2 * capacity);
  const health = await fetch(`${server.target.url}/healthz`);
  const excess = Object.keys(twice.refused);
  const holds = {
    excessIsBusy: excess.length === 1 && excess[0] === 'E_BUSY',
    acceptedP99: twice.accepted.p99 <= 2 * once.accepted.p99,
    urgentServed: (twice.refusedByPriority[9] ?? 0) === 0,
    healthy: health.status === 200,
  };
  console.log(JSON.stringify({ capacityPerSecond: Math.round(capacity), holds }));
  askers.close();
  if (Object.values(holds).includes(false)) process.exitCode = 1;
} finally {
  await server.stop();
}
