import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type * as limits from '../../src/domain/limits.js';
import { startSupervisedLearner } from '../../src/learning/supervisedLearner.js';
import { createRandom } from '../../src/platform/random.js';
import type * as platform from '../../src/platform/spawnWorker.js';
import { randomWeights } from '../../src/policy/network.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import {
  cell,
  report,
  SITE,
  startService,
  traceAlong,
  type TestService,
} from '../service/support/startService.js';

// Real workers with the real learner; the test only has a handle to hurt them by.
const workers: Worker[] = [];
/** What the next one does instead of the learner's work. */
let instead: string | null = null;
vi.mock('../../src/platform/spawnWorker.js', async (importOriginal) => {
  const original = await importOriginal<typeof platform>();
  const fragile = new URL('./fixtures/fragileLearner.ts', import.meta.url);
  const spawnWorker: typeof original.spawnWorker = (_url, data, heapMebibytes) => {
    const worker =
      instead === null
        ? original.spawnWorker(fragile, data, heapMebibytes)
        : new Worker(instead, { eval: true });
    workers.push(worker);
    return worker;
  };
  return { ...original, spawnWorker };
});
vi.mock('../../src/domain/limits.js', async (importOriginal) => {
  const { LIMITS } = await importOriginal<typeof limits>();
  const short = { learnerSilenceSeconds: 6, learnerStartSeconds: 8, learnerHeapMebibytes: 200 };
  return {
    LIMITS: { ...LIMITS, ...short, learnerRestart: { firstPauseSeconds: 0.2, longestPauseSeconds: 1 } },
  };
});

const services: RoutingService[] = [];
afterEach(async () => {
  instead = null;
  for (const service of services.splice(0)) await service.close();
});

/** Drives routes until the learner works again; each of them must be planned and scored. */
async function driveUntilRestarted({ service, events, pass, now }: TestService): Promise<number> {
  for (let round = 0; ; round++) {
    const request = { requestId: `q${round}`, robotId: 'a', from: cell('00'), stops: [cell('04')] };
    const from = now();
    const route = await service.requestRoute(SITE, request);
    await pass(10);
    await service.completeRoute(SITE, report(route, traceAlong(route.nodes, from)));
    if (events.some(({ kind }) => kind === 'learner.restarted')) return round;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a learner in its thread', { timeout: 120_000 }, () => {
  it.each([
    ['is killed', (worker: Worker) => void worker.terminate(), /ended/],
    ['hangs', (worker: Worker) => worker.postMessage('hang'), /not answered/],
    ['exhausts its memory', (worker: Worker) => worker.postMessage('exhaust'), /memory|heap|ended/i],
  ])('that %s fails no plan, is told as failed, and is started again', async (_title, hurt, detail) => {
    const restarts: string[] = [];
    const running = await startService({
      mode: 'learn',
      startLearner: (weights) => startSupervisedLearner({ seed: 1, force: 'cpu', weights }),
      observer: { learnerRestarted: (warehouseId) => restarts.push(warehouseId) },
    });
    services.push(running.service);
    hurt(workers.at(-1)!);
    await driveUntilRestarted(running);
    expect(restarts).toEqual([SITE]);
    const failures = running.events.filter((event) => event.kind === 'learner.failed');
    expect(failures.map((failure) => failure.detail)).toEqual([expect.stringMatching(detail)]);
    // It learns again: weights move.
    const before = running.service.warehouse(SITE).updatesApplied;
    running.events.length = 0;
    await vi.waitFor(async () => {
      const request = {
        requestId: `again${running.now()}`,
        robotId: 'b',
        from: cell('10'),
        stops: [cell('14')],
      };
      const from = running.now();
      const route = await running.service.requestRoute(SITE, request);
      await running.pass(10);
      await running.service.completeRoute(SITE, report(route, traceAlong(route.nodes, from)));
      expect(running.service.warehouse(SITE).updatesApplied).toBeGreaterThan(before);
    }, 60_000);
  });

  it.each([
    ['ends', 'process.exit(1)', /ended with 1/],
    ['hangs', 'for (;;);', /not begun for 8 s/],
  ])('that %s while it starts is started once more', async (_title, code, detail) => {
    const failures: string[] = [];
    let restarts = 0;
    const port = await startSupervisedLearner({
      ...{ seed: 1, force: 'cpu', weights: randomWeights(createRandom(1)) },
    });
    port.onFailure((failure) => failures.push(failure));
    port.onRestart(() => restarts++);
    const started = workers.length;
    instead = code;
    await workers.at(-1)!.terminate();
    await vi.waitFor(() => expect(workers.length).toBe(started + 1), 10_000);
    instead = null;
    await vi.waitFor(() => expect(restarts).toBe(1), 60_000);
    expect(failures).toEqual([expect.stringMatching(/ended/), expect.stringMatching(detail)]);
    await port.close();
  });
});
