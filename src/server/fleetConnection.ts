import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { LIMITS } from '../domain/limits.js';
import type { ToFleetMessage } from '../domain/messages.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import type { Credential } from './tokens.js';
import { createRobotQueues, type RobotQueues, type SharedBytes } from './robotQueues.js';

/** WebSocket close codes that the server uses (RFC 6455, 7.4.1). */
export const CLOSE = { goingAway: 1001, policyViolation: 1008, tryAgainLater: 1013 } as const;

/** One WebSocket of a fleet: whom it speaks for, what it still has under way, and its sending side. */
export interface FleetConnection {
  readonly connectionId: string;
  readonly credential: Credential;
  /** Robots that said hello here, and where each did last: there it asks for routes. */
  readonly warehouseOf: Map<string, string>;
  /** `robotKey` of each hello: one that said hello elsewhere since may have a route to finish. */
  readonly speaksFor: Set<string>;
  readonly warehouses: Set<string>;
  readonly queues: RobotQueues;
  readonly bufferedBytes: number;
  /** False from the first close frame on, which may be long before the end: nothing is sent any more. */
  readonly isOpen: boolean;
  /** Sends, or cuts the connection where its reader is too slow: robots reconnect and resume. */
  send(message: ToFleetMessage): void;
  /** Closes in good order; what has not closed within a second is cut. */
  close(code: number, reason: string): void;
  terminate(): void;
  /** Whether it is told what is wrong with one more message: finding that out takes longer than the rest. */
  explains(): boolean;
  /** Called by the heartbeat; false once the other side missed too many. */
  ping(): boolean;
  /** The other side is alive. */
  heard(): void;
}

/** Names a robot among all warehouses. */
export function robotKey(warehouseId: string, robotId: string): string {
  return `${warehouseId}/${robotId}`;
}

const CUT_AFTER_MILLISECONDS = 1000;
const READ_FASTER = 'read faster';

export function createFleetConnection(options: {
  readonly socket: WebSocket;
  /** What lies below it. */
  readonly stream: Duplex;
  readonly connectionId: string;
  readonly credential: Credential;
  readonly bufferedBytesLimit: number;
  readonly sharedBytes: SharedBytes;
  /** Told why, where it is closed because it reads too slowly. */
  readonly refused: (reason: string) => void;
}): FleetConnection {
  const { socket, stream, connectionId, credential, bufferedBytesLimit } = options;
  let missedPings = 0;
  let isGathering = false;
  let explained = { sinceAt: 0, messages: 0 };

  const close = (code: number, reason: string): void => {
    if (socket.readyState !== socket.OPEN) return;
    socket.close(code, reason);
    // A close frame waits behind what a stalled reader has not taken: do not wait for it.
    setTimeout(() => socket.terminate(), CUT_AFTER_MILLISECONDS).unref();
  };
  const release = (): void => {
    if (!isGathering) return;
    isGathering = false;
    stream.uncork();
  };
  /** What is answered to many messages that came together goes in few writes: one for each took a third of the time. */
  const gather = (): void => {
    if (isGathering) return;
    isGathering = true;
    stream.cork();
    process.nextTick(release);
  };
  const hasRoomFor = (bytes: number): boolean =>
    socket.bufferedAmount === 0 || socket.bufferedAmount + bytes <= bufferedBytesLimit;
  return {
    connectionId,
    credential,
    warehouseOf: new Map(),
    speaksFor: new Set(),
    warehouses: new Set(),
    queues: createRobotQueues(options.sharedBytes),
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
    send(message) {
      if (socket.readyState !== socket.OPEN) return;
      const text = JSON.stringify(message);
      if (!hasRoomFor(text.length)) release();
      if (!hasRoomFor(text.length)) {
        options.refused(READ_FASTER);
        return close(CLOSE.tryAgainLater, READ_FASTER);
      }
      gather();
      socket.send(text);
      if (stream.writableLength > LIMITS.webSocketGatheredBytes) release();
    },
    explains() {
      const now = monotonicMilliseconds();
      if (now >= explained.sinceAt + 1000) explained = { sinceAt: now, messages: 0 };
      return ++explained.messages <= LIMITS.faultsExplainedPerSecond;
    },
    close,
    terminate: () => socket.terminate(),
    ping() {
      if (missedPings >= LIMITS.webSocketMissedPings) return false;
      missedPings++;
      if (socket.readyState === socket.OPEN) socket.ping();
      return true;
    },
    heard: () => void (missedPings = 0),
  };
}
