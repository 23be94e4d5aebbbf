import { fastifyHelmet } from '@fastify/helmet';
import { fastifySwagger } from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError, busy, isDefect } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { EventStreams } from './eventStreams.js';
import { admitRequest, PAGE, type Access } from './http/access.js';
import { createHttpServer, type Timeouts, type TlsMaterial } from './http/httpServer.js';
import { watchPipelines, type Pipelines } from './http/pipelines.js';
import { addPolicyRoutes } from './http/policyRoutes.js';
import { addSystemRoutes } from './http/systemRoutes.js';
import { addTourRoutes } from './http/tourRoutes.js';
import { addWarehouseRoutes } from './http/warehouseRoutes.js';
import type { Metrics } from './metrics.js';
import { API_DESCRIPTION, toSchema202012 } from './openapi.js';
import type { RoutingService } from '../domain/serviceContract.js';
import { sendProblem, toAppError } from './problem.js';
import { schemaFaults } from './schemaFault.js';
import type { TokenSource } from './tokens.js';
import { SUB_PROTOCOL, WEB_SOCKET_PATH } from './upgrade.js';
import { parseWireJson } from './wireJson.js';
import { referencesOf } from './wireMessages.js';

const DOCS = '/docs';

export interface HttpAppOptions {
  readonly service: RoutingService;
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
  const app = createHttpServer({ ...options, refused: (code) => metrics.refused(code, 'request') });
  const pipelines = watchPipelines(app, {
    ...options.timeouts,
    cut(request, reason) {
      const tokenId = request.credential?.tokenId ?? null;
      logger.warn({ ...requestContext(request), tokenId, reason }, 'connection refused');
      metrics.refused('E_BUSY', 'connection');
    },
  });
  addErrors(app, options);
  const routes = addAccess(app, options, pipelines);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const isNone = body.length === 0 && request.routeOptions.schema?.body === undefined;
      done(null, isNone ? undefined : parseWireJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  // One compiler for HTTP and WebSocket. It neither coerces nor drops: a null trace time must not become 0.
  app.setValidatorCompiler<TSchema>(({ schema }) => {
    const validator = Compile(schema);
    return (value: unknown) =>
      validator.Check(value) ? { value } : { error: schemaFaults(validator, value) as unknown as Error };
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

function addErrors(app: FastifyInstance, { logger, metrics, onDefect }: HttpAppOptions): void {
  const refuse = (reply: FastifyReply, error: AppError): FastifyReply => {
    metrics.refused(error.code, 'request');
    return sendProblem(reply, error);
  };
  app.setErrorHandler((thrown, request, reply) => {
    const error = toAppError(thrown, request);
    if (isDefect(error)) {
      logger.error({ ...requestContext(request), err: thrown }, 'request failed');
      onDefect(thrown);
    }
    return refuse(reply, error);
  });
  app.setNotFoundHandler((request, reply) =>
    refuse(reply, new AppError('E_NOT_FOUND', { path: pathOf(request) })),
  );
}

function addAccess(
  app: FastifyInstance,
  { tokens, stopping }: HttpAppOptions,
  pipelines: Pipelines,
): readonly RouteAccess[] {
  const routes: RouteAccess[] = [];
  app.decorateRequest('credential', null);
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith(DOCS)) route.config = { ...route.config, access: PAGE };
    const access = route.config?.access;
    if (access === undefined) throw new Error(`route ${route.url} declares no access`);
    for (const method of [route.method].flat()) routes.push({ method, url: route.url, access });
  });
  const places = {
    change: { taken: 0, limit: LIMITS.httpChangesWaiting },
    other: { taken: 0, limit: LIMITS.httpRequestsWaiting },
  };
  app.addHook('onRequest', async (request, reply) => {
    admitRequest(request, tokens);
    pipelines.requireRoom(request);
    // What is not there is said before the body is read: it must not hold a place that a caller with a token may want.
    if (request.is404) throw nothingThere(request, routes);
    if (request.routeOptions.config.access?.roles !== 'open') {
      const kind = places[isChange(request) ? 'change' : 'other'];
      if (kind.taken >= kind.limit) throw busy(kind.limit, 'requests');
      kind.taken++;
      reply.raw.once('close', () => kind.taken--);
    }
    if (stopping() && request.method !== 'GET') throw new AppError('E_SHUTTING_DOWN');
  });
  return routes;
}

function nothingThere(request: FastifyRequest, routes: readonly RouteAccess[]): AppError {
  const path = pathOf(request);
  if (path === WEB_SOCKET_PATH)
    return new AppError('E_UPGRADE_REQUIRED', { path, subProtocol: SUB_PROTOCOL });
  const allowed = routes.filter(({ url }) => patternOf(url).test(path)).map(({ method }) => method);
  if (allowed.length === 0) return new AppError('E_NOT_FOUND', { path });
  const { method } = request;
  return new AppError('E_METHOD_NOT_ALLOWED', { method, path, allowed: allowed.join(', ') });
}

/** What a path of the entry looks like. */
function patternOf(url: string): RegExp {
  const pattern = url.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll(/:\w+/g, '[^/]+');
  return new RegExp(`^${pattern}$`);
}

function isChange({ method, credential }: FastifyRequest): boolean {
  return method !== 'GET' && credential?.role === 'operator';
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
  await app.register(fastifySwaggerUi, {
    routePrefix: DOCS,
    theme: { title: 'Aisleflow' },
    // Without the bar on top, which offers to describe another server. No token is kept: screens on a floor are shared.
    uiConfig: { layout: 'BaseLayout', persistAuthorization: false },
  });
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
