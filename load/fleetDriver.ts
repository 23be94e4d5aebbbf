import type { FromFleetMessage, RouteAssignedMessage, ToFleetMessage } from '../src/domain/messages.js';
import { monotonicMilliseconds, wallClock } from '../src/platform/clock.js';
import type { Floor, OrderSize } from './floor.js';
import type { Gateway } from './gateway.js';
import type { Tally } from './tally.js';

/** Robots that drive the routes they are given, at the times they were promised, and report every node. */
export interface FleetDriver {
  /** An order falls due: a free robot takes it, else it waits for one. */
  orderDue(dueAt: number): void;
  receive(message: ToFleetMessage): void;
  /** Orders waiting for a robot or an answer, and routes under way. */
  readonly busy: number;
  readonly underWay: number;
  /** Sends nothing more but the cancelling of what is under way. */
  stop(): void;
}

export interface Robot {
  readonly robotId: string;
  readonly gateway: Gateway;
}

interface Drive {
  readonly robot: Robot;
  readonly route: RouteAssignedMessage;
  /** Monotonic, and the wall's: when the robot set out. */
  readonly startedAt: number;
  readonly startedAtWall: number;
  completionDueAt: number;
}

export function createFleetDriver(options: {
  readonly robots: readonly Robot[];
  readonly floor: Floor;
  readonly order: OrderSize;
  readonly tally: Tally;
}): FleetDriver {
  const { floor, tally } = options;
  const free = [...options.robots];
  const backlog: number[] = [];
  const requested = new Map<string, { readonly robot: Robot; readonly dueAt: number }>();
  const drives = new Map<string, Drive>();
  const run = wallClock.now().toString(36);
  let orders = 0;
  let isOver = false;

  const send = (robot: Robot, message: FromFleetMessage): void => {
    robot.gateway.send(message);
    tally.sent++;
  };
  const ask = (robot: Robot, dueAt: number): void => {
    const order = floor.order(`load-${run}-${++orders}`, robot.robotId, options.order);
    requested.set(order.requestId, { robot, dueAt });
    send(robot, { type: 'route.request', ...order });
  };
  const release = (robot: Robot): void => {
    const dueAt = backlog.shift();
    if (dueAt === undefined) free.push(robot);
    else ask(robot, dueAt);
  };
  const finish = (routeId: string): void => {
    const drive = drives.get(routeId);
    if (drives.delete(routeId) && drive !== undefined) release(drive.robot);
  };

  /** One timer a robot: each report arms the next. The report of the last node is the trace. */
  const step = (drive: Drive, index: number): void => {
    const { route, startedAt, robot } = drive;
    const last = route.nodes.length - 1;
    const position = Math.min(index, last);
    const dueAt = startedAt + 1000 * (route.etaSeconds[position] as number);
    atDue(dueAt, () => {
      if (isOver || !drives.has(route.routeId)) return;
      tally.driverLateness.record(monotonicMilliseconds() - dueAt);
      if (position === last) return complete(drive, dueAt);
      const { routeId, revision } = route;
      const node = route.nodes[position] as string;
      send(robot, { type: 'route.progress', routeId, revision, node, at: wallClock.now() });
      robot.gateway.afterHandled(() => tally.progress.record(monotonicMilliseconds() - dueAt));
      step(drive, index + 1);
    });
  };
  const complete = (drive: Drive, dueAt: number): void => {
    const { route, startedAtWall, robot } = drive;
    drive.completionDueAt = dueAt;
    const trace = route.nodes.map((node, index): [string, number, null] => {
      return [node, startedAtWall + Math.ceil(1000 * (route.etaSeconds[index] as number)), null];
    });
    send(robot, { type: 'route.completed', routeId: route.routeId, trace });
  };

  const assigned = (route: RouteAssignedMessage): void => {
    const asked = requested.get(route.requestId);
    if (!requested.delete(route.requestId) || asked === undefined) return;
    const startedAt = monotonicMilliseconds();
    tally.request.record(startedAt - asked.dueAt);
    const { robot } = asked;
    const drive = { robot, route, startedAt, startedAtWall: wallClock.now(), completionDueAt: 0 };
    drives.set(route.routeId, drive);
    step(drive, 1);
  };
  const scored = (message: Extract<ToFleetMessage, { type: 'route.scored' }>): void => {
    const drive = drives.get(message.routeId);
    if (drive === undefined) return;
    tally.completion.record(monotonicMilliseconds() - drive.completionDueAt);
    if (message.learnt) tally.learnt++;
    else tally.count(`not learnt: ${message.reason?.split(':', 1)[0] ?? 'no reason'}`);
    finish(message.routeId);
  };
  /** Somebody else changed the floor: this driver knows the way it was given, and gives it back. */
  const interrupted = (routeId: string): void => {
    const drive = drives.get(routeId);
    if (drive === undefined) return;
    tally.count('interrupted');
    send(drive.robot, {
      type: 'route.cancelled',
      routeId,
      reason: 'the load driver follows one revision only',
    });
  };
  const refused = (message: Extract<ToFleetMessage, { type: 'error' }>): void => {
    tally.count(message.code);
    const requestId = String(message.references['requestId'] ?? '');
    const asked = requested.get(requestId);
    if (requested.delete(requestId) && asked !== undefined) release(asked.robot);
    else finish(String(message.references['routeId'] ?? ''));
  };

  return {
    get busy() {
      return backlog.length + requested.size + drives.size;
    },
    get underWay() {
      return drives.size;
    },
    orderDue(dueAt) {
      tally.driverLateness.record(monotonicMilliseconds() - dueAt);
      const robot = free.shift();
      if (robot !== undefined) return ask(robot, dueAt);
      tally.withoutRobot++;
      backlog.push(dueAt);
    },
    receive(message) {
      if (message.type === 'route.assigned') assigned(message);
      else if (message.type === 'route.scored') scored(message);
      else if (message.type === 'route.updated' || message.type === 'route.held')
        interrupted(message.routeId);
      else if (message.type === 'route.closed') finish(message.routeId);
      else if (message.type === 'error') refused(message);
    },
    stop() {
      isOver = true;
      for (const [routeId, { robot }] of drives) {
        send(robot, { type: 'route.cancelled', routeId, reason: 'the load driver ended' });
      }
    },
  };
}

/** Runs `act` at a moment of the monotonic clock, or within the millisecond after: never early, or latencies would shrink. */
export function atDue(dueAt: number, act: () => void): void {
  setTimeout(act, Math.max(0, Math.ceil(dueAt - monotonicMilliseconds())));
}
