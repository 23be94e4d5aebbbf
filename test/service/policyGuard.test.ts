import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LearnerUpdate } from '../../src/learning/learner.js';
import type { LearnerPort } from '../../src/learning/learnerPort.js';
import { createRandom } from '../../src/platform/random.js';
import { sabotage } from '../../src/policy/sabotage.js';
import { POLICY_SHAPE, randomWeights } from '../../src/policy/network.js';
import { openPolicyRegistry, type PolicyRegistry } from '../../src/registry/policyRegistry.js';
import {
  cell,
  codeOf,
  report,
  SITE,
  startService,
  traceAlong,
  type TestService,
} from './support/startService.js';

const sound = randomWeights(createRandom(2));
/** Expects every lane to cost seconds: finite, bounded, in range on the probe set, and wrong. */
const gloomy = Float32Array.from(sound, (weight, i) => (i === sound.length - 2 ? 5 : weight));

const rowless = { rows: new Float32Array(0), rowSize: 1, count: 0 };

let directory: string;
let running: TestService;
let resets: { readonly weights: Float32Array; readonly forgetRows: boolean }[];
let learn: (update: LearnerUpdate) => void;
let rollbacks: string[];
let rounds = 0;

const openRegistry = (): Promise<PolicyRegistry> =>
  openPolicyRegistry({ directory, shippedDirectory: null, shape: POLICY_SHAPE });

/** A learner that learns what the test says. */
function scriptedLearner(): LearnerPort {
  return {
    backend: 'scripted',
    offer: () => undefined,
    correct: () => undefined,
    tick: () => undefined,
    reset: (weights, { forgetRows }) => resets.push({ weights, forgetRows }),
    onUpdate: (listener) => (learn = listener),
    onFailure: () => undefined,
    onRestart: () => undefined,
    close: async () => undefined,
  };
}

const update = (weights: Float32Array): LearnerUpdate => ({
  ...{ weights, rejectedBy: null, completions: [], loss: 1, batches: 1 },
});

async function save(registry: PolicyRegistry, weights: Float32Array, activate: boolean): Promise<string> {
  const { policyVersion } = await registry.save({
    ...{
      weights,
      activate,
      parent: null,
      savedAt: 1,
      reason: 'request',
      updates: 0,
      trainedOn: null,
      metrics: {},
    },
  });
  return policyVersion;
}

/** Drives a route as fast as it goes, four lanes. */
async function drive(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const request = { requestId: `q${rounds++}`, robotId: 'a', from: cell('00'), stops: [cell('04')] };
    const from = running.now();
    const route = await running.service.requestRoute(SITE, request);
    await running.pass(6);
    await running.service.completeRoute(SITE, report(route, traceAlong(route.nodes, from)));
  }
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'aisleflow-guard-'));
  resets = [];
  rollbacks = [];
  const registry = await openRegistry();
  expect([await save(registry, sound, true), await save(registry, gloomy, false)]).toEqual(['v1', 'v2']);
  running = await startService({
    mode: 'learn',
    openRegistry,
    startLearner: async () => scriptedLearner(),
    observer: { rolledBack: (_warehouseId, cause) => rollbacks.push(cause) },
  });
});
afterEach(async () => {
  await running.service.close();
  rmSync(directory, { recursive: true });
});

const guard = () => running.service.guard(SITE);
const back = { policyVersion: 'v1', reason: 'rolled back by the guard: rowError' };

async function lastActivation(): Promise<unknown> {
  let last: unknown = null;
  for await (const record of running.journal.read()) {
    if (record.kind === 'policy.activated') last = record.payload;
  }
  return last;
}

describe('a worse policy', () => {
  it('is taken back within ten seconds of the floor, in the registry and the journal too', async () => {
    await running.service.activatePolicy(SITE, 'v2');
    expect(guard()).toMatchObject({ policyVersion: 'v2+0', trusted: 'v1', pinned: false, last: null });
    await drive(8);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true, rollbacks: 1 });
    expect(guard().last).toMatchObject({ cause: 'rowError', from: 'v2+0', to: 'v1+0' });
    expect(rollbacks).toEqual(['rowError']);
    expect(resets.at(-1)).toMatchObject({ forgetRows: true, weights: sound });
    expect(running.events.map(({ kind }) => kind)).toContain('policy.rolledBack');
    // The weights are back at once; registry and journal write it down on their disks.
    await vi.waitFor(async () => expect(await lastActivation()).toEqual(back), 10_000);
    const reopened = await openRegistry();
    expect(reopened.newestHealthy()).toBe('v1');
    expect(reopened.faults()).toEqual([{ policyVersion: 'v2', reason: 'taken back: rowError' }]);
  });

  it('that learning came to is taken back as well', async () => {
    learn(update(gloomy));
    expect(guard().policyVersion).toBe('v1+1');
    await drive(15);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true });
  });

  it('is not what other reward weights make of the same routes', async () => {
    learn(update(sound.map((weight) => 0.999 * weight)));
    await drive(500);
    await running.service.setWeights(SITE, { ...running.service.weights(SITE), distance: 4 });
    await drive(125);
    expect(guard()).toMatchObject({ policyVersion: 'v1+1', pinned: false, rollbacks: 0 });
  });

  it('leaves the last good one pinned until learning has proved itself in shadow', async () => {
    learn(update(gloomy));
    await drive(15);
    expect(guard().pinned).toBe(true);
    learn(update(gloomy));
    await drive(260);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true });
    const better = sound.map((weight, i) => (i === sound.length - 2 ? -4 : weight));
    learn(update(better));
    await drive(500);
    expect(guard()).toMatchObject({ policyVersion: 'v1+1', pinned: false, rollbacks: 1 });
    expect(running.events.at(-1)?.kind).not.toBe('policy.rolledBack');
    expect(running.events.map(({ kind }) => kind)).toContain('policy.resumed');
  });

  it('is taken back by hand to the last good one, whatever was learnt on top of it', async () => {
    await running.service.activatePolicy(SITE, 'v2');
    learn(update(gloomy));
    const started = performance.now();
    expect(await running.service.rollBack(SITE)).toMatchObject({ policyVersion: 'v1', active: true });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', last: { cause: 'operator', from: 'v2+1' } });
  });

  it.each(['shuffled', 'flipped'] as const)(
    'made for a drill (%s) is condemned before it is served: a restart never chooses it',
    async (kind) => {
      await drive(20);
      const { policyVersion, reason, healthy, active } = await running.service.drillPolicy(SITE, kind);
      expect([reason, healthy, active]).toEqual(['drill', false, false]);
      expect(guard()).toMatchObject({ policyVersion: `${policyVersion}+0`, trusted: 'v1' });
      expect((await openRegistry()).newestHealthy()).toBe('v1');
    },
  );

  it('is not served in a drill where nothing that passes the gates would be worse', async () => {
    await drive(20);
    expect(await codeOf(() => running.service.drillPolicy(SITE, 'passing'))).toBe('E_DRILL_HARMLESS');
    expect(guard().policyVersion).toBe('v1+0');
    expect(running.service.policies()).toHaveLength(2);
  });

  it('is not drilled where the policy is not served', async () => {
    await running.service.setMode(SITE, 'observe');
    expect(await codeOf(() => running.service.drillPolicy(SITE, 'flipped'))).toBe('E_MODE_INVALID');
  });

  it.each([NaN, Infinity, 1e38])(
    'with a weight of %s is not published, not loaded, not activated',
    async (value) => {
      const registry = await openRegistry();
      expect(await codeOf(() => save(registry, sound.with(7, value), false))).toBe('E_POLICY_CORRUPT');
      expect(registry.list()).toHaveLength(2);
    },
  );

  it('that predicts hours is neither activated nor chosen at a start', async () => {
    await running.service.close();
    const registry = await openRegistry();
    const hours = await save(
      registry,
      sound.map(() => 50),
      true,
    );
    running = await startService({
      mode: 'learn',
      openRegistry,
      startLearner: async () => scriptedLearner(),
    });
    // v2 is sound as far as a gate can tell, and the newest that is left.
    expect(running.service.guard(SITE).policyVersion).toBe('v2+0');
    expect(await codeOf(() => running.service.activatePolicy(SITE, hours))).toBe('E_POLICY_CORRUPT');
    expect(running.service.guard(SITE).policyVersion).toBe('v2+0');
  });
});

it('staleness counts from the last update that was served, whatever else puts weights in place', async () => {
  const staleness = () => running.service.warehouse(SITE).stalenessMilliseconds;
  expect(staleness()).toBeNull();
  await running.service.activatePolicy(SITE, 'v2');
  expect(staleness()).toBeNull();
  learn(update(gloomy));
  const since = performance.now();
  await running.service.rollBack(SITE);
  expect(guard().policyVersion).toBe('v1+0');
  const passed = performance.now() - since;
  expect(staleness()).toBeGreaterThanOrEqual(passed);
});

describe('saving', () => {
  const names = () => running.service.policies().map(({ policyVersion }) => policyVersion);

  it('saves in turn what is asked for at once', async () => {
    learn(update(sound));
    learn(update(sound));
    const saved = await Promise.all([1, 2, 3].map(() => running.service.savePolicy(SITE)));
    expect(saved.map(({ policyVersion, updates }) => [policyVersion, updates])).toEqual([
      ['v3', 2],
      ['v4', 0],
      ['v5', 0],
    ]);
    expect(guard().policyVersion).toBe('v5+0');
  });

  it.each([0, 1, 2, 4, 8])(
    'and activating at once leave active what is served: %i turns between',
    async (turns) => {
      learn(update(sound));
      const activated = running.service.activatePolicy(SITE, 'v2');
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([activated, running.service.savePolicy(SITE)]);
      const active = running.service.policies().find((policy) => policy.active)!;
      expect(guard().policyVersion).toBe(`${active.policyVersion}+0`);
      expect((await openRegistry()).newestHealthy()).toBe(active.policyVersion);
    },
  );

  it('leaves nothing behind of what was learnt on top of a drill', async () => {
    await running.service.drillPolicy(SITE, 'flipped');
    learn(update(sabotage(sound, 'flipped', createRandom(1), rowless)!));
    expect(guard().policyVersion).toBe('v3+1');
    expect(await codeOf(() => running.service.savePolicy(SITE))).toBe('E_POLICY_CONDEMNED');
    await running.service.activatePolicy(SITE, 'v1');
    expect([guard().policyVersion, names()]).toEqual(['v1+0', ['v1', 'v2', 'v3']]);
  });

  async function startOn(registry: PolicyRegistry): Promise<void> {
    await running.service.close();
    running = await startService({
      ...{ mode: 'learn', startLearner: async () => scriptedLearner(), openRegistry: async () => registry },
    });
  }

  it('condemns what the guard took back while it was being written', async () => {
    const registry = await openRegistry();
    let write = (): void => undefined;
    const disk = new Promise<void>((resolve) => (write = resolve));
    await startOn({ ...registry, save: (policy) => disk.then(() => registry.save(policy)) });
    await running.service.activatePolicy(SITE, 'v2');
    const saved = running.service.savePolicy(SITE);
    while (guard().rollbacks === 0) await drive(1);
    write();
    expect(await saved).toMatchObject({ policyVersion: 'v3', healthy: false });
    await vi.waitFor(async () => expect(await lastActivation()).toEqual(back), 10_000);
    expect((await openRegistry()).newestHealthy()).toBe('v1');
  });

  it('before another version is activated does not push that one out', async () => {
    await startOn(
      await openPolicyRegistry({ directory, shippedDirectory: null, shape: POLICY_SHAPE, versionsKept: 2 }),
    );
    await running.service.activatePolicy(SITE, 'v2');
    learn(update(sound));
    await running.service.activatePolicy(SITE, 'v1');
    expect(guard().policyVersion).toBe('v1+0');
    expect(names()).toContain('v1');
  });
});

describe('mode shadow', () => {
  it('serves free flow, and says what the candidate would have done', async () => {
    expect(await codeOf(() => running.service.shadow(SITE))).toBe('E_MODE_INVALID');
    await running.service.setMode(SITE, 'shadow');
    await drive(5);
    expect(running.service.warehouse(SITE).policyVersion).toBe('free-flow');
    const quiet = running.service.shadow(SITE);
    expect(quiet).toMatchObject({ candidate: 'v1+0', plans: 5, different: 0, lanes: 20, freeFlowError: 0 });
    // Robots that stand on the way make the other one dear in the candidate's eyes, not in free flow's.
    learn(update(gloomy));
    await drive(5);
    const report = running.service.shadow(SITE);
    expect(report).toMatchObject({ candidate: 'v1+1', plans: 10, lanes: 40 });
    expect(report.waitError).toBeGreaterThan(quiet.waitError + 1);
  });
});
