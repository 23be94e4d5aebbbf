/** M1: sockets of 40 robots ask for long answers, first reading them, then not; others want routes all the while. */
import type { WebSocket } from 'ws';
import { startServerProcess, type ServerProcess } from '../../sim/serverProcess.js';
import { readGauge } from '../../sim/serverMetrics.js';
import { createServerApi } from '../../sim/serverApi.js';
import { loadMap } from '../../src/cli/mapShell.js';
import { LIMITS } from '../../src/domain/limits.js';
import { createRandom } from '../../src/platform/random.js';
import { helloOf, openAskers, openSocket } from './support/askers.js';
import { phaseOptions } from './support/soak.js';

const MAP = 'maps/narrow-33x57.json';
const ROBOTS = 40;
/** Long routes make long answers: what a socket's client does not read fills some 10 MB of the kernel first. */
const PICKS = 12;
const HELLOS_PER_SECOND = 2;
const REQUESTS_PER_SECOND = 40;

const { seconds, stalled, healthy } = phaseOptions(
  'soak:m1',
  'stop reading the answers of many sockets at once',
  {
    seconds: { what: 'of each phase', unlessTold: 60 },
    stalled: { what: `sockets of ${ROBOTS} robots that stop reading`, unlessTold: 100 },
    healthy: { what: 'sockets that go on', unlessTold: 400 },
  },
);
const { graph } = loadMap(MAP);
const random = createRandom(1);
const robotsOf = (socket: number): string[] =>
  Array.from({ length: ROBOTS }, (_, i) => `slow-${socket}-${i}`);

/** Opens a socket whose robots all have a route: each hello is then answered with all of them. */
async function openSlow(server: ServerProcess, number: number): Promise<WebSocket> {
  let routes = 0;
  const socket = await openSocket(server.target, graph, robotsOf(number), (message) => {
    if (message.type === 'route.assigned' || message.type === 'error') routes++;
  });
  const node = (nodes: ArrayLike<number>): string => graph.nodeIds[nodes[random.integer(nodes.length)]!]!;
  for (const robotId of robotsOf(number)) {
    const content = {
      requestId: robotId,
      robotId,
      from: node(graph.stations),
      stops: Array.from({ length: PICKS }, () => node(graph.pickFaces)),
    };
    socket.send(JSON.stringify({ type: 'route.request', ...content }));
  }
  while (routes < ROBOTS) await new Promise((resolve) => setTimeout(resolve, 20));
  return socket;
}

const server = await startServerProcess(['--map', MAP, '--mode', 'off', '--cold', '--driven-clock']);
try {
  const api = createServerApi(server.target, graph.warehouseId);
  const slow: WebSocket[] = [];
  for (let number = 0; number < stalled; number++) slow.push(await openSlow(server, number));
  const askers = await openAskers({
    ...{ target: server.target, graph, random, sockets: healthy, robotsPerSocket: 1, prefix: 'healthy' },
  });
  const watch = async () => {
    const metrics = await api.metrics();
    return {
      memory: Math.round((readGauge(metrics, 'aisleflow_process_resident_memory_bytes') ?? NaN) / 2 ** 20),
      buffered: Number(/queue="webSocketBytes"} (\d+)/.exec(metrics)?.[1]),
    };
  };
  const phase = async (name: string) => {
    let mostBuffered = 0;
    let mostMemory = 0;
    const hellos = slow.map((_, number) => JSON.stringify(helloOf(graph, robotsOf(number))));
    const talk = setInterval(() => {
      for (const [number, socket] of slow.entries())
        if (socket.readyState === socket.OPEN) socket.send(hellos[number]!);
    }, 1000 / HELLOS_PER_SECOND);
    const sample = setInterval(() => {
      void watch().then(({ memory, buffered }) => {
        mostBuffered = Math.max(mostBuffered, buffered);
        mostMemory = Math.max(mostMemory, memory);
      });
    }, 1000);
    const { accepted, offered, refused } = await askers.phase({
      perSecond: REQUESTS_PER_SECOND,
      seconds,
      warmUpSeconds: 5,
    });
    clearInterval(talk);
    clearInterval(sample);
    const cut = slow.filter((socket) => socket.readyState !== socket.OPEN).length;
    const result = { phase: name, accepted, offered, refused, mostBuffered, mostMemory, cut };
    console.log(JSON.stringify(result));
    return result;
  };
  const reading = await phase('all read');
  for (const socket of slow) socket.pause();
  const unread = await phase('stalled');
  // A paused client hears of its end only when it reads again.
  const ended = Promise.all(
    slow.map(
      (socket) =>
        new Promise((resolve) =>
          socket.readyState === socket.CLOSED ? resolve(0) : socket.once('close', resolve),
        ),
    ),
  );
  for (const socket of slow) socket.resume();
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20_000))]);
  const cut = slow.filter((socket) => socket.readyState === socket.CLOSED).length;
  let resumedRoutes = 0;
  for (let number = 0; number < stalled; number++) {
    const socket = await openSocket(server.target, graph, [], () => undefined);
    const welcome = new Promise<number>((resolve) => {
      socket.once('message', (bytes: Buffer) =>
        resolve((JSON.parse(bytes.toString()) as { openRoutes: unknown[] }).openRoutes.length),
      );
    });
    socket.send(JSON.stringify(helloOf(graph, robotsOf(number))));
    resumedRoutes += await welcome;
    socket.terminate();
  }
  const openRoutes = (await api.summary()).openRoutes;
  askers.close();
  const holds = {
    memory: unread.mostBuffered <= stalled * LIMITS.webSocketBufferedBytes,
    cut: cut === stalled,
    resumed: resumedRoutes > 0 && resumedRoutes === openRoutes,
    healthyP99: unread.accepted.p99 <= 1.1 * reading.accepted.p99,
  };
  console.log(
    JSON.stringify({ cut, resumedRoutes, p99Ratio: unread.accepted.p99 / reading.accepted.p99, holds }),
  );
  if (Object.values(holds).includes(false)) process.exitCode = 1;
} finally {
  await server.stop();
}
