import { describe, expect, it } from 'vitest';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { SETTLE_SECONDS } from '../../src/service/site.js';
import { request, startOnSlowDisk, updatesIn } from './support/closing.js';
import { startFloor, type Way } from './support/startFloor.js';
import { cell, codeOf, lane, SITE, START, startService } from './support/startService.js';

type Floor = Awaited<ReturnType<typeof startFloor>>;

const ROW = '.........';
const DOOR = [lane('04', '05')];
/** A row that a column crosses at 13; the row's door is behind that. */
const CROSS = '@@@.@@@@\n........\n@@@.@@@@';
const CROSS_DOOR = [lane('14', '15')];

/** Drives on second by second, telling of each place; where it was when. */
async function driveOn(floor: Floor, routeId: string, places: readonly string[]): Promise<Way> {
  const { revision } = await floor.service.route(SITE, routeId);
  const way: (readonly [string, number])[] = [];
  for (const place of places) {
    await floor.pass(1);
    floor.say(routeId, place, floor.second(), revision);
    way.push([place, floor.second()]);
  }
  return way;
}

describe('a robot that goes on where it can though it was told to wait', () => {
  it('makes no lane dear by its wait', async () => {
    const floor = await startFloor({ map: ROW, mode: 'learn', robots: ['a', 'b'] });
    const before = floor.priceOf('01', '02');
    for (const robotId of ['a', 'b']) {
      const { routeId } = await floor.request(robotId, '01', '07');
      const from = floor.second();
      await floor.service.closeLanes(SITE, DOOR);
      await floor.pass(300);
      floor.say(routeId, '02', floor.second(), 1);
      await floor.pass(1);
      await floor.service.openLanes(SITE, DOOR);
      const rest = await driveOn(floor, routeId, ['03', '04', '05', '06', '07']);
      await floor.complete(routeId, [['01', from], ['02', from + 300], ...rest]);
    }
    expect(floor.priceOf('01', '02')).toBeLessThan(before + 3);
  });

  it('teaches nothing of lanes that it drives then, neither that they are slow nor that they are not', async () => {
    const floor = await startFloor({ map: ROW, mode: 'learn', robots: ['a'] });
    const { routeId } = await floor.request('a', '01', '07');
    await floor.pass(1);
    await floor.service.closeLanes(SITE, [lane('06', '07')]);
    await floor.pass(200);
    const way: Way = [
      ['01', 0],
      ['02', 1],
      ['03', 22],
      ['04', 43],
      ['05', 64],
      ['06', 85],
      ['07', 106],
    ];
    const { components } = await floor.complete(routeId, way);
    expect([components.wait, floor.labels(0).map(([wait]) => wait)]).toEqual([100, [0]]);
  });
});

describe('a robot that stands where it was told to', () => {
  it.each([false, true])('pays for nobody who waits for it, pushed aside in the end: %s', async (aside) => {
    const floor = await startFloor({ map: CROSS, mode: 'learn', robots: ['a', 'c'] });
    const a = await floor.request('a', '12', '17');
    await floor.pass(1);
    floor.say(a.routeId, '13', 1);
    await floor.service.closeLanes(SITE, CROSS_DOOR);
    await floor.pass(59);
    const c = await floor.request('c', '03', '23');
    await floor.pass(25);
    const way: (readonly [string, number])[] = [
      ['12', 0],
      ['13', 1],
    ];
    if (aside) {
      floor.say(a.routeId, '12', 85, 1);
      way.push(['12', 85]);
    } else {
      await floor.service.openLanes(SITE, CROSS_DOOR);
      way.push(...(await driveOn(floor, a.routeId, ['14'])));
    }
    floor.say(c.routeId, '13', 86);
    await floor.pass(1);
    floor.say(c.routeId, '23', 87);
    // Nor does who waited take the lane for a slow one.
    await floor.complete(c.routeId, [
      ['03', 60],
      ['13', 86],
      ['23', 87],
    ]);
    expect(floor.labels(0).map(([wait]) => wait)).toEqual([0, 0]);
    if (aside) await floor.service.openLanes(SITE, CROSS_DOOR);
    way.push(
      ...(await driveOn(floor, a.routeId, aside ? ['13', '14', '15', '16', '17'] : ['15', '16', '17'])),
    );
    expect((await floor.complete(a.routeId, way)).components.blocking).toBe(0);
  });

  it.each(['it has a way', 'its route is over'])(
    'is in the way of others like any other once %s',
    async (what) => {
      const floor = await startFloor({ map: ROW, robots: ['a', 'b'] });
      let a = await floor.request('a', '04', '07');
      await floor.service.closeLanes(SITE, DOOR);
      await floor.pass(10);
      if (what === 'its route is over')
        await floor.service.cancelRoute(SITE, { type: 'route.cancelled', routeId: a.routeId, reason: '' });
      await floor.service.openLanes(SITE, DOOR);
      if (what === 'its route is over') a = await floor.request('a', '04', '07');
      const b = await floor.request('b', '03', '06');
      await floor.pass(20);
      const ahead = await driveOn(floor, a.routeId, ['05', '06', '07']);
      await driveOn(floor, b.routeId, ['04', '05', '06']);
      const { components } = await floor.complete(a.routeId, [['04', 10], ...ahead]);
      expect(components.blocking).toBeGreaterThan(15);
    },
  );
});

describe('a start while a robot waits as it was told', () => {
  it.each([false, true])('makes up no wait that somebody pays for, restarted %s', async (restarts) => {
    const journal = { ...createMemoryJournal(), close: async () => undefined };
    const before = await startFloor({ map: ROW, journal, robots: ['a', 'b'] });
    const a = await before.request('a', '01', '07');
    const b = await before.request('b', '02', '08');
    await before.pass(1);
    before.say(b.routeId, '03', 1);
    before.say(a.routeId, '02', 1);
    const way = [['02', 0], ['03', 1], ...(await driveOn(before, b.routeId, ['04', '05']))] as const;
    await before.pass(597);
    await before.service.closeLanes(SITE, DOOR);
    if (restarts) await before.service.close();
    const floor = restarts ? await startFloor({ map: ROW, journal, robots: [], at: before.now() }) : before;
    const rest = await driveOn(floor, b.routeId, ['06', '07']);
    await floor.pass(SETTLE_SECONDS);
    const last = await driveOn(floor, b.routeId, ['08']);
    const { components } = await floor.complete(b.routeId, [...(way as unknown as Way), ...rest, ...last]);
    expect(components.blocking).toBe(0);
  });

  it.each([false, true])('begins no handling anew, restarted %s', async (restarts) => {
    const map = '..........';
    const before = await startService({ map, robots: ['a'] });
    const stops = [{ node: cell('02'), handlingSeconds: 100 }, cell('09')];
    const wanted = { requestId: 'q', robotId: 'a', from: cell('01'), stops };
    const { routeId } = await before.service.requestRoute(SITE, wanted);
    await before.pass(1);
    const there = { routeId, revision: 0, node: cell('02'), at: before.now() };
    before.service.routeProgress(SITE, { type: 'route.progress', ...there });
    await before.pass(99);
    await before.service.closeLanes(SITE, [lane('05', '06')]);
    const { journal } = before;
    const test = restarts ? await startService({ map, journal, at: before.now(), robots: [] }) : before;
    await test.pass(10);
    await test.service.openLanes(SITE, [lane('05', '06')]);
    // It came there after 1 s and was done after 101; now it is 110.
    expect(updatesIn(test.events)[0]!.etaSeconds[1]).toBeLessThan(5);
  });
});

it('who was told at its hello to wait gets a way, though the plan under way then could not be stored', async () => {
  const started = await startOnSlowDisk({ map: '......\n......' });
  const { service, run, pass, finish, events } = started;
  const { routeId } = await run(service.requestRoute(SITE, request('a', '00', ['05'])), 'stored');
  await pass(1);
  const aside = { routeId, revision: 0, node: cell('10'), at: started.now() };
  const asks = codeOf(() => service.routeDeviated(SITE, { type: 'route.deviated', ...aside }));
  const robots = [{ robotId: 'a', robotType: 'unit' }];
  expect(service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes).toMatchObject([
    { held: true },
  ]);
  await finish('full');
  expect(await asks).toBe('E_JOURNAL_FULL');
  const later = pass(2);
  await started.storeAll();
  await later;
  expect(updatesIn(events)).toHaveLength(1);
  // With that it is told: a later plan that cannot be stored holds nobody.
  const again = { ...aside, revision: 1, node: cell('11'), at: started.now() };
  const asksAgain = codeOf(() => service.routeDeviated(SITE, { type: 'route.deviated', ...again }));
  await finish('full');
  expect(await asksAgain).toBe('E_JOURNAL_FULL');
  expect(service.openRoutes(SITE).routes).toMatchObject([{ held: false }]);
});

it.each([false, true])(
  'a wait for the answer that ends a hold is a part of it, restarted %s',
  async (restarts) => {
    const before = await startFloor({ map: ROW, mode: 'learn', robots: ['a'] });
    const { routeId } = await before.request('a', '03', '07');
    before.say(routeId, '03', 0);
    await before.service.closeLanes(SITE, DOOR);
    await before.pass(300);
    // Pushed through the door by hand after ten seconds; its word comes when it is connected again.
    const { nodes } = await before.service.routeDeviated(SITE, {
      ...{ type: 'route.deviated', routeId, revision: 1, node: cell('05'), at: START + 11_000 },
    });
    expect(nodes).toEqual(['05', '06', '07'].map(cell));
    const { journal, now } = before;
    const floor = restarts
      ? await startFloor({ map: ROW, mode: 'learn', robots: [], journal, at: now() })
      : before;
    await floor.pass(5);
    await floor.complete(routeId, [
      ['03', 0],
      ['04', 10],
      ['05', 11],
      ['06', 301],
      ['07', 302],
    ]);
    expect(floor.labels(0).map(([wait]) => wait)).toEqual([0, 0]);
  },
);

it('a way back to a last stop that was passed over counts', async () => {
  const floor = await startFloor({ map: '......\n......', mode: 'learn', robots: ['a'] });
  const { routeId } = await floor.request('a', '01', '04');
  await driveOn(floor, routeId, ['02', '03']);
  await floor.pass(48);
  // It came to 04 after 3 s, could not stop there, and was pushed on at last.
  const { nodes } = await floor.service.routeDeviated(SITE, {
    ...{ type: 'route.deviated', routeId, revision: 0, node: cell('14'), at: START + 50_000 },
  });
  expect(nodes).toEqual([cell('14'), cell('04')]);
  await driveOn(floor, routeId, ['04']);
  const way: Way = [
    ['01', 0],
    ['02', 1],
    ['03', 2],
    ['04', 3],
    ['14', 50],
    ['04', 51],
  ];
  const { components } = await floor.complete(routeId, way);
  expect(components).toMatchObject({ time: 5, wait: 46, distance: 5 });
});
