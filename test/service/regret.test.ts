import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { createFreeFlow } from '../../src/planning/freeFlow.js';
import { createPlanner } from '../../src/planning/planner.js';
import { createRealisedWaits } from '../../src/service/realisedWaits.js';
import { createRegretMeter, type DrivenRoute } from '../../src/service/regret.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { cell, report, SITE, startService, traceAlong, type TestService } from './support/startService.js';

const UPPER = ['00', '01', '02', '03', '04'].map(cell);
const LOWER = ['10', '11', '12', '13', '14'].map(cell);

function ask({ service }: TestService, robotId: string, from: string, stop: string) {
  return service.requestRoute(SITE, { requestId: '1', robotId, from: cell(from), stops: [cell(stop)] });
}

describe('the regret of a route', () => {
  it('is nothing where the cheapest way was driven without a wait', async () => {
    const test = await startService();
    const route = await ask(test, 'a', '00', '04');
    const issuedAt = test.now();
    await test.pass(10);
    const scored = await test.service.completeRoute(SITE, report(route, traceAlong(UPPER, issuedAt)));
    expect(scored).toMatchObject({ learnt: true, regretSeconds: 0 });
  });

  it('is what a wait cost beyond the way round it, where nobody drove there', async () => {
    const test = await startService();
    const route = await ask(test, 'a', '00', '04');
    const issuedAt = test.now();
    await test.pass(20);
    // 4 s of driving and 9 of waiting, where 6 s lead round by the lower row.
    const trace = traceAlong(UPPER, issuedAt, [1, 10, 1, 1]);
    const scored = await test.service.completeRoute(SITE, report(route, trace));
    expect(scored.regretSeconds).toBeCloseTo(7, 3);
    expect(test.service.warehouse(SITE).regretSeconds).toBeCloseTo(7, 3);
    expect(test.events).toContainEqual({ kind: 'route.scored', warehouseId: SITE, message: scored });
  });

  it('is in the mean of all that were measured, not mostly the first', async () => {
    const test = await startService();
    const regrets: number[] = [];
    for (let route = 0; route < 6; route++) {
      const [from, to] = route % 2 === 0 ? ['00', '04'] : ['04', '00'];
      const { routeId } = await test.service.requestRoute(SITE, {
        ...{ requestId: String(route), robotId: 'a', from: cell(from), stops: [cell(to)] },
      });
      const way = route % 2 === 0 ? UPPER : [...UPPER].reverse();
      const trace = traceAlong(way, test.now(), [1, 1 + 9 * Math.min(1, route), 1, 1]);
      await test.pass(20);
      const scored = await test.service.completeRoute(SITE, report({ routeId }, trace));
      regrets.push(scored.regretSeconds!);
    }
    expect(regrets[0]).toBe(0);
    const mean = regrets.reduce((sum, regret) => sum + regret, 0) / regrets.length;
    expect(mean).toBeGreaterThan(1);
    expect(test.service.warehouse(SITE).regretSeconds).toBeCloseTo(mean, 6);
  });

  it('counts what others paid on the way round meanwhile, and not what they paid before', async () => {
    const test = await startService();
    const slow = [1, 1, 8, 1];
    const first = await ask(test, 'b', '10', '14');
    const firstAt = test.now();
    await test.pass(20);
    await test.service.completeRoute(SITE, report(first, traceAlong(LOWER, firstAt, slow)));
    const early = await ask(test, 'a', '00', '04');
    const earlyAt = test.now();
    await test.pass(20);
    const waited = [1, 10, 1, 1];
    expect(
      await test.service.completeRoute(SITE, report(early, traceAlong(UPPER, earlyAt, waited))),
    ).toMatchObject({ regretSeconds: 7 });

    const route = await test.service.requestRoute(SITE, {
      ...{ requestId: '2', robotId: 'a', from: cell('04'), stops: [cell('00')] },
    });
    const back = await test.service.requestRoute(SITE, {
      ...{ requestId: '2', robotId: 'b', from: cell('14'), stops: [cell('10')] },
    });
    const at = test.now();
    await test.pass(40);
    // Every lane of the lower row cost b 5 s more: no way round was cheaper than a's own wait of 3.
    const lower = traceAlong([...LOWER].reverse(), at, [6, 6, 6, 6]);
    await test.service.completeRoute(SITE, report(back, lower));
    const upper = traceAlong([...UPPER].reverse(), at, [1, 4, 1, 1]);
    const scored = await test.service.completeRoute(SITE, report(route, upper));
    expect(scored.regretSeconds).toBe(0);
  });

  it('takes the robot at its own word on the lanes it drove, whatever others paid there', async () => {
    const test = await startService();
    const route = await ask(test, 'a', '00', '04');
    const lucky = await ask(test, 'b', '01', '02');
    const slow = await ask(test, 'c', '10', '14');
    const at = test.now();
    await test.pass(40);
    await test.service.completeRoute(SITE, report(lucky, traceAlong(UPPER.slice(1, 3), at)));
    await test.service.completeRoute(SITE, report(slow, traceAlong(LOWER, at, [9, 9, 9, 9])));
    const waited = traceAlong(UPPER, at, [1, 7, 1, 1]);
    const scored = await test.service.completeRoute(SITE, report(route, waited));
    expect(scored.regretSeconds).toBe(0);
  });

  it('is measured for as many routes of a second as their searches allow, and for one at least', () => {
    const small = gridFromText('..\n..');
    const graph = { ...small, nodeCount: LIMITS.regretNodesPerSecond };
    const freeFlow = createFreeFlow(small, () => 0);
    const waits = createRealisedWaits(small.laneCount);
    const meter = createRegretMeter(graph, createPlanner(small, freeFlow), waits);
    const driven = drivenAlone();
    const measured = [0.1, 0.9, 1].map((seconds) => meter.measure(driven, seconds) !== null);
    expect(measured).toEqual([true, false, true]);
  });

  it('counts a search by lanes where turns take time', () => {
    const small = gridFromText('..\n..');
    const measured = (turnsTakeTime: boolean): number => {
      const graph = { ...small, nodeCount: 1_000, laneCount: 2_000, turnsTakeTime: [turnsTakeTime] };
      const planner = createPlanner(
        small,
        createFreeFlow(small, () => 0),
      );
      const meter = createRegretMeter(graph, planner, createRealisedWaits(small.laneCount));
      return Array.from({ length: 9 }, () => meter.measure(drivenAlone(), 0)).filter((one) => one !== null)
        .length;
    };
    expect(measured(true)).toBeLessThan(measured(false));
  });

  it('is not measured where its searches would hold everything else for long', () => {
    const small = gridFromText('..\n..');
    const measured = (nodeCount: number): boolean => {
      const freeFlow = createFreeFlow(small, () => 0);
      const planner = createPlanner(small, freeFlow);
      const meter = createRegretMeter({ ...small, nodeCount }, planner, createRealisedWaits(small.laneCount));
      return meter.measure(drivenAlone(), 0) !== null;
    };
    // A search from the start, and one from its only stop.
    const most = LIMITS.regretNodesAtOnce / 2;
    expect([measured(most), measured(most + 1)]).toEqual([true, false]);
  });

  it('forgets passages beyond its limit, the oldest first', () => {
    const waits = createRealisedWaits(2, 3);
    for (const wait of [30, 1, 2, 3]) waits.record(0, 100, wait);
    expect([...waits.meansSince(0, 0)]).toEqual([2, 0]);
    expect([...waits.meansSince(3, 0)]).toEqual([3, 0]);
    expect([...waits.meansSince(0, 101)]).toEqual([0, 0]);
  });
});

/** From node 0 to node 1 and one second late. */
function drivenAlone(): DrivenRoute {
  const revision = { nodes: Int32Array.of(0, 1), stops: [{ node: 1, handlingSeconds: 0 }], stopOrder: [0] };
  const route = { issuedAt: 0, robotType: 0, revisions: [revision] } as unknown as DrivenRoute['route'];
  return { route, firstPassage: 0, drivenLanes: [], travelledSeconds: 2 };
}
