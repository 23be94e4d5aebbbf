import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { isAppError } from '../../src/domain/errors.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { samples } from '../journal/support/records.js';
import { gloomy, GuardedService, saveVersion, sound, update } from '../service/support/guardedService.js';
import { cell, codeOf, report, SITE, startService, traceAlong } from '../service/support/startService.js';
import { mayMount, mountTmpfs } from '../support/tmpfs.js';

const MEBIBYTE = 1024 * 1024;

describe.skipIf(!mayMount())('a service whose disk is full', () => {
  it('refuses completions, serves routes all the same, and takes the completions once there is space', async () => {
    const directory = mountTmpfs('size=16m');
    const onFatal = vi.fn();
    const journal = await openJournal({ directory, onFatal, sizes: { journalReserveBytes: 2 * MEBIBYTE } });
    const robots = Array.from({ length: 60 }, (_, i) => `robot-${i}`);
    const { service, now, pass } = await startService({ journal, robots });
    const ask = (robotId: string, requestId: string) =>
      service.requestRoute(SITE, { requestId, robotId, from: cell('00'), stops: [cell('04')] });

    // Free space shrinks to nothing while one robot works.
    const ballast = join(directory, 'ballast');
    writeFileSync(ballast, new Uint8Array(9 * MEBIBYTE));
    let requests = 0;
    let refused: { route: Awaited<ReturnType<typeof ask>>; trace: ReturnType<typeof traceAlong> } | null =
      null;
    while (refused === null) {
      const route = await ask('robot-0', `q${++requests}`);
      await pass(5);
      const trace = traceAlong(route.nodes, now() - 4_000, []);
      const padded = [...trace, ...Array.from({ length: 3_000 }, () => trace.at(-1)!)];
      try {
        await service.completeRoute(SITE, report(route, padded));
      } catch (error) {
        expect(isAppError(error) && error.code).toBe('E_JOURNAL_FULL');
        refused = { route, trace };
      }
    }
    // Everyone else is still served, and whoever may not complete may give its route back.
    const served = await Promise.all(robots.slice(1).map((robotId) => ask(robotId, `full-${robotId}`)));
    expect(served).toHaveLength(59);
    const held = report(served[0]!, traceAlong(served[0]!.nodes, now()));
    await expect(service.completeRoute(SITE, held)).rejects.toMatchObject({ code: 'E_JOURNAL_FULL' });
    const cancelled = { type: 'route.cancelled' as const, routeId: served[1]!.routeId, reason: 'full' };
    expect(await service.cancelRoute(SITE, cancelled)).toMatchObject({ state: 'cancelled' });

    rmSync(ballast);
    await pass(1);
    const scored = await service.completeRoute(SITE, report(refused.route, refused.trace));
    expect(scored.duplicate).toBeUndefined();
    expect(await service.completeRoute(SITE, report(refused.route, refused.trace))).toEqual({
      ...scored,
      duplicate: true,
    });
    expect(onFatal).not.toHaveBeenCalled();
    await service.close();
  }, 60_000);

  it('gets rid of a bad policy all the same, and serves after a restart what it answered', async () => {
    const directory = mountTmpfs('size=16m');
    const onFatal = vi.fn();
    const open = () => openJournal({ directory, onFatal, sizes: { journalReserveBytes: 2 * MEBIBYTE } });
    const guarded = new GuardedService(join(directory, 'policies'));
    const registry = await guarded.openRegistry();
    await saveVersion(registry, sound, true);
    await saveVersion(registry, gloomy, false);
    const journal = await open();
    await guarded.start(registry, journal);
    guarded.learn(update(gloomy));

    const ballast = join(directory, 'ballast');
    writeFileSync(ballast, new Uint8Array(9 * MEBIBYTE));
    while ((await codeOf(() => journal.append(samples(40_000)))) === '');
    const names = () => guarded.service.policies().map(({ policyVersion }) => policyVersion);
    for (let tries = 0; tries < 3; tries++)
      expect(await codeOf(() => guarded.service.savePolicy(SITE))).toBe('E_JOURNAL_FULL');
    expect([guarded.guard().policyVersion, names()]).toEqual(['v1+1', ['v1', 'v2']]);
    // Meanwhile the journal's own file grows into what it gave up.
    await guarded.service.activatePolicy(SITE, 'v2');
    await guarded.service.activatePolicy(SITE, 'v1');
    expect([guarded.guard().policyVersion, names()]).toEqual(['v1+0', ['v1', 'v2']]);
    await guarded.service.close();
    await guarded.start(undefined, await open());
    expect(guarded.guard()).toMatchObject({ policyVersion: 'v1+0', trusted: 'v1' });

    rmSync(ballast);
    guarded.learn(update(sound));
    expect(await guarded.service.savePolicy(SITE)).toMatchObject({ parent: 'v1', active: true });
    expect(await guarded.lastActivation()).toMatchObject({ policyVersion: 'v1' });
    expect(onFatal).not.toHaveBeenCalled();
    await guarded.close();
  }, 60_000);
});
