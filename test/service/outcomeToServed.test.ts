import { describe, expect, it, onTestFinished } from 'vitest';
import type { LearnerUpdate } from '../../src/learning/learner.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { createRandom } from '../../src/platform/random.js';
import { randomWeights } from '../../src/policy/network.js';
import { cell, report, SITE, startService, traceAlong } from './support/startService.js';

/** A service whose learner learns from completions 0, 1, ... when the test says so, and the clocks that stopped. */
async function setUp(mode: 'learn' | 'observe' = 'learn') {
  let publish: (update: LearnerUpdate) => void = () => undefined;
  const journal = createMemoryJournal();
  const stopped: number[] = [];
  const running = await startService({
    ...{ mode, journal },
    startLearner: async () => ({
      backend: 'scripted',
      offer: () => undefined,
      correct: () => undefined,
      tick: () => undefined,
      reset: () => undefined,
      onUpdate: (listener) => (publish = listener),
      onFailure: () => undefined,
      onRestart: () => undefined,
      close: async () => undefined,
    }),
    observer: { outcomeServed: (_warehouseId, milliseconds) => stopped.push(milliseconds) },
  });
  onTestFinished(() => running.service.close());
  const request = (requestId: string, robotId = 'a') =>
    running.service.requestRoute(SITE, { requestId, robotId, from: cell('00'), stops: [cell('04')] });
  const complete = async (requestId: string) => {
    const from = running.now();
    const route = await request(requestId);
    await running.pass(6);
    await running.service.completeRoute(SITE, report(route, traceAlong(route.nodes, from)));
  };
  const weights = randomWeights(createRandom(3));
  const learn = (...completions: number[]) =>
    publish({ weights, rejectedBy: null, completions, loss: 1, batches: 1 });
  return { ...running, journal, stopped, request, complete, learn };
}

describe('outcome to served', () => {
  it('stops with the first new route that was planned after the outcome was learnt, once', async () => {
    const { complete, request, learn, stopped } = await setUp();
    await complete('q0');
    await request('q1', 'b');
    expect(stopped).toEqual([]);
    learn(0);
    expect(stopped).toEqual([]);
    await request('q2', 'c');
    expect(stopped).toEqual([expect.any(Number)]);
    await request('q3');
    expect(stopped).toHaveLength(1);
  });

  it('does not stop with a route that was planned before, though it leaves later', async () => {
    const { complete, request, learn, stopped, journal } = await setUp();
    await complete('q0');
    const append = journal.append.bind(journal);
    journal.append = (record) => append(record).finally(() => learn(0));
    await request('q1', 'b');
    journal.append = append;
    expect(stopped).toEqual([]);
    await request('q2', 'c');
    expect(stopped).toHaveLength(1);
  });

  it('does not stop with an answer told again, nor with a new way for a route that is open', async () => {
    const { complete, request, learn, stopped, service, now } = await setUp();
    await complete('q0');
    const { routeId } = await request('q1', 'b');
    learn(0);
    await request('q1', 'b');
    await service.routeDeviated(SITE, {
      type: 'route.deviated',
      routeId,
      revision: 0,
      node: cell('10'),
      at: now(),
    });
    expect(stopped).toEqual([]);
  });

  it('does not stop where free flow is served', async () => {
    const { complete, request, learn, stopped } = await setUp('observe');
    await complete('q0');
    learn(0);
    await request('q1', 'b');
    expect(stopped).toEqual([]);
  });
});
