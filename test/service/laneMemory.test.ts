import { describe, expect, it } from 'vitest';
import { cell, SITE, startService } from './support/startService.js';

const HELD_SECONDS = 25;

/** Robot `b` is held for so long before r0c3, where `a` may stand; what the lane into it costs after that. */
async function priceAfterHold(holder: 'a' | null): Promise<number> {
  const { service, now, pass } = await startService({ map: '.......', learns: true, mode: 'frozen' });
  const request = (robotId: string, from: string, to: string, handlingSeconds: number) =>
    service.requestRoute(SITE, {
      ...{ requestId: robotId, robotId, from: cell(from) },
      stops: [{ node: cell(from), handlingSeconds }, cell(to)],
    });
  if (holder !== null) await request(holder, '03', '06', HELD_SECONDS);
  const { routeId } = await request('b', '00', '04', 0);
  for (const [node, seconds] of [
    ['01', 1],
    ['02', 1],
    ['03', 1 + HELD_SECONDS],
  ] as const) {
    await pass(seconds);
    const at = now();
    service.routeProgress(SITE, { type: 'route.progress', routeId, revision: 0, node: cell(node), at });
  }
  await pass(1);
  const { price } = service.lanes(SITE).find(({ from, to }) => from === cell('02') && to === cell('03'))!;
  await service.close();
  return price;
}

describe('the memory of a lane', () => {
  it('keeps a wait that nobody accounts for, and none behind another robot', async () => {
    expect(await priceAfterHold('a')).toBeLessThan(HELD_SECONDS);
    expect(await priceAfterHold(null)).toBeGreaterThan(HELD_SECONDS);
  });
});
