import { AppError, ERRORS, type ErrorCode, type ErrorReferences } from '../domain/errors.js';

/** Which server to ask, and with whose token. */
export interface ApiOptions {
  readonly url: string;
  readonly token?: string;
}

/** One call of a running server's HTTP interface. */
export type CallApi = <Answer>(
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: unknown,
) => Promise<Answer>;

/**
 * Calls a server; its problems come out as the AppErrors that they were there.
 * @throws E_CONFIG where nothing answers or no token is given
 */
export function createApiClient({ url, token }: ApiOptions): CallApi {
  return async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    if (token === undefined) {
      throw new AppError('E_CONFIG', { detail: 'no token; name one with --token or AISLEFLOW_TOKEN' });
    }
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(new URL(path, url), { method, headers, ...content }).catch(
      (error: unknown) => {
        throw new AppError('E_CONFIG', { detail: `no server answers at ${url}` }, error);
      },
    );
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
