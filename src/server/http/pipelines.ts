import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Requests that one connection asks without waiting for the answers to those before (RFC 9112, 9.3.2). */
export interface Pipelines {
  /** Says that a response does not end by itself: a connection that asks anything behind it is cut. */
  endWith(response: ServerResponse): void;
}

/**
 * Of the responses of a connection Node tells only the one being written that the connection closed. Those that
 * wait behind it are told here: whoever counts responses until their 'close' would count them for ever.
 */
export function watchPipelines(app: FastifyInstance): Pipelines {
  const pipelines = new WeakMap<Socket, Set<ServerResponse>>();
  const ended = new WeakSet<Socket>();

  const pipelineOf = (socket: Socket): Set<ServerResponse> => {
    const known = pipelines.get(socket);
    if (known !== undefined) return known;
    const pipeline = new Set<ServerResponse>();
    pipelines.set(socket, pipeline);
    socket.once('close', () => {
      for (const response of pipeline) if (response.socket === null) closeQueued(response);
    });
    return pipeline;
  };
  app.addHook('onRequest', ({ socket }, { raw: response }, done) => {
    const pipeline = pipelineOf(socket);
    pipeline.add(response);
    response.once('close', () => pipeline.delete(response));
    if (ended.has(socket)) socket.destroy();
    done();
  });
  return {
    endWith(response) {
      const { socket } = response.req;
      ended.add(socket);
      response.once('close', () => ended.delete(socket));
      // What came in one packet with it is here already.
      if ([...pipelineOf(socket)].at(-1) !== response) socket.destroy();
    },
  };
}

/** What Node does to the response that is being written. */
function closeQueued(response: ServerResponse): void {
  response.destroy();
  response.emit('close');
}
