import { describe, expect, it } from 'vitest';
import { cell, SITE, startService } from './support/startService.js';

const HELD_SECONDS = 25;

interface Holds {
  /** Robots that are held before r0c3 in turn, and drive on to the end of the row. */
  readonly held: readonly string[];
  /** Who stands on r0c3 meanwhile. */
  readonly holder?: 'a';
}

/** What the lane into r0c3 costs after that. */
async function priceAfter({ held, holder }: Holds): Promise<number> {
  const { service, now, pass } = await startService({ map: '.......', learns: true, mode: 'frozen' });
  let requests = 0;
  const request = (robotId: string, from: string, to: string, handlingSeconds: number) =>
    service.requestRoute(SITE, {
      ...{ requestId: String(++requests), robotId, from: cell(from) },
      stops: [{ node: cell(from), handlingSeconds }, cell(to)],
    });
  if (holder) await request(holder, '03', '06', held.length * (HELD_SECONDS + 10));
  for (const robotId of held) {
    const { routeId } = await request(robotId, '00', '06', 0);
    for (const column of [1, 2, 3, 4, 5]) {
      await pass(column === 3 ? 1 + HELD_SECONDS : 1);
      const at = now();
      service.routeProgress(SITE, {
        ...{ type: 'route.progress', routeId, revision: 0, node: cell(`0${column}`), at },
      });
    }
    await service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'measured' });
  }
  await pass(1);
  const { price } = service.lanes(SITE).find(({ from, to }) => from === cell('02') && to === cell('03'))!;
  await service.close();
  return price;
}

describe('the memory of a lane', () => {
  it('keeps waits of two robots that nobody accounts for, and none behind another robot', async () => {
    expect(await priceAfter({ held: ['b', 'c'] })).toBeGreaterThan(HELD_SECONDS);
    expect(await priceAfter({ held: ['b', 'c'], holder: 'a' })).toBeLessThan(HELD_SECONDS);
  });

  it('keeps none that one robot alone had, though it had it twice', async () => {
    expect(await priceAfter({ held: ['b', 'b'] })).toBeLessThan(HELD_SECONDS);
  });
});
