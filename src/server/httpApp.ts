import { fastifyHelmet } from '@fastify/helmet';
import { fastifySwagger } from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import { fastify, LogController, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { EventStreams } from './eventStreams.js';
import { admitRequest, PAGE, type Access } from './http/access.js';
import { watchPipelines } from './http/pipelines.js';
import { addPolicyRoutes } from './http/policyRoutes.js';
import { addSystemRoutes } from './http/systemRoutes.js';
import { addTourRoutes } from './http/tourRoutes.js';
import { addWarehouseRoutes } from './http/warehouseRoutes.js';
import type { Metrics } from './metrics.js';
import { API_DESCRIPTION, toSchema202012 } from './openapi.js';
import type { QueuedService } from './planQueue.js';
import { rawProblem, sendProblem, toAppError } from './problem.js';
import type { TokenSource } from './tokens.js';
import { parseWireJson } from './wireJson.js';
import { referencesOf } from './wireMessages.js';

const DOCS = '/docs';

export interface HttpAppOptions {
  readonly service: QueuedService;
  readonly tokens: TokenSource;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly streams: EventStreams;
  readonly policyIsShared: boolean;
  readonly version: string;
  readonly timeouts: Timeouts;
  readonly tls?: TlsMaterial;
  readonly stopping: () => boolean;
  readonly onDefect: (error: unknown) => void;
}

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Timeouts {
  readonly headersSeconds: number;
  readonly requestSeconds: number;
  readonly connectionSeconds: number;
}

/** One HTTP entry and who may use it. */
export interface RouteAccess {
  readonly method: string;
  readonly url: string;
  readonly access: Access;
}

export interface HttpApp {
  readonly app: FastifyInstance;
  readonly routes: readonly RouteAccess[];
}

/** The HTTP side: /v1, /docs, /metrics and the probes, with tokens, limits and problem details throughout. */
export async function createHttpApp(options: HttpAppOptions): Promise<HttpApp> {
  const { service, logger, metrics, streams, stopping } = options;
  const app = createFastify(options);
  app.server.headersTimeout = options.timeouts.headersSeconds * 1000;
  app.server.maxConnections = LIMITS.connections;

  const pipelines = watchPipelines(app);
  addErrors(app, options);
  const routes = addAccess(app, options);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseWireJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  // One compiler for HTTP and WebSocket. It neither coerces nor drops: a null trace time must not become 0.
  app.setValidatorCompiler<TSchema>(({ schema }) => {
    const validator = Compile(schema);
    return (value: unknown) =>
      validator.Check(value) ? { value } : { error: validator.Errors(value) as unknown as Error };
  });
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));

  await addDocs(app, options.version);
  addWarehouseRoutes(app, service);
  addTourRoutes(app, service);
  addPolicyRoutes(app, service, options.policyIsShared);
  addSystemRoutes(app, { service, metrics, streams, pipelines, stopping });
  app.addHook('onResponse', async (request, reply) => {
    const level = request.method === 'GET' || reply.statusCode >= 400 ? 'debug' : 'info';
    const { tokenId } = request.credential ?? { tokenId: null };
    logger[level]({ ...requestContext(request), status: reply.statusCode, tokenId }, 'http');
  });
  return { app, routes };
}

function createFastify({ logger, timeouts, tls }: HttpAppOptions): FastifyInstance {
  let requests = 0;
  // Node looks for overdue headers and bodies only this often; its default of 30 s would undo them.
  const http = { connectionsCheckingInterval: Math.min(1000, timeouts.headersSeconds * 500) };
  const handshakeTimeout = timeouts.headersSeconds * 1000;
  return fastify({
    loggerInstance: logger,
    // Requests are logged once, when answered, without headers and query.
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    bodyLimit: LIMITS.httpBodyBytes,
    requestTimeout: timeouts.requestSeconds * 1000,
    connectionTimeout: timeouts.connectionSeconds * 1000,
    ...(tls === undefined ? { http } : { https: { ...http, ...tls, handshakeTimeout } }),
    forceCloseConnections: 'idle',
    genReqId: () => `request-${process.pid}-${++requests}`,
    clientErrorHandler(error, socket) {
      // Only who speaks HTTP, and whose TLS handshake is done, can be answered.
      const isHttp = error.code.startsWith('HPE_') || error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
      if (!socket.writable || !isHttp) return void socket.destroy();
      const detail = `the request is not HTTP that can be read (${error.code})`;
      socket.end(rawProblem(new AppError('E_BAD_MESSAGE', { detail })), () => socket.destroy());
    },
    frameworkErrors(error, request, reply) {
      void sendProblem(reply, toAppError(error, request));
    },
  }) as unknown as FastifyInstance;
}

function addErrors(app: FastifyInstance, { logger, onDefect }: HttpAppOptions): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = toAppError(thrown, request);
    if (error.code === 'E_INTERNAL' || error.code === 'E_JOURNAL_FAILED') {
      logger.error({ ...requestContext(request), err: thrown }, 'request failed');
      onDefect(thrown);
    }
    return sendProblem(reply, error);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, new AppError('E_NOT_FOUND', { path: pathOf(request) })),
  );
}

function addAccess(app: FastifyInstance, { tokens, stopping }: HttpAppOptions): readonly RouteAccess[] {
  const routes: RouteAccess[] = [];
  app.decorateRequest('credential', null);
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith(DOCS)) route.config = { ...route.config, access: PAGE };
    const access = route.config?.access;
    if (access === undefined) throw new Error(`route ${route.url} declares no access`);
    for (const method of [route.method].flat()) routes.push({ method, url: route.url, access });
  });
  let underWay = 0;
  app.addHook('onRequest', async (request, reply) => {
    admitRequest(request, tokens);
    // What is not there is said before the body is read: it must not hold a place that a caller with a token may want.
    if (request.is404) throw new AppError('E_NOT_FOUND', { path: pathOf(request) });
    if (request.routeOptions.config.access?.roles !== 'open') {
      if (underWay >= LIMITS.httpRequestsWaiting) throw tooManyRequests();
      underWay++;
      reply.raw.once('close', () => underWay--);
    }
    if (stopping() && request.method !== 'GET') throw new AppError('E_SHUTTING_DOWN');
  });
  return routes;
}

function tooManyRequests(): AppError {
  const retryAfterSeconds = LIMITS.busyRetryAfterSeconds;
  return new AppError('E_BUSY', { limit: LIMITS.httpRequestsWaiting, what: 'requests', retryAfterSeconds });
}

async function addDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(fastifyHelmet, {
    // Plain HTTP inside a warehouse: telling browsers to upgrade would only break the pages.
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    strictTransportSecurity: false,
  });
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Aisleflow',
        version,
        description: API_DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    hideUntagged: true,
    transformObject: (document) =>
      toSchema202012('openapiObject' in document ? document.openapiObject : document.swaggerObject) as object,
  });
  await app.register(fastifySwaggerUi, { routePrefix: DOCS, uiConfig: { persistAuthorization: false } });
}

/** What the log says of a request: never its headers, never its query. */
function requestContext(request: FastifyRequest): object {
  return {
    reference: request.id,
    method: request.method,
    path: pathOf(request),
    ...referencesOf(request.body),
  };
}

function pathOf({ url }: FastifyRequest): string {
  return (url.split('?', 1)[0] ?? '').slice(0, 200);
}
