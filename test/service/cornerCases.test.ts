import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import type { CheckpointPart } from '../../src/journal/checkpointFile.js';
import type { Journal, JournalUpkeep } from '../../src/journal/journal.js';
import type { JournalRecord } from '../../src/journal/records.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { corrupt } from '../../src/journal/sqliteErrors.js';
import type { IssuedRoute } from '../../src/learning/issuedRoute.js';
import { createCornerCases, placeRobots, type CornerCase } from '../../src/service/cornerCases.js';
import {
  cell,
  codeOf,
  LADDER,
  lane,
  report,
  SITE,
  startService,
  traceAlong,
} from './support/startService.js';

const HOUR = 3600 * 1000;

function caseOf(routeId: string, observedWaitSeconds: number, completedAt = 0): CornerCase {
  return {
    ...{ routeId, robotId: 'a', plannedAt: 0, completedAt, policyVersion: 'cold+1', mapVersion: '1' },
    ...{ predictedWaitSeconds: 0, observedWaitSeconds, closedLanes: [], robots: [] },
  };
}

describe('the corner cases of a warehouse', () => {
  it('are the worst predicted routes, worst first, and no more than the limit', () => {
    const cases = createCornerCases(3);
    for (const [i, error] of [20, 50, 30, 40, 12, 60].entries()) cases.keep(caseOf(`r${i}`, error));
    expect(cases.list().map(({ routeId }) => routeId)).toEqual(['r5', 'r1', 'r3']);
    expect(cases.find('r1')?.observedWaitSeconds).toBe(50);
    expect(cases.find('r2')).toBeUndefined();
  });

  it('count half as much after an hour, so that old ones give way', () => {
    const cases = createCornerCases(1);
    cases.keep(caseOf('old', 100, 0));
    expect(cases.wouldKeep(60, HOUR - 1_000_000)).toBe(false);
    expect(cases.wouldKeep(60, HOUR)).toBe(true);
    cases.keep(caseOf('new', 60, HOUR));
    expect(cases.list().map(({ routeId }) => routeId)).toEqual(['new']);
  });

  it('give way to new ones where the clock ran ahead, and was set back', () => {
    const cases = createCornerCases(2);
    for (const routeId of ['ahead', 'too']) cases.keep(caseOf(routeId, 40, 720 * HOUR));
    expect(cases.wouldKeep(39, 10 * HOUR)).toBe(false);
    cases.keep(caseOf('now', 50, 10 * HOUR));
    // From then on they fade.
    cases.keep(caseOf('later', 30, 11 * HOUR));
    expect(cases.list().map(({ routeId }) => routeId)).toEqual(['later', 'now']);
  });

  it('hold no route that was predicted well enough, nor one that is not a number', () => {
    const cases = createCornerCases(3);
    expect([9.9, NaN, 10].map((error) => cases.wouldKeep(error, 0))).toEqual([false, false, true]);
  });
});

describe('the floor of a corner case', () => {
  const stops = [3, 90].map((node) => ({ node, handlingSeconds: node }));
  const plan = { nodes: Int32Array.from({ length: 100 }, (_, i) => i), stops, stopIndexes: [3, 90] };
  const route = { robotType: 0, revisions: [plan] } as unknown as IssuedRoute;
  const floorOf = (count: number) => ({
    ...{ at: 0, mapVersion: '1', closedLanes: [] },
    robots: Array.from({ length: count }, (_, robot) => ({
      ...{ robot, robotType: 0, node: 1, position: 1, ...plan, handlingSecondsLeft: 0 },
    })),
  });

  it('has the whole of its own route and the rest of each other', () => {
    const [own, other] = placeRobots(floorOf(10), route, 7);
    expect([own?.path.length, own?.stopIndexes]).toEqual([100, [3, 90]]);
    expect([other?.path.length, other?.stopIndexes, other?.handlingSeconds]).toEqual([99, [2, 89], [3, 90]]);
  });

  it('has others finish what they handle before they drive on', () => {
    const { robots, ...floor } = floorOf(2);
    const [, other] = placeRobots(
      { ...floor, robots: robots.map((robot) => ({ ...robot, position: 3, handlingSecondsLeft: 20 })) },
      route,
      0,
    );
    expect([other?.path[0], other?.stopIndexes, other?.handlingSeconds]).toEqual([3, [0, 87], [20, 90]]);
  });

  it('has others drive as far as is kept of their way, though no stop is on it', () => {
    const { robots, ...floor } = floorOf(LIMITS.cornerCaseNodes / 50);
    const [, other] = placeRobots(
      { ...floor, robots: robots.map((robot) => ({ ...robot, position: 4 })) },
      route,
      0,
    );
    expect([other?.path.length, other?.stopIndexes, other?.handlingSeconds]).toEqual([50, [49], [0]]);
  });

  it('has the beginnings of the others where they are many and long', () => {
    const [own, ...others] = placeRobots(floorOf(LIMITS.cornerCaseNodes / 50), route, 7);
    expect([own?.path.length, own?.stopIndexes]).toEqual([100, [3, 90]]);
    for (const { path, stopIndexes, handlingSeconds } of others) {
      expect([path.length, path[0], stopIndexes, handlingSeconds]).toEqual([50, 1, [2], [3]]);
    }
  });
});

describe('a route that the policy predicted badly', () => {
  /** Robot b has still two lanes of its route before it, c stands, one lane is closed; then a drives late. */
  async function driveBadly(learns = true) {
    const test = await startService({ mode: 'learn', learns });
    const { service } = test;
    await service.closeLanes(SITE, [lane('13', '14')]);
    service.robotState(SITE, {
      ...{ type: 'robot.state', robotId: 'c', node: cell('14'), available: true, at: test.now() },
    });
    const other = await service.requestRoute(SITE, {
      ...{ requestId: '1', robotId: 'b', from: cell('10'), stops: [cell('13')] },
    });
    await test.pass(1);
    const moved = { routeId: other.routeId, revision: 0, node: cell('11'), at: test.now() };
    service.routeProgress(SITE, { type: 'route.progress', ...moved });
    await test.pass(1);
    const route = await service.requestRoute(SITE, {
      ...{ requestId: '1', robotId: 'a', from: cell('00'), stops: [cell('02')] },
    });
    const at = test.now();
    await test.pass(60);
    const trace = traceAlong(['00', '01', '02'].map(cell), at, [1, 41]);
    await service.completeRoute(SITE, report(route, trace));
    return { test, route, issuedAt: at };
  }

  it('is kept with the floor that it was planned on', async () => {
    const { test, route, issuedAt } = await driveBadly();
    const { routeId } = route;
    const [listed, ...more] = test.service.cornerCases(SITE);
    expect(more).toEqual([]);
    expect(listed).toMatchObject({
      ...{ routeId, robotId: 'a', plannedAt: issuedAt, completedAt: issuedAt + 60_000 },
      ...{ observedWaitSeconds: 40, robots: 3, openRoutes: 2, closedLanes: 1 },
    });
    expect(listed!.predictedWaitSeconds).toBeCloseTo(route.expected.wait, 4);
    expect(listed!.errorSeconds).toBeCloseTo(40 - route.expected.wait, 4);
    const { floor, ...view } = test.service.cornerCase(SITE, routeId);
    expect(view).toEqual(listed);
    expect(floor.closedLanes).toEqual([lane('13', '14')]);
    expect(floor.robots).toEqual([
      {
        ...{ robotType: 'unit', node: cell('00'), path: ['00', '01', '02'].map(cell) },
        ...{ stopIndexes: [2], handlingSeconds: [0] },
      },
      {
        ...{ robotType: 'unit', node: cell('11'), path: ['11', '12', '13'].map(cell) },
        ...{ stopIndexes: [2], handlingSeconds: [0] },
      },
      { robotType: 'unit', node: cell('14'), path: [], stopIndexes: [], handlingSeconds: [] },
    ]);
    expect(floor.plannedFlow).toEqual([
      { ...lane('11', '12'), routes: 1 },
      { ...lane('12', '13'), routes: 1 },
    ]);
    expect(await codeOf(() => test.service.cornerCase(SITE, 'route-99'))).toBe('E_UNKNOWN_CORNER_CASE');
  });

  it('has each other robot where it is taken to be, and as far as it can drive', async () => {
    const map = '..........\n..........\n..........';
    const test = await startService({
      mode: 'learn',
      learns: true,
      map,
      robots: ['a', 'silent', 'handling', 'broken'],
    });
    const { service } = test;
    const ask = (robotId: string, from: string, stops: string[], handlingSeconds = 0) =>
      service.requestRoute(SITE, {
        ...{ requestId: '1', robotId, from: cell(from) },
        stops: stops.map((node) => ({ node: cell(node), handlingSeconds })),
      });
    const silent = await ask('silent', '10', ['19']);
    const handling = await ask('handling', '03', ['04', '09'], 60);
    await ask('broken', '23', ['29']);
    await test.pass(1);
    service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId: handling.routeId, revision: 0, node: cell('04'), at: test.now() },
    });
    service.robotState(SITE, {
      ...{ type: 'robot.state', robotId: 'broken', node: cell('23'), available: true, at: test.now() },
      pausedReason: 'broken',
    });
    await test.pass(5);
    const passed = silent.etaSeconds.filter((eta) => eta <= 6).length - 1;
    const route = await ask('a', '00', ['02']);
    const at = test.now();
    await test.pass(60);
    await service.completeRoute(SITE, report(route, traceAlong(['00', '01', '02'].map(cell), at, [1, 41])));
    const { robots } = service.cornerCase(SITE, route.routeId).floor;
    expect(passed).toBeGreaterThan(3);
    expect(robots.slice(1)).toMatchObject([
      { node: silent.nodes[passed], path: silent.nodes.slice(passed), handlingSeconds: [0] },
      { node: cell('04'), stopIndexes: [0, 5], handlingSeconds: [55, 60] },
      { path: [] },
    ]);
  });

  it('is still there, floor and all, after a restart', async () => {
    const { test, route } = await driveBadly();
    const known = test.service.cornerCase(SITE, route.routeId);
    const after = await startService({ journal: test.journal, at: test.now(), learns: true });
    expect(after.service.cornerCase(SITE, route.routeId)).toEqual(known);
  });

  it('is forgotten on a map that was edited under its version', async () => {
    const { test } = await driveBadly();
    const { graph, journal } = test;
    const robotTypes = [...graph.robotTypes, ...graph.robotTypes];
    const edited = [gridFromText('.....'), gridFromText('.....\n..@..'), { ...graph, robotTypes }];
    for (const changed of edited) {
      expect(changed.mapVersion).toBe(graph.mapVersion);
      const { service } = await startService({ journal, graphs: [changed], at: test.now() });
      expect(service.cornerCases(SITE)).toEqual([]);
    }
  });

  it('is left out, told and forgotten where its record is damaged, and forgotten on another map', async () => {
    const { test, route } = await driveBadly();
    const damaged = test.journal.lastSequence();
    for await (const record of test.journal.readListed([damaged]))
      await test.journal.append({
        ...(record as JournalRecord<'corner.kept'>),
        payload: { ...(record as JournalRecord<'corner.kept'>).payload, routeId: 'sound', evicted: null },
      });
    const written: CheckpointPart[] = [];
    const failures: unknown[] = [];
    const startAgain = async (isDamaged: boolean, mapVersion = test.graph.mapVersion) => {
      const graphs = [{ ...gridFromText(LADDER), mapVersion }];
      const journal: Journal = {
        ...test.journal,
        upkeep: {
          checkpoint: () => null,
          checkpointSequences: () => [],
          writeCheckpoint: async (_sequence: number, parts: Iterable<CheckpointPart>) =>
            void written.splice(0, Infinity, ...parts),
        } as unknown as JournalUpkeep,
        readListed(sequences) {
          if (isDamaged && sequences.includes(damaged)) throw corrupt(damaged, 'its checksum is wrong');
          return test.journal.readListed(sequences);
        },
        close: async () => undefined,
      };
      const onUpkeepFailure = (error: unknown) => failures.push(error);
      const { service } = await startService({ journal, graphs, at: test.now(), onUpkeepFailure });
      const shown = service.cornerCases(SITE).map(({ routeId }) => routeId);
      await service.close();
      return { shown, kept: written.flatMap(({ facts }) => facts?.cornerCases ?? []) };
    };
    const sound = ['sound', damaged + 1];
    expect(await startAgain(false)).toEqual({
      shown: [route.routeId, 'sound'],
      kept: [[route.routeId, damaged], sound],
    });
    expect(failures).toEqual([]);
    expect(await startAgain(true)).toEqual({ shown: ['sound'], kept: [sound] });
    expect(failures).toMatchObject([{ code: 'E_JOURNAL_CORRUPT', references: { sequence: damaged } }]);
    expect(await startAgain(false, 'newer')).toEqual({ shown: [], kept: [] });
  });

  it('is no corner case where no policy predicted anything', async () => {
    const { test } = await driveBadly(false);
    expect(test.service.cornerCases(SITE)).toEqual([]);
  });
});
