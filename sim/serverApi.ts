import { AppError, ERRORS, type ErrorCode, type ErrorReferences } from '../src/domain/errors.js';
import { unreachable } from '../src/platform/unreachable.js';
import type { CornerCaseDetail, WarehouseSummary } from '../src/domain/serviceContract.js';

/** A server and what to be let in with. */
export interface ServerTarget {
  /** http://host:port */
  readonly url: string;
  readonly robotToken: string;
  readonly operatorToken: string;
}

/** The HTTP side of a running server, as an operator of one warehouse sees it. */
export interface ServerApi {
  /** The answer comes when all that is due by then has happened. @throws E_CLOCK_FIXED E_CLOCK_BACKWARDS */
  advanceClock(at: number): Promise<void>;
  summary(): Promise<WarehouseSummary>;
  /** @throws E_UNKNOWN_CORNER_CASE */
  cornerCase(routeId: string): Promise<CornerCaseDetail>;
  /** The Prometheus text of /metrics. */
  metrics(): Promise<string>;
}

const ANSWER_MILLISECONDS = 60_000;

/** Refusals are thrown as the `AppError` that the server names. */
export function createServerApi({ url, operatorToken }: ServerTarget, warehouseId: string): ServerApi {
  const base = url.replace(/\/$/, '');
  const warehouse = `/v1/warehouses/${encodeURIComponent(warehouseId)}`;
  const headers = { authorization: `Bearer ${operatorToken}` };

  const call = async (path: string, body?: unknown): Promise<string> => {
    const response = await fetch(base + path, {
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
    }).catch((error: unknown) => {
      throw unreachable(base, error);
    });
    const text = await response.text();
    if (response.ok) return text;
    throw problemOf(text) ?? unreachable(base, `${path} answered ${response.status}`);
  };

  return {
    advanceClock: async (at) => void (await call(`${warehouse}/clock/advance`, { at })),
    summary: async () => JSON.parse(await call(warehouse)) as WarehouseSummary,
    cornerCase: async (routeId) =>
      JSON.parse(await call(`${warehouse}/corner-cases/${encodeURIComponent(routeId)}`)) as CornerCaseDetail,
    metrics: () => call('/metrics'),
  };
}

/** A refusal as its error of the catalogue; codes that this program does not know are an E_INTERNAL. */
export function errorOf(code: string, references: ErrorReferences, message: string): AppError {
  if (Object.hasOwn(ERRORS, code)) return new AppError(code as ErrorCode, references);
  return new AppError('E_INTERNAL', { reference: `${code}: ${message}` });
}

/** The error that a problem document (RFC 9457) tells; null where the text is none. */
export function problemOf(text: string): AppError | null {
  try {
    const { code, detail, references } = JSON.parse(text) as Record<string, unknown>;
    if (typeof code !== 'string') return null;
    return errorOf(code, (references ?? {}) as ErrorReferences, String(detail));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
