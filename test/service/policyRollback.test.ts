import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { POLICY_SHAPE } from '../../src/policy/network.js';
import { openPolicyRegistry, type PolicyRegistry } from '../../src/registry/policyRegistry.js';
import {
  gloomy,
  GuardedService,
  saveVersion,
  sound,
  update,
  useGuardedService,
} from './support/guardedService.js';
import { codeOf, SITE, startService } from './support/startService.js';

const current = useGuardedService();
const guard = () => current().guard();
const activate = (version: string) => current().service.activatePolicy(SITE, version);
const rollBack = (from?: string) => current().service.rollBack(SITE, from);
/** What a start would come back to. */
const trustedOnDisk = async () => (await current().openRegistry()).trusted();
const names = (policies = current().service.policies()) =>
  policies.filter(({ healthy }) => healthy).map(({ policyVersion }) => policyVersion);

/** Weights whose predictions, or what is left of them with their signs flipped, no route of these tests tells apart. */
const faintly = (times: number) => sound.map((weight) => 0.001 * times * weight);

/** A registry whose files are read only when the test says so. */
function slowToLoad(registry: PolicyRegistry): { registry: PolicyRegistry; hold(): () => void } {
  let held: Promise<void> | null = null;
  return {
    registry: { ...registry, load: async (version) => (await held, registry.load(version)) },
    hold() {
      let release = (): void => undefined;
      held = new Promise((resolve) => (release = resolve));
      return () => release();
    },
  };
}

async function untilTakenBack(): Promise<void> {
  while (guard().rollbacks === 0) await current().drive(1);
}

describe('a version made for a drill', () => {
  it('is never chosen, though the process ended as soon as it was written', async () => {
    const registry = await current().openRegistry();
    const drill = { reason: 'drill', parent: null, savedAt: 1, updates: 0 } as const;
    await registry.save({ ...drill, weights: sound, trainedOn: null, metrics: {} });
    await current().restart();
    expect([guard().policyVersion, names()]).toEqual(['v1+0', ['v1', 'v2']]);
    expect((await current().openRegistry()).faults()).toEqual([
      { policyVersion: 'v3', reason: 'made for a drill' },
    ]);
  });

  it('is served in the drill alone', async () => {
    await current().service.drillPolicy(SITE, 'flipped');
    await activate('v1');
    expect(await codeOf(() => activate('v3'))).toBe('E_POLICY_CONDEMNED');
    expect(guard().policyVersion).toBe('v1+0');
  });

  it('is not trusted, however long the guard finds nothing', async () => {
    const registry = await current().openRegistry();
    const faint = await saveVersion(registry, faintly(1), true);
    await registry.trust(faint);
    await current().restart();
    await current().service.setMode(SITE, 'frozen');
    await current().drive(20);
    const { policyVersion: drilled } = await current().service.drillPolicy(SITE, 'flipped');
    await current().drive(400);
    expect(guard()).toMatchObject({ policyVersion: `${drilled}+0`, trusted: faint, rollbacks: 0 });
    await activate('v1');
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', trusted: faint });
  });
});

describe('a drill that nobody ends', () => {
  it('ends after minutes by itself, where nothing is driven that would show the guard what is served', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { policyVersion: drilled } = await current().service.drillPolicy(SITE, 'flipped');
    await vi.advanceTimersByTimeAsync(1000 * LIMITS.drillSeconds - 1);
    expect(guard()).toMatchObject({ policyVersion: `${drilled}+0`, rollbacks: 0 });
    await vi.advanceTimersByTimeAsync(1);
    vi.useRealTimers();
    await vi.waitFor(() => expect(guard()).toMatchObject({ policyVersion: 'v1+0', rollbacks: 1 }));
  });

  it('is over for good once it is ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { policyVersion: drilled } = await current().service.drillPolicy(SITE, 'flipped');
    await rollBack(drilled);
    await activate('v2');
    await vi.advanceTimersByTimeAsync(1000 * LIMITS.drillSeconds);
    vi.useRealTimers();
    // Changes come one after the other: behind what the end of the drill might have done.
    const { policyVersion: saved } = await current().service.savePolicy(SITE);
    expect(guard()).toMatchObject({ policyVersion: `${saved}+0`, trusted: 'v1', rollbacks: 1 });
    expect(current().running.events.filter(({ kind }) => kind === 'upkeep.failed')).toEqual([]);
  });
});

describe('a roll back by hand', () => {
  it('ends a drill on a server that has never saved anything', async () => {
    const cold = new GuardedService();
    await cold.start();
    await cold.drive(3);
    const { policyVersion: drilled } = await cold.service.drillPolicy(SITE, 'flipped');
    expect(cold.guard()).toMatchObject({ policyVersion: `${drilled}+0`, trusted: null });
    cold.learn(update(sound));
    expect(await cold.service.rollBack(SITE, drilled)).toMatchObject({ policyVersion: 'v1', active: true });
    expect(cold.guard()).toMatchObject({ policyVersion: 'v1+0', trusted: 'v1' });
    await cold.close();
  });

  it('finds the last good version, however many were saved since', async () => {
    const { directory } = current();
    await current().restart(
      await openPolicyRegistry({ directory, shippedDirectory: null, shape: POLICY_SHAPE, versionsKept: 3 }),
    );
    await current().service.setMode(SITE, 'shadow');
    for (let saves = 0; saves < 5; saves++) {
      current().learn(update(gloomy));
      await current().service.savePolicy(SITE);
    }
    expect([guard().trusted, names().at(-1)]).toEqual(['v1', 'v7']);
    expect(await rollBack()).toMatchObject({ policyVersion: 'v1', active: true });
  });

  it('leaves alone what the guard put back while it waited for the disk', async () => {
    const slow = slowToLoad(await current().openRegistry());
    await current().restart(slow.registry);
    await activate('v2');
    const release = slow.hold();
    const byHand = codeOf(() => rollBack('v2'));
    await untilTakenBack();
    release();
    expect(await byHand).toBe('E_POLICY_CHANGED');
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', pinned: true, last: { cause: 'rowError' } });
    expect(guard().rollbacks).toBe(1);
  });

  it('is to nothing but what it was asked for: another version may be served by then', async () => {
    await activate('v2');
    expect(await codeOf(() => rollBack('v1'))).toBe('E_POLICY_CHANGED');
    expect(guard().policyVersion).toBe('v2+0');
    await rollBack('v2');
    expect(guard().policyVersion).toBe('v1+0');
  });

  it('is not undone by a second, though what it left had proved itself, and ends where nothing is older', async () => {
    const hopeful = sound.map((weight, i) => (i === sound.length - 2 ? -4 : weight));
    const better = await saveVersion(await current().openRegistry(), hopeful, false);
    await current().restart();
    await current().service.setMode(SITE, 'frozen');
    await activate(better);
    await current().drive(400);
    expect(guard().policyVersion).toBe(`${better}+0`);
    await rollBack();
    expect(guard()).toMatchObject({ policyVersion: 'v2+0', trusted: 'v2' });
    expect(await trustedOnDisk()).toBe('v2');
    await rollBack();
    expect(guard()).toMatchObject({ policyVersion: 'v1+0', trusted: 'v1' });
    expect(await codeOf(() => rollBack())).toBe('E_NO_EARLIER_POLICY');
  });
});

describe('an activation that waits while the guard takes back what is served', () => {
  it('stays: in what is served, in the registry and in the journal', async () => {
    const slow = slowToLoad(await current().openRegistry());
    const v3 = await saveVersion(slow.registry, faintly(2), false);
    await current().restart(slow.registry);
    await activate('v2');
    const release = slow.hold();
    const activated = activate(v3);
    await untilTakenBack();
    release();
    await activated;
    await current().service.savePolicy(SITE);
    expect(guard().policyVersion).toBe('v4+0');
    expect((await current().openRegistry()).list().map(({ parent }) => parent)).toContain(v3);
    expect(names()).toEqual(['v1', v3, 'v4']);
    expect((await current().openRegistry()).newestHealthy()).toBe('v4');
    expect(await current().lastActivation()).toMatchObject({ policyVersion: v3 });
  });

  it('of the same version leaves it under watch, and condemned only once it is taken back again', async () => {
    const slow = slowToLoad(await current().openRegistry());
    await current().restart(slow.registry);
    await activate('v2');
    const release = slow.hold();
    const activated = activate('v2');
    await untilTakenBack();
    release();
    await activated;
    expect(guard()).toMatchObject({ policyVersion: 'v2+0', pinned: false, trusted: 'v1' });
    // Its turn comes after that of the breach.
    expect(await codeOf(() => rollBack('v9'))).toBe('E_POLICY_CHANGED');
    expect(names()).toEqual(['v1', 'v2']);
    while (guard().rollbacks === 1) await current().drive(1);
    await vi.waitFor(() => expect(names()).toEqual(['v1']));
    expect(guard().policyVersion).toBe('v1+0');
  });
});

it('weights that were never saved are called cold', async () => {
  const { service } = await startService({ learns: true, openRegistry: null });
  expect(service.warehouse(SITE).policyVersion).toMatch(/^cold/);
  expect(await codeOf(() => service.rollBack(SITE, 'cold'))).not.toBe('E_POLICY_CHANGED');
  expect(await codeOf(() => service.rollBack(SITE, 'v1'))).toBe('E_POLICY_CHANGED');
  await service.close();
});
