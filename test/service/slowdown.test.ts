import { describe, expect, it } from 'vitest';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { createSlowdown, PRESSURE } from '../../src/service/slowdown.js';
import { cell, SITE, START, startService } from './support/startService.js';

type Open = Parameters<typeof createSlowdown>[0];

/** A route under way since second 0 whose shortest tour takes 10 s. */
const underWay = (
  wasHeld = false,
  shortestSeconds = 10,
  paused = false,
  heardAt = 0,
  reports: boolean | null = true,
): Open =>
  new Map([
    [
      'a',
      {
        ...{ issuedAt: 0, shortestSeconds, holds: wasHeld ? [{ from: 0, until: 1 }] : [], pauses: [] },
        robot: { paused, heardAt, reports },
        revisions: [{ stops: [{ node: 0, handlingSeconds: 5 }] }],
      },
    ],
  ]) as unknown as Open;

describe('the slow-down of a floor', () => {
  it('is 1 on a free floor, where the pressure is least', () => {
    const slowdown = createSlowdown(new Map());
    slowdown.completed(10, 10, 4);
    expect([slowdown.ratio(0), slowdown.pressure(0)]).toEqual([1, PRESSURE.factor]);
  });

  it('raises the pressure by its cube, up to the limit', () => {
    const pressureAt = (travelled: number): number => {
      const slowdown = createSlowdown(new Map());
      slowdown.completed(travelled, 10, 4);
      return slowdown.pressure(0);
    };
    expect(pressureAt(12)).toBeCloseTo(2 * 1.2 ** 3, 9);
    expect([pressureAt(15), pressureAt(70)]).toEqual([5, 5]);
  });

  it('follows the routes of late', () => {
    const slowdown = createSlowdown(new Map());
    slowdown.completed(30, 10, 4);
    for (let i = 0; i < 40; i++) slowdown.completed(10, 10, 4);
    expect(slowdown.ratio(0)).toBeCloseTo(1, 3);
  });

  it('counts a route that is overdue, handling apart, as if it ended now; not one that is or was held', () => {
    expect(createSlowdown(underWay()).ratio(15)).toBe(1);
    expect(createSlowdown(underWay()).ratio(35)).toBe(3);
    expect(createSlowdown(underWay(true)).ratio(35)).toBe(1);
  });

  it('does not count the route of a robot that cannot drive', () => {
    expect(createSlowdown(underWay(false, 10, true)).ratio(3_605)).toBe(1);
  });

  it('does not count a route that its robot has forgotten: it comes to that limit, and nothing is heard for as long', () => {
    const silent = createSlowdown(underWay());
    silent.completed(10, 10, 4);
    expect([silent.ratio(165), silent.ratio(166)]).toEqual([expect.closeTo(8.5), 1]);
    const speaking = createSlowdown(underWay(false, 10, false, 6_000));
    expect([speaking.ratio(166), speaking.ratio(167)]).toEqual([16, 1]);
    // Nor does one that never reports say by its silence that it has.
    expect(createSlowdown(underWay(false, 10, false, 0, false)).ratio(166)).toBe(16);
    // One that said nothing since the server started may be long gone.
    const restored = createSlowdown(underWay(false, 10, false, 160_000, null));
    expect([restored.ratio(165), restored.ratio(166)]).toEqual([16, 1]);
  });

  it('does not count a route that has no way to drive', () => {
    const slowdown = createSlowdown(underWay(false, 0));
    slowdown.completed(10, 10, 4);
    expect(slowdown.ratio(35)).toBe(1);
  });

  it('counts a robot that stands for an hour as at most ten times its way and a minute', () => {
    expect(createSlowdown(underWay(false, 10, false, 3_600_000)).ratio(3_605)).toBe(16);
    const slowdown = createSlowdown(new Map());
    slowdown.completed(3_600, 10, 4);
    expect(slowdown.ratio(0)).toBe(16);
  });
});

describe('the slow-down after a restart', () => {
  it('leaves out the overdue route of a robot that did not come back, and counts it once it says anything', async () => {
    const journal = createMemoryJournal();
    const kept = { ...journal, close: () => Promise.resolve() };
    const first = await startService({ journal: kept });
    await first.service.requestRoute(SITE, {
      ...{ requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('04')] },
    });
    await first.pass(150);
    const before = first.service.warehouse(SITE).slowdown;
    await first.service.close();

    const again = await startService({ journal: kept, robots: [], at: START + 150_000 });
    const slowdown = (): number => again.service.warehouse(SITE).slowdown;
    expect([before, slowdown()]).toEqual([25, 1]);
    again.service.hello({
      ...{ type: 'hello', warehouseId: SITE },
      robots: [{ robotId: 'a', robotType: 'unit' }],
    });
    expect(slowdown()).toBe(25);
    await again.service.close();
  });
});
