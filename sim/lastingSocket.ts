import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError } from '../src/domain/errors.js';
import type { FromFleetMessage, ToFleetMessage } from '../src/domain/messages.js';
import { monotonicMilliseconds } from '../src/platform/clock.js';
import { openFleetSocket, type FleetSocket } from './fleetSocket.js';

/** One WebSocket of a fleet that comes back when it drops, and asks again what was not answered. */
export interface LastingSocket {
  /** Lost while the connection is down: positions, that the next report makes good. */
  tell(message: FromFleetMessage): void;
  /** Sent again on each new connection until it is settled. */
  ask(key: string, message: FromFleetMessage): void;
  settle(key: string): void;
  close(): Promise<void>;
}

export interface LastingSocketOptions {
  readonly url: string;
  readonly token: string;
  readonly onMessage: (message: ToFleetMessage) => void;
  /** How long it tries to come back before `onLost`. */
  readonly patienceSeconds: number;
  /** Ends the patience: a connection that is down, or goes down later, is lost at once. */
  readonly signal?: AbortSignal | undefined;
  /** Introduces the robots again on a new connection, before anything is asked. */
  readonly greet: () => Promise<void>;
  readonly onResumed: () => void;
  readonly onLost: (error: Error) => void;
}

/** Its token is known no more, or not let in: to ask again changes nothing. */
const isUnwelcome = (error: Error): boolean =>
  isAppError(error) && ['E_UNAUTHENTICATED', 'E_FORBIDDEN'].includes(error.code);

const FIRST_PAUSE_MILLISECONDS = 50;
const LONGEST_PAUSE_MILLISECONDS = 1_000;

interface Connection {
  readonly socket: FleetSocket;
  /** Settles once it ended without being closed here. */
  readonly lost: Promise<Error>;
}

/** @throws E_LINK_LOST, and what else the first connection is refused with */
export async function openLastingSocket(options: LastingSocketOptions): Promise<LastingSocket> {
  const open = new Map<string, FromFleetMessage>();
  const closing = new AbortController();
  const patience = AbortSignal.any([closing.signal, options.signal ?? []].flat());
  let socket: FleetSocket | null = null;

  const connect = async (): Promise<Connection> => {
    let onLost: (error: Error) => void = () => undefined;
    const lost = new Promise<Error>((resolve) => (onLost = resolve));
    return { socket: await openFleetSocket({ ...options, onLost: (error) => onLost(error) }), lost };
  };
  /** A new connection on which the robots are known again. */
  const resume = async (): Promise<Connection> => {
    const connection = await connect();
    ({ socket } = connection);
    const dropped = connection.lost.then((error) => Promise.reject(error));
    await Promise.race([options.greet(), dropped]);
    for (const message of open.values()) socket.send(message);
    return connection;
  };
  const comeBack = async (lost: Error): Promise<Connection | Error> => {
    let error = lost;
    let pause = FIRST_PAUSE_MILLISECONDS;
    const givesUpAt = monotonicMilliseconds() + 1000 * options.patienceSeconds;
    while (!patience.aborted && monotonicMilliseconds() < givesUpAt) {
      try {
        // While all sockets are down, this is all that keeps the process alive.
        await sleep(pause, undefined, { signal: patience });
        pause = Math.min(LONGEST_PAUSE_MILLISECONDS, 2 * pause);
        return await resume();
      } catch (failure) {
        if (patience.aborted) break;
        error = failure as Error;
        await socket?.close();
        socket = null;
        if (isUnwelcome(error)) break;
      }
    }
    return error;
  };
  const keep = async ({ lost }: Connection): Promise<void> => {
    const error = await lost;
    socket = null;
    const next = await comeBack(error);
    if (next instanceof Error) return closing.signal.aborted ? undefined : options.onLost(next);
    if (closing.signal.aborted) return next.socket.close();
    options.onResumed();
    return keep(next);
  };
  const first = await connect();
  ({ socket } = first);
  void keep(first);
  return {
    tell: (message) => socket?.send(message),
    ask(key, message) {
      open.set(key, message);
      socket?.send(message);
    },
    settle: (key) => void open.delete(key),
    async close() {
      closing.abort();
      await socket?.close();
    },
  };
}
