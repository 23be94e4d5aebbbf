import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import type { PolicyRegistry } from '../../src/registry/policyRegistry.js';
import { createFullDisk, type FullDisk } from '../journal/support/fullDisk.js';
import { gloomy, GuardedService, saveVersion, sound, update } from './support/guardedService.js';
import { codeOf, SITE } from './support/startService.js';

let current: GuardedService;
let disk: FullDisk;
beforeEach(() => {
  current = new GuardedService();
  disk = createFullDisk();
});
afterEach(async () => {
  await current.close();
  vi.useRealTimers();
});

const activate = (version: string) => current.service.activatePolicy(SITE, version);
const save = () => current.service.savePolicy(SITE);
const served = () => current.guard().policyVersion;
const names = () => current.service.policies().map(({ policyVersion }) => policyVersion);
const healthy = () =>
  current.service.policies().flatMap(({ policyVersion, healthy }) => (healthy ? [policyVersion] : []));
const active = () => current.service.policies().find((policy) => policy.active)?.policyVersion ?? null;
const told = (kind: string) => current.running.events.filter((event) => event.kind === kind);
const stateOnDisk = (): unknown => JSON.parse(readFileSync(join(current.directory, 'registry.json'), 'utf8'));
const versionsOnDisk = () => readdirSync(current.directory).filter((name) => /^\.?v/.test(name));

/** Nothing that the registry knows can be written until the answer is called. */
function blockRegistry(): () => void {
  const draft = join(current.directory, '.registry.json');
  mkdirSync(draft);
  return () => rmSync(draft, { recursive: true });
}

/** `sound` as v1, active, and `gloomy` as v2. */
async function startWithTwo(): Promise<void> {
  const registry = await current.openRegistry();
  await saveVersion(registry, sound, true);
  await saveVersion(registry, gloomy, false);
  await current.start(undefined, disk.open());
}

const startCold = () => current.start(undefined, disk.open());

async function restart(): Promise<void> {
  disk.isFull = disk.isReserveSpent = false;
  await current.restart(undefined, disk.open());
}

async function untilTakenBack(): Promise<void> {
  for (let routes = 0; routes < 50 && current.guard().rollbacks === 0; routes++) await current.drive(1);
  expect(current.guard().rollbacks).toBe(1);
}

describe('while the disk is full, an activation', () => {
  beforeEach(startWithTwo);

  it('is stored in what was kept for that', async () => {
    disk.isFull = true;
    await activate('v2');
    expect([served(), active()]).toEqual(['v2+0', 'v2']);
    expect(await current.lastActivation()).toMatchObject({ policyVersion: 'v2' });
    await restart();
    expect(current.guard()).toMatchObject({ policyVersion: 'v2+0', trusted: 'v1' });
  });

  it('that the journal refuses has changed nothing', async () => {
    disk.isFull = disk.isReserveSpent = true;
    expect(await codeOf(() => activate('v2'))).toBe('E_JOURNAL_FULL');
    expect([served(), active(), told('policy.updated')]).toEqual(['v1+0', 'v1', []]);
    await restart();
    expect([served(), active()]).toEqual(['v1+0', 'v1']);
  });

  it('that the registry refuses has changed nothing, and the journal says so', async () => {
    const unblock = blockRegistry();
    expect(await codeOf(() => activate('v2'))).toBe('E_DATA_DIRECTORY');
    expect([served(), active(), told('policy.updated')]).toEqual(['v1+0', 'v1', []]);
    expect(await current.lastActivation()).toMatchObject({ policyVersion: 'v1' });
    unblock();
    await restart();
    expect([served(), active()]).toEqual(['v1+0', 'v1']);
  });

  it('that is served is answered so, though what is trusted cannot be written down any more', async () => {
    const registry = await current.openRegistry();
    const full = new AppError('E_DATA_DIRECTORY', { directory: current.directory, detail: 'ENOSPC' });
    const trust = vi.fn((version: string | null) => registry.trust(version));
    await current.restart({ ...registry, trust }, disk.open());
    trust.mockResolvedValueOnce().mockRejectedValueOnce(full);
    expect(await activate('v2')).toMatchObject({ policyVersion: 'v2', active: true });
    expect(served()).toBe('v2+0');
    expect(told('upkeep.failed')).toHaveLength(1);
  });

  it('goes on though what was learnt cannot be saved, and says so', async () => {
    disk.isFull = true;
    current.learn(update(gloomy));
    await activate('v1');
    expect([served(), active(), names()]).toEqual(['v1+0', 'v1', ['v1', 'v2']]);
    const notKept = expect.stringContaining('up to v1+1 was not kept') as string;
    expect(told('upkeep.failed')).toMatchObject([{ detail: notKept }]);
    expect(await current.lastActivation()).toMatchObject({ policyVersion: 'v1', reason: notKept });
    await restart();
    expect(served()).toBe('v1+0');
  });

  it('by a roll back goes on too, also of what the guard would have to find first', async () => {
    disk.isFull = true;
    current.learn(update(gloomy));
    await current.service.rollBack(SITE);
    await restart();
    expect([served(), active(), names()]).toEqual(['v1+0', 'v1', ['v1', 'v2']]);
  });

  it('for a drill is refused, and nothing of it is served or kept', async () => {
    await current.drive(3);
    disk.isFull = true;
    expect(await codeOf(() => current.service.drillPolicy(SITE, 'flipped'))).toBe('E_JOURNAL_FULL');
    expect([served(), versionsOnDisk()]).toEqual(['v1+0', ['v1', 'v2']]);
  });
});

describe('while the disk is full, a save', () => {
  it('leaves nothing behind, however often it is tried', async () => {
    await startWithTwo();
    disk.isFull = true;
    current.learn(update(gloomy));
    for (let tries = 0; tries < 3; tries++) expect(await codeOf(save)).toBe('E_JOURNAL_FULL');
    expect([served(), active(), names(), versionsOnDisk()]).toEqual([
      ...['v1+1', 'v1'],
      ...[
        ['v1', 'v2'],
        ['v1', 'v2'],
      ],
    ]);
    disk.isFull = false;
    expect(await save()).toMatchObject({ parent: 'v1', active: true });
  });
});

describe('an activation in the middle of which the process ends', () => {
  beforeEach(startWithTwo);

  /** A registry whose process is gone at one step once it is armed: before it is on the disk, or after. */
  function createEnding(registry: PolicyRegistry, step: 'activate' | 'trust', isWritten: boolean) {
    let isArmed = false;
    let reached = (): void => undefined;
    let release = (): void => undefined;
    const steps = {
      activate: (version: string) => registry.activate(version),
      trust: (version: string | null) => registry.trust(version),
    };
    const ending = async (work: () => Promise<unknown>): Promise<never> => {
      if (isWritten) await work();
      isArmed = false;
      reached();
      await new Promise<void>((resolve) => (release = resolve));
      throw new Error('the process is gone');
    };
    const tap =
      <V, T>(work: (version: V) => Promise<T>) =>
      (version: V): Promise<T> =>
        isArmed ? ending(() => work(version)) : work(version);
    return {
      registry: { ...registry, ...steps, [step]: tap<never, unknown>(steps[step]) },
      arm() {
        isArmed = true;
        return new Promise<void>((resolve) => (reached = resolve));
      },
      release: () => release(),
    };
  }

  it.each([
    ['trust', false, 'v3', 'v1'],
    ['trust', true, 'v3', 'v3'],
    ['activate', false, 'v3', 'v3'],
    ['activate', true, 'v2', 'v3'],
  ] as const)('(%s, written: %s) leaves %s active and %s trusted', async (step, isWritten, left, trusted) => {
    const ending = createEnding(await current.openRegistry(), step, isWritten);
    const v3 = await saveVersion(
      ending.registry,
      sound.map((weight) => 0.999 * weight),
      false,
    );
    await current.restart(ending.registry);
    await current.service.setMode(SITE, 'frozen');
    await activate(v3);
    // It proves itself, which is written down only now.
    await current.drive(400);
    const ended = ending.arm();
    const activated = codeOf(() => activate('v2'));
    await ended;
    const found = await current.openRegistry();
    ending.release();
    await activated;
    expect([found.newestHealthy(), found.trusted()]).toEqual([left, trusted]);
  });
});

describe('a policy that began with nothing and went wrong', () => {
  beforeEach(startCold);
  const startsCold = async (): Promise<void> => {
    await restart();
    expect(current.guard()).toMatchObject({ policyVersion: 'cold+0', trusted: null });
  };

  it('is not what a start finds, though a full disk refused to save it', async () => {
    current.learn(update(gloomy));
    disk.isFull = true;
    expect(await codeOf(save)).toBe('E_JOURNAL_FULL');
    disk.isFull = false;
    await untilTakenBack();
    expect([served(), names()]).toEqual(['cold+0', []]);
    await startsCold();
  });

  it('is not, in any of the versions that were saved on the way and never proved themselves', async () => {
    for (let saves = 0; saves < 2; saves++) {
      current.learn(update(gloomy));
      await save();
    }
    expect([served(), active()]).toEqual(['v2+0', 'v2']);
    await untilTakenBack();
    await vi.waitFor(() => expect([active(), names(), healthy()]).toEqual([null, ['v1', 'v2'], []]));
    await startsCold();
  });

  it('is not, though it was saved and could not be made the active one', async () => {
    current.learn(update(gloomy));
    const unblock = blockRegistry();
    expect(await codeOf(save)).toBe('E_DATA_DIRECTORY');
    expect([served(), active(), names()]).toEqual(['cold+1', null, ['v1']]);
    unblock();
    await untilTakenBack();
    await vi.waitFor(() => expect(healthy()).toEqual([]));
    await startsCold();
  });

  it('is told from what a drill stood on: that stays', async () => {
    current.learn(update(sound));
    await current.drive(3);
    await current.service.drillPolicy(SITE, 'flipped');
    await untilTakenBack();
    await vi.waitFor(async () =>
      expect(await current.lastActivation()).toMatchObject({ policyVersion: 'cold' }),
    );
    expect([served(), active(), healthy()]).toEqual(['cold+0', null, ['v1']]);
    expect((await current.openRegistry()).newestHealthy()).toBe('v1');
  });
});

describe('what the guard took back, and could not write down', () => {
  beforeEach(startWithTwo);

  it('is condemned at once, and on the disk as soon as that can be written', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await current.restart(undefined, disk.open());
    await activate('v2');
    const unblock = blockRegistry();
    await untilTakenBack();
    await vi.waitFor(() => expect(told('upkeep.failed')).toHaveLength(1));
    expect([served(), active(), healthy()]).toEqual(['v1+0', 'v1', ['v1']]);
    expect(await current.lastActivation()).toMatchObject({ policyVersion: 'v1' });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(stateOnDisk()).toMatchObject({ active: 'v2', condemned: {} });
    unblock();
    await vi.advanceTimersByTimeAsync(5_000);
    const known = { active: 'v1', condemned: { v2: 'taken back: rowError' } };
    await vi.waitFor(() => expect(stateOnDisk()).toMatchObject(known));
    expect(told('upkeep.failed')).toHaveLength(1);
  });

  it('is written at a stop', async () => {
    await activate('v2');
    const unblock = blockRegistry();
    await untilTakenBack();
    await vi.waitFor(() => expect(told('upkeep.failed')).toHaveLength(1));
    unblock();
    await restart();
    expect([served(), healthy()]).toEqual(['v1+0', ['v1']]);
  });
});
