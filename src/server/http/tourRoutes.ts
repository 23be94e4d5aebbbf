import type { FastifyInstance } from 'fastify';
import { AppError } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';
import { RouteAssignedBody, RouteClosed, RouteRequestBody, RouteScoredBody } from '../../domain/messages.js';
import { rememberedRobot } from '../addressee.js';
import type { RoutingService } from '../../domain/serviceContract.js';
import { requireRobot, speaksFor, type Credential } from '../tokens.js';
import { ANYONE, credentialOf, FLEET, READ } from './access.js';
import { addRoute } from './route.js';
import {
  CancelBody,
  OpenRoutesField,
  OpenRoutesQuery,
  RouteField,
  RouteParams,
  TraceBody,
  WarehouseParams,
} from './schemas.js';

const tag = 'Routes';

/** Routes: ask for one, plan without asking, complete, cancel, read, list. */
export function addTourRoutes(app: FastifyInstance, service: RoutingService): void {
  const one = '/v1/warehouses/:warehouseId';
  const route = `${one}/routes/:routeId`;
  const requireOwn = async (credential: Credential, warehouseId: string, routeId: string): Promise<void> => {
    if (credential.role !== 'robot') return;
    const robotId = rememberedRobot(service, warehouseId, routeId);
    requireOwner(credential, routeId, robotId ?? (await service.route(warehouseId, routeId)).robotId);
  };

  addRoute(app, {
    method: 'POST',
    url: `${one}/routes`,
    access: FLEET,
    tag,
    summary: 'Ask for a route',
    description:
      'Issued once its record is durable. The same request id and content give the same answer, or the newest plan of the ' +
      'route if it begins at the same place; E_ROUTE_OPEN where it does not, or its robot waits; E_ROUTE_CLOSED once it is over.',
    params: WarehouseParams,
    body: RouteRequestBody,
    answer: RouteAssignedBody,
    status: 201,
    handle({ params: { warehouseId }, body }, { request }) {
      requireRobot(credentialOf(request), body.robotId);
      return service.requestRoute(warehouseId, body);
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${one}/plans`,
    access: FLEET,
    tag,
    summary: 'Plan without issuing',
    description: 'Plans and prices like a request, issues nothing, changes nothing.',
    params: WarehouseParams,
    body: RouteRequestBody,
    answer: RouteAssignedBody,
    handle({ params: { warehouseId }, body }, { request }) {
      requireRobot(credentialOf(request), body.robotId);
      return service.dryRun(warehouseId, body);
    },
  });
  addRoute(app, {
    method: 'GET',
    url: `${one}/routes`,
    access: READ,
    tag,
    summary: 'Open routes, who waits longest first',
    description: `All, or those that are held, or a robot's; at most ${LIMITS.routesListed} are listed.`,
    params: WarehouseParams,
    query: OpenRoutesQuery,
    answer: OpenRoutesField,
    handle: ({ params: { warehouseId }, query: { held, ...filter } }) =>
      service.openRoutes(warehouseId, held === undefined ? filter : { ...filter, held: held === 'true' }),
  });
  addRoute(app, {
    method: 'GET',
    url: route,
    access: ANYONE,
    tag,
    summary: 'Read a route; robots read their own',
    params: RouteParams,
    answer: RouteField,
    async handle({ params: { warehouseId, routeId } }, { request }) {
      const credential = credentialOf(request);
      const route = await service.route(warehouseId, routeId);
      if (credential.role === 'robot') requireOwner(credential, routeId, route.robotId);
      return route;
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${route}/complete`,
    access: FLEET,
    tag,
    summary: 'Report the trace of a route',
    description: 'Scored exactly once, however often it is sent; acknowledged once it is durable.',
    params: RouteParams,
    body: TraceBody,
    // A trace as long as the WebSocket takes: 64 KiB would hold about 1,800 entries.
    bodyLimit: LIMITS.webSocketMessageBytes,
    answer: RouteScoredBody,
    async handle({ params: { warehouseId, routeId }, body: { trace } }, { request }) {
      await requireOwn(credentialOf(request), warehouseId, routeId);
      return service.completeRoute(warehouseId, { routeId, trace });
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${route}/cancel`,
    access: FLEET,
    tag,
    summary: 'Cancel a route',
    params: RouteParams,
    body: CancelBody,
    answer: RouteClosed,
    async handle({ params: { warehouseId, routeId }, body: { reason } }, { request }) {
      await requireOwn(credentialOf(request), warehouseId, routeId);
      return service.cancelRoute(warehouseId, { type: 'route.cancelled', routeId, reason });
    },
  });
}

/** Does not say whose it is, as the WebSocket does not. @throws E_NOT_YOUR_ROUTE */
function requireOwner(credential: Credential, routeId: string, robotId: string): void {
  if (!speaksFor(credential, robotId)) throw new AppError('E_NOT_YOUR_ROUTE', { routeId });
}
