import { AppError, ERRORS, type ErrorCode, type ErrorReferences } from '../domain/errors.js';
import { unreachable } from '../platform/unreachable.js';

/** Which server to ask, and with whose token. */
export interface ApiOptions {
  readonly url: string;
  readonly token?: string;
}

/** One call of a running server's HTTP interface. */
export type CallApi = <Answer>(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH',
  path: string,
  body?: unknown,
) => Promise<Answer>;

/**
 * Calls a server; its problems come out as the AppErrors that they were there.
 * @throws E_LINK_LOST where nothing answers
 * @throws E_CONFIG where something else does, no token is given, or address or token can be none
 */
export function createApiClient({ url, token }: ApiOptions): CallApi {
  return async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    if (token === undefined || token.trim() === '') {
      throw new AppError('E_CONFIG', { detail: 'no token; name one with --token or AISLEFLOW_TOKEN' });
    }
    if (/[^\x21-\x7e]/.test(token.trim())) {
      throw new AppError('E_CONFIG', {
        detail: 'the token has a character that none can have; copy it again',
      });
    }
    const address = addressOf(path, url);
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(address, { method, headers, ...content }).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    const answer: unknown = await response.json().catch((error: unknown) => {
      throw new AppError('E_CONFIG', { detail: `what answers at ${url} is no Aisleflow server` }, error);
    });
    if (response.ok) return answer as Answer;
    const { code, references } = answer as { code?: string; references?: ErrorReferences };
    if (code !== undefined && code in ERRORS) throw new AppError(code as ErrorCode, references);
    throw new AppError('E_CONFIG', {
      detail: `what answers at ${url} is no Aisleflow server (${response.status})`,
    });
  };
}

function addressOf(path: string, url: string): URL {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new AppError('E_CONFIG', { detail: `${url} is no server's address; write it as http://host:port` });
  }
  return new URL(path, url);
}
