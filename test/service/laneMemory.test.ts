import { describe, expect, it } from 'vitest';
import type { Mode } from '../../src/domain/messages.js';
import { cell, SITE, startService } from './support/startService.js';

const HELD_SECONDS = 25;

interface Holds {
  /** Robots that are held before r0c3 in turn, and drive on to the end of the row. */
  readonly held: readonly string[];
  /** Who stands on r0c3 meanwhile. */
  readonly holder?: 'a';
  /** They say meanwhile that they cannot drive. */
  readonly paused?: boolean;
}

async function floorAfter({ held, holder, paused = false }: Holds, mode: Mode, map: string) {
  const { service, now, pass } = await startService({ map, learns: true, mode });
  let requests = 0;
  const request = (robotId: string, from: string, to: string, handlingSeconds = 0) =>
    service.requestRoute(SITE, {
      ...{ requestId: String(++requests), robotId, from: cell(from) },
      stops: [{ node: cell(from), handlingSeconds }, cell(to)],
    });
  if (holder) await request(holder, '03', '06', held.length * (HELD_SECONDS + 10));
  for (const robotId of held) {
    const { routeId } = await request(robotId, '00', '06');
    for (const column of [1, 2, 3, 4, 5]) {
      const state = { type: 'robot.state' as const, robotId, node: cell('02'), at: now() };
      if (column === 3 && paused) service.robotState(SITE, { ...state, available: false });
      if (column === 3) await pass(HELD_SECONDS);
      service.robotState(SITE, { ...state, node: cell(`0${column - 1}`), available: true, at: now() });
      await pass(1);
      const at = now();
      service.routeProgress(SITE, {
        ...{ type: 'route.progress', routeId, revision: 0, node: cell(`0${column}`), at },
      });
    }
    await service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'measured' });
  }
  await pass(1);
  return { service, request };
}

/** What the lane into r0c3 costs after that. */
async function priceAfter(holds: Holds): Promise<number> {
  const { service } = await floorAfter(holds, 'frozen', '.......');
  const { price } = service.lanes(SITE).find(({ from, to }) => from === cell('02') && to === cell('03'))!;
  await service.close();
  return price;
}

describe('the memory of a lane', () => {
  it('keeps waits of two robots that nobody accounts for, and none behind another robot', async () => {
    expect(await priceAfter({ held: ['b', 'c'] })).toBeGreaterThan(HELD_SECONDS);
    expect(await priceAfter({ held: ['b', 'c'], holder: 'a' })).toBeLessThan(HELD_SECONDS);
  });

  it('keeps none of robots that said that they could not drive', async () => {
    expect(await priceAfter({ held: ['b', 'c'], paused: true })).toBeLessThan(HELD_SECONDS);
  });

  it('keeps none that one robot alone had, though it had it twice', async () => {
    expect(await priceAfter({ held: ['b', 'b'] })).toBeLessThan(HELD_SECONDS);
  });

  it('is the shadow candidate’s too: it would go round a place that free flow goes through', async () => {
    const plansElsewhere = async (held: readonly string[]): Promise<number> => {
      const { service, request } = await floorAfter({ held }, 'shadow', '.......\n.......');
      const before = service.shadow(SITE).different;
      await request('a', '00', '06');
      const { different } = service.shadow(SITE);
      await service.close();
      return different - before;
    };
    expect(await plansElsewhere(['b', 'c'])).toBe(1);
    expect(await plansElsewhere(['b'])).toBe(0);
  });
});
