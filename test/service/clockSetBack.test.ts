import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LearnerPort } from '../../src/learning/learnerPort.js';
import { cell, report, SITE, startService, traceAlong, type TestService } from './support/startService.js';

const NOON = Date.UTC(2026, 10, 29, 12);
let running: TestService;
let corrected: number[];

const nothing = (): void => undefined;
const learner: LearnerPort = {
  ...{ backend: 'none', offer: nothing, tick: nothing, reset: nothing },
  correct: ({ row }) => corrected.push(row),
  ...{ onUpdate: nothing, onFailure: nothing, onRestart: nothing, close: () => Promise.resolve() },
};

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval'], now: NOON });
  corrected = [];
  running = await startService({ clock: { kind: 'wall' }, startLearner: async () => learner });
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

it('settles the labels of a trace that came while the wall clock ran ahead', async () => {
  const { service } = running;
  vi.setSystemTime(NOON + 3_600_000);
  const route = await service.requestRoute(SITE, {
    ...{ requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('04')] },
  });
  await vi.advanceTimersByTimeAsync(6_000);
  await service.completeRoute(SITE, report(route, traceAlong(route.nodes, NOON + 3_600_000)));
  vi.setSystemTime(NOON);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(corrected).toEqual([0, 1, 2, 3]);
});
