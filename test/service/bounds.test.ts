import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import { LIMITS } from '../../src/domain/limits.js';
import { createPassage } from '../../src/learning/passage.js';
import { createDrivenClock } from '../../src/platform/clock.js';
import { orderTour } from '../../src/planning/tourOrder.js';
import type { PolicyHost } from '../../src/service/policyHost.js';
import { createSite, SETTLE_SECONDS, type OpenRoute } from '../../src/service/site.js';
import { tickSite } from '../../src/service/siteClock.js';
import { revisionLimit } from '../../src/service/tracking.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

describe('waits of a fleet that reports nothing on the way', () => {
  const clock = createDrivenClock(1000);
  const site = createSite({
    ...{ graph: gridFromText('..'), source: 0, clock, driven: clock, mode: 'off' },
    ...{ weights: DEFAULT_REWARD_WEIGHTS, tieBreaks: null, visitOrder: orderTour, legsThatCount: 2 },
  });
  const host = { maturity: () => 1 } as PolicyHost;
  const tick = (seconds: number): number => {
    clock.advanceTo(clock.now() + 1000 * seconds);
    tickSite(site, host);
    return site.unsettled.length;
  };

  it('settle in their turn, and the oldest early where there are too many', () => {
    const passages = [createPassage(0)];
    const settleAt = clock.now() + 1000 * SETTLE_SECONDS;
    const waitOf = (at: number) => ({ settleAt: at, waits: [], passages });
    site.unsettled.push(...Array.from({ length: 3 }, (_, i) => waitOf(settleAt + 1000 * i)));
    expect(tick(SETTLE_SECONDS - 1)).toBe(3);
    expect(tick(1)).toBe(2);
    expect(tick(1)).toBe(1);
    const later = clock.now() + 1000 * SETTLE_SECONDS;
    for (let i = 0; i < LIMITS.waitsUnsettled + 5; i++) site.unsettled.push(waitOf(later));
    expect(tick(1)).toBe(LIMITS.waitsUnsettled);
    expect(tick(SETTLE_SECONDS)).toBe(0);
  });
});

describe('how many plans a route may have had', () => {
  const routeOf = (revisions: number) => ({ revisions: { length: revisions } }) as unknown as OpenRoute;
  const siteOf = (...routes: OpenRoute[]) => ({
    openRoutes: new Map(routes.map((route, i) => [String(i), route])),
  });

  it('is few once the warehouse keeps many', () => {
    const route = routeOf(LIMITS.revisionsWhenMany + 1);
    const others = (revisions: number) => routeOf(revisions - LIMITS.revisionsWhenMany - 1);
    const limit = (all: number): number => revisionLimit(siteOf(route, others(all)), route);
    expect(limit(LIMITS.revisionsPerWarehouse)).toBe(LIMITS.revisionsPerRoute);
    expect(limit(LIMITS.revisionsPerWarehouse + 1)).toBe(LIMITS.revisionsWhenMany);
  });
});
