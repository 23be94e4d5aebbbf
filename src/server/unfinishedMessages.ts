import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { LIMITS } from '../domain/limits.js';
import { monotonicMilliseconds } from '../platform/clock.js';

/** One WebSocket and what lies below it. */
export interface WatchedConnection {
  readonly socket: WebSocket;
  readonly stream: Duplex;
  /** Ends the connection: its robots come back, and send again what was not answered. */
  readonly refuse: (reason: string) => void;
}

/**
 * Messages of which a part has come: nothing answers for them yet, and each connection may hold one of up to a megabyte.
 * They have a limit together, and each has a time to come in.
 */
export interface UnfinishedMessages {
  /** To be called before anything has been read from the connection. */
  watch(connection: WatchedConnection): void;
  /** Ends the connections whose message takes too long. Called now and then. */
  beat(): void;
  /** Bytes, of all connections. */
  readonly bytes: number;
}

export interface UnfinishedLimits {
  readonly bytes: number;
  /** What a connection may hold in any case. */
  readonly bytesOfEach: number;
  readonly seconds: number;
}

const DEFAULT_LIMITS: UnfinishedLimits = {
  bytes: LIMITS.unfinishedBytes,
  bytesOfEach: LIMITS.unfinishedBytesOfEach,
  seconds: LIMITS.unfinishedSeconds,
};

/** Header and mask of the frame of a ping or pong (RFC 6455, 5.2). */
const CONTROL_HEADER_BYTES = 6;

interface Unfinished {
  bytes: number;
  begunAt: number;
  readonly connection: WatchedConnection;
}

export function createUnfinishedMessages(
  limits: UnfinishedLimits = DEFAULT_LIMITS,
  now: () => number = monotonicMilliseconds,
): UnfinishedMessages {
  /** Those of more than no bytes, in the order in which they began. */
  const unfinished = new Set<Unfinished>();
  let total = 0;

  const hold = (message: Unfinished, bytes: number): void => {
    total += bytes - message.bytes;
    message.bytes = bytes;
    if (bytes === 0) unfinished.delete(message);
  };
  const refuse = (message: Unfinished, reason: string): void => {
    const { socket, refuse } = message.connection;
    hold(message, 0);
    socket.pause();
    refuse(reason);
  };
  /** Whoever sends at once what it began goes before whoever has kept others waiting for longest. */
  const makeRoom = (): void => {
    for (const message of unfinished) {
      if (total <= limits.bytes) return;
      if (message.bytes > limits.bytesOfEach) refuse(message, 'E_BUSY: too many unfinished messages');
    }
  };
  return {
    watch(connection) {
      const { socket, stream } = connection;
      const message: Unfinished = { bytes: 0, begunAt: 0, connection };
      const afterControl = (payload: Buffer): void =>
        hold(message, Math.max(0, message.bytes - payload.length - CONTROL_HEADER_BYTES));
      // Counted before ws reads it: what ws has then emitted is over.
      stream.prependListener('data', (chunk: Buffer) => hold(message, message.bytes + chunk.length));
      stream.on('data', () => {
        if (message.bytes === 0) return;
        if (!unfinished.has(message)) message.begunAt = now();
        unfinished.add(message);
        makeRoom();
      });
      socket.on('message', () => hold(message, 0));
      socket.on('ping', afterControl);
      socket.on('pong', afterControl);
      socket.on('close', () => hold(message, 0));
    },
    beat() {
      const tooOld = now() - 1000 * limits.seconds;
      for (const message of unfinished) {
        if (message.begunAt > tooOld) return;
        refuse(message, 'E_BUSY: a message took too long to come');
      }
    },
    get bytes() {
      return total;
    },
  };
}
