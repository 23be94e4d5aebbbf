import autocannon from 'autocannon';
import type { Random } from '../src/platform/random.js';
import { warehousePath } from '../src/platform/serverClient.js';
import type { Target } from './api.js';
import type { Floor, OrderSize } from './floor.js';

export interface HttpLoadOptions {
  readonly target: Target;
  readonly floor: Floor;
  readonly random: Random;
  readonly order: OrderSize;
  readonly seconds: number;
  readonly connections: number;
  /** Requests a second to the cheap entries, and plans a second. */
  readonly readsPerSecond: number;
  readonly plansPerSecond: number;
}

/** Milliseconds, whole ones; corrected for coordinated omission at the fixed rate. */
export interface HttpLoadResult {
  readonly entry: string;
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly maximum: number;
  /** Connections that failed or timed out. */
  readonly failures: number;
  /** Answers outside 2xx. */
  readonly refusals: number;
}

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly ratePerSecond: number;
  /** Bodies that are sent in turn; without them the entry is read. */
  readonly bodies?: readonly string[];
}

const PLANS_PREPARED = 500;

/** The HTTP entries of the load run, in the order they are loaded. */
export function httpEntries(options: HttpLoadOptions): readonly Entry[] {
  const { floor, order, readsPerSecond, plansPerSecond } = options;
  const one = warehousePath(floor.warehouseId);
  const bodies = Array.from({ length: PLANS_PREPARED }, (_, index) =>
    JSON.stringify(floor.order(`load-plan-${index}`, 'load-1', order)),
  );
  return [
    { name: 'GET /healthz', path: '/healthz', ratePerSecond: readsPerSecond },
    { name: 'GET /v1/warehouses/{id}', path: one, ratePerSecond: readsPerSecond },
    { name: 'POST /v1/warehouses/{id}/plans', path: `${one}/plans`, ratePerSecond: plansPerSecond, bodies },
  ];
}

export async function loadHttp(options: HttpLoadOptions, entry: Entry): Promise<HttpLoadResult> {
  const { target, connections, seconds } = options;
  const { bodies } = entry;
  const result = await autocannon({
    url: target.url + entry.path,
    headers: { ...target.headers, 'content-type': 'application/json' },
    connections,
    duration: seconds,
    overallRate: entry.ratePerSecond,
    ...(bodies === undefined ? {} : { requests: bodies.map((body) => ({ method: 'POST' as const, body })) }),
  });
  const { p50, p99, p99_9, max } = result.latency;
  return {
    entry: entry.name,
    requestsPerSecond: Math.round(result.requests.average),
    ...{ p50, p99, p999: p99_9, maximum: max },
    failures: result.errors,
    refusals: result.non2xx,
  };
}
