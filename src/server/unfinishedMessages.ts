import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { LIMITS } from '../domain/limits.js';
import { monotonicMilliseconds } from '../platform/clock.js';

/** One WebSocket and what lies below it. */
export interface WatchedConnection {
  readonly socket: WebSocket;
  readonly stream: Duplex;
  readonly tokenId: string;
  /** Ends the connection, and reads nothing more: its robots come back, and send again what was not answered. */
  readonly refuse: (reason: string) => void;
}

/**
 * Messages of which a part has come: nothing answers for them yet, and each connection may hold one of up to a megabyte.
 * What is long of them has a limit together, and each has a time to come in.
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
  /** What each connection may hold in any case. */
  readonly bytesOfEach: number;
  /** Of all connections together, above that. */
  readonly bytesAbove: number;
  readonly seconds: number;
}

const DEFAULT_LIMITS: UnfinishedLimits = {
  bytesOfEach: LIMITS.unfinishedBytesOfEach,
  bytesAbove: LIMITS.unfinishedBytesAbove,
  seconds: LIMITS.unfinishedSeconds,
};

/** Header and mask of a frame, by the bytes that it carries (RFC 6455, 5.2). */
function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 6 : payloadBytes < 65_536 ? 8 : 14;
}
/** What a message of many frames may have of them beyond one: nobody is told how many it had. */
const OTHER_HEADERS_BYTES = 14 * LIMITS.webSocketFragments;

interface Unfinished {
  readonly connection: WatchedConnection;
  /** Come since the last message: all that is held for the next, and the pings and pongs among that. */
  bytes: number;
  controlBytes: number;
  begunAt: number;
}

export function createUnfinishedMessages(
  limits: UnfinishedLimits = DEFAULT_LIMITS,
  now: () => number = monotonicMilliseconds,
): UnfinishedMessages {
  /** Those of more than no bytes, in the order in which they began. */
  const unfinished = new Set<Unfinished>();
  /** What is held above `bytesOfEach`, by token, and in all. */
  const aboveOf = new Map<string, number>();
  let above = 0;

  const hold = (message: Unfinished, bytes: number): void => {
    const { tokenId } = message.connection;
    const aboveOfEach = (held: number): number => Math.max(0, held - limits.bytesOfEach);
    const change = aboveOfEach(bytes) - aboveOfEach(message.bytes);
    message.bytes = bytes;
    if (change !== 0) {
      above += change;
      const ofToken = (aboveOf.get(tokenId) ?? 0) + change;
      if (ofToken > 0) aboveOf.set(tokenId, ofToken);
      else aboveOf.delete(tokenId);
    }
    if (bytes === 0) unfinished.delete(message);
    else if (!unfinished.has(message)) {
      message.begunAt = now();
      unfinished.add(message);
    }
  };
  const forget = (message: Unfinished): void => {
    message.controlBytes = 0;
    hold(message, 0);
  };
  const refuse = (message: Unfinished, reason: string): void => {
    forget(message);
    message.connection.refuse(reason);
  };
  /** The token that holds most gives up its oldest: whoever sends at once what it began goes first. */
  const makeRoom = (): void => {
    while (above > limits.bytesAbove) {
      const [most] = [...aboveOf].reduce((one, other) => (other[1] > one[1] ? other : one));
      for (const message of unfinished) {
        if (message.connection.tokenId !== most || message.bytes <= limits.bytesOfEach) continue;
        refuse(message, 'E_BUSY: too many unfinished messages');
        break;
      }
    }
  };
  return {
    watch(connection) {
      const { socket, stream } = connection;
      const message: Unfinished = { connection, bytes: 0, controlBytes: 0, begunAt: 0 };
      // Whole chunks: a fragment keeps the one that it came in.
      stream.prependListener('data', (chunk: Buffer) => {
        // What comes after a refused or a close frame is dropped.
        if (socket.readyState !== socket.OPEN) return forget(message);
        hold(message, message.bytes + chunk.length);
        makeRoom();
      });
      socket.on('message', (payload: Buffer) => {
        const rest = message.bytes - message.controlBytes - payload.length - headerBytes(payload.length);
        forget(message);
        if (rest > OTHER_HEADERS_BYTES) hold(message, rest);
      });
      const control = (payload: Buffer): void => {
        message.controlBytes += payload.length + headerBytes(payload.length);
        if (message.controlBytes >= message.bytes) forget(message);
      };
      socket.on('ping', control);
      socket.on('pong', control);
      socket.on('close', () => forget(message));
    },
    beat() {
      const tooOld = now() - 1000 * limits.seconds;
      for (const message of unfinished) {
        if (message.begunAt > tooOld) return;
        refuse(message, 'E_BUSY: a message took too long to come');
      }
    },
    get bytes() {
      let bytes = 0;
      for (const message of unfinished) bytes += message.bytes;
      return bytes;
    },
  };
}
