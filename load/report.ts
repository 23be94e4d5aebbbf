import Table from 'cli-table3';
import type { HttpLoadResult } from './httpLoad.js';
import type { LatencySummary } from '../sim/latencies.js';
import type { ProcessorUse } from './processorUse.js';
import type { FleetLoadResult } from './tally.js';

/** What `npm run load -- --json` prints. */
export interface LoadReport {
  readonly url: string;
  readonly warehouseId: string;
  readonly node: string;
  readonly cores: number;
  readonly http: readonly (HttpLoadResult & { readonly processors: ProcessorUse })[];
  readonly fleet:
    | (FleetLoadResult & {
        readonly robots: number;
        readonly connections: number;
        readonly ordersPerSecond: number;
        readonly seconds: number;
        readonly processors: ProcessorUse;
      })
    | null;
}

const LEGEND =
  'Latencies in milliseconds from the moment a message was due. CPU: cores busy, server / driver.';
/** Measured: at 100 requests a second over 10 connections, each sends its ten in a row as the second begins. */
const HTTP_LEGEND =
  "autocannon sends each second's requests in a burst: HTTP latencies include their queueing behind each other.";

export function formatReport(report: LoadReport): string {
  const parts = [`${report.warehouseId} at ${report.url}, ${report.cores} cores shared by server and driver`];
  if (report.http.length > 0) parts.push(httpTable(report), HTTP_LEGEND);
  if (report.fleet !== null) parts.push(...fleetParts(report.fleet));
  parts.push(LEGEND);
  return parts.join('\n\n');
}

function httpTable({ http }: LoadReport): string {
  const table = new Table({ head: ['HTTP', '/s', 'p50', 'p99', 'p99.9', 'max', 'errors', 'CPU'], ...PLAIN });
  for (const one of http) {
    const { entry, requestsPerSecond, p50, p99, p999, maximum, failures, refusals, processors } = one;
    table.push([entry, requestsPerSecond, p50, p99, p999, maximum, failures + refusals, cpu(processors)]);
  }
  return table.toString();
}

function fleetParts(fleet: NonNullable<LoadReport['fleet']>): string[] {
  const table = new Table({ head: ['WebSocket', 'count', 'p50', 'p99', 'p99.9', 'max'], ...PLAIN });
  const row = (name: string, { count, p50, p99, p999, maximum }: LatencySummary) =>
    table.push([name, count, p50, p99, p999, maximum]);
  row('route.request -> route.assigned', fleet.request);
  row('route.progress -> handled', fleet.progress);
  row('route.completed -> route.scored', fleet.completion);
  row('(the driver itself was late by)', fleet.driverLateness);
  const errors = Object.entries(fleet.errors).map(([code, count]) => `${code} x ${count}`);
  const lines = [
    `${fleet.robots} robots on ${fleet.connections} connections, ${fleet.ordersPerSecond} orders/s for ` +
      `${fleet.seconds} s; ${fleet.messagesPerSecond} messages/s sent, ${fleet.learnt} routes learnt; CPU ${cpu(fleet.processors)}`,
    `errors: ${errors.length === 0 ? 'none' : errors.join(', ')}; unanswered: ${fleet.unanswered}`,
  ];
  if (fleet.withoutRobot > 0) {
    lines.push(
      `${fleet.withoutRobot} orders waited for a free robot, which counts as latency: take more --robots or fewer --orders`,
    );
  }
  return [table.toString(), lines.join('\n')];
}

const PLAIN = { style: { head: [], border: [] } };

function cpu({ server, driver }: ProcessorUse): string {
  return `${server.toFixed(2)} / ${driver.toFixed(2)}`;
}
