import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { cell, SITE, startService, type TestService } from './support/startService.js';

const NOON = Date.UTC(2026, 10, 29, 12);
let running: TestService;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval'], now: NOON });
  running = await startService({ clock: { kind: 'wall' } });
});
afterEach(async () => {
  await running.service.close();
  vi.useRealTimers();
});

it('goes on with what is due when the wall clock is set back by an hour', async () => {
  const { service } = running;
  const flow = (): number => service.lanes(SITE).reduce((sum, { plannedFlow }) => sum + plannedFlow, 0);
  vi.setSystemTime(NOON + 3_600_000);
  await vi.advanceTimersByTimeAsync(3_000);
  vi.setSystemTime(NOON);
  await vi.advanceTimersByTimeAsync(1_000);
  await service.requestRoute(SITE, {
    ...{ requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('04')] },
  });
  expect(flow()).toBe(4);
  // It reports nothing: by its ETAs it is there by now.
  await vi.advanceTimersByTimeAsync(11_000);
  expect(flow()).toBe(0);
});
