import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocket, type ClientOptions } from 'ws';
import { AppError, isAppError } from '../src/domain/errors.js';
import type { FromFleetMessage, ToFleetMessage } from '../src/domain/messages.js';
import { refusalOf, serverOrigin } from '../src/platform/serverClient.js';
import { unreachable } from '../src/platform/unreachable.js';

const SUB_PROTOCOL = 'aisleflow.v1';
const PATH = '/v1/ws';
const OPEN_MILLISECONDS = 10_000;

/** One WebSocket that carries many robots. */
export interface FleetSocket {
  send(message: FromFleetMessage): void;
  close(): Promise<void>;
}

export interface FleetSocketOptions {
  /** http://host:port */
  readonly url: string;
  readonly token: string;
  readonly onMessage: (message: ToFleetMessage) => void;
  /** It ended, and `close` was not called. */
  readonly onLost: (error: Error) => void;
}

/** @throws E_LINK_LOST, and what else the server refuses the connection with */
export async function openFleetSocket(options: FleetSocketOptions): Promise<FleetSocket> {
  const { url, token, onMessage, onLost } = options;
  let stream: Socket | undefined;
  const socket = connectTo(url, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    handshakeTimeout: OPEN_MILLISECONDS,
  });
  socket.once('upgrade', (response) => (stream = response.socket));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(unreachable(url, error)));
    socket.once('unexpected-response', (request, response) => {
      const refusal = text(response).then((body) => refusalOf(body) ?? `answered ${response.statusCode}`);
      void refusal
        .catch((error: unknown) => error)
        .then((why) => reject(isAppError(why) ? ofRobots(why) : unreachable(url, why)))
        .finally(() => request.destroy());
    });
  });
  let closing = false;
  socket.on('error', (error) => onLost(unreachable(url, error)));
  socket.on('close', (code, reason) => {
    if (closing) return;
    onLost(unreachable(url, `the server closed the socket (${`${code} ${reason.toString('utf8')}`.trim()})`));
  });
  socket.on('message', (bytes: Buffer) => onMessage(JSON.parse(bytes.toString('utf8')) as ToFleetMessage));

  // A step of the floor sends hundreds of messages at once: one write for all of them.
  let corked = false;
  const uncork = (): void => {
    corked = false;
    stream?.uncork();
  };
  return {
    send(message) {
      if (socket.readyState !== socket.OPEN) return;
      if (!corked) {
        corked = true;
        stream?.cork();
        process.nextTick(uncork);
      }
      socket.send(JSON.stringify(message));
    },
    async close() {
      closing = true;
      if (socket.readyState === socket.CLOSED) return;
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.close(1000);
      await closed;
    },
  };
}

/** A run has two tokens: says which one the server does not know. */
function ofRobots(error: AppError): AppError {
  return error.code === 'E_UNAUTHENTICATED' ? new AppError(error.code, { role: 'robot' }, error) : error;
}

/** @throws E_CONFIG for what is no address, E_LINK_LOST for a token that no header takes */
function connectTo(url: string, options: ClientOptions): WebSocket {
  const origin = serverOrigin(url);
  try {
    return new WebSocket(`${origin.replace(/^http/, 'ws')}${PATH}`, SUB_PROTOCOL, options);
  } catch (error) {
    throw unreachable(url, error);
  }
}
