import { IncomingMessage } from 'node:http';
import { fastify, LogController, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { AppError, type ErrorCode } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';
import { endWithProblem, problemHeaders, sendProblem, toAppError, toProblem } from '../problem.js';

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Timeouts {
  readonly headersSeconds: number;
  readonly requestSeconds: number;
  readonly connectionSeconds: number;
  readonly answerSeconds: number;
  readonly longAnswerSeconds: number;
}

/**
 * Fastify on an HTTP server with its limits. What Node refuses by itself, with an empty answer or none, gets an
 * error of the catalogue too.
 */
export function createHttpServer(options: {
  readonly logger: Logger;
  readonly timeouts: Timeouts;
  readonly tls?: TlsMaterial;
  /** Told of each request that is answered with an error here. */
  readonly refused: (code: ErrorCode) => void;
}): FastifyInstance {
  const app = createFastify(options);
  const { server } = app;
  server.headersTimeout = options.timeouts.headersSeconds * 1000;
  server.maxConnections = LIMITS.connections;
  server.on('checkExpectation', (_request, response) => {
    const error = unreadable('it expects what is not known here: only 100-continue is');
    options.refused(error.code);
    response.writeHead(error.status, { ...problemHeaders(error), connection: 'close' });
    response.end(JSON.stringify(toProblem(error)));
  });
  server.on('connect', (_request, socket) => {
    const error = unreadable('this is no proxy');
    options.refused(error.code);
    endWithProblem(socket, error);
  });
  app.addHook('onRequest', ({ headers, raw }, _reply, done) =>
    done(
      headers.host === undefined && raw.httpVersion === '1.1'
        ? unreadable('it has no header Host')
        : undefined,
    ),
  );
  return app;
}

function createFastify({
  logger,
  timeouts,
  tls,
  refused,
}: Parameters<typeof createHttpServer>[0]): FastifyInstance {
  let requests = 0;
  const http = {
    // Node looks for overdue headers and bodies only this often; its default of 30 s would undo them.
    connectionsCheckingInterval: Math.min(1000, timeouts.headersSeconds * 500),
    requireHostHeader: false,
    IncomingMessage: HttpRequest,
  };
  const handshakeTimeout = timeouts.headersSeconds * 1000;
  return fastify({
    loggerInstance: logger,
    // Requests are logged once, when answered, without headers and query.
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    bodyLimit: LIMITS.httpBodyBytes,
    requestTimeout: timeouts.requestSeconds * 1000,
    connectionTimeout: timeouts.connectionSeconds * 1000,
    // As long as a new connection has to say what it wants. Fastify's default is 72 s.
    keepAliveTimeout: timeouts.headersSeconds * 1000,
    ...(tls === undefined ? { http } : { https: { ...http, ...tls, handshakeTimeout } }),
    forceCloseConnections: 'idle',
    genReqId: () => `request-${process.pid}-${++requests}`,
    clientErrorHandler(error, socket) {
      // Only who speaks HTTP, and whose TLS handshake is done, can be answered.
      const isHttp = error.code.startsWith('HPE_') || error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
      if (!socket.writable || !isHttp) return void socket.destroy();
      endWithProblem(socket, unreadable(`the request is not HTTP that can be read (${error.code})`));
    },
    frameworkErrors(thrown, request, reply) {
      const error = toAppError(thrown, request);
      refused(error.code);
      void sendProblem(reply, error);
    },
  }) as unknown as FastifyInstance;
}

/** Several lines of the header are one list here, as RFC 9110, 5.3 has it. */
function offersWebSocket(protocols: string): boolean {
  return protocols.split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket');
}

function unreadable(detail: string): AppError {
  return new AppError('E_BAD_MESSAGE', { detail });
}

/**
 * Of the protocols that are offered WebSocket is taken, any other is ignored (RFC 9110, 7.8): Java's HttpClient and
 * `curl --http2` offer h2c with what they ask. Node asks `upgrade` whether a request leaves HTTP. What came behind such an offer in the same
 * packet is lost, as on every server of Node's that upgrades nothing.
 */
class HttpRequest extends IncomingMessage {
  private isOffer = false;

  get upgrade(): boolean {
    return this.isOffer && (this.method === 'CONNECT' || offersWebSocket(this.headers.upgrade ?? ''));
  }

  set upgrade(isOffer: boolean) {
    this.isOffer = isOffer;
  }
}
