import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createRandom } from '../../src/platform/random.js';
import { sabotage } from '../../src/policy/sabotage.js';
import { POLICY_SHAPE } from '../../src/policy/network.js';
import { openPolicyRegistry } from '../../src/registry/policyRegistry.js';
import {
  gloomy,
  GuardedService,
  saveVersion,
  sound,
  update,
  useGuardedService,
} from './support/guardedService.js';
import { cell, codeOf, report, SITE, traceAlong } from './support/startService.js';

const rowless = { rows: new Float32Array(0), rowSize: 1, count: 0 };
const back = { policyVersion: 'v1', reason: 'rolled back by the guard: rowError' };

/** Expects waits on fewer lanes than `sound`, and there are none. */
const better = sound.map((weight, i) => (i === sound.length - 2 ? -4 : weight));

const current = useGuardedService();
const guard = () => current().guard();

describe('a worse policy', () => {
  it('is taken back within ten seconds of the floor, in the registry and the journal too', async () => {
    await current().service.activatePolicy(SITE, 'v2');
    expect(guard()).toMatchObject({ policyVersion: 'v2+0', trusted: 'v1', pinned: false, last: null });
    await current().drive(8);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true, rollbacks: 1 });
    expect(guard().last).toMatchObject({ cause: 'rowError', from: 'v2+0', to: 'v1+0' });
    expect(current().rollbacks).toEqual(['rowError']);
    expect(current().resets.at(-1)).toMatchObject({ forgetRows: true, weights: sound });
    expect(current().running.events.map(({ kind }) => kind)).toContain('policy.rolledBack');
    // The weights are back at once; registry and journal write it down on their disks.
    await vi.waitFor(async () => expect(await current().lastActivation()).toEqual(back), 10_000);
    const reopened = await current().openRegistry();
    expect(reopened.newestHealthy()).toBe('v1');
    expect(reopened.faults()).toEqual([{ policyVersion: 'v2', reason: 'taken back: rowError' }]);
  });

  it('is not taken for good by a restart before it was found, nor by one before that was written down', async () => {
    await current().service.activatePolicy(SITE, 'v2');
    await current().restart();
    expect(guard()).toMatchObject({ policyVersion: 'v2+0', trusted: 'v1' });
    await current().drive(15);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true, last: { from: 'v2+0' } });
  });

  it('that learning came to, saved at a stop, is not either', async () => {
    current().learn(update(gloomy));
    await current().restart();
    expect(guard()).toMatchObject({ policyVersion: 'v3+0', trusted: 'v1' });
    await current().drive(15);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true });
  });

  it('that learning came to is taken back as well', async () => {
    current().learn(update(gloomy));
    expect(guard().policyVersion).toBe('v1+1');
    await current().drive(15);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true });
  });

  it('is none after it proved itself, nor after a restart', async () => {
    current().learn(update(sound.map((weight) => 0.999 * weight)));
    await current().drive(500);
    await current().service.savePolicy(SITE);
    expect(guard()).toMatchObject({ policyVersion: 'v3+0', trusted: 'v3' });
    await current().restart();
    expect(guard()).toMatchObject({ policyVersion: 'v3+0', trusted: 'v3' });
  });

  it('is none after it proved itself until another was activated, nor after a kill at that moment', async () => {
    expect((await current().openRegistry()).trusted()).toBe('v1');
    const v3 = await saveVersion(
      await current().openRegistry(),
      sound.map((weight) => 0.999 * weight),
      false,
    );
    await current().restart();
    await current().service.setMode(SITE, 'frozen');
    await current().service.activatePolicy(SITE, v3);
    await current().drive(400);
    await current().service.activatePolicy(SITE, 'v2');
    expect((await current().openRegistry()).trusted()).toBe(v3);
  });

  it('is come back from to nothing that is condemned or cannot be read', async () => {
    const registry = await current().openRegistry();
    const v3 = await saveVersion(registry, sound, true);
    await registry.condemn('v1', 'by hand');
    await current().restart();
    expect(guard()).toMatchObject({ policyVersion: `${v3}+0`, trusted: v3 });
    const again = await current().openRegistry();
    const v4 = await saveVersion(again, sound, true);
    writeFileSync(join(current().directory, v3, 'weights.bin'), 'no weights');
    await current().restart();
    expect(guard()).toMatchObject({ policyVersion: `${v4}+0`, trusted: v4 });
  });

  it('is not what other reward weights make of the same routes', async () => {
    current().learn(update(sound.map((weight) => 0.999 * weight)));
    await current().drive(500);
    await current().service.setWeights(SITE, { ...current().service.weights(SITE), distance: 4 });
    await current().drive(125);
    expect(guard()).toMatchObject({ policyVersion: 'v1+1', pinned: false, rollbacks: 0 });
  });

  it('is not what orders are that were late before they were asked for', async () => {
    current().learn(update(sound.map((weight) => 0.999 * weight)));
    await current().drive(350, { dueSeconds: 60 });
    await current().drive(125, { dueSeconds: -120 });
    expect(guard()).toMatchObject({ policyVersion: 'v1+1', pinned: false, rollbacks: 0 });
  });

  it('is not what shorter orders are, on which robots wait as long', async () => {
    current().learn(update(sound.map((weight) => 0.999 * weight)));
    const waitSeconds = (round: number): number => 1 + (round % 2);
    await current().drive(1000, { to: '04', waitSeconds });
    await current().drive(250, { to: '01', waitSeconds });
    expect(guard()).toMatchObject({ policyVersion: 'v1+1', pinned: false, rollbacks: 0 });
  });

  it('leaves the last good one pinned until learning has proved itself in shadow', async () => {
    current().learn(update(gloomy));
    await current().drive(15);
    expect(guard().pinned).toBe(true);
    current().learn(update(gloomy));
    expect(current().service.queueDepths()['learnerRows']).toBe(0);
    await current().drive(260);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true });
    current().learn(update(better));
    await current().drive(500);
    expect(guard()).toMatchObject({ policyVersion: 'v1+1', pinned: false, rollbacks: 1 });
    expect(current().running.events.at(-1)?.kind).not.toBe('policy.rolledBack');
    expect(current().running.events.map(({ kind }) => kind)).toContain('policy.resumed');
  });

  it('is taken back by hand to the last good one, whatever was learnt on top of it', async () => {
    await current().service.activatePolicy(SITE, 'v2');
    current().learn(update(gloomy));
    const started = performance.now();
    expect(await current().service.rollBack(SITE)).toMatchObject({ policyVersion: 'v1', active: true });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', last: { cause: 'operator', from: 'v2+1' } });
  });

  it.each(['shuffled', 'flipped'] as const)(
    'made for a drill (%s) is condemned before it is served: a restart never chooses it',
    async (kind) => {
      await current().drive(20);
      const { policyVersion, reason, healthy, active } = await current().service.drillPolicy(SITE, kind);
      expect([reason, healthy, active]).toEqual(['drill', false, true]);
      expect(guard()).toMatchObject({ policyVersion: `${policyVersion}+0`, trusted: 'v1' });
      expect((await current().openRegistry()).newestHealthy()).toBe('v1');
    },
  );

  it('is not served in a drill where nothing that passes the gates would be worse', async () => {
    await current().drive(20);
    expect(await codeOf(() => current().service.drillPolicy(SITE, 'passing'))).toBe('E_DRILL_HARMLESS');
    expect(guard().policyVersion).toBe('v1+0');
    expect(current().service.policies()).toHaveLength(2);
  });

  it('is not drilled where the policy is not served', async () => {
    await current().service.setMode(SITE, 'observe');
    expect(await codeOf(() => current().service.drillPolicy(SITE, 'flipped'))).toBe('E_MODE_INVALID');
  });

  it.each([NaN, Infinity, 1e38])(
    'with a weight of %s is not published, not loaded, not activated',
    async (value) => {
      const registry = await current().openRegistry();
      expect(await codeOf(() => saveVersion(registry, sound.with(7, value), false))).toBe('E_POLICY_CORRUPT');
      expect(registry.list()).toHaveLength(2);
    },
  );

  it('that predicts hours is neither activated nor chosen at a start', async () => {
    const registry = await current().openRegistry();
    const hours = await saveVersion(
      registry,
      sound.map(() => 50),
      true,
    );
    await current().restart(registry);
    // v2 is sound as far as a gate can tell, and the newest that is left.
    expect(guard().policyVersion).toBe('v2+0');
    expect(await codeOf(() => current().service.activatePolicy(SITE, hours))).toBe('E_POLICY_CORRUPT');
    expect(guard().policyVersion).toBe('v2+0');
  });
});

it('staleness counts from the last update that was served, whatever else puts weights in place', async () => {
  const staleness = () => current().service.warehouse(SITE).stalenessMilliseconds;
  expect(staleness()).toBeNull();
  await current().service.activatePolicy(SITE, 'v2');
  expect(staleness()).toBeNull();
  current().learn(update(gloomy));
  const since = performance.now();
  await current().service.rollBack(SITE);
  expect(guard().policyVersion).toBe('v1+0');
  const passed = performance.now() - since;
  expect(staleness()).toBeGreaterThanOrEqual(passed);
});

describe('saving', () => {
  const names = () =>
    current()
      .service.policies()
      .map(({ policyVersion }) => policyVersion);

  it('saves in turn what is asked for at once', async () => {
    current().learn(update(sound));
    current().learn(update(sound));
    const saved = await Promise.all([1, 2, 3].map(() => current().service.savePolicy(SITE)));
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
      current().learn(update(sound));
      const activated = current().service.activatePolicy(SITE, 'v2');
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([activated, current().service.savePolicy(SITE)]);
      const active = current()
        .service.policies()
        .find((policy) => policy.active)!;
      expect(guard().policyVersion).toBe(`${active.policyVersion}+0`);
      expect((await current().openRegistry()).newestHealthy()).toBe(active.policyVersion);
    },
  );

  it('leaves nothing behind of what was learnt on top of a drill', async () => {
    await current().service.drillPolicy(SITE, 'flipped');
    current().learn(update(sabotage(sound, 'flipped', createRandom(1), rowless)!));
    expect(guard().policyVersion).toBe('v3+1');
    expect(await codeOf(() => current().service.savePolicy(SITE))).toBe('E_POLICY_CONDEMNED');
    await current().service.activatePolicy(SITE, 'v1');
    expect([guard().policyVersion, names()]).toEqual(['v1+0', ['v1', 'v2', 'v3']]);
  });

  it('condemns what the guard took back while it was being written', async () => {
    const registry = await current().openRegistry();
    let write = (): void => undefined;
    const disk = new Promise<void>((resolve) => (write = resolve));
    await current().restart({ ...registry, save: (policy) => disk.then(() => registry.save(policy)) });
    await current().service.activatePolicy(SITE, 'v2');
    const saved = current().service.savePolicy(SITE);
    while (guard().rollbacks === 0) await current().drive(1);
    write();
    expect(await saved).toMatchObject({ policyVersion: 'v3', healthy: false });
    await vi.waitFor(async () => expect(await current().lastActivation()).toEqual(back), 10_000);
    expect((await current().openRegistry()).newestHealthy()).toBe('v1');
  });

  it('before another version is activated does not push that one out', async () => {
    await current().restart(
      await openPolicyRegistry({
        directory: current().directory,
        shippedDirectory: null,
        shape: POLICY_SHAPE,
        versionsKept: 2,
      }),
    );
    await current().service.activatePolicy(SITE, 'v2');
    current().learn(update(sound));
    await current().service.activatePolicy(SITE, 'v1');
    expect(guard().policyVersion).toBe('v1+0');
    expect(names()).toContain('v1');
  });
});

describe('mode shadow', () => {
  it('serves free flow, and says what the candidate would have done', async () => {
    expect(await codeOf(() => current().service.shadow(SITE))).toBe('E_MODE_INVALID');
    await current().service.setMode(SITE, 'shadow');
    await current().drive(5);
    expect(current().service.warehouse(SITE).policyVersion).toBe('free-flow');
    const quiet = current().service.shadow(SITE);
    expect(quiet).toMatchObject({ candidate: 'v1+0', plans: 5, different: 0, lanes: 20, freeFlowError: 0 });
    // Robots that stand on the way make the other one dear in the candidate's eyes, not in free flow's.
    current().learn(update(gloomy));
    await current().drive(5);
    // Whoever sets it again does not begin the comparison anew.
    await current().service.setMode(SITE, 'shadow');
    const report = current().service.shadow(SITE);
    expect(report).toMatchObject({ candidate: 'v1+1', plans: 10, lanes: 40 });
    expect(report.waitError).toBeGreaterThan(quiet.waitError + 1);
  });

  it.each(['shadow', 'observe'] as const)(
    'lets what waits behind a pin prove itself, as does any mode that learns: %s',
    async (mode) => {
      current().learn(update(gloomy));
      await current().drive(15);
      await current().service.setMode(SITE, mode);
      current().learn(update(better));
      await current().drive(100);
      expect(guard()).toMatchObject({ trusted: 'v1', pinned: true });
      await current().drive(200);
      expect(guard()).toMatchObject({ trusted: 'v1', pinned: false });
      await current().service.setMode(SITE, 'learn');
      expect(guard()).toMatchObject({ policyVersion: 'v1+1', rollbacks: 1 });
    },
  );

  it('tells of what waits behind a pin, not of what is pinned', async () => {
    current().learn(update(gloomy));
    await current().drive(15);
    await current().service.setMode(SITE, 'shadow');
    await current().drive(5);
    const { waitError } = current().service.shadow(SITE);
    current().learn(update(gloomy));
    await current().drive(5);
    const report = current().service.shadow(SITE);
    expect(report).toMatchObject({ candidate: 'v1+1', lanes: 40 });
    expect(report.waitError).toBeGreaterThan(waitError + 1);
    expect(guard()).toMatchObject({ pinned: true, rollbacks: 1 });
  });

  it('tells errors by the root of their mean square, as the candidate is trained', async () => {
    const { service, running } = current();
    await service.setMode(SITE, 'shadow');
    // It expects no wait anywhere.
    current().learn(update(sound.map((_weight, i) => (i === sound.length - 2 ? -30 : 0))));
    const request = { requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('04')] };
    const from = running.now();
    const route = await service.requestRoute(SITE, request);
    await running.pass(12);
    // One second a lane, and waits of 0, 2, 0 and 4.
    await service.completeRoute(SITE, report(route, traceAlong(route.nodes, from, [1, 3, 1, 5])));
    const { lanes, waitError, freeFlowError } = service.shadow(SITE);
    expect(lanes).toBe(4);
    expect(freeFlowError).toBeCloseTo(Math.sqrt((2 ** 2 + 4 ** 2) / 4));
    expect(waitError).toBeCloseTo(freeFlowError);
  });
});

it('what a cold site saved at its stop, and did not prove itself, is not the last good version of the next start', async () => {
  const site = new GuardedService();
  await site.start();
  site.learn(update(gloomy));
  expect(site.guard()).toMatchObject({ policyVersion: 'cold+1', trusted: null });
  await site.restart();
  expect(site.guard()).toMatchObject({ policyVersion: 'v1+0', trusted: null, rollbacks: 0 });
  await site.drive(30);
  expect(site.guard()).toMatchObject({ policyVersion: 'cold+0', rollbacks: 1 });
  await site.close();
});

it('what a site learnt counts for nothing once it is back at the weights that it began with', async () => {
  const site = new GuardedService();
  await site.start();
  for (let updates = 0; updates < 400; updates++) site.learn(update(gloomy));
  await site.running.pass(1);
  expect(site.service.warehouse(SITE).pressure).toBeGreaterThan(1);
  await site.drive(30);
  expect(site.guard()).toMatchObject({ policyVersion: 'cold+0', rollbacks: 1 });
  expect(site.service.warehouse(SITE).pressure).toBe(0);
  await site.close();
});

it('a young version that the guard puts back counts as far as it had learnt, not as far as what it replaces', async () => {
  const site = new GuardedService();
  await site.start();
  const pressure = () => site.service.warehouse(SITE).pressure;
  for (let updates = 0; updates < 40; updates++) site.learn(update(better));
  await site.drive(400);
  await site.service.savePolicy(SITE);
  expect(site.guard()).toMatchObject({ policyVersion: 'v1+0', trusted: 'v1' });
  expect(pressure()).toBeCloseTo(0.2);
  for (let updates = 0; updates < 400; updates++) site.learn(update(gloomy));
  await site.drive(30);
  expect(site.guard()).toMatchObject({ policyVersion: 'v1+0', rollbacks: 1 });
  expect(pressure()).toBeCloseTo(0.2);
  await site.close();
});

it('weights stay as they are once no warehouse learns, whatever the learner was at', async () => {
  await current().service.setMode(SITE, 'frozen');
  current().learn(update(gloomy));
  expect(guard().policyVersion).toBe('v1+0');
  await current().service.setMode(SITE, 'learn');
  current().learn(update(gloomy));
  expect(guard().policyVersion).toBe('v1+1');
});

it('weights stay as they are once no warehouse learns, also where better ones wait behind a pin', async () => {
  current().learn(update(gloomy));
  await current().drive(15);
  current().learn(update(better));
  await current().service.setMode(SITE, 'frozen');
  await current().drive(500);
  expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true });
  await current().service.setMode(SITE, 'learn');
  await current().drive(500);
  expect(guard()).toMatchObject({ policyVersion: 'v1+1', pinned: false });
});
