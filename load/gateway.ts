import { once } from 'node:events';
import { WebSocket } from 'ws';
import type {
  FromFleetMessage,
  HelloMessage,
  ToFleetMessage,
  WelcomeMessage,
} from '../src/domain/messages.js';
import type { Target } from './api.js';

const SUB_PROTOCOL = 'aisleflow.v1';
const WELCOME_MILLISECONDS = 10_000;

/** One WebSocket that carries many robots, as a fleet's gateway does. */
export interface Gateway {
  send(message: FromFleetMessage): void;
  /** Answers once everything that was sent before has been handled: a ping overtakes nothing. */
  afterHandled(tell: () => void): void;
  close(): Promise<void>;
  /** At once, whatever the other side does. */
  terminate(): void;
}

export interface GatewayOptions {
  readonly target: Target;
  readonly warehouseId: string;
  readonly robots: HelloMessage['robots'];
  readonly onMessage: (message: ToFleetMessage) => void;
  readonly onClose: (reason: string) => void;
}

/** @throws Error where the server refuses the connection or does not welcome it in time. */
export async function openGateway(
  options: GatewayOptions,
): Promise<{ gateway: Gateway; welcome: WelcomeMessage }> {
  const { target, warehouseId, robots, onMessage, onClose } = options;
  const socket = new WebSocket(`${target.url.replace(/^http/, 'ws')}/v1/ws`, SUB_PROTOCOL, {
    headers: target.headers,
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  let isClosing = false;
  const waiting: (() => void)[] = [];
  socket.on('pong', () => waiting.shift()?.());
  socket.on('error', () => undefined);
  socket.on('close', (code, reason) => {
    if (!isClosing) onClose(`${code} ${reason.toString('utf8')}`.trim());
  });
  const terminate = (): void => {
    isClosing = true;
    socket.terminate();
  };
  const welcomed = firstAnswer(socket);
  socket.send(JSON.stringify({ type: 'hello', warehouseId, robots } satisfies FromFleetMessage));
  const welcome = await welcomed.catch((error: unknown) => {
    // Left open, it would keep the process alive.
    terminate();
    throw error;
  });
  socket.on('message', (bytes: Buffer) => onMessage(JSON.parse(bytes.toString('utf8')) as ToFleetMessage));
  return {
    welcome,
    gateway: {
      send(message) {
        if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
      },
      afterHandled(tell) {
        if (socket.readyState !== socket.OPEN) return;
        waiting.push(tell);
        socket.ping();
      },
      async close() {
        isClosing = true;
        if (socket.readyState === socket.CLOSED) return;
        const closed = once(socket, 'close');
        socket.close(1000);
        await closed;
      },
      terminate,
    },
  };
}

async function firstAnswer(socket: WebSocket): Promise<WelcomeMessage> {
  const signal = AbortSignal.timeout(WELCOME_MILLISECONDS);
  for (;;) {
    const [bytes] = (await once(socket, 'message', { signal })) as [Buffer];
    const message = JSON.parse(bytes.toString('utf8')) as ToFleetMessage;
    if (message.type === 'welcome') return message;
    if (message.type === 'error') throw new Error(`hello was refused, ${message.code}: ${message.message}`);
  }
}
