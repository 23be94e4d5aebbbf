import { WebSocket } from 'ws';
import { createLatencies, type Latencies, type LatencySummary } from '../../../sim/latencies.js';
import type { ServerTarget } from '../../../sim/serverApi.js';
import type { ToFleetMessage } from '../../../src/domain/messages.js';
import { monotonicMilliseconds } from '../../../src/platform/clock.js';
import type { Random } from '../../../src/platform/random.js';
import type { LaneGraph } from '../../../src/warehouse/laneGraph.js';

/** What came of one phase. */
export interface PhaseResult {
  readonly accepted: LatencySummary;
  readonly offered: number;
  readonly refused: Readonly<Record<string, number>>;
  /** Refusals by the request's priority. */
  readonly refusedByPriority: Readonly<Record<number, number>>;
  readonly acceptedByPriority: Readonly<Record<number, LatencySummary>>;
  /** Orders that found no free robot: not offered to the server. */
  readonly withoutRobot: number;
}

/** Robots that ask for a route, give it back as soon as they have it, and ask again. */
export interface Askers {
  /** Requests at a rate, whatever the server does (open loop). */
  phase(options: {
    readonly perSecond: number;
    readonly seconds: number;
    readonly warmUpSeconds?: number;
  }): Promise<PhaseResult>;
  close(): void;
}

interface Robot {
  readonly robotId: string;
  readonly socket: WebSocket;
}

export interface AskersOptions {
  readonly target: ServerTarget;
  readonly graph: LaneGraph;
  readonly random: Random;
  readonly sockets: number;
  readonly robotsPerSocket: number;
  readonly prefix: string;
  /** Of each request; 0 for all unless told. */
  readonly priorities?: readonly number[];
}

export async function openAskers(options: AskersOptions): Promise<Askers> {
  const { graph, random, prefix, priorities = [0] } = options;
  const free: Robot[] = [];
  const asked = new Map<
    string,
    { readonly robot: Robot; readonly dueAt: number; readonly priority: number }
  >();
  let requests = 0;
  let tally = createTally();
  const robotOf = new Map<string, Robot>();
  const receive = (message: ToFleetMessage): void => {
    if (message.type === 'route.assigned') {
      const found = asked.get(message.requestId);
      if (found) tally.accepted(monotonicMilliseconds() - found.dueAt, found.priority);
      const { routeId } = message;
      found?.robot.socket.send(JSON.stringify({ type: 'route.cancelled', routeId, reason: 'soak' }));
      if (found) robotOf.set(routeId, found.robot);
      asked.delete(message.requestId);
    } else if (message.type === 'route.closed') {
      const robot = robotOf.get(message.routeId);
      robotOf.delete(message.routeId);
      if (robot) free.push(robot);
    } else if (message.type === 'error') {
      const requestId = String(message.references['requestId'] ?? '');
      const found = asked.get(requestId);
      const { code, references } = message;
      const isComplete = code !== 'E_BUSY' || Number(references['retryAfterSeconds']) > 0;
      tally.refused(isComplete ? code : `${code} without retryAfterSeconds`, found?.priority ?? -1);
      if (asked.delete(requestId) && found) free.push(found.robot);
    }
  };
  const sockets: WebSocket[] = [];
  for (let at = 0; at < options.sockets; at++) {
    const robots = Array.from({ length: options.robotsPerSocket }, (_, i) => `${prefix}-${at}-${i}`);
    const socket = await openSocket(options.target, graph, robots, receive);
    sockets.push(socket);
    for (const robotId of robots) free.push({ robotId, socket });
  }
  const pick = (): string => graph.nodeIds[graph.pickFaces[random.integer(graph.pickFaces.length)]!]!;
  const ask = (dueAt: number): void => {
    const robot = free.shift();
    if (!robot) return tally.withoutRobot();
    const requestId = `${prefix}-${++requests}`;
    const priority = priorities[requests % priorities.length]!;
    asked.set(requestId, { robot, dueAt, priority });
    tally.offered();
    const from = graph.nodeIds[graph.stations[random.integer(graph.stations.length)]!]!;
    const content = { requestId, robotId: robot.robotId, from, stops: [pick(), pick(), pick()], priority };
    robot.socket.send(JSON.stringify({ type: 'route.request', ...content }));
  };
  return {
    async phase({ perSecond, seconds, warmUpSeconds = 0 }) {
      const startedAt = monotonicMilliseconds();
      const countsFrom = startedAt + 1000 * warmUpSeconds;
      const endsAt = countsFrom + 1000 * seconds;
      let isWarm = false;
      let dueAt = startedAt;
      tally = createTally();
      while (dueAt < endsAt) {
        if (!isWarm && dueAt >= countsFrom) {
          isWarm = true;
          tally = createTally();
        }
        const now = monotonicMilliseconds();
        if (dueAt > now) await new Promise((resolve) => setTimeout(resolve, dueAt - now));
        while (dueAt <= monotonicMilliseconds()) {
          ask(dueAt);
          dueAt += random.exponential(1000 / perSecond);
        }
      }
      const result = tally;
      for (let wait = 0; asked.size > 0 && wait < 100; wait++) await new Promise((r) => setTimeout(r, 100));
      return result.result();
    },
    close() {
      for (const socket of sockets) socket.terminate();
    },
  };
}

export async function openSocket(
  target: ServerTarget,
  graph: LaneGraph,
  robotIds: readonly string[],
  receive: (message: ToFleetMessage) => void,
): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${target.robotToken}` };
  const socket = new WebSocket(`${target.url.replace('http', 'ws')}/v1/ws`, 'aisleflow.v1', { headers });
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => undefined);
  const welcomed = new Promise<void>((resolve) => socket.once('message', () => resolve()));
  socket.send(JSON.stringify(helloOf(graph, robotIds)));
  await welcomed;
  socket.on('message', (bytes: Buffer) => receive(JSON.parse(bytes.toString('utf8')) as ToFleetMessage));
  return socket;
}

export function helloOf({ warehouseId, robotTypes }: LaneGraph, robotIds: readonly string[]) {
  const robotType = robotTypes[0]!.name;
  return { type: 'hello', warehouseId, robots: robotIds.map((robotId) => ({ robotId, robotType })) };
}

function createTally() {
  const latencies = createLatencies();
  const refused: Record<string, number> = {};
  const refusedByPriority: Record<number, number> = {};
  const byPriority = new Map<number, Latencies>();
  let offered = 0;
  let withoutRobot = 0;
  return {
    offered: () => void offered++,
    withoutRobot: () => void withoutRobot++,
    accepted(milliseconds: number, priority: number) {
      latencies.record(milliseconds);
      const own = byPriority.get(priority) ?? createLatencies();
      byPriority.set(priority, own);
      own.record(milliseconds);
    },
    refused(code: string, priority: number) {
      refused[code] = (refused[code] ?? 0) + 1;
      refusedByPriority[priority] = (refusedByPriority[priority] ?? 0) + 1;
    },
    result: (): PhaseResult => ({
      ...{
        accepted: latencies.summary(),
        offered,
        refused,
        refusedByPriority,
        acceptedByPriority: Object.fromEntries(
          Array.from(byPriority, ([priority, own]) => [priority, own.summary()]),
        ),
        withoutRobot,
      },
    }),
  };
}
