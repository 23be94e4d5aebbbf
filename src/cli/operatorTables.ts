import Table from 'cli-table3';
import { COMPONENTS, type RewardWeights } from '../domain/components.js';
import type { PolicyView, WarehouseSummary } from '../domain/serviceContract.js';

const STYLE = { head: [], border: [] };

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
  ];
  const table = new Table({ head: [...head, 'Closed lanes'], style: STYLE });
  for (const one of warehouses) {
    table.push([
      ...[one.warehouseId, one.mode, one.policyVersion, one.robots, one.openRoutes, one.completedRoutes],
      ...[one.slowdown.toFixed(2), one.scoreRatio.toFixed(2), one.closedLanes],
    ]);
  }
  return table.toString();
}

export function policyTable(policies: readonly PolicyView[]): string {
  const table = new Table({
    head: ['', 'Version', 'Parent', 'Saved', 'Why', 'Updates', 'Healthy'],
    style: STYLE,
  });
  for (const { active, policyVersion, parent, savedAt, reason, updates, healthy } of policies) {
    const saved = new Date(savedAt).toISOString();
    table.push([
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

export function weightsTable(weights: RewardWeights): string {
  const table = new Table({ head: ['Component', 'Weight'], style: STYLE });
  for (const component of COMPONENTS) table.push([component, weights[component]]);
  return table.toString();
}
