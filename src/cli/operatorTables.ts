import { COMPONENTS, type RewardWeights } from '../domain/components.js';
import type {
  CornerCaseView,
  GuardView,
  ImprovementSpan,
  PolicyView,
  ShadowReport,
  WarehouseSummary,
} from '../domain/serviceContract.js';
import { tableText } from './tables.js';

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
    'Closed lanes',
  ];
  const rows = warehouses.map((one) => [
    ...[one.warehouseId, one.mode, one.policyVersion, one.robots, one.openRoutes, one.completedRoutes],
    ...[one.slowdown.toFixed(2), ratioText(one), regretText(one)],
    ...[spanText(one.improvement.tenPercentAfter), spanText(one.improvement.quarterAfter)],
    one.closedLanes,
  ]);
  return tableText(head, rows);
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
  const rows = cases.map((one) => [
    ...[one.routeId, new Date(one.completedAt).toISOString(), one.policyVersion],
    ...[`${one.predictedWaitSeconds.toFixed(1)} s`, `${one.observedWaitSeconds.toFixed(1)} s`],
    one.openRoutes,
  ]);
  return tableText(head, rows);
}

export function policyTable(policies: readonly PolicyView[]): string {
  const areShared = policies.every(({ warehouseId }) => warehouseId === null);
  const head = ['State', 'Version', 'Parent', 'Saved', 'Why', 'Updates', 'Healthy'];
  const rows = policies.map((one) => [
    ...(areShared ? [] : [one.warehouseId ?? '']),
    ...[one.active ? 'active' : '', one.policyVersion, one.parent ?? ''],
    ...[new Date(one.savedAt).toISOString(), one.reason, one.updates, one.healthy ? 'yes' : 'no'],
  ]);
  return tableText(areShared ? head : ['Warehouse', ...head], rows);
}

export function guardTable({ policyVersion, trusted, pinned, rollbacks, last }: GuardView): string {
  const ended = last && `${last.from} to ${last.to} by ${last.cause}, ${new Date(last.at).toISOString()}`;
  return tableText(
    ['Policy', policyVersion],
    [
      ['Last good version', trusted ?? 'cold weights'],
      ['Pinned until learning has proved itself', pinned ? 'yes' : 'no'],
      ['Roll backs since the start', rollbacks],
      ['Last roll back', ended ?? 'none'],
    ],
  );
}

export function weightsTable(weights: RewardWeights): string {
  return tableText(
    ['Component', 'Weight'],
    COMPONENTS.map((component) => [component, weights[component]]),
  );
}

export function shadowTable(report: ShadowReport): string {
  return tableText(
    ['In shadow', report.candidate],
    [
      ['Plans priced', report.plans],
      ['Would have gone another way', report.different],
      ['Weighted seconds a plan that it expects to save', report.expectedSaving.toFixed(2)],
      ['Seconds a plan that its way is longer', report.extraFreeFlowSeconds.toFixed(2)],
      ['Lanes driven meanwhile', report.lanes],
      ['Error of the waits that it expects, seconds', report.waitError.toFixed(2)],
      ['Error of expecting none, seconds', report.freeFlowError.toFixed(2)],
    ],
  );
}
