import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { AppError, isAppError, type ErrorCode } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { endWithProblem } from './problem.js';
import { authenticate, requireRole, type Credential, type TokenSource } from './tokens.js';

export const SUB_PROTOCOL = 'aisleflow.v1';
export const WEB_SOCKET_PATH = '/v1/ws';

/** Turns HTTP upgrades into authenticated WebSockets; everything that is refused is refused before 101. */
export interface Upgrades {
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

export function createUpgrades(options: {
  readonly tokens: TokenSource;
  /** Browser pages that may connect. Robots send no Origin. */
  readonly allowedOrigins: readonly string[];
  readonly stopping: () => boolean;
  readonly accept: (socket: WebSocket, stream: Duplex, credential: Credential) => void;
  /** Told of each upgrade that is answered with an error. */
  readonly refused: (code: ErrorCode) => void;
}): Upgrades {
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: LIMITS.webSocketMessageBytes,
    maxFragments: LIMITS.webSocketFragments,
    maxBufferedChunks: LIMITS.webSocketChunks,
    perMessageDeflate: false,
    // Checked in wireJson.ts instead: one robot's bad bytes get an answer, and the gateway lives on.
    skipUTF8Validation: true,
    WebSocket: FleetWebSocket,
    handleProtocols: (protocols) => (protocols.has(SUB_PROTOCOL) ? SUB_PROTOCOL : false),
  });
  webSockets.on('wsClientError', ({ message: detail }, socket) => {
    const error = new AppError('E_BAD_MESSAGE', { detail });
    options.refused(error.code);
    endWithProblem(socket, error, { 'sec-websocket-version': '13, 8' });
  });
  return {
    handle(request, socket, head) {
      // ws listens only while it holds the socket; a reset before that must not end the process.
      socket.on('error', () => socket.destroy());
      try {
        const credential = admit(request, options);
        // It may have been offered beside others; ws wants it alone.
        request.headers.upgrade = 'websocket';
        webSockets.handleUpgrade(request, socket, head, (webSocket) =>
          options.accept(webSocket, socket, credential),
        );
      } catch (error) {
        if (!isAppError(error)) throw error;
        options.refused(error.code);
        endWithProblem(socket, error);
      }
    },
    close: () => webSockets.close(),
  };
}

function admit(
  request: IncomingMessage,
  options: { tokens: TokenSource; allowedOrigins: readonly string[]; stopping: () => boolean },
): Credential {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const credential = authenticate(options.tokens, request.headers.authorization);
  if (credential === null) throw new AppError('E_UNAUTHENTICATED');
  if (path !== WEB_SOCKET_PATH) throw new AppError('E_NOT_FOUND', { path: path.slice(0, 100) });
  requireRole(credential, ['robot', 'operator']);
  const { origin } = request.headers;
  if (origin !== undefined && !options.allowedOrigins.includes(origin)) {
    throw new AppError('E_FORBIDDEN', { detail: 'pages of this origin may not connect' });
  }
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (!protocols.includes(SUB_PROTOCOL)) {
    throw new AppError('E_BAD_MESSAGE', { detail: `the sub-protocol ${SUB_PROTOCOL} is not offered` });
  }
  if (options.stopping()) throw new AppError('E_SHUTTING_DOWN');
  return credential;
}

/** What `ws` ends a connection for by itself, by its close code (RFC 6455, 7.4.1). A reason has 123 bytes at most. */
export const FRAME_REFUSALS: ReadonlyMap<number | undefined, AppError> = new Map([
  [1002, new AppError('E_BAD_ENCODING', { detail: 'it is no WebSocket frame' })],
  [1008, new AppError('E_BAD_ENCODING', { detail: 'it comes in too many parts' })],
  [1009, new AppError('E_TOO_LARGE', { limit: LIMITS.webSocketMessageBytes })],
]);

/** No message can be answered after such a frame: the close frame bears the refusal. */
class FleetWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    const refusal = FRAME_REFUSALS.get(code);
    super.close(code, reason ?? (refusal && `${refusal.code}: ${refusal.message}`));
  }
}
