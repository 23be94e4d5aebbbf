import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { busy } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { ServiceEvent } from '../domain/serviceContract.js';
import { reachesWarehouse, type Credential } from './tokens.js';

/** Open server-sent event streams. */
export interface EventStreams {
  /** Takes over the reply. @throws E_BUSY beyond LIMITS.eventStreamsOpen. */
  open(reply: FastifyReply, credential: Credential, warehouseId: string | undefined): FastifyReply;
  push(event: ServiceEvent): void;
  /** A comment line to everyone, so that quiet streams are not taken for dead ones. */
  beat(): void;
  dropCredentials(isInForce: (credential: Credential) => boolean): void;
  close(): void;
  readonly size: number;
}

interface Stream {
  readonly response: ServerResponse;
  readonly credential: Credential;
  readonly warehouseId: string | undefined;
}

export function createEventStreams(bufferedBytesLimit: number): EventStreams {
  const streams = new Set<Stream>();

  const write = (stream: Stream, text: string): void => {
    // Cut, not thinned: a reader that lost events must know it, and read the state again.
    if (stream.response.writableLength > bufferedBytesLimit) stream.response.destroy();
    else stream.response.write(text);
  };
  return {
    open(reply, credential, warehouseId) {
      if (streams.size >= LIMITS.eventStreamsOpen) {
        throw busy(LIMITS.eventStreamsOpen, 'event streams');
      }
      reply.hijack();
      const response = reply.raw;
      const stream = { response, credential, warehouseId };
      response.on('close', () => streams.delete(stream));
      response.on('error', () => response.destroy());
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
      });
      streams.add(stream);
      write(stream, 'retry: 1000\n\n');
      return reply;
    },
    push(event) {
      const { kind, ...data } = event;
      let text: string | undefined;
      for (const stream of streams) {
        if (stream.warehouseId !== undefined && stream.warehouseId !== event.warehouseId) continue;
        if (!reachesWarehouse(stream.credential, event.warehouseId)) continue;
        text ??= `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
        write(stream, text);
      }
    },
    beat() {
      for (const stream of streams) write(stream, ': still here\n\n');
    },
    dropCredentials(isInForce) {
      for (const { credential, response } of streams) if (!isInForce(credential)) response.end();
    },
    close() {
      for (const { response } of streams) response.end();
    },
    get size() {
      return streams.size;
    },
  };
}
