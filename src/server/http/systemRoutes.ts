import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../../domain/errors.js';
import type { EventStreams } from '../eventStreams.js';
import type { Metrics } from '../metrics.js';
import type { RoutingService } from '../../domain/serviceContract.js';
import { reachesWarehouse, requireWarehouse } from '../tokens.js';
import { credentialOf, OPEN, READ } from './access.js';
import type { Pipelines } from './pipelines.js';
import { addRoute } from './route.js';
import { EventsQuery, HealthField } from './schemas.js';

const tag = 'System';

/** Events, metrics and the two probes. The probes are the only entries that need no token: they tell nothing. */
export function addSystemRoutes(
  app: FastifyInstance,
  options: {
    readonly service: Pick<RoutingService, 'warehouse'>;
    readonly metrics: Metrics;
    readonly streams: EventStreams;
    readonly pipelines: Pipelines;
    readonly stopping: () => boolean;
  },
): void {
  const { service, metrics, streams, pipelines, stopping } = options;
  addRoute(app, {
    method: 'GET',
    url: '/v1/events',
    access: READ,
    tag,
    summary: 'What happens, as server-sent events',
    description:
      'Policy news at most once a second and warehouse. A reader that is too slow is cut; connect again.',
    query: EventsQuery,
    produces: 'text/event-stream',
    answer: Type.String(),
    handle({ query: { warehouseId } }, { request, reply }) {
      const credential = credentialOf(request);
      if (warehouseId !== undefined) {
        requireWarehouse(credential, warehouseId);
        service.warehouse(warehouseId);
      }
      const opened = streams.open(reply, credential, warehouseId);
      pipelines.endWith(reply.raw);
      return opened;
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/metrics',
    access: READ,
    tag,
    summary: 'Prometheus metrics of the server and of the warehouses that this token reaches',
    produces: 'text/plain',
    answer: Type.String(),
    async handle(_input, { request, reply }) {
      const credential = credentialOf(request);
      const text = await metrics.text((warehouseId) => reachesWarehouse(credential, warehouseId));
      return reply.type(metrics.contentType).send(text);
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/healthz',
    access: OPEN,
    tag,
    summary: 'The process answers',
    answer: HealthField,
    handle: () => ({ status: 'ok' }),
  });
  addRoute(app, {
    method: 'GET',
    url: '/readyz',
    access: OPEN,
    tag,
    summary: 'The server takes work',
    answer: HealthField,
    handle() {
      if (stopping()) throw new AppError('E_SHUTTING_DOWN');
      return { status: 'ready' };
    },
  });
}
