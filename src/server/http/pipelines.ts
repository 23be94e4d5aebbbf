import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { busy } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';

/** Requests that one connection asks without waiting for the answers to those before (RFC 9112, 9.3.2). */
export interface Pipelines {
  /** Says that a response does not end by itself: a connection that asks anything behind it is cut. */
  endWith(response: ServerResponse): void;
  /** @throws E_BUSY where the connection of a request has too many under way */
  requireRoom(request: FastifyRequest): void;
}

export interface PipelinesOptions {
  readonly answerSeconds: number;
  readonly longAnswerSeconds: number;
  /** Told of each connection that is cut because it does not read. */
  readonly cut: (request: FastifyRequest, reason: string) => void;
}

/** Responses of a connection in their order; those that are made with the timer by which they are to be read. */
type Pipeline = Map<ServerResponse, NodeJS.Timeout | null>;

/**
 * Of the responses of a connection Node tells only the one being written that the connection closed. Those that
 * wait behind it are told here: whoever counts responses until their 'close' would count them for ever. Who asks
 * without reading gets no more than a few answers made, and no longer than a few seconds to read them.
 */
export function watchPipelines(app: FastifyInstance, options: PipelinesOptions): Pipelines {
  const pipelines = new WeakMap<Socket, Pipeline>();
  const ended = new WeakSet<Socket>();

  const pipelineOf = (socket: Socket): Pipeline => {
    const known = pipelines.get(socket);
    if (known !== undefined) return known;
    const pipeline: Pipeline = new Map();
    pipelines.set(socket, pipeline);
    socket.once('close', () => {
      for (const response of pipeline.keys()) if (response.socket === null) closeQueued(response);
    });
    return pipeline;
  };
  app.addHook('onRequest', ({ socket }, { raw: response }, done) => {
    const pipeline = pipelineOf(socket);
    pipeline.set(response, null);
    response.once('close', () => {
      clearTimeout(pipeline.get(response) ?? undefined);
      pipeline.delete(response);
      // Only now can the next one be read.
      pipeline.values().next().value?.refresh();
    });
    if (ended.has(socket)) socket.destroy();
    done();
  });
  app.addHook('onSend', (request, { raw: response }, payload, done) => {
    const { socket } = request;
    const pipeline = pipelineOf(socket);
    const isFirst = (): boolean => pipeline.keys().next().value === response;
    const cut = (reason: string): void => {
      options.cut(request, reason);
      socket.destroy();
    };
    if (pipeline.has(response) && !socket.destroyed) {
      const seconds = payload instanceof Readable ? options.longAnswerSeconds : options.answerSeconds;
      const cutIfFirst = (): void => (isFirst() ? cut('it does not read its answer') : undefined);
      pipeline.set(response, setTimeout(cutIfFirst, 1000 * seconds));
      if (!isFirst() && unreadBytes(pipeline) > LIMITS.httpUnreadBytes) cut('it asks and does not read');
    }
    done();
  });
  return {
    endWith(response) {
      const { socket } = response.req;
      ended.add(socket);
      response.once('close', () => ended.delete(socket));
      // What came in one packet with it is here already.
      if ([...pipelineOf(socket).keys()].at(-1) !== response) socket.destroy();
    },
    requireRoom({ socket }) {
      if (pipelineOf(socket).size > LIMITS.httpRequestsOfConnection)
        throw busy(LIMITS.httpRequestsOfConnection, 'requests of one connection');
    },
  };
}

function unreadBytes(pipeline: Pipeline): number {
  let bytes = 0;
  for (const { writableLength } of pipeline.keys()) bytes += writableLength;
  return bytes;
}

/** What Node does to the response that is being written. */
function closeQueued(response: ServerResponse): void {
  response.destroy();
  response.emit('close');
}
