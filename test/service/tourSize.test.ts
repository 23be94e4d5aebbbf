import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import { LIMITS } from '../../src/domain/limits.js';
import { stopsAllowed } from '../../src/planning/tourLimit.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { SITE, startService } from './support/startService.js';

const SIDE = 100;
/** At 10,000 nodes and 39,600 lanes 60 stops are allowed, and 30 where turns cost. */
const MAP = new Array<string>(SIDE).fill('.'.repeat(SIDE)).join('\n');
const tourOf = (robotId: string, count: number) => {
  const stops = Array.from({ length: count }, (_, i) => `r1c${i + 1}`);
  return { requestId: `${robotId}${count}`, robotId, from: 'r0c0', stops };
};

describe('how many stops a tour may have', () => {
  it.each([
    [1, false, LIMITS.stopsPerTour],
    [40_000, false, LIMITS.stopsPerTour],
    [90_000, false, 26],
    [LIMITS.nodesPerWarehouse, false, 12],
    [5_000, true, LIMITS.stopsPerTour],
    [10_000, true, 30],
    [LIMITS.nodesPerWarehouse, true, LIMITS.stopsPerTourLeast],
  ])('with %i nodes, turns taking time: %s', (nodeCount, turnsTakeTime, allowed) => {
    const graph = {
      nodeCount,
      laneCount: 4 * nodeCount,
      turnsTakeTime: [turnsTakeTime],
    } as unknown as LaneGraph;
    expect(stopsAllowed(graph, 0, 0)).toBe(allowed);
  });

  it('is told and named where more are asked for, and is no bar to planning anew what was taken', async () => {
    const { service, now } = await startService({ map: MAP });
    const told = () => {
      const { stopsPerTour, stopsPerTourAlways } = service.hello({
        ...{ type: 'hello', warehouseId: SITE, robots: [] },
      }).limits;
      return [stopsPerTour, stopsPerTourAlways];
    };
    expect(told()).toEqual([60, 30]);
    const { routeId } = await service.requestRoute(SITE, tourOf('a', 31));
    await service.setWeights(SITE, { ...DEFAULT_REWARD_WEIGHTS, turns: 1 });
    expect(told()).toEqual([30, 30]);
    for (const ask of [
      () => service.requestRoute(SITE, tourOf('b', 31)),
      () => service.dryRun(SITE, tourOf('b', 31)),
    ]) {
      await expect((async () => ask())()).rejects.toMatchObject({
        ...{ code: 'E_TOO_MANY_STOPS', references: { limit: 30, count: 31 } },
      });
    }
    await service.requestRoute(SITE, tourOf('b', 30));
    expect(await service.requestRoute(SITE, tourOf('a', 31))).toMatchObject({ routeId });
    const deviated = { type: 'route.deviated' as const, routeId, revision: 0, node: 'r5c5', at: now() };
    expect((await service.routeDeviated(SITE, deviated)).stopIndexes).toHaveLength(31);
  });
});
