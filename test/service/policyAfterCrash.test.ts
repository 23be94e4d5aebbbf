import { expect, it, vi } from 'vitest';
import type { PolicyRegistry } from '../../src/registry/policyRegistry.js';
import { createFullDisk } from '../journal/support/fullDisk.js';
import { useGuardedService } from './support/guardedService.js';
import { SITE } from './support/startService.js';

const current = useGuardedService();
const activate = (version: string) => current().service.activatePolicy(SITE, version);

it('after a kill between the record of an activation and its doing a start journals what it serves', async () => {
  const registry = await current().openRegistry();
  const never = { ...registry, activate: () => new Promise<never>(() => undefined) } as PolicyRegistry;
  await current().restart(never);
  const { journal } = current().running;
  void activate('v2');
  await vi.waitFor(async () =>
    expect(await current().lastActivation()).toEqual({
      policyVersion: 'v2',
      reason: 'activated by an operator',
    }),
  );

  await current().start(undefined, journal);
  expect(current().guard().policyVersion).toBe('v1+0');
  expect(await current().lastActivation()).toEqual({ policyVersion: 'v1', reason: 'served since the start' });
});

it('after a kill in a drill a start journals what it serves', async () => {
  const { journal } = current().running;
  await current().service.drillPolicy(SITE, 'flipped');
  expect(await current().lastActivation()).toMatchObject({ policyVersion: 'v3', reason: 'drill: flipped' });
  await current().start(undefined, journal);
  expect(await current().lastActivation()).toMatchObject({ policyVersion: 'v1' });
});

it('a start is not stopped by a journal that cannot take that', async () => {
  const disk = createFullDisk();
  disk.isFull = disk.isReserveSpent = true;
  await current().restart(undefined, disk.open());
  expect(current().guard().policyVersion).toBe('v1+0');
  expect(await current().lastActivation()).toBeNull();
});
