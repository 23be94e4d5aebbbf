import { AppError, ERRORS, type ErrorCode, type ErrorReferences } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { unreachable } from './unreachable.js';

/** Which server to ask, and with whose token. */
export interface ServerAddress {
  /** http://host:port */
  readonly url: string;
  readonly token?: string | undefined;
}

/**
 * Calls to a running server's HTTP interface; its refusals come out as the AppErrors that they were there.
 * @throws E_LINK_LOST nothing answers, not in time, or something between
 * @throws E_CONFIG something else does, no token is given, or address or token can be none
 */
export interface ServerClient {
  /** The body of the answer as it came. */
  readonly text: (method: Method, path: string, body?: unknown) => Promise<string>;
  readonly json: <Answer>(method: Method, path: string, body?: unknown) => Promise<Answer>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH';

export function createServerClient({ url, token }: ServerAddress): ServerClient {
  const stranger = (status: number, cause?: unknown): AppError => {
    const detail = `what answers at ${url} is no Aisleflow server (${status})`;
    // A proxy says so of a server that is not there.
    if (status >= 502 && status <= 504) return unreachable(url, detail);
    return new AppError('E_CONFIG', { detail }, cause);
  };
  const ask = async (method: Method, path: string, body?: unknown): Promise<Answered> => {
    const response = await fetch(new URL(path, serverOrigin(url)), {
      method,
      headers: {
        authorization: `Bearer ${checked(token)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(1000 * LIMITS.serverAnswerSeconds),
    }).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    const answer = await response.text().catch((error: unknown) => {
      throw unreachable(url, error);
    });
    if (!response.ok) throw refusalOf(answer) ?? stranger(response.status);
    return { answer, status: response.status };
  };
  return {
    text: async (...call) => (await ask(...call)).answer,
    async json<Answer>(...call: Parameters<ServerClient['json']>) {
      const { answer, status } = await ask(...call);
      try {
        return JSON.parse(answer) as Answer;
      } catch (error) {
        throw stranger(status, error);
      }
    },
  };
}

interface Answered {
  readonly answer: string;
  readonly status: number;
}

export function warehousePath(warehouseId: string): string {
  return `/v1/warehouses/${encodeURIComponent(warehouseId)}`;
}

/** A refusal as its error of the catalogue; codes that this program does not know are an E_INTERNAL. */
export function errorOf(code: string, references: ErrorReferences, message: string): AppError {
  if (Object.hasOwn(ERRORS, code)) return new AppError(code as ErrorCode, references);
  return new AppError('E_INTERNAL', { reference: `${code}: ${message}` });
}

/** The error that a problem document (RFC 9457) tells; null where the text is none. */
export function refusalOf(text: string): AppError | null {
  try {
    const { code, detail, references } = JSON.parse(text) as Record<string, unknown>;
    if (typeof code !== 'string') return null;
    return errorOf(code, (references ?? {}) as ErrorReferences, String(detail));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

function checked(token: string | undefined): string {
  if (token === undefined || token.trim() === '') {
    throw new AppError('E_CONFIG', { detail: 'no token; name one with --token or AISLEFLOW_TOKEN' });
  }
  if (/[^\x21-\x7e]/.test(token.trim())) {
    throw new AppError('E_CONFIG', { detail: 'the token has a character that none can have; copy it again' });
  }
  return token.trim();
}

/**
 * A server's address as http://host:port, without a slash. One behind a path of a proxy's would not be the one that answers.
 * @throws E_CONFIG it is none, or has a path
 */
export function serverOrigin(url: string): string {
  const refuse = (why: string): never => {
    throw new AppError('E_CONFIG', {
      detail: `${url} is no server's address${why}; write it as http://host:port`,
    });
  };
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return refuse('');
  const { pathname, search, hash, origin } = new URL(url);
  return /^\/*$/.test(pathname) && search + hash === '' ? origin : refuse(', which has no path');
}
