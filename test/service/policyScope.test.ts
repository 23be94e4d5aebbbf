import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { POLICY_SHAPE } from '../../src/policy/network.js';
import { openPolicyRegistry } from '../../src/registry/policyRegistry.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { cell, LADDER, report, SITE, START, startService, traceAlong } from './support/startService.js';

describe('the versions of a policy', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-scope-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const start = (policies: 'shared' | 'each', warehouses: readonly string[]) =>
    startService({
      ...{ learns: true, policies, graphs: warehouses.map((id) => gridFromText(LADDER, 'kiva', id)) },
      openRegistry: (scope) =>
        openPolicyRegistry({
          directory: join(directory, scope === '*' ? 'shared' : scope),
          shippedDirectory: null,
          shape: POLICY_SHAPE,
        }),
    });
  const saved = (service: Awaited<ReturnType<typeof start>>['service']) =>
    service.policies().map(({ policyVersion }) => policyVersion);

  it('that all share are served whether one warehouse is there or more', async () => {
    const alone = await start('shared', [SITE]);
    await alone.service.savePolicy(SITE);
    await alone.service.close();
    const joined = await start('shared', [SITE, 'annex']);
    expect(saved(joined.service)).toEqual(['v1']);
    expect(joined.service.warehouse('annex').policyVersion).toBe('v1+0');
    await joined.service.close();
  });

  it('say whose they are, and which of them is served', async () => {
    const each = await start('each', [SITE, 'annex']);
    await each.service.savePolicy(SITE);
    await each.service.savePolicy('annex');
    await each.service.savePolicy('annex');
    const of = (service: typeof each.service) =>
      service
        .policies()
        .map(({ warehouseId, policyVersion, active }) => [warehouseId, policyVersion, active] as const);
    expect(of(each.service)).toEqual([
      [SITE, 'v1', true],
      ['annex', 'v1', false],
      ['annex', 'v2', true],
    ]);
    await each.service.close();
    const shared = await start('shared', [SITE, 'annex']);
    await shared.service.savePolicy(SITE);
    expect(of(shared.service)).toEqual([[null, 'v1', true]]);
    await shared.service.close();
  });

  it('that all share are rolled back in each warehouse at its own time', async () => {
    const { service, pass } = await start('shared', [SITE, 'annex']);
    await service.savePolicy(SITE);
    await service.savePolicy(SITE);
    await service.advanceClock('annex', START + 7_000);
    await service.activatePolicy(SITE, 'v2');
    await pass(3);
    await service.advanceClock('annex', START + 12_000);
    await service.rollBack('annex');
    const common = { cause: 'operator', from: 'v2+0', to: 'v1+0' };
    const grid = service.guard(SITE);
    const annex = service.guard('annex');
    expect([grid.rollbacks, annex.rollbacks]).toEqual([1, 1]);
    expect(grid.last).toEqual({ ...common, at: START + 3_000, servedSeconds: 3 });
    expect(annex.last).toEqual({ ...common, at: START + 12_000, servedSeconds: 5 });
    await service.close();
  });

  it('have the score ratio of the warehouses that have one', async () => {
    const { service, pass } = await start('shared', [SITE, 'annex']);
    expect((await service.savePolicy(SITE)).metrics).not.toHaveProperty('scoreRatio');
    const asked = { requestId: 'q1', robotId: 'a', from: cell('00'), stops: [cell('04')] };
    const route = await service.requestRoute(SITE, asked);
    await pass(10);
    await service.completeRoute(SITE, report(route, traceAlong(route.nodes, START, [3])));
    const { scoreRatio } = service.warehouse(SITE);
    expect(scoreRatio).toBeGreaterThan(1);
    expect((await service.savePolicy(SITE)).metrics['scoreRatio']).toBe(scoreRatio);
    await service.close();
  });

  it('of one warehouse stay its own', async () => {
    const first = await start('each', [SITE]);
    await first.service.savePolicy(SITE);
    await first.service.close();
    const other = await start('each', ['annex', SITE]);
    expect(other.service.warehouse('annex').policyVersion).toBe('cold+0');
    expect(other.service.warehouse(SITE).policyVersion).toBe('v1+0');
    await other.service.close();
  });
});
