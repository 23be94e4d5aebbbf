import type {
  ErrorMessageContent,
  FromFleetMessage,
  HelloMessage,
  RouteAssignedContent,
  RouteScoredContent,
  RouteUpdatedMessage,
  ToFleetMessage,
  WelcomeMessage,
} from '../src/domain/messages.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError } from '../src/domain/errors.js';
import { LIMITS } from '../src/domain/limits.js';
import { errorOf } from '../src/platform/serverClient.js';
import { createAnswers } from './answers.js';
import type { FleetLink, RouteChange } from './fleetLink.js';
import { openLastingSocket, type LastingSocket } from './lastingSocket.js';
import { createServerApi, type ServerApi, type ServerTarget } from './serverApi.js';

export interface SocketLinkOptions {
  readonly target: ServerTarget;
  readonly warehouseId: string;
  /** Robots are spread over so many sockets. */
  readonly sockets: number;
  readonly onPolicy?: (policyVersion: string) => void;
  /**
   * The clock goes on only once the server has read all that was told it before. Left out, it may go first: it goes by
   * HTTP, and what is told on a socket waits for its turn.
   */
  readonly inOrder?: boolean;
  /** How long a server may be away, to restart, before the run ends. */
  readonly patienceSeconds?: number;
  /** Ends the patience: from then on a server that is away ends the run at once. */
  readonly signal?: AbortSignal | undefined;
}

/** A fleet on the wire: WebSockets for the robots, HTTP for the clock that an operator's token drives. */
export interface SocketLink extends FleetLink {
  /** The warehouse's clock when the link was opened. */
  readonly serverTime: number;
  readonly api: ServerApi;
  /** Refusals that answer nothing that was asked, by code. */
  strayErrors(): Readonly<Record<string, number>>;
  /** Sockets that dropped and came back. */
  resumed(): number;
  /** Gives back what its robots still have open: on a floor that nobody drives any more it would stand for ever. */
  cancelOpen(reason: string): Promise<void>;
}

/** One socket, the robots that speak through it, and the hello that it waits for. */
interface Line {
  readonly number: number;
  readonly robots: HelloMessage['robots'];
  socket: LastingSocket | null;
}

const PATIENCE_SECONDS = 60;
const CLOCK_PAUSE_MILLISECONDS = 200;

/**
 * Opens the sockets. One that drops comes back, says hello, and sends again what was asked and not answered; where the
 * server stays away for longer than the patience, everything asked rejects.
 * @throws E_LINK_LOST, E_UNKNOWN_WAREHOUSE and what else a connection or a hello is refused with
 */
export async function openSocketLink(options: SocketLinkOptions): Promise<SocketLink> {
  const { target, warehouseId, patienceSeconds = PATIENCE_SECONDS } = options;
  const api = createServerApi(target, warehouseId);
  const answers = createAnswers();
  const strays = new Map<string, number>();
  const lines: Line[] = [];
  const lineOfRobot = new Map<string, Line>();
  const lineOfRoute = new Map<string, Line>();
  let changed: (message: RouteChange) => void = () => undefined;
  let resumed = 0;

  const answer = (line: Line, key: string, message: unknown): boolean => {
    line.socket?.settle(key);
    return answers.resolve(key, message);
  };
  const fail = (line: Line, message: ErrorMessageContent): void => {
    const { code, references } = message;
    // It closes its sockets next: what it refuses now is asked again of the one that comes after it.
    if (code === 'E_SHUTTING_DOWN') return;
    const error = errorOf(code, references, message.message);
    const { requestId, routeId } = references;
    const keys = ['request', 'deviated', 'completed', 'cancelled'].map(
      (what) => `${what} ${what === 'request' ? requestId : routeId}`,
    );
    // Only a hello is refused without naming a request or a route.
    if (requestId === undefined && routeId === undefined) keys.push(`hello ${line.number}`);
    for (const key of keys) {
      if (!answers.reject(key, error)) continue;
      line.socket?.settle(key);
      return;
    }
    strays.set(code, (strays.get(code) ?? 0) + 1);
  };
  const receive = (line: Line, message: ToFleetMessage): void => {
    switch (message.type) {
      case 'welcome':
        return void answers.resolve(`hello ${line.number}`, message);
      case 'route.assigned':
        return void answer(line, `request ${message.requestId}`, message);
      case 'route.scored':
        lineOfRoute.delete(message.routeId);
        return void answer(line, `completed ${message.routeId}`, message);
      case 'route.closed':
        lineOfRoute.delete(message.routeId);
        return void answer(line, `cancelled ${message.routeId}`, message);
      case 'route.updated':
        if (message.reason === 'deviated' && answer(line, `deviated ${message.routeId}`, message)) return;
        return later(message);
      case 'route.held':
        return later(message);
      case 'policy.updated':
        return options.onPolicy?.(message.policyVersion);
      case 'error':
        return fail(line, message);
      case 'weights.updated':
        return;
    }
  };
  /** After whatever came before it in the same chunk was taken up. */
  const later = (message: RouteChange): void => void setImmediate(() => changed(message));

  const ask = <Answer>(line: Line, key: string, message: FromFleetMessage): Promise<Answer> => {
    const awaited = answers.expect<Answer>(key);
    line.socket?.ask(key, message);
    return awaited;
  };
  const greet = (line: Line, robots: HelloMessage['robots']): Promise<WelcomeMessage> => {
    const welcome = answers.expect<WelcomeMessage>(`hello ${line.number}`);
    line.socket?.tell({ type: 'hello', warehouseId, robots });
    return welcome;
  };
  const greetAll = async (line: Line): Promise<WelcomeMessage[]> => {
    const welcomes: WelcomeMessage[] = [];
    for (let from = 0; from < line.robots.length; from += LIMITS.robotsPerHello) {
      welcomes.push(await greet(line, line.robots.slice(from, from + LIMITS.robotsPerHello)));
    }
    return welcomes;
  };
  /** Where robots stood when they were introduced is long ago. */
  const resume = async (line: Line): Promise<void> => {
    answers.reject(
      `hello ${line.number}`,
      errorOf('E_LINK_LOST', { url: target.url, detail: 'dropped' }, ''),
    );
    for (const [at, { robotId, robotType }] of line.robots.entries())
      line.robots[at] = { robotId, robotType };
    for (const { openRoutes } of await greetAll(line)) for (const route of openRoutes) later(changeOf(route));
  };
  const { url, robotToken: token } = target;
  const connect = async (line: Line): Promise<void> => {
    line.socket = await openLastingSocket({
      ...{ url, token, patienceSeconds, signal: options.signal },
      onMessage: (message) => receive(line, message),
      greet: () => resume(line),
      onResumed: () => void resumed++,
      onLost: (error) => answers.rejectAll(error),
    });
  };
  const close = async (): Promise<void> => {
    for (const { socket } of lines) await socket?.close();
    answers.close();
  };
  for (let number = 0; number < options.sockets; number++) lines.push({ number, robots: [], socket: null });
  const first = lines[0] as Line;
  const open = async (): Promise<WelcomeMessage> => {
    for (const line of lines) await connect(line);
    return greet(first, []);
  };
  const { serverTime } = await open().catch(async (error: unknown) => {
    await close();
    throw error;
  });

  const cancel = (line: Line, routeId: string, reason: string): Promise<unknown> =>
    ask(line, `cancelled ${routeId}`, { type: 'route.cancelled', routeId, reason });
  /** What an earlier run left open would stand in the way of this one. */
  const cancelLeftovers = (line: Line, { openRoutes }: WelcomeMessage) =>
    Promise.all(openRoutes.map(({ routeId }) => cancel(line, routeId, 'a new run begins')));
  const ofRobot = (robotId: string): Line => lineOfRobot.get(robotId) ?? first;
  const ofRoute = (routeId: string): Line => lineOfRoute.get(routeId) ?? first;

  return {
    serverTime,
    api,
    strayErrors: () => Object.fromEntries([...strays].sort()),
    resumed: () => resumed,
    async cancelOpen(reason) {
      await Promise.all([...lineOfRoute].map(([routeId, line]) => cancel(line, routeId, reason)));
    },
    async hello(robots) {
      for (const [at, line] of lines.entries()) {
        line.robots.push(...robots.filter((_, robot) => robot % lines.length === at));
        for (const { robotId } of line.robots) lineOfRobot.set(robotId, line);
        for (const welcome of await greetAll(line)) await cancelLeftovers(line, welcome);
      }
    },
    robotState: (message) => ofRobot(message.robotId).socket?.tell({ type: 'robot.state', ...message }),
    async requestRoute(request) {
      const line = ofRobot(request.robotId);
      const key = `request ${request.requestId}`;
      const assigned = await ask<RouteAssignedContent>(line, key, { type: 'route.request', ...request });
      lineOfRoute.set(assigned.routeId, line);
      return assigned;
    },
    progress: (message) => ofRoute(message.routeId).socket?.tell({ type: 'route.progress', ...message }),
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
      for (;;) {
        answers.assertLinked();
        try {
          if (options.inOrder === true) await Promise.all(lines.map((line) => greet(line, [])));
          return await api.advanceClock(at);
        } catch (error) {
          const isAway = isAppError(error) && ['E_LINK_LOST', 'E_SHUTTING_DOWN'].includes(error.code);
          if (!isAway) throw error;
          await sleep(CLOCK_PAUSE_MILLISECONDS);
        }
      }
    },
    onUpdate: (listener) => void (changed = listener),
    close,
  };
}

/** An open route of a welcome, as news for its robot. */
function changeOf(route: WelcomeMessage['openRoutes'][number]): RouteChange {
  const { routeId, robotId, revision, nodes, held } = route;
  if (!held) return { type: 'route.resumed', ...route };
  return { type: 'route.held', routeId, robotId, revision, node: nodes[0] ?? '', reason: 'no way now' };
}
