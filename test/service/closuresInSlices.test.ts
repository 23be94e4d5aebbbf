import { describe, expect, it } from 'vitest';
import { settle } from '../journal/support/faultyStore.js';
import { closedOn, request, startOnSlowDisk, updatesIn } from './support/closing.js';
import { createSlicesByHand } from './support/slicesByHand.js';
import { cell, codeOf, lane, report, SITE, START, startService, traceAlong } from './support/startService.js';

const THREE_ROWS = '.....\n.....\n.....';

/** Robots a, b and c are about to drive the lane that a call closes, and none had its turn yet. */
async function setUp({ map = THREE_ROWS } = {}) {
  const { slices, ...turns } = createSlicesByHand();
  const started = await startService({ map, slices });
  const { service, events, now } = started;
  const routes = new Map<string, string>();
  for (const robotId of ['a', 'b', 'c'])
    routes.set(robotId, (await service.requestRoute(SITE, request(robotId, '00', ['04']))).routeId);
  const answered: string[] = [];
  const close = async (from: string, to: string): Promise<void> => {
    void service.closeLanes(SITE, [lane(from, to)]).then(() => answered.push(from + to));
    await settle();
  };
  await close('01', '02');
  const where = (robotId: string, node: string) => ({
    ...{ routeId: routes.get(robotId)!, revision: 0, node: cell(node), at: now() },
  });
  const arriveAt = (robotId: string, node: string): void =>
    service.routeProgress(SITE, { type: 'route.progress', ...where(robotId, node) });
  const told = (): (string | number)[][] =>
    updatesIn(events).map(({ robotId, revision }) => [robotId, revision]);
  return { ...started, ...turns, routes, close, answered, where, arriveAt, told };
}

describe('closing a lane under many routes', () => {
  it('tells one robot after the other as their turns come, and is answered after the last', async () => {
    const { turn, told, answered, waiting } = await setUp();
    expect([told(), answered, waiting()]).toEqual([[], [], 3]);
    await turn(2);
    expect([told(), answered]).toEqual([
      [
        ['a', 1],
        ['b', 1],
      ],
      [],
    ]);
    await turn();
    expect([told().at(-1), answered]).toEqual([['c', 1], ['0102']]);
  });

  it('plans for each from where it is by then, if it has the lane before it still', async () => {
    const { turnAll, events, told, arriveAt, answered } = await setUp();
    arriveAt('a', '01');
    arriveAt('a', '02');
    arriveAt('b', '01');
    await turnAll();
    expect([told(), answered]).toEqual([
      [
        ['b', 1],
        ['c', 1],
      ],
      ['0102'],
    ]);
    expect(updatesIn(events).map(({ nodes }) => nodes[0])).toEqual([cell('01'), cell('00')]);
  });

  it('plans nothing for who ends its route between turns', async () => {
    const { service, pass, turnAll, told, routes, arriveAt, answered } = await setUp();
    const [a, b] = [routes.get('a')!, routes.get('b')!];
    await service.cancelRoute(SITE, { type: 'route.cancelled', routeId: a, reason: 'why' });
    // Who says so has the whole way before it still.
    arriveAt('c', '00');
    const ticking = pass(4);
    const trace = traceAlong(['00', '01', '02', '03', '04'].map(cell), START);
    await service.completeRoute(SITE, report({ routeId: b }, trace));
    await turnAll();
    await ticking;
    expect([told(), answered]).toEqual([[['c', 1]], ['0102']]);
  });

  it('does not plan once more for who asks for another way between turns', async () => {
    const { service, turnAll, told, where, events, answered } = await setUp();
    const updated = await service.routeDeviated(SITE, { type: 'route.deviated', ...where('b', '10') });
    expect([updated.revision, closedOn(service, updated.nodes)]).toEqual([1, []]);
    await turnAll();
    expect([told(), answered]).toEqual([
      [
        ['a', 1],
        ['c', 1],
      ],
      ['0102'],
    ]);
    expect(events.filter(({ kind }) => kind === 'route.held')).toEqual([]);
  });

  it('plans for who has no plan yet round what was closed meanwhile, and anew for who has', async () => {
    const { service, turn, turnAll, told, close, answered, events } = await setUp();
    await turn();
    expect(updatesIn(events)[0]!.nodes).toContain(cell('12'));
    await close('11', '12');
    await turn(2);
    expect(told()).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    await turnAll();
    expect([told().slice(3), answered.sort()]).toEqual([[['a', 2]], ['0102', '1112']]);
    for (const { nodes } of updatesIn(events).slice(1)) expect(closedOn(service, nodes)).toEqual([]);
  });

  it('is not answered the second time before all were told that the first call has not come to', async () => {
    const { turn, turnAll, told, close, answered } = await setUp();
    await close('01', '02');
    await turn(2);
    expect([told(), answered]).toEqual([
      [
        ['a', 1],
        ['b', 1],
      ],
      [],
    ]);
    await turnAll();
    expect([told(), answered]).toEqual([
      [
        ['a', 1],
        ['b', 1],
        ['c', 1],
      ],
      ['0102', '0102'],
    ]);
  });

  it('leaves alone who is not planned for when the lane opens again', async () => {
    const { service, turn, turnAll, told, answered } = await setUp();
    await turn();
    const opening = service.openLanes(SITE, [lane('01', '02')]);
    await settle();
    await turnAll();
    await opening;
    expect([told(), answered]).toEqual([[['a', 1]], ['0102']]);
  });

  it('lets go on whom it has told to wait, and plans for nobody else, when the lane opens again', async () => {
    const { service, turn, turnAll, told, events } = await setUp({ map: '.....' });
    await turn();
    expect(events.filter(({ kind }) => kind === 'route.held')).toHaveLength(1);
    const opening = service.openLanes(SITE, [lane('01', '02')]);
    await settle();
    await turnAll();
    await opening;
    expect(told()).toEqual([['a', 2]]);
    expect(events.filter(({ kind }) => kind === 'route.held')).toHaveLength(1);
  });

  it('does not plan twice where a tick comes between turns', async () => {
    const { pass, turn, turnAll, told } = await setUp();
    await turn();
    const ticking = pass(0);
    await turnAll();
    await ticking;
    expect(told()).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
  });

  it('waits for plans under way, and has turns again where none of them could be stored', async () => {
    const { slices, turn, turnAll, waiting } = createSlicesByHand();
    const { service, events, run, finish, storeAll } = await startOnSlowDisk({ map: THREE_ROWS, slices });
    for (const robotId of ['a', 'b', 'c'])
      await run(service.requestRoute(SITE, request(robotId, '00', ['04'])), 'stored');
    const failed = codeOf(() => service.closeLanes(SITE, [lane('01', '02')]));
    await finish('stored');
    const closing = service.closeLanes(SITE, [lane('01', '02')]);
    await finish('stored');
    // The first call's plans are made, the second call finds them under way.
    await turn(6);
    expect([updatesIn(events), waiting()]).toEqual([[], 0]);
    await finish('full', 'full');
    expect([await failed, waiting()]).toEqual(['E_JOURNAL_FULL', 3]);
    await turnAll();
    await storeAll();
    await closing;
    const updates = updatesIn(events);
    expect(updates.map(({ robotId, revision }) => [robotId, revision])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    for (const { nodes } of updates) expect(closedOn(service, nodes)).toEqual([]);
  });

  it('gives way to whatever else is due where the clock is the wall’s', async () => {
    const robots = Array.from({ length: 300 }, (_, i) => `robot-${i}`);
    const rows = Array.from({ length: 12 }, () => '.'.repeat(10)).join('\n');
    const { service, events } = await startService({ map: rows, robots, clock: { kind: 'wall' } });
    await Promise.all(robots.map((id) => service.requestRoute(SITE, request(id, '00', ['09']))));
    let toldAtFirstTurn: number | null = null;
    const onTurn = (): void => {
      const told = updatesIn(events).length;
      if (told > 0) toldAtFirstTurn ??= told;
      if (told < robots.length) setImmediate(onTurn);
    };
    setImmediate(onTurn);
    await service.closeLanes(SITE, [lane('01', '02')]);
    expect(updatesIn(events)).toHaveLength(robots.length);
    expect(toldAtFirstTurn).toBeLessThan(robots.length);
    await service.close();
  });
});
