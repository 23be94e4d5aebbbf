import { AppError } from '../src/domain/errors.js';
import type { WarehouseSummary } from '../src/domain/serviceContract.js';
import { createServerClient, serverOrigin, type ServerClient } from '../src/platform/serverClient.js';

/** The server under load and how to speak to it: an operator's token reads metrics and may speak for every robot. */
export interface Target {
  readonly url: string;
  readonly headers: { readonly authorization: string };
  readonly api: ServerClient;
}

export function targetOf(address: string, token: string | undefined): Target {
  const url = serverOrigin(address);
  const api = createServerClient({ url, token });
  return { url, api, headers: { authorization: `Bearer ${token}` } };
}

/** The warehouse that was named, or the first. @throws E_UNKNOWN_WAREHOUSE */
export async function chooseWarehouse({ api }: Target, named: string | undefined): Promise<WarehouseSummary> {
  const all = await api.json<WarehouseSummary[]>('GET', '/v1/warehouses');
  const chosen = named === undefined ? all[0] : all.find(({ warehouseId }) => warehouseId === named);
  if (chosen === undefined) throw new AppError('E_UNKNOWN_WAREHOUSE', { warehouseId: named ?? '(none)' });
  return chosen;
}

/** Processor seconds that the server has used so far, all its threads together. */
export async function serverProcessorSeconds({ api }: Target): Promise<number> {
  const found = /^\w*process_cpu_seconds_total (\S+)/m.exec(await api.text('GET', '/metrics'))?.[1];
  if (found === undefined) throw new Error('/metrics does not tell process_cpu_seconds_total');
  return Number(found);
}
