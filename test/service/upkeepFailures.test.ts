import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import type { ServiceEvent } from '../../src/domain/serviceContract.js';
import { listCheckpoints } from '../../src/journal/checkpointFile.js';
import type { Journal } from '../../src/journal/journal.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import type { NewRecord } from '../../src/journal/records.js';
import type { LearnerUpdate } from '../../src/learning/learner.js';
import type { LearnerPort } from '../../src/learning/learnerPort.js';
import { POLICY_SHAPE } from '../../src/policy/network.js';
import { openPolicyRegistry, type PolicyRegistry } from '../../src/registry/policyRegistry.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { openShort, request, temporaryDirectory } from './support/shortJournal.js';
import { LADDER, report, SITE, START, startService, traceAlong } from './support/startService.js';

/** A registry of policies on a full disk. */
async function fullRegistry(): Promise<PolicyRegistry> {
  const directory = await temporaryDirectory();
  const registry = await openPolicyRegistry({ directory, shippedDirectory: null, shape: POLICY_SHAPE });
  const full = new AppError('E_DATA_DIRECTORY', { directory, detail: 'ENOSPC' });
  return { ...registry, save: () => Promise.reject(full) };
}

/** Learners that have learnt something as soon as they are ticked, and keep count of those that are closed. */
function createTickedLearners() {
  const closed: number[] = [];
  let started = 0;
  const startLearner = async (weights: Float32Array): Promise<LearnerPort> => {
    const number = started++;
    let learn: (update: LearnerUpdate) => void = () => undefined;
    return {
      backend: 'scripted',
      offer: () => undefined,
      correct: () => undefined,
      tick: () => learn({ weights, rejectedBy: null, completions: [], loss: 1, batches: 1 }),
      reset: () => undefined,
      onUpdate: (listener) => (learn = listener),
      onFailure: () => undefined,
      onRestart: () => undefined,
      async close() {
        closed.push(number);
        if (number === 0) throw new Error('it does not end');
      },
    };
  };
  return { closed, startLearner };
}

describe('a stop', () => {
  it('on a full disk saves what it can, and closes all the same', async () => {
    const directory = await temporaryDirectory();
    const journal = await openShort(directory);
    const close = vi.spyOn(journal, 'close');
    const { closed, startLearner } = createTickedLearners();
    const failures: string[] = [];
    const { service, now, pass } = await startService({
      ...{ journal, startLearner, policies: 'each', mode: 'learn' },
      graphs: [SITE, 'annex'].map((id) => gridFromText(LADDER, 'kiva', id)),
      openRegistry: async (scope) =>
        scope === SITE
          ? fullRegistry()
          : openPolicyRegistry({
              directory: join(directory, scope),
              shippedDirectory: null,
              shape: POLICY_SHAPE,
            }),
      onUpkeepFailure: (error) => failures.push(String(error)),
    });
    await pass(1);
    await service.advanceClock('annex', now());
    await service.close();
    expect(failures).toEqual([expect.stringContaining('ENOSPC'), expect.stringContaining('does not end')]);
    expect(service.policies().map(({ reason }) => reason)).toEqual(['stop']);
    expect(listCheckpoints(directory)).toHaveLength(1);
    expect(closed).toEqual([0, 1]);
    expect(close).toHaveBeenCalledOnce();
  });
});

describe('upkeep that fails is told as such, not as a failure of the learner:', () => {
  const onlyTimers = (): void => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
  };
  /** Does not store records of this kind. */
  const refusing = (kind: NewRecord['kind']): Journal => {
    const journal = createMemoryJournal();
    const append = (record: NewRecord): Promise<number> =>
      record.kind === kind ? Promise.reject(new AppError('E_JOURNAL_FULL', {})) : journal.append(record);
    return { ...journal, append };
  };
  const failuresIn = (events: readonly ServiceEvent[]): string[] =>
    events
      .filter(({ kind }) => kind.endsWith('.failed'))
      .map(({ kind, warehouseId }) => `${kind} ${warehouseId}`);

  it('a tick', async () => {
    onlyTimers();
    const { service, events } = await startService({
      ...{ journal: refusing('route.expired'), clock: { kind: 'wall' } },
    });
    await service.requestRoute(SITE, request('a', 'q1', '00', '03'));
    vi.setSystemTime(Date.now() + 1000 * LIMITS.openRouteLifeSeconds);
    await vi.advanceTimersByTimeAsync(1000);
    expect(failuresIn(events)).toEqual([`upkeep.failed ${SITE}`]);
    await service.close();
  });

  it('a record of hindsight', async () => {
    const { service, events, pass } = await startService({ journal: refusing('improvement.set') });
    const route = await service.requestRoute(SITE, request('a', 'q1', '00', '03'));
    await pass(5);
    await service.completeRoute(SITE, report(route, traceAlong(route.nodes, START)));
    expect(failuresIn(events)).toEqual([`upkeep.failed ${SITE}`]);
    await service.close();
  });

  it("the saving of a policy, in that policy's warehouse", async () => {
    onlyTimers();
    const { service, events, pass } = await startService({
      ...{ startLearner: createTickedLearners().startLearner, policies: 'each', mode: 'learn' },
      graphs: [SITE, 'annex'].map((id) => gridFromText(LADDER, 'kiva', id)),
      openRegistry: fullRegistry,
    });
    await pass(1);
    await vi.advanceTimersByTimeAsync(10 * 60 * 1000);
    expect(failuresIn(events)).toEqual([`upkeep.failed ${SITE}`]);
    await service.close();
  });
});
