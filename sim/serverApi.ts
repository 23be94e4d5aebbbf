import type { CornerCaseDetail, WarehouseSummary } from '../src/domain/serviceContract.js';
import { createServerClient, warehousePath } from '../src/platform/serverClient.js';

/** A server and what to be let in with. */
export interface ServerTarget {
  /** http://host:port */
  readonly url: string;
  readonly robotToken: string;
  readonly operatorToken: string;
}

/** The HTTP side of a running server, as an operator of one warehouse sees it. Refusals are thrown as the server names them. */
export interface ServerApi {
  /** The answer comes when all that is due by then has happened. @throws E_CLOCK_FIXED E_CLOCK_BACKWARDS */
  advanceClock(at: number): Promise<void>;
  summary(): Promise<WarehouseSummary>;
  /** @throws E_UNKNOWN_CORNER_CASE */
  cornerCase(routeId: string): Promise<CornerCaseDetail>;
  /** The Prometheus text of /metrics. */
  metrics(): Promise<string>;
}

export function createServerApi(
  { url, operatorToken: token }: { readonly url: string; readonly operatorToken: string | undefined },
  warehouseId: string,
): ServerApi {
  const client = createServerClient({ url, token });
  const warehouse = warehousePath(warehouseId);
  return {
    advanceClock: async (at) => void (await client.json('POST', `${warehouse}/clock/advance`, { at })),
    summary: () => client.json<WarehouseSummary>('GET', warehouse),
    cornerCase: (routeId) =>
      client.json<CornerCaseDetail>('GET', `${warehouse}/corner-cases/${encodeURIComponent(routeId)}`),
    metrics: () => client.text('GET', '/metrics'),
  };
}
