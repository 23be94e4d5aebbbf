import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import type { RouteAssignedContent } from '../../src/domain/messages.js';
import { createRoutingService } from '../../src/service/routingService.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { settle } from '../journal/support/faultyStore.js';
import { closedOn, request, startOnSlowDisk, updatesIn } from './support/closing.js';
import { createSlicesByHand } from './support/slicesByHand.js';
import { cell, codeOf, lane, SITE, startService, type TestServiceOptions } from './support/startService.js';

const THREE_ROWS = '.....\n.....\n.....';
/** With one stop there is no order to choose: only tours of more take turns here. */
const TOUR = request('a', '00', ['04', '24']);
/** Two columns of free flow, a row from each of the three places, and the way. */
const TURNS = 2 + 3 + 2;

/** Robot a has asked for two stops, and no turn has begun. */
async function ask(options: TestServiceOptions = {}) {
  const { slices, ...turns } = createSlicesByHand();
  const started = await startService({ map: THREE_ROWS, slices, stopNodesAtOnce: 0, ...options });
  const asked = started.service.requestRoute(SITE, TOUR);
  const code = codeOf(() => asked);
  await settle();
  return { ...started, ...turns, asked, code };
}

describe('a large tour', () => {
  it('is planned search by search, and others are served in between', async () => {
    const { service, asked, turn, waiting } = await ask();
    let answer: RouteAssignedContent | undefined;
    void asked.then((assigned) => (answer = assigned));
    for (let turns = 1; turns < TURNS; turns++) {
      await turn();
      expect([turns, answer, waiting()]).toEqual([turns, undefined, 1]);
      const other = await service.requestRoute(SITE, request('b', '10', ['14'], `q${turns}`));
      await service.cancelRoute(SITE, { type: 'route.cancelled', routeId: other.routeId, reason: 'why' });
    }
    await turn();
    expect(answer).toMatchObject({ stopOrder: [0, 1], stopIndexes: [4, 6] });
    expect(waiting()).toBe(0);
  });

  it('is answered as it would be at once', async () => {
    const { asked, turnAll } = await ask();
    await turnAll();
    const { service } = await startService({ map: THREE_ROWS });
    expect(await asked).toEqual(await service.requestRoute(SITE, TOUR));
  });

  it('goes round a lane that closes at any of its turns, and keeps nobody from closing it', async () => {
    for (let turns = 0; turns < TURNS; turns++) {
      const { service, events, asked, turn, turnAll } = await ask();
      await turn(turns);
      await service.closeLanes(SITE, [lane('01', '02'), lane('13', '14')]);
      await turnAll();
      const { nodes, revision } = await asked;
      expect([turns, revision, closedOn(service, nodes), nodes[0]]).toEqual([turns, 0, [], cell('00')]);
      expect(updatesIn(events)).toEqual([]);
    }
  });

  it('gets another order where closed lanes leave no way in the one that was chosen', async () => {
    const { service, asked, turn, turnAll } = await ask();
    await turn(TURNS - 1);
    // Whoever gets to the first stop by now stays there.
    await service.closeLanes(SITE, [lane('04', '03'), lane('04', '14')]);
    await turnAll();
    const { stopOrder, nodes } = await asked;
    expect([stopOrder, nodes.at(-1), closedOn(service, nodes)]).toEqual([[1, 0], cell('04'), []]);
  });

  it('is refused where no way at all is left, and before its first turn where it names what is not there', async () => {
    const { service, turn, turnAll, code } = await ask();
    await turn(TURNS - 1);
    await service.closeLanes(SITE, [lane('23', '24'), lane('14', '24')]);
    await turnAll();
    expect([await code, service.warehouse(SITE).openRoutes]).toEqual(['E_UNREACHABLE', 0]);
    const small = await ask({ map: '.....' });
    expect([await small.code, small.waiting()]).toEqual(['E_UNKNOWN_NODE', 0]);
  });

  it('is priced by the weights of its last turn', async () => {
    const { service, asked, turn, turnAll } = await ask();
    await turn(3);
    await service.setWeights(SITE, { ...service.weights(SITE), time: 2, distance: 3 });
    await turnAll();
    expect((await asked).why.pricedCost).toBe(6 * (2 + 3));
  });

  it('answers a repeated request once it is planned, and no other of its robot', async () => {
    const { service, asked, turn, turnAll } = await ask();
    const [again, other] = [service.requestRoute(SITE, TOUR), request('a', '00', ['04', '14'], 'q2')];
    const code = codeOf(() => service.requestRoute(SITE, other));
    await turn(TURNS - 1);
    await turnAll();
    expect((await again).routeId).toBe((await asked).routeId);
    expect(await code).toBe('E_ROUTE_OPEN');
    expect(service.warehouse(SITE).openRoutes).toBe(1);
  });

  it('begins where it was asked for, wherever its robot says meanwhile that it is', async () => {
    const { service, asked, turn, turnAll, now } = await ask();
    await turn(2);
    const state = { type: 'robot.state' as const, robotId: 'a', node: cell('10'), available: true };
    service.robotState(SITE, { ...state, at: now() });
    service.hello({ type: 'hello', warehouseId: SITE, robots: [{ robotId: 'a', robotType: 'unit' }] });
    await turnAll();
    expect((await asked).nodes[0]).toBe(cell('00'));
  });

  it('leaves nothing behind when the service closes first', async () => {
    const { service, journal, turn, code, waiting } = await ask();
    await turn(2);
    const before = journal.lastSequence();
    const closed = service.close();
    await turn();
    await closed;
    expect([await code, waiting(), journal.lastSequence()]).toEqual(['E_SHUTTING_DOWN', 0, before]);
  });

  it('leaves no flow behind when it cannot be stored', async () => {
    const { slices, turnAll } = createSlicesByHand();
    const started = await startOnSlowDisk({ map: THREE_ROWS, slices, stopNodesAtOnce: 0 });
    const code = codeOf(() => started.service.requestRoute(SITE, TOUR));
    await settle();
    await turnAll();
    await started.finish('full');
    expect(await code).toBe('E_JOURNAL_FULL');
    expect(started.service.lanes(SITE).every(({ plannedFlow }) => plannedFlow === 0)).toBe(true);
  });

  it('runs dry in turns too', async () => {
    const { service, turn, turnAll, asked, waiting } = await ask();
    await turnAll();
    const dry = service.dryRun(SITE, { ...TOUR, robotId: 'b' });
    await settle();
    await turn(TURNS);
    expect([waiting(), (await dry).nodes]).toEqual([0, (await asked).nodes]);
  });

  it('is compared in mode shadow with what the candidate chooses in turns of its own', async () => {
    const { service, turn, asked, waiting } = await ask({ learns: true, mode: 'shadow' });
    await turn(2 * TURNS - 1);
    expect([waiting(), (await asked).stopOrder]).toEqual([0, [0, 1]]);
    expect(service.shadow(SITE).plans).toBe(1);
    await service.close();
  });

  it('is one of more stops times nodes than are planned at once, with the clock of the wall alone', async () => {
    const side = 110;
    const map = new Array<string>(side).fill('.'.repeat(side)).join('\n');
    const stops = Array.from({ length: 10 }, (_, i) => `r1c${i + 1}`);
    const tour = { requestId: 'q1', robotId: 'a', from: 'r0c0', stops };
    expect(9 * side ** 2).toBeLessThanOrEqual(LIMITS.stopNodesAtOnce);
    expect(10 * side ** 2).toBeGreaterThan(LIMITS.stopNodesAtOnce);
    const driven = await startService({ map });
    expect(driven.service.takesTurns(SITE, tour)).toBe(false);
    const wall = await createRoutingService({
      ...{ graphs: [gridFromText(map)], journal: createMemoryJournal(), openRegistry: null },
      ...{ policies: 'shared', startLearner: async () => null, coldWeights: () => new Float32Array(0) },
      ...{ clock: { kind: 'wall' }, mode: 'observe' },
    });
    wall.hello({ type: 'hello', warehouseId: SITE, robots: [{ robotId: 'a', robotType: 'unit' }] });
    const takesTurns = (given: object) => wall.takesTurns(SITE, { ...tour, ...given });
    expect([takesTurns({}), takesTurns({ stops: stops.slice(1) })]).toEqual([true, false]);
    expect([takesTurns({ robotId: 'nobody' }), wall.takesTurns('nowhere', tour)]).toEqual([false, false]);
    let loops = 0;
    const count = (): void => {
      loops++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    const { stopIndexes } = await wall.requestRoute(SITE, tour);
    clearImmediate(immediate);
    expect(stopIndexes).toHaveLength(10);
    expect(loops).toBeGreaterThan(20);
    await wall.close();
  });
});
