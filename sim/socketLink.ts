import type {
  ErrorMessageContent,
  FromFleetMessage,
  RouteAssignedContent,
  RouteScoredContent,
  RouteUpdatedMessage,
  ToFleetMessage,
  WelcomeMessage,
} from '../src/domain/messages.js';
import { LIMITS } from '../src/domain/limits.js';
import { createAnswers } from './answers.js';
import type { FleetLink, FleetRobot, RouteChange } from './fleetLink.js';
import { openFleetSocket, type FleetSocket } from './fleetSocket.js';
import { createServerApi, errorOf, type ServerApi, type ServerTarget } from './serverApi.js';

export interface SocketLinkOptions {
  readonly target: ServerTarget;
  readonly warehouseId: string;
  /** Robots are spread over so many sockets. */
  readonly sockets: number;
  readonly onPolicy?: (policyVersion: string) => void;
}

/** A fleet on the wire: WebSockets for the robots, HTTP for the clock that an operator's token drives. */
export interface SocketLink extends FleetLink {
  /** The warehouse's clock when the link was opened. */
  readonly serverTime: number;
  readonly api: ServerApi;
  /** Refusals that answer nothing that was asked, by code. */
  strayErrors(): Readonly<Record<string, number>>;
}

/**
 * Opens the sockets. One that drops ends the run: everything asked and not answered then rejects.
 * @throws E_LINK_LOST, E_UNKNOWN_WAREHOUSE and what else a hello is refused with
 */
export async function openSocketLink(options: SocketLinkOptions): Promise<SocketLink> {
  const { target, warehouseId } = options;
  const api = createServerApi(target, warehouseId);
  const answers = createAnswers();
  const strays = new Map<string, number>();
  const sockets: FleetSocket[] = [];
  const socketOfRobot = new Map<string, FleetSocket>();
  const socketOfRoute = new Map<string, FleetSocket>();
  let changed: (message: RouteChange) => void = () => undefined;
  let helloNumber = 0;

  const fail = (message: ErrorMessageContent): void => {
    const { code, references } = message;
    const error = errorOf(code, references, message.message);
    const { requestId, routeId } = references;
    const keys = [
      `request ${requestId}`,
      `deviated ${routeId}`,
      `completed ${routeId}`,
      `cancelled ${routeId}`,
    ];
    if (keys.some((key) => answers.reject(key, error))) return;
    // Only a hello is refused without naming a request or a route.
    if (requestId === undefined && routeId === undefined && answers.reject(`hello ${helloNumber}`, error))
      return;
    strays.set(code, (strays.get(code) ?? 0) + 1);
  };
  const receive = (message: ToFleetMessage): void => {
    switch (message.type) {
      case 'welcome':
        return void answers.resolve(`hello ${helloNumber}`, message);
      case 'route.assigned':
        return void answers.resolve(`request ${message.requestId}`, message);
      case 'route.scored':
        socketOfRoute.delete(message.routeId);
        return void answers.resolve(`completed ${message.routeId}`, message);
      case 'route.closed':
        return void answers.resolve(`cancelled ${message.routeId}`, message);
      case 'route.updated':
        if (message.reason === 'deviated' && answers.resolve(`deviated ${message.routeId}`, message)) return;
        return later(message);
      case 'route.held':
        return later(message);
      case 'policy.updated':
        return options.onPolicy?.(message.policyVersion);
      case 'error':
        return fail(message);
      case 'weights.updated':
        return;
    }
  };
  /** After whatever came before it in the same chunk was taken up. */
  const later = (message: RouteChange): void => void setImmediate(() => changed(message));

  const ask = <Answer>(socket: FleetSocket, key: string, message: FromFleetMessage): Promise<Answer> => {
    const answer = answers.expect<Answer>(key);
    socket.send(message);
    return answer;
  };
  const onLost = (error: Error): void => answers.rejectAll(error);
  const { url, robotToken: token } = target;
  for (let at = 0; at < options.sockets; at++) {
    sockets.push(await openFleetSocket({ url, token, onMessage: receive, onLost }));
  }
  const greet = (socket: FleetSocket, robots: readonly FleetRobot[]): Promise<WelcomeMessage> =>
    ask(socket, `hello ${++helloNumber}`, { type: 'hello', warehouseId, robots: [...robots] });
  const { serverTime } = await greet(sockets[0] as FleetSocket, []);

  /** What an earlier run left open would stand in the way of this one. */
  const cancelLeftovers = (socket: FleetSocket, { openRoutes }: WelcomeMessage) =>
    Promise.all(
      openRoutes.map(({ routeId }) =>
        ask(socket, `cancelled ${routeId}`, { type: 'route.cancelled', routeId, reason: 'a new run begins' }),
      ),
    );
  const ofRobot = (robotId: string): FleetSocket => socketOfRobot.get(robotId) ?? (sockets[0] as FleetSocket);
  const ofRoute = (routeId: string): FleetSocket => socketOfRoute.get(routeId) ?? (sockets[0] as FleetSocket);

  return {
    serverTime,
    api,
    strayErrors: () => Object.fromEntries([...strays].sort()),
    async hello(robots) {
      for (const [at, socket] of sockets.entries()) {
        const own = robots.filter((_, robot) => robot % sockets.length === at);
        for (const { robotId } of own) socketOfRobot.set(robotId, socket);
        for (let from = 0; from < own.length; from += LIMITS.robotsPerHello) {
          const welcome = await greet(socket, own.slice(from, from + LIMITS.robotsPerHello));
          await cancelLeftovers(socket, welcome);
        }
      }
    },
    robotState: (message) => ofRobot(message.robotId).send({ type: 'robot.state', ...message }),
    async requestRoute(request) {
      const socket = ofRobot(request.robotId);
      const key = `request ${request.requestId}`;
      const answer = await ask<RouteAssignedContent>(socket, key, { type: 'route.request', ...request });
      socketOfRoute.set(answer.routeId, socket);
      return answer;
    },
    progress: (message) => ofRoute(message.routeId).send({ type: 'route.progress', ...message }),
    deviated: (message) =>
      ask<RouteUpdatedMessage>(ofRoute(message.routeId), `deviated ${message.routeId}`, {
        type: 'route.deviated',
        ...message,
      }),
    completed: (report) =>
      ask<RouteScoredContent>(ofRoute(report.routeId), `completed ${report.routeId}`, {
        type: 'route.completed',
        ...report,
      }),
    async advanceClock(at) {
      answers.assertLinked();
      await api.advanceClock(at);
    },
    onUpdate: (listener) => void (changed = listener),
    async close() {
      await Promise.all(sockets.map((socket) => socket.close()));
      answers.close();
    },
  };
}
