import type { WarehouseSummary } from '../src/domain/serviceContract.js';
import type { RunResult } from './run.js';
import type { ServerLatencies } from './serverMetrics.js';

/** What `sim run --json` prints. */
export interface RunReport extends RunResult {
  readonly warehouseId: string;
  readonly robots: number;
  readonly seed: number;
  readonly driver: 'in process' | 'socket' | 'socket, lockstep';
  readonly mode: string;
  readonly policyVersion: string;
  readonly updatesApplied: number;
  readonly slowdown: number;
  readonly pressure: number;
  /** The service's own: planning alone, and from a completion to the first route that learnt from it. */
  readonly service: ServerLatencies;
}

export function createReport(
  run: Pick<RunReport, 'robots' | 'seed' | 'driver'> & { readonly result: RunResult },
  summary: WarehouseSummary,
  service: ServerLatencies,
): RunReport {
  const { warehouseId, mode, policyVersion, updatesApplied, slowdown, pressure } = summary;
  const { result, ...head } = run;
  return {
    warehouseId,
    ...head,
    mode,
    policyVersion,
    updatesApplied,
    slowdown,
    pressure,
    ...result,
    service,
  };
}

export function reportAsText(report: RunReport): string {
  const { link, service, pickingSeconds } = report;
  const milliseconds = ({ p50, p99 }: { p50: number | null; p99: number | null }): string =>
    p50 === null ? 'none yet' : `p50 ${p50} ms, p99 ${p99} ms`;
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  const share = (value: number | null): string => (value === null ? '-' : `${round(100 * value)} %`);
  const rows: [string, string][] = [
    ['run', `${report.robots} robots on ${report.warehouseId}, ${report.driver}, seed ${report.seed}`],
    ['floor', `${report.steps} steps of ${report.stepSeconds} s, speed-up ${round(report.speedUp)}`],
    ['policy', `${report.policyVersion} (mode ${report.mode}, ${report.updatesApplied} updates)`],
    ['throughput', `${round(report.throughput)} goals a step, ${round(report.toursPerHour)} tours an hour`],
    [
      'picking time',
      pickingSeconds === null
        ? 'no tour finished'
        : `mean ${round(pickingSeconds.mean)} s, p50 ${round(pickingSeconds.p50)} s, p95 ${round(pickingSeconds.p95)} s`,
    ],
    ['slow-down', `${round(report.slowdown)}, pressure ${round(report.pressure)}`],
    [
      'learnt from',
      `${share(report.learntShare)} of ${report.tours} tours; not: ${counts(report.notLearnt)}`,
    ],
    ['pushed off', `${report.pushedOff} times; refusals: ${counts(report.refusals)}`],
    ['plan', `${milliseconds(link.plan)} as the robot sees it; ${milliseconds(service.plan)} in the service`],
    ['outcome to served', milliseconds(service.outcomeToServed)],
    ['invalid routes', `${link.invalidRoutes} of ${link.routes}${link.firstFault && `: ${link.firstFault}`}`],
    ['lost completions', `${link.lostCompletions} of ${link.completionsSent}`],
    ['run hash', report.runHash],
  ];
  return rows.map(([name, value]) => `${name.padEnd(20)}${value}`).join('\n');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
