import { once } from 'node:events';
import { WebSocket } from 'ws';
import type {
  RouteAssignedMessage,
  RouteScoredMessage,
  ToFleetMessage,
  WelcomeMessage,
} from '../../../src/domain/messages.js';
import type { JournalRecord } from '../../../src/journal/records.js';
import type { Serving } from './servedDirectory.js';

type Trace = [string, number, null][];

/** What robots were told, over all lives of a server. */
export interface Acknowledgements {
  readonly assigned: Map<string, RouteAssignedMessage>;
  readonly scored: Map<string, RouteScoredMessage>;
  /** Codes of refusals, and how often. */
  readonly refusals: Map<string, number>;
  requests: number;
}

export function createAcknowledgements(): Acknowledgements {
  return { assigned: new Map(), scored: new Map(), refusals: new Map(), requests: 0 };
}

export interface Fleet {
  /** Codes with which the server closed the sockets, once all are closed. */
  readonly closed: Promise<readonly number[]>;
  end(): void;
}

/** Robots with a socket each that order, complete, and order again as fast as they are answered. */
export async function driveFleet(serving: Serving, robots: number, notes: Acknowledgements): Promise<Fleet> {
  const sockets = await Promise.all(
    Array.from({ length: robots }, (_, i) => connect(serving, `robot-${i}`, notes)),
  );
  return {
    closed: Promise.all(sockets.map(({ closed }) => closed)),
    end() {
      for (const { socket } of sockets) socket.terminate();
    },
  };
}

async function connect(serving: Serving, robotId: string, notes: Acknowledgements) {
  const { url, token, warehouseId } = serving;
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, 'aisleflow.v1', {
    headers: { authorization: `Bearer ${token}` },
  });
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)));
  socket.on('error', () => undefined);
  const send = (message: object): void => socket.send(JSON.stringify(message));
  const order = (): void => {
    const requestId = `q${++notes.requests}`;
    send({ type: 'route.request', requestId, robotId, from: 'r0c0', stops: [`r${notes.requests % 12}c7`] });
  };
  const complete = (routeId: string, nodes: readonly string[]): void => {
    const trace: Trace = nodes.map((node) => [node, Date.now(), null]);
    send({ type: 'route.completed', routeId, trace });
  };
  const receive = (message: ToFleetMessage): void => {
    if (message.type === 'welcome') resume(message);
    else if (message.type === 'route.assigned') {
      notes.assigned.set(message.routeId, message);
      complete(message.routeId, message.nodes);
    } else if (message.type === 'route.scored') {
      if (message.duplicate !== true) notes.scored.set(message.routeId, message);
      order();
    } else if (message.type === 'error') {
      notes.refusals.set(message.code, (notes.refusals.get(message.code) ?? 0) + 1);
    }
  };
  const resume = ({ openRoutes }: WelcomeMessage): void => {
    const [open] = openRoutes;
    if (open === undefined) order();
    else complete(open.routeId, open.nodes);
  };
  socket.on('message', (bytes: Buffer) => receive(JSON.parse(bytes.toString()) as ToFleetMessage));
  await once(socket, 'open');
  send({ type: 'hello', warehouseId, robots: [{ robotId, robotType: 'unit', node: 'r0c0' }] });
  return { socket, closed };
}

/** Acknowledgements that the journal does not hold, and routes that it holds scored twice. */
export function compareWithJournal(notes: Acknowledgements, records: readonly JournalRecord[]) {
  const issued = new Set<string>();
  const scores = new Map<string, number>();
  let scoredTwice = 0;
  for (const record of records) {
    if (record.kind === 'route.issued') issued.add(record.payload.routeId);
    if (record.kind !== 'route.completed') continue;
    if (scores.has(record.payload.routeId)) scoredTwice++;
    scores.set(record.payload.routeId, record.payload.scored.score);
  }
  const lostRoutes = [...notes.assigned.keys()].filter((routeId) => !issued.has(routeId));
  const lostScores = [...notes.scored.values()].filter(({ routeId, score }) => scores.get(routeId) !== score);
  return { lost: lostRoutes.length + lostScores.length, scoredTwice };
}
