import type { WarehouseSummary } from '../src/domain/serviceContract.js';

/** The server under load and how to speak to it. */
export interface Target {
  readonly url: string;
  /** An operator's token: it reads metrics and may speak for every robot. */
  readonly token: string;
}

export function authorization(target: Target): Record<string, string> {
  return { authorization: `Bearer ${target.token}` };
}

/** @throws Error with the server's own words where it refuses. */
export async function getText(target: Target, path: string): Promise<string> {
  return answerOf(`GET ${path}`, await fetch(target.url + path, { headers: authorization(target) }));
}

/** @throws Error with the server's own words where it refuses. */
export async function post<Answer>(target: Target, path: string, body: object): Promise<Answer> {
  const headers = { ...authorization(target), 'content-type': 'application/json' };
  const response = await fetch(target.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return JSON.parse(await answerOf(`POST ${path}`, response)) as Answer;
}

async function answerOf(what: string, response: Response): Promise<string> {
  const text = await response.text();
  if (response.ok) return text;
  throw new Error(`${what} was answered ${response.status}: ${text.slice(0, 300)}`);
}

export function warehousePath(warehouseId: string): string {
  return `/v1/warehouses/${encodeURIComponent(warehouseId)}`;
}

/** The warehouse that was named, or the only one, or the first. */
export async function chooseWarehouse(target: Target, named: string | undefined): Promise<WarehouseSummary> {
  const all = JSON.parse(await getText(target, '/v1/warehouses')) as WarehouseSummary[];
  const chosen = named === undefined ? all[0] : all.find(({ warehouseId }) => warehouseId === named);
  if (chosen !== undefined) return chosen;
  const known = all.map(({ warehouseId }) => warehouseId).join(', ');
  throw new Error(`the server has no warehouse ${named ?? 'at all'}; it has: ${known}`);
}

/** Processor seconds that the server has used so far, all its threads together. */
export async function serverProcessorSeconds(target: Target): Promise<number> {
  const metrics = await getText(target, '/metrics');
  const found = /^\w*process_cpu_seconds_total (\S+)/m.exec(metrics)?.[1];
  if (found === undefined) throw new Error('/metrics does not tell process_cpu_seconds_total');
  return Number(found);
}
