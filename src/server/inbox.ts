import type { WebSocket } from 'ws';
import { LIMITS } from '../domain/limits.js';
import { monotonicMilliseconds } from '../platform/clock.js';

/** What `ws` reads the frames of one connection with. Where this is false, each frame waits for the next turn. */
interface Receiver {
  _allowSynchronousEvents: boolean;
}

/**
 * Hands on what comes from one connection, in order, for a short while in each turn of the loop; the rest waits for the
 * next, and nothing more is read until it is gone. One chunk may hold thousands of small frames, which would keep the
 * robots of all other connections waiting for seconds. Of what no robot has a reason to send, messages that cannot be
 * read, pings and pongs, it is one a turn. `ws` itself stops between two frames (decision 0024).
 */
export function openInbox(options: {
  readonly socket: WebSocket;
  /** False where it could not be read. */
  readonly message: (bytes: Buffer, isBinary: boolean) => boolean;
  readonly pong: () => void;
  readonly now?: () => number;
}): void {
  const { socket, message, pong, now = monotonicMilliseconds } = options;
  const receiver = receiverOf(socket);
  /** When this connection was first heard in this turn; null before. */
  let turnBegunAt: number | null = null;

  const begin = (): number => {
    if (turnBegunAt !== null) return turnBegunAt;
    turnBegunAt = now();
    // Before the frame that waits: `ws` asks for its own turn later.
    setImmediate(() => {
      turnBegunAt = null;
      receiver._allowSynchronousEvents = true;
    });
    return turnBegunAt;
  };
  const end = (): void => {
    begin();
    receiver._allowSynchronousEvents = false;
  };
  const endIfOver = (): void => {
    if (now() - begin() >= LIMITS.webSocketMillisecondsPerTurn) end();
  };
  /** What waits of a connection that is over is to be gone soon: it counts among the open ones until then. */
  const endIfOpen = (): void => (socket.readyState === socket.OPEN ? end() : endIfOver());
  socket.on('message', (bytes: Buffer, isBinary: boolean) => {
    begin();
    // Whoever was told to go, and goes on talking, has no say any more: the token may be why.
    const isRead = socket.readyState !== socket.OPEN || message(bytes, isBinary);
    if (isRead) endIfOver();
    else end();
  });
  socket.on('ping', endIfOpen);
  socket.on('pong', () => {
    begin();
    pong();
    endIfOpen();
  });
}

function receiverOf(socket: WebSocket): Receiver {
  const { _receiver: receiver } = socket as unknown as { readonly _receiver?: Partial<Receiver> };
  if (typeof receiver?._allowSynchronousEvents === 'boolean') return receiver as Receiver;
  throw new Error('this version of ws reads in another way: src/server/inbox.ts must follow it');
}
