/**
 * One robot: it asks for a tour, drives it as fast as its plan says, reports its way and, at the end, its trace.
 *
 *   aisleflow serve --map kiva-33x36
 *   npx tsx examples/robot.ts http://127.0.0.1:8080 <robot token> kiva-33x36 r1c0 r4c5,r7c9 r4c0
 *
 * Arguments: server, token, warehouse, where it stands, shelves to visit, where to bring the goods, and its type where
 * the map has others than unit. It is alone on the floor; one that gets pushed off its route sends `route.deviated` with
 * the node where it stands.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { RouteAssignedMessage, RouteScoredMessage, ToFleetMessage } from '../src/domain/messages.js';

const [url = '', token = '', warehouseId = '', start = '', shelves = '', dropoff = '', robotType = 'unit'] =
  process.argv.slice(2);
if (dropoff === '' || !/^https?:\/\/\w/.test(url)) {
  console.error(
    'Wanted: server (http://...), token, warehouse, where it stands, shelves to visit, where to bring the goods[, robot type].',
  );
  process.exit(2);
}
const robotId = `example-${process.pid}`;
const socket = new WebSocket(`${url.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/ws`, 'aisleflow.v1', {
  headers: { authorization: `Bearer ${token}` },
});

let isDone = false;
socket.on('error', ({ message }) => end(`${message}. Does the server run, and is the token a robot's?`));
socket.on('close', (code, reason) => {
  if (!isDone) end(`it was closed, ${code} ${reason.toString('utf8')}`);
});

/** A robot in earnest connects again, says hello, and finds its open route in the welcome. */
function end(why: string): never {
  console.error(`No connection to ${url}: ${why}`);
  process.exit(1);
}

/** Nodes still before the robot, the seconds to each, the revision that they come from, and whether it is to wait. */
let ahead: { node: string; seconds: number }[] = [];
let revision = 0;
let isHeld = false;
const waiting = new Map<string, (message: ToFleetMessage) => void>();

socket.on('message', (data: Buffer) => {
  const message = JSON.parse(data.toString('utf8')) as ToFleetMessage;
  if (message.type === 'error') {
    console.error(`${message.code}: ${message.message}`);
    process.exit(1);
  }
  if (message.type === 'route.assigned' || message.type === 'route.updated') {
    // The first node is where the robot stands. An update comes when a lane before it closes.
    const { nodes, etaSeconds } = message;
    ahead = nodes.map((node, i) => ({ node, seconds: etaSeconds[i]! - (etaSeconds[i - 1] ?? 0) })).slice(1);
    revision = message.revision;
    isHeld = false;
  }
  // No way now: it stays where it is until an update comes.
  if (message.type === 'route.held') isHeld = true;
  waiting.get(message.type)?.(message);
});

function send(message: object): void {
  socket.send(JSON.stringify(message));
}

/** Sends a message and waits for the answer of this type. */
function ask<Answer extends ToFleetMessage>(message: object, type: Answer['type']): Promise<Answer> {
  return new Promise((resolve) => {
    waiting.set(type, (answer) => resolve(answer as Answer));
    send(message);
  });
}

await once(socket, 'open');
await ask({ type: 'hello', warehouseId, robots: [{ robotId, robotType, node: start }] }, 'welcome');
const assigned = await ask<RouteAssignedMessage>(
  // The same request id may be sent again after a lost connection: it gets the same answer.
  {
    type: 'route.request',
    requestId: randomUUID(),
    robotId,
    from: start,
    stops: shelves.split(','),
    dropoff,
  },
  'route.assigned',
);
const { routeId } = assigned;
console.log(
  `Route ${routeId} of ${robotId}: ${ahead.length} lanes, planned under policy ${assigned.policyVersion}.`,
);

const trace: [node: string, arrivedAt: number, departedAt: number | null][] = [[start, Date.now(), null]];
while (ahead.length > 0) {
  const next = ahead[0]!;
  const followed = revision;
  // Turning, the lane, and handling where it stands.
  await sleep(1000 * next.seconds);
  if (isHeld || revision !== followed) continue;
  ahead.shift();
  trace.push([next.node, Date.now(), null]);
  send({ type: 'route.progress', routeId, revision, node: next.node, at: Date.now() });
}
const scored = await ask<RouteScoredMessage>({ type: 'route.completed', routeId, trace }, 'route.scored');
console.log(
  scored.learnt
    ? `Score ${scored.score.toFixed(1)}, ${scored.ratio.toFixed(2)} of free flow; learnt.`
    : `Not learnt: ${scored.reason?.replace(/\.$/, '')}.`,
);
isDone = true;
socket.close();
