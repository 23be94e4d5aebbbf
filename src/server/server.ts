import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { LIMITS } from '../domain/limits.js';
import type { RoutingService } from '../domain/serviceContract.js';
import { createEventFeed } from './eventFeed.js';
import { createEventStreams } from './eventStreams.js';
import { CLOSE, createFleetConnection } from './fleetConnection.js';
import { createFleetDispatch } from './fleetDispatch.js';
import { createFleetHub } from './fleetHub.js';
import type { TlsMaterial } from './http/httpServer.js';
import { createHttpApp, type RouteAccess } from './httpApp.js';
import { openInbox } from './inbox.js';
import { listenError } from './listening.js';
import { logEvent } from './logging.js';
import type { Metrics } from './metrics.js';
import { createPlanQueue, LARGE_PLANS, withPlanQueue } from './planQueue.js';
import { credentialsInForce, type Credential, type TokenSource } from './tokens.js';
import { createSharedBytes } from './robotQueues.js';
import { createUnfinishedMessages, type UnfinishedMessages } from './unfinishedMessages.js';
import { createUpgrades } from './upgrade.js';

/** How long each thing may take; LIMITS and the figures of the operations guide unless told. */
export interface ServerTiming {
  readonly headersSeconds: number;
  readonly requestSeconds: number;
  readonly connectionSeconds: number;
  readonly answerSeconds: number;
  readonly longAnswerSeconds: number;
  readonly pingSeconds: number;
  /** How often tokens are read again: a revoked one ends its connections within this. */
  readonly tokenRefreshSeconds: number;
  /** How long a stop waits for what is under way of WebSockets, and then half as long again for HTTP. */
  readonly drainSeconds: number;
}

export const DEFAULT_TIMING: ServerTiming = {
  headersSeconds: LIMITS.headersTimeoutSeconds,
  requestSeconds: LIMITS.requestTimeoutSeconds,
  connectionSeconds: LIMITS.connectionTimeoutSeconds,
  answerSeconds: LIMITS.answerTimeoutSeconds,
  longAnswerSeconds: LIMITS.longAnswerTimeoutSeconds,
  pingSeconds: LIMITS.webSocketPingSeconds,
  tokenRefreshSeconds: LIMITS.tokenRefreshSeconds,
  drainSeconds: 4,
};

export interface ServerOptions {
  /** The server does not own it: close the service after the server. */
  readonly service: RoutingService;
  readonly tokens: TokenSource;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly version: string;
  /** One policy for all warehouses: changing it then needs a token that reaches all. */
  readonly policyIsShared?: boolean;
  /** Browser origins that may open the WebSocket; none unless told. */
  readonly allowedOrigins?: readonly string[];
  readonly timing?: Partial<ServerTiming>;
  /** Certificate (with its chain) and private key, PEM: https and wss instead of http and ws. */
  readonly tls?: TlsMaterial;
  /** Told of what should not happen: broken invariants, a journal that cannot be written. */
  readonly onDefect?: (error: unknown) => void;
}

export interface AisleflowServer {
  /** Every HTTP entry; the one upgrade path, WEB_SOCKET_PATH, comes on top. */
  readonly routes: readonly RouteAccess[];
  /** @throws E_PORT_IN_USE, E_CONFIG where the address cannot be listened on. */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /** Refuses new work, finishes what is under way, then closes every socket with 1001. */
  close(): Promise<void>;
}

/** HTTP and WebSocket around a service. */
export async function createServer(options: ServerOptions): Promise<AisleflowServer> {
  const { tokens, metrics, logger, host, port } = options;
  const plans = createPlanQueue();
  const largePlans = createPlanQueue(LARGE_PLANS);
  const service = withPlanQueue(options.service, plans, largePlans);
  const sharedBytes = createSharedBytes();
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const onDefect = options.onDefect ?? (() => undefined);
  let isStopping = false;
  const stopping = (): boolean => isStopping;

  const hub = createFleetHub(logger);
  const streams = createEventStreams(LIMITS.webSocketBufferedBytes);
  const feed = createEventFeed(service);
  const dispatch = createFleetDispatch({
    service,
    logger,
    bind: (connection, message) => hub.bind(connection, message),
    stopping,
    onDefect,
    refused: (code) => metrics.refused(code, 'message'),
  });
  const { app, routes } = await createHttpApp({
    ...{ service, tokens, logger, metrics, streams, stopping, onDefect, timeouts: timing },
    policyIsShared: options.policyIsShared ?? false,
    version: options.version,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  const unfinished = createUnfinishedMessages();
  let accepted = 0;
  const accept = (socket: WebSocket, stream: Duplex, credential: Credential): void => {
    const connectionId = `connection-${++accepted}`;
    const bufferedBytesLimit = LIMITS.webSocketBufferedBytes;
    const context = { connectionId, tokenId: credential.tokenId };
    const refused = (reason: string): void => {
      logger.warn({ ...context, reason }, 'connection refused');
      metrics.refused('E_BUSY', 'connection');
    };
    const connection = createFleetConnection({
      ...{ socket, stream, connectionId, credential, bufferedBytesLimit, sharedBytes, refused },
    });
    hub.add(connection);
    logger.info(context, 'connected');
    const refuse = (reason: string): void => {
      refused(reason);
      socket.pause();
      connection.close(CLOSE.tryAgainLater, reason);
    };
    unfinished.watch({ socket, stream, tokenId: credential.tokenId, refuse });
    // Without this listener one malformed frame would end the process.
    socket.on('error', (error) => logger.info({ ...context, reason: error.message }, 'connection failed'));
    openInbox({
      socket,
      message(bytes, isBinary) {
        connection.heard();
        return dispatch.receive(connection, bytes, isBinary);
      },
      pong: () => connection.heard(),
    });
    // After all that came before its close frame, if it waits for the answer to that (RFC 6455, 7.1.1).
    socket.on('close', (closeCode) => {
      hub.remove(connection);
      logger.info({ ...context, closeCode }, 'disconnected');
    });
  };
  const upgrades = createUpgrades({
    ...{ tokens, allowedOrigins: options.allowedOrigins ?? [], stopping, accept },
    refused: (code) => metrics.refused(code, 'request'),
  });
  /** Also those that HTTP knows nothing of yet: in the middle of a TLS handshake. */
  const sockets = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  app.server.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));

  feed.subscribe((event) => {
    logEvent(logger, event);
    hub.push(event);
    streams.push(event);
  });
  metrics.observe(service);
  metrics.addQueues(() => ({
    plans: plans.depth,
    largePlans: largePlans.depth,
    webSocketMessages: hub.depths.messages,
    webSocketBytes: hub.depths.bytes,
    unfinishedBytes: unfinished.bytes,
    webSocketConnections: hub.size,
    sharedRobots: hub.sharedRobots,
    eventStreams: streams.size,
    ...service.queueDepths(),
  }));
  const timers = startTimers({ hub, unfinished, streams, tokens, logger, timing });

  return {
    routes,
    async listen() {
      try {
        await app.listen({ host, port });
      } catch (error) {
        throw listenError(error, host, port);
      }
      const address = app.server.address() as AddressInfo;
      const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      const scheme = options.tls === undefined ? 'http' : 'https';
      return { url: `${scheme}://${shown}:${address.port}`, port: address.port };
    },
    async close() {
      if (isStopping) return;
      isStopping = true;
      await within(timing.drainSeconds, hub.idle());
      for (const timer of timers) clearInterval(timer);
      feed.close();
      hub.close();
      streams.close();
      const closed = app.close();
      // Whoever neither finishes nor leaves is cut, so that a stop ends in time.
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, timing.drainSeconds * 500);
      await closed;
      clearTimeout(cut);
      upgrades.close();
    },
  };
}

function startTimers(options: {
  hub: ReturnType<typeof createFleetHub>;
  unfinished: UnfinishedMessages;
  streams: ReturnType<typeof createEventStreams>;
  tokens: TokenSource;
  logger: Logger;
  timing: ServerTiming;
}): readonly NodeJS.Timeout[] {
  const { hub, unfinished, streams, tokens, logger, timing } = options;
  const beat = setInterval(() => {
    hub.beat();
    unfinished.beat();
    streams.beat();
  }, timing.pingSeconds * 1000);
  const refresh = setInterval(() => {
    try {
      tokens.refresh();
    } catch (error) {
      logger.error({ err: error }, 'the tokens cannot be read; those read before stay in force');
    }
    const isInForce = credentialsInForce(tokens);
    hub.dropCredentials(isInForce);
    streams.dropCredentials(isInForce);
  }, timing.tokenRefreshSeconds * 1000);
  return [beat.unref(), refresh.unref()];
}

async function within(seconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
