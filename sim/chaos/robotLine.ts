import { isAppError, type ErrorCode } from '../../src/domain/errors.js';
import type { RobotLine, Answered } from './chaosRobot.js';
import type { Checks, Recipient } from './checks.js';
import type { Connections } from './connections.js';

const NO_WAY: readonly ErrorCode[] = ['E_UNREACHABLE', 'E_ROUTE_TOO_LONG'];
const IGNORED: Answered<unknown> = { ok: () => undefined, refused: () => undefined };
const nothing = (): void => undefined;

/** What a robot says, each message checked as its answer leaves the process. */
export function createRobotLine(options: {
  readonly robot: number;
  readonly warehouseId: string;
  readonly to: Recipient;
  readonly ask: Connections['ask'];
  readonly checks: Checks;
  readonly now: () => number;
}): RobotLine {
  const { robot, warehouseId, to, ask, checks, now } = options;
  const robotId = `robot-${robot}`;
  const { robotType } = to;
  return {
    hello(node, welcomed) {
      // Half of the robots say where they are.
      const place = robot % 2 === 1 ? { node } : {};
      const message = { type: 'hello' as const, warehouseId, robots: [{ robotId, robotType, ...place }] };
      ask(
        robot,
        (service) => service.hello(message),
        (answer) => checks.welcome(to, answer),
        { ok: welcomed, refused: nothing },
      );
    },
    request: (content, answered) =>
      ask(
        robot,
        (service) => service.requestRoute(warehouseId, content),
        (answer) => checks.assigned(to, content, answer),
        answered,
      ),
    progress(node, word) {
      const { routeId, revision, at } = word;
      const message = { type: 'route.progress' as const, routeId, revision, node, at };
      ask(
        robot,
        (service) => {
          checks.progressed(robot, routeId);
          service.routeProgress(warehouseId, message);
          checks.heard(word);
        },
        nothing,
        IGNORED,
      );
    },
    deviated(routeId, revision, node, answered) {
      const message = { type: 'route.deviated' as const, routeId, revision, node, at: now() };
      ask(
        robot,
        (service) => {
          const refused = checks.deviates(to, message);
          return service.routeDeviated(warehouseId, message).catch((error: unknown) => {
            if (isAppError(error) && NO_WAY.includes(error.code)) checks.guard(refused);
            throw error;
          });
        },
        (answer) => checks.updated(to, answer),
        answered,
      );
    },
    completed(routeId, trace, answered) {
      const report = { routeId, trace: [...trace] };
      ask(
        robot,
        (service) => service.completeRoute(warehouseId, report),
        (answer) => checks.scored(answer, report.trace),
        answered,
      );
    },
    cancel(routeId, answered) {
      const message = { type: 'route.cancelled' as const, routeId, reason: 'chaos' };
      ask(
        robot,
        (service) => service.cancelRoute(warehouseId, message),
        () => checks.closed(routeId),
        answered,
      );
    },
    state(node, pausedReason) {
      const paused = pausedReason === null ? {} : { pausedReason };
      const message = { type: 'robot.state' as const, robotId, node, available: true, ...paused, at: now() };
      ask(robot, (service) => service.robotState(warehouseId, message), nothing, IGNORED);
    },
  };
}
