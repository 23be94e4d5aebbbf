import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Journal } from '../../src/journal/journal.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import type { ImprovementState } from '../../src/journal/records.js';
import { createImprovement, ROUTES_AT_LEAST, type CompletedRoute } from '../../src/service/improvement.js';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import {
  cell,
  report,
  SITE,
  START,
  startService,
  traceAlong,
  type TestService,
} from './support/startService.js';

/** Routes one after the other, a second each, on a floor of few robots. */
function createRun(improvement = createImprovement()) {
  let at = 1000;
  const drive = (count: number, route: Partial<CompletedRoute>): void => {
    for (let i = 0; i < count; i++, at += 1000) {
      improvement.completed({
        ...{ issuedAt: at - 1000, at, ratio: 2, plannedBy: 'policy', shortestRatio: null, robots: 10 },
        ...route,
      });
    }
  };
  return { improvement, drive };
}

describe('the time to improvement', () => {
  it('runs from the first route to the end of the second block in a row that is so much better', () => {
    const { improvement, drive } = createRun();
    drive(ROUTES_AT_LEAST, { plannedBy: 'freeFlow', ratio: 50 });
    drive(150, { plannedBy: 'freeFlow', ratio: 2 });
    drive(100, { ratio: 1.875 });
    expect(improvement.view()).toMatchObject({
      baseline: { kind: 'freeFlow', ratio: 2, routes: 150 },
      ratio: 1.875,
      policyServedAfter: { seconds: 251, routes: 251 },
      tenPercentAfter: null,
    });
    drive(100, { ratio: 1.75 });
    expect(improvement.view()).toMatchObject({ ratio: 1.75, tenPercentAfter: null });
    drive(100, { ratio: 1.375 });
    expect(improvement.view()).toMatchObject({
      tenPercentAfter: { seconds: 550, routes: 550 },
      quarterAfter: null,
    });
    drive(100, { ratio: 1.375 });
    expect(improvement.view()).toMatchObject({
      tenPercentAfter: { seconds: 550, routes: 550 },
      quarterAfter: { seconds: 650, routes: 650 },
    });
  });

  it('is reached though one robot stood for an hour', () => {
    const { improvement, drive } = createRun();
    drive(300, { plannedBy: 'freeFlow' });
    drive(1, { ratio: 240 });
    drive(199, { ratio: 1 });
    expect(improvement.view().tenPercentAfter).toEqual({ seconds: 500, routes: 500 });
  });

  it('is not reached by one lucky block', () => {
    const { improvement, drive } = createRun();
    drive(300, { plannedBy: 'freeFlow' });
    for (let i = 0; i < 5; i++) {
      drive(100, { ratio: 1 });
      drive(100, { ratio: 2 });
    }
    expect(improvement.view()).toMatchObject({ tenPercentAfter: null, quarterAfter: null });
  });

  it('counts from the shortest tours in hindsight where there was no free-flow phase', () => {
    const { improvement, drive } = createRun();
    drive(100, {});
    drive(99, { ratio: 1.5, shortestRatio: 3 });
    drive(50, { ratio: 1.5, shortestRatio: null });
    expect(improvement.view()).toMatchObject({ baseline: null });
    drive(1, { ratio: 1.5, shortestRatio: 3 });
    expect(improvement.view()).toMatchObject({ baseline: { kind: 'shortestTours', ratio: 3, routes: 100 } });
  });

  it('waits for whole blocks of as many routes as there are robots', () => {
    const { improvement, drive } = createRun();
    drive(700, { plannedBy: 'freeFlow', robots: 300 });
    drive(599, { ratio: 1, robots: 300 });
    expect(improvement.view()).toMatchObject({ tenPercentAfter: null });
    drive(1, { ratio: 1, robots: 300 });
    expect(improvement.view()).toMatchObject({ tenPercentAfter: { routes: 1300 } });
  });

  it('goes on from its journalled state as if nothing had happened, and says when to write it', () => {
    const anyRoute = fc.record({
      ratio: fc.double({ min: 0.5, max: 3, noNaN: true }),
      plannedBy: fc.constantFrom('freeFlow' as const, 'policy' as const),
      shortestRatio: fc.option(fc.double({ min: 1, max: 3, noNaN: true })),
    });
    fc.assert(
      fc.property(fc.array(anyRoute, { minLength: 10, maxLength: 60 }), fc.nat(9), (kinds, cut) => {
        const straight = createRun();
        kinds.forEach((kind) => straight.drive(20, kind));
        const broken = createRun();
        kinds.forEach((kind, i) => {
          if (i === cut) {
            const journalled = JSON.stringify(broken.improvement.state());
            broken.improvement.restart();
            broken.improvement.restore(JSON.parse(journalled) as ImprovementState);
          }
          broken.drive(20, kind);
        });
        expect(broken.improvement.view()).toEqual(straight.improvement.view());
      }),
      { numRuns: 30 },
    );
  });

  it('is written down with the first route, every hundredth, and when a share is reached', () => {
    const improvement = createImprovement();
    const written: number[] = [];
    for (let i = 1; i <= 700; i++) {
      const route = { issuedAt: 0, at: i, shortestRatio: null, robots: 10 };
      const plannedBy = i <= 250 ? ('freeFlow' as const) : ('policy' as const);
      if (improvement.completed({ ...route, plannedBy, ratio: i <= 250 ? 2 : 1 })) written.push(i);
    }
    expect(written).toEqual([1, 100, 200, 251, 300, 400, 450]);
  });
});

describe("a warehouse's time to improvement", () => {
  const driveAlone = async (
    test: TestService,
    routes: number,
    first: number,
    order: { readonly deadlineAt?: number } = {},
  ): Promise<void> => {
    for (let i = 0; i < routes; i++) {
      const [from, to] = i % 2 === 0 ? (['00', '01'] as const) : (['01', '00'] as const);
      const at = test.now();
      const requestId = String(first + i);
      const route = await test.service.requestRoute(SITE, {
        ...{ requestId, robotId: 'a', from: cell(from), stops: [cell(to)] },
        ...order,
      });
      await test.pass(1);
      await test.service.completeRoute(SITE, report(route, traceAlong([cell(from), cell(to)], at)));
    }
  };

  it('counts no lateness, which no plan could help', async () => {
    const test = await startService({ mode: 'learn', learns: true });
    await driveAlone(test, 2 * ROUTES_AT_LEAST, 0, { deadlineAt: START - 120_000 });
    expect(test.service.warehouse(SITE).improvement.ratio).toBe(1);
    expect(test.service.warehouse(SITE).scoreRatio).toBeGreaterThan(10);
  });

  it('loses no route at a stop', async () => {
    const before = await startService({ mode: 'observe' });
    await driveAlone(before, 7, 0);
    await before.service.close();
    const written: number[] = [];
    for await (const { kind, payload } of before.journal.read())
      if (kind === 'improvement.set') written.push(payload.routes);
    expect(written).toEqual([1, 7]);
  });

  it('goes on where the weights are said again', async () => {
    const { service, ...test } = await startService({ mode: 'learn', learns: true });
    await driveAlone({ service, ...test }, ROUTES_AT_LEAST + 2, 0);
    const known = service.warehouse(SITE).improvement;
    expect(known.policyServedAfter).not.toBeNull();
    expect(await service.setWeights(SITE, service.weights(SITE))).toEqual(service.weights(SITE));
    expect(service.warehouse(SITE).improvement).toEqual(known);
  });

  it('starts anew after a start, too, where a route was scored while other weights were written', async () => {
    const memory = createMemoryJournal();
    let release = (): void => undefined;
    const written = new Promise<void>((resolve) => (release = resolve));
    const journal: Journal = {
      ...{ ...memory, lastSequence: () => memory.lastSequence() },
      async append(record) {
        const stored = await memory.append(record);
        if (record.kind === 'weights.set') await written;
        return stored;
      },
    };
    const test = await startService({ mode: 'learn', learns: true, journal });
    await driveAlone(test, ROUTES_AT_LEAST, 0);
    const reweighed = test.service.setWeights(SITE, { wait: 2 });
    await driveAlone(test, 1, ROUTES_AT_LEAST);
    release();
    await reweighed;
    const { improvement } = test.service.warehouse(SITE);
    expect(improvement.policyServedAfter).toBeNull();
    // It was killed: nothing more is written.
    const again = await startService({ journal: memory, at: test.now(), learns: true });
    expect(again.service.warehouse(SITE).improvement).toEqual(improvement);
    // What is measured under them is there at the next.
    await driveAlone(again, ROUTES_AT_LEAST + 1, 1_000);
    const known = again.service.warehouse(SITE).improvement;
    const third = await startService({ journal: memory, at: again.now(), learns: true });
    expect(third.service.warehouse(SITE).improvement).toEqual(known);
    expect(known.policyServedAfter).not.toBeNull();
  });

  it('outlives a restart, and starts anew with another map or other reward weights', async () => {
    const before = await startService({ mode: 'learn', learns: true });
    await driveAlone(before, ROUTES_AT_LEAST + 2, 0);
    const known = before.service.warehouse(SITE).improvement;
    expect(known).toMatchObject({ policyServedAfter: { seconds: 101, routes: 101 } });
    const after = await startService({ journal: before.journal, at: before.now(), learns: true });
    expect(after.service.warehouse(SITE).improvement).toEqual(known);
    const graphs = [{ ...before.graph, mapVersion: '2' }];
    const remapped = await startService({ journal: before.journal, at: before.now(), learns: true, graphs });
    expect(remapped.service.warehouse(SITE).improvement.policyServedAfter).toBeNull();
    const edited = await startService({
      journal: before.journal,
      at: before.now(),
      learns: true,
      map: '....',
    });
    expect(edited.service.warehouse(SITE).improvement.policyServedAfter).toBeNull();
    await after.service.setWeights(SITE, { ...DEFAULT_REWARD_WEIGHTS, wait: 2 });
    expect(after.service.warehouse(SITE).improvement.policyServedAfter).toBeNull();
  });
});
