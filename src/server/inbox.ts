import type { WebSocket } from 'ws';
import { LIMITS } from '../domain/limits.js';
import { monotonicMilliseconds } from '../platform/clock.js';

interface Arrived {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

/** The close code of a connection that ended without a close frame (RFC 6455, 7.4.1). */
const BROKEN_OFF = 1006;

/**
 * Hands on what comes from one connection, in order, for a short while in each turn of the loop; the rest waits for the
 * next, and nothing more is read until it is gone. One chunk may hold thousands of small messages, which would keep the
 * robots of all other connections waiting for seconds.
 */
export function openInbox(options: {
  readonly socket: WebSocket;
  readonly receive: (bytes: Buffer, isBinary: boolean) => void;
  /** It is closed, and all that came before a close in good order has been handed on. */
  readonly closed: (code: number) => void;
  /** Ends the connection of whoever floods it with pings or pongs: no robot has a reason to. */
  readonly refuse: (reason: string) => void;
  readonly now?: () => number;
}): void {
  const { socket, receive, closed, refuse, now = monotonicMilliseconds } = options;
  let waiting: Arrived[] = [];
  /** When this connection was first heard in this turn; null before. */
  let turnBegunAt: number | null = null;
  let controlFrames = 0;
  let closeCode: number | null = null;

  const takePart = (): void => {
    if (turnBegunAt !== null) return;
    turnBegunAt = now();
    controlFrames = 0;
    setImmediate(nextTurn);
  };
  /** From then on nothing is handed on before the next turn: what waits stays before what comes. */
  const isOver = (): boolean =>
    turnBegunAt !== null && now() - turnBegunAt >= LIMITS.webSocketMillisecondsPerTurn;
  const nextTurn = (): void => {
    turnBegunAt = null;
    let next = 0;
    for (; next < waiting.length && !isOver(); next++) {
      takePart();
      const { bytes, isBinary } = waiting[next]!;
      receive(bytes, isBinary);
    }
    waiting = waiting.slice(next);
    if (next === 0 || waiting.length > 0) return;
    if (closeCode === null) socket.resume();
    else closed(closeCode);
  };
  const control = (): void => {
    takePart();
    if (++controlFrames === LIMITS.webSocketControlFramesPerTurn) refuse('E_BUSY: too many pings or pongs');
  };
  socket.on('message', (bytes: Buffer, isBinary: boolean) => {
    // Whoever was told to go, and goes on talking, has no say any more: the token may be why.
    if (socket.readyState !== socket.OPEN) return;
    if (isOver()) {
      waiting.push({ bytes, isBinary });
      socket.pause();
      return;
    }
    takePart();
    receive(bytes, isBinary);
  });
  socket.on('ping', control);
  socket.on('pong', control);
  socket.on('close', (code) => {
    closeCode = code;
    // Who breaks off comes back, and sends again what was not answered.
    if (code === BROKEN_OFF) waiting = [];
    if (waiting.length === 0) closed(code);
  });
}
