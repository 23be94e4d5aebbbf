import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { listCheckpoints } from '../../src/journal/checkpointFile.js';
import type { Journal } from '../../src/journal/journal.js';
import { createWarehouseState, loadCheckpoint } from '../../src/journal/journalState.js';
import type { NewRecord } from '../../src/journal/records.js';
import { createRouteLedger } from '../../src/journal/routeLedger.js';
import { listSegments } from '../../src/journal/segmentFiles.js';
import { backUpData, restoreData } from '../../src/registry/dataBackup.js';
import { createSiteFacts } from '../../src/journal/siteFacts.js';
import { createHousekeeping } from '../../src/service/housekeeping.js';
import type { ServiceCore } from '../../src/service/serviceCore.js';
import { openShort, request, temporaryDirectory } from './support/shortJournal.js';
import { lane, report, SITE, START, startService, traceAlong } from './support/startService.js';

describe('a checkpoint', () => {
  it('stands for all records before it: a start after a stop replays none of them, and everything is there', async () => {
    const directory = await temporaryDirectory();
    const before = await startService({ journal: await openShort(directory), learns: true });
    const { service } = before;
    const done = await service.requestRoute(SITE, request('a', 'q1', '00', '03'));
    await before.pass(20);
    const trace = traceAlong(done.nodes, START, [1, 2, 1]);
    const scored = await service.completeRoute(SITE, report(done, trace));
    const kept = await service.requestRoute(SITE, request('b', 'q2', '10', '04'));
    await service.closeLanes(SITE, [lane('02', '03')]);
    await service.setWeights(SITE, { ...service.weights(SITE), distance: 0.5 });
    await service.setMode(SITE, 'frozen');
    const summary = service.warehouse(SITE);
    const flow = service.lanes(SITE).map(({ open: isOpen, plannedFlow }) => [isOpen, plannedFlow]);
    const at = before.now();
    await service.close();
    expect(listCheckpoints(directory)).toHaveLength(1);

    const journal = await openShort(directory);
    const read: number[] = [];
    const counted: Journal = {
      ...journal,
      async *read(from) {
        for await (const record of journal.read(from)) {
          read.push(record.sequence);
          yield record;
        }
      },
    };
    const after = await startService({ journal: counted, learns: true, robots: [], at });
    expect(read).toEqual([]);
    const { weights, mode, closedLanes, openRoutes } = summary;
    expect(after.service.warehouse(SITE)).toMatchObject({ weights, mode, closedLanes, openRoutes });
    expect(after.service.lanes(SITE).map(({ open: isOpen, plannedFlow }) => [isOpen, plannedFlow])).toEqual(
      flow,
    );
    expect(await after.service.completeRoute(SITE, report(done, trace))).toEqual({
      ...scored,
      duplicate: true,
    });
    expect(await after.service.requestRoute(SITE, request('b', 'q2', '10', '04'))).toMatchObject({
      routeId: kept.routeId,
    });
    await after.service.close();
  });

  it('holds nothing that came after its record, and so can be replayed from', async () => {
    const directory = await temporaryDirectory();
    const journal = await openShort(directory);
    onTestFinished(() => journal.close());
    const ledger = createRouteLedger({ warehouseId: SITE, journal });
    const { issued, request: requested } = await import('../journal/support/routes.js');
    const issue = (number: number) => {
      const content = requested(`robot-${number}`, 'q');
      return ledger.issue(content, () => ({ ...issued(`r${number}`, content), warehouseId: SITE }));
    };
    const upkeep = journal.upkeep!;
    // A route is issued while the file is being opened.
    const busy: typeof upkeep = {
      ...upkeep,
      async writeCheckpoint(sequence, parts) {
        await issue(2);
        await upkeep.writeCheckpoint(sequence, parts);
      },
    };
    const entries = new Map([[SITE, { ledger, facts: createSiteFacts() }]]);
    const core = { entries, dormant: new Map(), journal: { ...journal, upkeep: busy } };
    await issue(1);
    await createHousekeeping(core as unknown as ServiceCore, {
      days: Infinity,
      bytes: Infinity,
    }).checkpoint();
    await journal.close();

    const reopened = await openShort(directory);
    onTestFinished(() => reopened.close());
    const checkpoint = reopened.upkeep?.checkpoint();
    expect(checkpoint?.sequence).toBe(1);
    const state = createWarehouseState();
    const readListed = (sequences: readonly number[]) => reopened.readListed(sequences);
    await loadCheckpoint(checkpoint!, { stateOf: () => state, readListed });
    for await (const record of reopened.read(2)) state.ledger.apply(record);
    expect(state.ledger.snapshot()).toEqual(ledger.snapshot());
  });

  it('keeps what belongs to a warehouse that is not served for a while', async () => {
    const directory = await temporaryDirectory();
    const journal = await openShort(directory);
    const elsewhere: NewRecord = {
      ...{ at: 5, warehouseId: 'elsewhere', kind: 'mode.set', payload: { mode: 'off' } },
    };
    await journal.append(elsewhere);
    const before = await startService({ journal });
    await before.service.setMode(SITE, 'frozen');
    await before.service.close();

    const reopened = await openShort(directory);
    const parts = reopened.upkeep?.checkpoint()?.parts ?? [];
    expect(
      parts.filter(({ facts }) => facts !== null).map(({ warehouseId, facts }) => [warehouseId, facts?.mode]),
    ).toEqual([
      ['elsewhere', 'off'],
      [SITE, 'frozen'],
    ]);
    await reopened.close();
  });
});

const weighted = (number: number): NewRecord => ({
  ...{ at: number, warehouseId: SITE, kind: 'weights.set' },
  payload: { weights: { time: 1, wait: 1, blocking: 1, distance: number, turns: 0, lateness: 1 } },
});

function age(directory: string, days: number): void {
  const at = Date.now() / 1000 - days * 24 * 3600;
  for (const { file } of listSegments(directory)) utimesSync(file, 0, at);
}

describe('retention', () => {
  it('drops old records and says so in the journal, but none that an open route or a checkpoint needs', async () => {
    const directory = await temporaryDirectory();
    const journal = await openShort(directory, 4);
    onTestFinished(() => journal.close());
    const ledger = createRouteLedger({ warehouseId: SITE, journal });
    const core = {
      journal,
      dormant: new Map(),
      entries: new Map([[SITE, { ledger, facts: createSiteFacts() }]]),
    };
    expect(LIMITS.duplicateAnswersKeptSeconds).toBeLessThanOrEqual(24 * 3600);
    const housekeeping = createHousekeeping(core as unknown as ServiceCore, { days: 2, bytes: Infinity });
    const append = async (count: number): Promise<void> => {
      for (let number = 0; number < count; number++) await journal.append(weighted(number));
    };
    // Two of the younger records are an open route's.
    await append(9);
    const { issued, request: requested } = await import('../journal/support/routes.js');
    await ledger.issue(requested('robot', 'q1'), () => ({
      ...issued('r1', requested('robot', 'q1')),
      warehouseId: SITE,
    }));
    await append(10);
    await housekeeping.checkpoint();
    await append(1);
    await housekeeping.checkpoint();
    await journal.close();
    age(directory, 3);

    const old = await openShort(directory, 4);
    onTestFinished(() => old.close());
    Object.assign(core, { journal: old });
    const again = createHousekeeping(core as unknown as ServiceCore, { days: 2, bytes: Infinity });
    await old.append(weighted(1));
    await again.checkpoint();
    await old.append(weighted(1));
    await again.checkpoint();
    await again.run();
    // Record 10 is the open route's: its segment, 9 to 12, stays.
    expect(old.firstSequence()).toBe(9);
    const records = [];
    for await (const record of old.read()) records.push(record);
    expect(records.find(({ kind }) => kind === 'records.dropped')?.payload).toMatchObject({
      from: 1,
      to: 8,
      reason: 'age',
    });
    expect(readdirSync(directory).filter((name) => name.endsWith('.sqlite'))[0]).toContain('0000000009');
    expect(await old.routeRecords(SITE, 'r1')).toHaveLength(1);
    await old.close();

    // What is gone on purpose is not missed, and a start goes on from the checkpoint.
    const reopened = await openShort(directory, 4);
    expect([reopened.firstSequence(), reopened.upkeep?.checkpoint()?.sequence]).toEqual([9, 23]);
    await reopened.close();
  });

  it('goes by the checkpoints of former lives, and keeps what the older of the two needs', async () => {
    const directory = await temporaryDirectory();
    const { issued, request: requested } = await import('../journal/support/routes.js');
    const start = async () => {
      const journal = await openShort(directory, 4);
      onTestFinished(() => journal.close());
      const ledger = createRouteLedger({ warehouseId: SITE, journal });
      const entries = new Map([[SITE, { ledger, facts: createSiteFacts() }]]);
      const core = { journal, dormant: new Map(), entries } as unknown as ServiceCore;
      const append = async (count: number): Promise<void> => {
        for (let number = 0; number < count; number++) await journal.append(weighted(number));
      };
      return { journal, ledger, append, keeper: createHousekeeping(core, { days: 2, bytes: Infinity }) };
    };
    const before = await start();
    await before.append(9);
    const content = requested('robot', 'q1');
    await before.ledger.issue(content, () => ({ ...issued('r1', content), warehouseId: SITE }));
    await before.append(9);
    await before.keeper.checkpoint();
    await before.ledger.cancel({ routeId: 'r1', reason: 'done' }, 1);
    await before.append(10);
    await before.keeper.checkpoint();
    await before.journal.close();
    age(directory, 3);

    const [, older] = listCheckpoints(directory);
    const sound = readFileSync(older!.file);
    writeFileSync(older!.file, 'damaged');
    const careful = await start();
    await careful.keeper.run();
    expect(careful.journal.firstSequence()).toBe(1);
    await careful.journal.close();
    writeFileSync(older!.file, sound);

    // The route of record 10 was open at the older checkpoint.
    const after = await start();
    await after.keeper.run();
    expect(after.journal.firstSequence()).toBe(9);
    await after.append(1);
    await after.keeper.checkpoint();
    await after.keeper.run();
    expect(after.journal.firstSequence()).toBe(29);
  });

  it('says once what it drops, and drops nothing that a backup reads until that ends', async () => {
    const directory = await temporaryDirectory();
    const journal = await openShort(directory, 4);
    onTestFinished(() => journal.close());
    for (let number = 0; number < 10; number++) await journal.append(weighted(number));
    age(directory, 3);
    await journal.close();

    const again = await openShort(directory, 4);
    onTestFinished(() => again.close());
    const upkeep = again.upkeep!;
    const [early, late] = [await temporaryDirectory(), await temporaryDirectory()];
    let lateBackup: ReturnType<typeof upkeep.backUp> | undefined;
    const overtaken: typeof upkeep = {
      ...upkeep,
      dropBefore(first) {
        lateBackup = upkeep.backUp(late);
        return upkeep.dropBefore(first);
      },
    };
    const entries = { dormant: new Map(), entries: new Map() };
    const core = { ...entries, journal: { ...again, upkeep: overtaken } } as unknown as ServiceCore;
    const keeper = createHousekeeping(core, { days: 2, bytes: Infinity });
    await keeper.checkpoint();
    await again.append(weighted(1));
    await keeper.checkpoint();

    const earlyBackup = upkeep.backUp(early);
    await keeper.run();
    expect(await earlyBackup).toEqual({ first: 1, last: 11 });
    expect(again.lastSequence()).toBe(11);

    await keeper.run();
    expect(await lateBackup).toEqual({ first: 1, last: 12 });
    await keeper.run();
    expect(again.lastSequence()).toBe(12);
    const firsts = [directory, late].map((at) => listSegments(at)[0]?.first);
    expect(firsts).toEqual([9, 1]);
  });
});

describe('a backup', () => {
  it('taken while routes are served makes a directory that a server starts from', async () => {
    const directory = await temporaryDirectory();
    const journal = await openShort(directory, 10);
    const { service, now, pass } = await startService({ journal });
    let requests = 0;
    const work = async (): Promise<void> => {
      const route = await service.requestRoute(SITE, request('a', `q${++requests}`, '00', '03'));
      await pass(5);
      await service.completeRoute(SITE, report(route, traceAlong(route.nodes, now() - 4_000)));
    };
    for (let i = 0; i < 15; i++) await work();
    const workOn = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await work();
    };
    const to = join(await temporaryDirectory(), 'backup');
    const upkeep = journal.upkeep!;
    const source = { directory, now: 1, copyJournal: (target: string) => upkeep.backUp(target) };
    const [manifest] = await Promise.all([backUpData(source, to), workOn()]);
    await service.close();
    await expect(backUpData(source, to)).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });

    const restored = join(await temporaryDirectory(), 'data');
    await restoreData(to, restored);
    const copy = await openShort(restored, 10);
    const records = [];
    for await (const record of copy.read()) records.push(record);
    expect(records.length).toBe(manifest.journal.last);
    expect(records.length).toBeGreaterThanOrEqual(30);
    const after = await startService({ journal: copy });
    expect(after.service.warehouse(SITE).openRoutes).toBeLessThanOrEqual(1);
    await after.service.close();
  });
});
