import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { AppError } from '../../domain/errors.js';
import { strict } from '../../domain/messages.js';
import { PROBLEM_MEDIA_TYPE } from '../problem.js';
import type { Access } from './access.js';
import { ProblemField } from './schemas.js';

type Part<T> = T extends TSchema ? Static<T> : undefined;

/** One HTTP route: its documentation, its access, its schemas and what it does. */
export interface RouteDefinition<P, B, Q> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly url: string;
  readonly access: Access;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly body?: B;
  readonly query?: Q;
  readonly answer: TSchema;
  /** Status of success; 200 unless told. */
  readonly status?: 200 | 201;
  readonly bodyLimit?: number;
  /** Media type of the answer; JSON unless told. */
  readonly produces?: string;
  readonly handle: (
    input: { readonly params: Part<P>; readonly body: Part<B>; readonly query: Part<Q> },
    exchange: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  ) => unknown;
}

/** Registers a route with its OpenAPI description; bodies and parameters have passed their schemas. */
export function addRoute<P, B, Q>(app: FastifyInstance, route: RouteDefinition<P, B, Q>): void {
  const status = route.status ?? 200;
  const schema: FastifySchema = {
    operationId: operationId(route.method, route.url),
    tags: [route.tag],
    summary: route.summary,
    description: describe(route.access, route.description),
    security: route.access.roles === 'open' ? [] : [{ token: [] }],
    response: {
      [status]: content(route.produces ?? 'application/json', 'Success', route.answer),
      default: content(PROBLEM_MEDIA_TYPE, 'Problem details with a code of the catalogue', ProblemField),
    },
    ...(route.params === undefined ? {} : { params: route.params }),
    ...(route.body === undefined ? {} : { body: route.body }),
    // Load balancers ask the probes with what they like.
    ...(route.access.roles === 'open' ? {} : { querystring: route.query ?? strict({}) }),
  };
  app.route({
    method: route.method,
    url: route.url,
    schema,
    config: { access: route.access },
    // Load balancers ask so whether the server is well.
    exposeHeadRoute: route.method === 'GET' && route.access.roles === 'open',
    ...(route.bodyLimit === undefined ? {} : { bodyLimit: route.bodyLimit }),
    handler: async (request, reply) => {
      if (route.body === undefined && request.body !== undefined) {
        throw new AppError('E_BAD_MESSAGE', { detail: 'body: this request takes none' });
      }
      reply.code(status);
      const { params, body, query } = request as { params: Part<P>; body: Part<B>; query: Part<Q> };
      return route.handle({ params, body, query }, { request, reply });
    },
  });
}

function content(mediaType: string, description: string, schema: TSchema): object {
  return { description, content: { [mediaType]: { schema } } };
}

function describe(access: Access, description: string | undefined): string {
  const who = access.roles === 'open' ? 'Needs no token.' : `For ${access.roles.join(', ')}.`;
  return description === undefined ? who : `${description} ${who}`;
}

/** GET /v1/warehouses/:warehouseId/lanes becomes getWarehousesByWarehouseIdLanes. */
function operationId(method: string, url: string): string {
  const words = url.split('/').filter((part) => part !== '' && part !== 'v1');
  const named = words.map((part) => (part.startsWith(':') ? `By${capital(part.slice(1))}` : capital(part)));
  return method.toLowerCase() + named.join('').replace(/\W/g, '');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
