import Table from 'cli-table3';
import { COMPONENTS, type RewardWeights } from '../domain/components.js';
import type {
  CornerCaseView,
  GuardView,
  ImprovementSpan,
  PolicyView,
  ShadowReport,
  WarehouseSummary,
} from '../domain/serviceContract.js';

/** Plain: colours would be noise in a pipe. */
export const STYLE = { head: [], border: [] };

export function statusTable(warehouses: readonly WarehouseSummary[]): string {
  const head = [
    'Warehouse',
    'Mode',
    'Policy version',
    'Robots',
    'Open routes',
    'Completed',
    'Slow-down',
    'Score ratio',
    'Regret',
    '10 % better after',
    '25 % better after',
  ];
  const table = new Table({ head: [...head, 'Closed lanes'], style: STYLE });
  for (const one of warehouses) {
    table.push([
      ...[one.warehouseId, one.mode, one.policyVersion, one.robots, one.openRoutes, one.completedRoutes],
      ...[one.slowdown.toFixed(2), ratioText(one), regretText(one)],
      ...[spanText(one.improvement.tenPercentAfter), spanText(one.improvement.quarterAfter)],
      one.closedLanes,
    ]);
  }
  return table.toString();
}

function ratioText({ scoreRatio }: WarehouseSummary): string {
  return scoreRatio === null ? '-' : scoreRatio.toFixed(2);
}

function regretText({ regretSeconds }: WarehouseSummary): string {
  return regretSeconds === null ? '-' : `${regretSeconds.toFixed(1)} s`;
}

function spanText(span: ImprovementSpan | null): string {
  return span === null ? '-' : `${Math.round(span.seconds)} s, ${span.routes} routes`;
}

export function cornerCaseTable(cases: readonly CornerCaseView[]): string {
  const head = ['Route', 'Completed', 'Policy version', 'Predicted wait', 'Observed wait', 'Open routes'];
  const table = new Table({ head, style: STYLE });
  for (const one of cases) {
    table.push([
      ...[one.routeId, new Date(one.completedAt).toISOString(), one.policyVersion],
      ...[`${one.predictedWaitSeconds.toFixed(1)} s`, `${one.observedWaitSeconds.toFixed(1)} s`],
      one.openRoutes,
    ]);
  }
  return table.toString();
}

export function policyTable(policies: readonly PolicyView[]): string {
  const areShared = policies.every(({ warehouseId }) => warehouseId === null);
  const table = new Table({
    head: [
      ...(areShared ? [] : ['Warehouse']),
      ...['', 'Version', 'Parent', 'Saved', 'Why', 'Updates', 'Healthy'],
    ],
    style: STYLE,
  });
  for (const { warehouseId, active, policyVersion, parent, savedAt, reason, updates, healthy } of policies) {
    const saved = new Date(savedAt).toISOString();
    table.push([
      ...(areShared ? [] : [warehouseId]),
      active ? 'active' : '',
      policyVersion,
      parent ?? '',
      saved,
      reason,
      updates,
      healthy ? 'yes' : 'no',
    ]);
  }
  return table.toString();
}

export function guardTable({ policyVersion, trusted, pinned, rollbacks, last }: GuardView): string {
  const table = new Table({ head: ['Policy', policyVersion], style: STYLE });
  const ended = last && `${last.from} to ${last.to} by ${last.cause}, ${new Date(last.at).toISOString()}`;
  table.push(
    ['Last good version', trusted ?? 'cold weights'],
    ['Pinned until learning has proved itself', pinned ? 'yes' : 'no'],
    ['Roll backs since the start', rollbacks],
    ['Last roll back', ended ?? 'none'],
  );
  return table.toString();
}

export function weightsTable(weights: RewardWeights): string {
  const table = new Table({ head: ['Component', 'Weight'], style: STYLE });
  for (const component of COMPONENTS) table.push([component, weights[component]]);
  return table.toString();
}

export function shadowTable(report: ShadowReport): string {
  const table = new Table({ head: ['In shadow', report.candidate], style: STYLE });
  table.push(
    ['Plans priced', report.plans],
    ['Would have gone another way', report.different],
    ['Weighted seconds a plan that it expects to save', report.expectedSaving.toFixed(2)],
    ['Seconds a plan that its way is longer', report.extraFreeFlowSeconds.toFixed(2)],
    ['Lanes driven meanwhile', report.lanes],
    ['Error of the waits that it expects, seconds', report.waitError.toFixed(2)],
    ['Error of expecting none, seconds', report.freeFlowError.toFixed(2)],
  );
  return table.toString();
}
