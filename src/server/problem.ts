import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, isAppError, type ErrorReferences } from '../domain/errors.js';
import { schemaFault } from './schemaFault.js';

/** RFC 9457 problem details with the catalogue's code. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly retry: boolean;
  readonly references: ErrorReferences;
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export function toProblem(error: AppError): Problem {
  return {
    type: `urn:aisleflow:error:${error.code}`,
    title: error.code,
    status: error.status,
    detail: error.message,
    code: error.code,
    retry: error.retry,
    references: error.references,
  };
}

/** Headers that go with a problem: how to log in, when to come back, what to ask instead. Who has no token keeps no connection. */
export function problemHeaders(error: AppError): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' };
  if (error.code === 'E_UNAUTHENTICATED') {
    headers['www-authenticate'] = 'Bearer realm="aisleflow"';
    headers['connection'] = 'close';
  }
  if (error.code === 'E_UPGRADE_REQUIRED') {
    headers['upgrade'] = 'websocket';
    headers['connection'] = 'upgrade, close';
  }
  const { retryAfterSeconds, allowed } = error.references;
  if (error.code === 'E_METHOD_NOT_ALLOWED') headers['allow'] = String(allowed);
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.ceil(Number(retryAfterSeconds)));
  return headers;
}

/**
 * The catalogue's error for whatever was thrown while a request was served. What is not expected
 * becomes E_INTERNAL with the request's id as its reference in the log.
 */
export function toAppError(error: unknown, request: Pick<FastifyRequest, 'id' | 'routeOptions'>): AppError {
  if (isAppError(error)) return error;
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>;
  if (validation !== undefined) {
    const faults = validation.map(({ message, ...rest }) => ({
      ...rest,
      message: message ?? 'does not fit',
    }));
    return new AppError('E_BAD_MESSAGE', {
      detail: `${validationContext ?? 'body'}: ${schemaFault(faults)}`,
    });
  }
  if (statusCode === 413) {
    return new AppError('E_TOO_LARGE', { limit: request.routeOptions.bodyLimit }, error);
  }
  if (statusCode === 415) return new AppError('E_MEDIA_TYPE', {}, error);
  if (code !== undefined && statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AppError('E_BAD_MESSAGE', { detail: (error as Error).message.slice(0, 120) }, error);
  }
  return new AppError('E_INTERNAL', { reference: request.id }, error);
}

export function sendProblem(reply: FastifyReply, error: AppError): FastifyReply {
  const headers = problemHeaders(error);
  // A browser asks for the token by itself where it may be a password.
  if (error.code === 'E_UNAUTHENTICATED' && reply.request.routeOptions.config.access?.allowBasic === true) {
    headers['www-authenticate'] =
      'Basic realm="aisleflow, a viewer or operator token as password", charset="UTF-8"';
  }
  return reply.code(error.status).headers(headers).send(toProblem(error));
}

/** Answers a socket that Fastify never sees (a refused upgrade, a broken request), and ends it. */
export function endWithProblem(socket: Duplex, error: AppError, headers: Record<string, string> = {}): void {
  socket.on('error', () => socket.destroy());
  socket.end(rawProblem(error, headers), () => socket.destroy());
}

function rawProblem(error: AppError, more: Record<string, string>): string {
  const body = JSON.stringify(toProblem(error));
  const headers: Record<string, string> = {
    ...problemHeaders(error),
    ...more,
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${error.status} ${error.code}`, ...lines, '', body].join('\r\n');
}
