import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { createIdleLearner } from '../../../sim/idleLearner.js';
import type { Journal } from '../../../src/journal/journal.js';
import { createMemoryJournal } from '../../../src/journal/memoryJournal.js';
import type { LearnerUpdate } from '../../../src/learning/learner.js';
import type { LearnerPort } from '../../../src/learning/learnerPort.js';
import { createRandom } from '../../../src/platform/random.js';
import { POLICY_SHAPE, randomWeights } from '../../../src/policy/network.js';
import { openPolicyRegistry, type PolicyRegistry } from '../../../src/registry/policyRegistry.js';
import { cell, report, SITE, startService, traceAlong, type TestService } from './startService.js';

export const sound = randomWeights(createRandom(2));
/** Expects every lane to cost seconds: finite, bounded, in range on the probe set, and wrong. */
export const gloomy = Float32Array.from(sound, (weight, i) => (i === sound.length - 2 ? 5 : weight));

interface Drive {
  readonly to?: string;
  readonly dueSeconds?: number;
  /** On the way, in the so manieth. */
  readonly waitSeconds?: (round: number) => number;
}

/** A service that learns what the test says, on a registry with `sound` as v1, active, and `gloomy` as v2. */
export class GuardedService {
  readonly resets: { readonly weights: Float32Array; readonly forgetRows: boolean }[] = [];
  readonly rollbacks: string[] = [];
  running!: TestService;
  /** Hands the service an update of the learner. */
  learn!: (update: LearnerUpdate) => void;
  private rounds = 0;

  constructor(readonly directory = mkdtempSync(join(tmpdir(), 'aisleflow-guard-'))) {}

  get service(): TestService['service'] {
    return this.running.service;
  }

  readonly openRegistry = (): Promise<PolicyRegistry> =>
    openPolicyRegistry({ directory: this.directory, shippedDirectory: null, shape: POLICY_SHAPE });

  async start(registry?: PolicyRegistry, journal = createMemoryJournal()): Promise<void> {
    this.running = await startService({
      ...{ journal, mode: 'learn' },
      openRegistry: async () => registry ?? this.openRegistry(),
      startLearner: async () => this.scriptedLearner(),
      observer: { rolledBack: (_warehouseId, cause) => this.rollbacks.push(cause) },
    });
  }

  async restart(registry?: PolicyRegistry, journal?: Journal): Promise<void> {
    await this.service.close();
    await this.start(registry, journal);
  }

  async close(): Promise<void> {
    await this.service.close();
    rmSync(this.directory, { recursive: true });
  }

  guard(): ReturnType<TestService['service']['guard']> {
    return this.service.guard(SITE);
  }

  /** Drives routes: four lanes as fast as it goes, and for orders that are due at no time, unless said otherwise. */
  async drive(count: number, { to = '04', dueSeconds, waitSeconds = () => 0 }: Drive = {}): Promise<void> {
    for (let i = 0; i < count; i++) {
      const from = this.running.now();
      const request = {
        ...{ requestId: `q${this.rounds++}`, robotId: 'a', from: cell('00'), stops: [cell(to)] },
        ...(dueSeconds === undefined ? {} : { deadlineAt: from + 1000 * dueSeconds }),
      };
      const route = await this.service.requestRoute(SITE, request);
      await this.running.pass(6);
      const trace = traceAlong(route.nodes, from, [1 + waitSeconds(i)]);
      await this.service.completeRoute(SITE, report(route, trace));
    }
  }

  async lastActivation(): Promise<unknown> {
    let last: unknown = null;
    for await (const record of this.running.journal.read()) {
      if (record.kind === 'policy.activated') last = record.payload;
    }
    return last;
  }

  private scriptedLearner(): LearnerPort {
    return {
      ...createIdleLearner(),
      reset: (weights, { forgetRows }) => this.resets.push({ weights, forgetRows }),
      onUpdate: (listener) => (this.learn = listener),
    };
  }
}

export const update = (weights: Float32Array): LearnerUpdate => ({
  ...{ weights, rejectedBy: null, completions: [], loss: 1, batches: 1 },
});

export async function saveVersion(
  registry: PolicyRegistry,
  weights: Float32Array,
  activate: boolean,
): Promise<string> {
  const { policyVersion } = await registry.save({
    ...{ weights, parent: null, savedAt: 1, reason: 'request', updates: 0 },
    ...{ trainedOn: null, metrics: {} },
  });
  if (activate) await registry.activate(policyVersion);
  return policyVersion;
}

/** One for each test of the file, in `current()`. */
export function useGuardedService(): () => GuardedService {
  let guarded: GuardedService;
  beforeEach(async () => {
    guarded = new GuardedService();
    const registry = await guarded.openRegistry();
    await saveVersion(registry, sound, true);
    await saveVersion(registry, gloomy, false);
    await guarded.start();
  });
  afterEach(() => guarded.close());
  return () => guarded;
}
