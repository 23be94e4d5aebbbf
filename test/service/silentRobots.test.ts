import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS } from '../../src/domain/components.js';
import { LIMITS } from '../../src/domain/limits.js';
import { createDrivenClock } from '../../src/platform/clock.js';
import { orderTour } from '../../src/planning/tourOrder.js';
import { clearSilentRobots, forgetSilentRobots } from '../../src/service/silentRobots.js';
import { addRobot, createSite, placeRobot, type OpenRoute, type Site } from '../../src/service/site.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { startFloor } from './support/startFloor.js';
import { cell, codeOf, SITE, startService } from './support/startService.js';

const HOURS = LIMITS.robotSilenceSeconds;
const hello = (...robotIds: string[]) => ({
  ...{ type: 'hello' as const, warehouseId: SITE },
  robots: robotIds.map((robotId) => ({ robotId, robotType: 'unit' })),
});

/** A robot stands in the middle of the upper row, under a network that has learnt nothing yet. */
async function standing() {
  const running = await startService({ learns: true, mode: 'frozen', areColdWeightsTrained: true });
  const { service, pass, now } = running;
  const robot = { robotId: 'left', robotType: 'unit', node: cell('02') };
  service.hello({ type: 'hello', warehouseId: SITE, robots: [robot] });
  const priceInto = (row: number, column: number): number =>
    service
      .lanes(SITE)
      .find(({ from, to }) => from === cell(`${row}${column - 1}`) && to === cell(`${row}${column}`))!.price;
  /** What it costs more to drive where the robot stands than beside it. */
  const surcharge = (column = 2): number => priceInto(0, column) - priceInto(1, column);
  const state = () =>
    service.robotState(SITE, {
      ...{ type: 'robot.state', robotId: 'left', node: cell('02'), available: true, at: now() },
    });
  return { ...running, surcharge, state, pass };
}

describe('a robot that has no route and says nothing', () => {
  it('holds its node for hours, and then is taken off the floor', async () => {
    const { service, pass, surcharge } = await standing();
    await pass(600);
    expect(surcharge()).toBeGreaterThan(4);
    await pass(HOURS - 600);
    expect(surcharge()).toBeGreaterThan(4);
    await pass(1);
    await pass(1_200);
    expect(Math.abs(surcharge())).toBeLessThan(0.2);
    await service.close();
  });

  it('stays where it says that it is', async () => {
    const { service, pass, surcharge, state } = await standing();
    for (let hour = 0; hour < 6; hour++) {
      await pass(HOURS / 4);
      state();
    }
    await pass(600);
    await pass(1_200);
    expect(surcharge()).toBeGreaterThan(4);
    await service.close();
  });

  describe('as the site keeps it', () => {
    const clock = createDrivenClock(0);
    const openSite = () =>
      createSite({
        ...{ graph: gridFromText('..'), source: 0, clock, driven: clock, mode: 'off' },
        ...{ weights: DEFAULT_REWARD_WEIGHTS, tieBreaks: null, visitOrder: orderTour, legsThatCount: 2 },
      });
    const known = (site: Site) => site.robotList.map(({ robotId }) => robotId);

    it('gives its number to a stranger: they are no more than a warehouse takes', () => {
      const site = openSite();
      const numbers = ['a', 'b'].map((name) => addRobot(site, name, 0).index);
      clock.advanceTo(clock.now() + 1000 * HOURS + 1);
      forgetSilentRobots(site, 1, new Set(['a']));
      expect([...numbers, addRobot(site, 'c', 0).index, addRobot(site, 'd', 0).index]).toEqual([0, 1, 1, 2]);
      expect(known(site)).toEqual(['a', 'c', 'd']);
    });

    it('gives up its number for good, in whatever order names come back', () => {
      const site = openSite();
      for (const name of ['a', 'b']) addRobot(site, name, 0);
      clock.advanceTo(clock.now() + 1000 * HOURS + 1);
      forgetSilentRobots(site, 1, new Set());
      for (const name of ['b', 'c', 'd']) addRobot(site, name, 0);
      expect(known(site)).toEqual(['b', 'c', 'd']);
    });

    it('frees its node with its name', () => {
      const site = openSite();
      placeRobot(site, addRobot(site, 'a', 0), 1);
      clock.advanceTo(clock.now() + 1000 * HOURS + 1);
      forgetSilentRobots(site, 1, new Set());
      expect([...site.traffic.occupants]).toEqual([0, 0]);
    });

    it('stays while it has a route, which a full disk may keep open for longer', () => {
      const site = openSite();
      const robot = addRobot(site, 'a', 0);
      placeRobot(site, robot, 1);
      robot.route = {} as OpenRoute;
      clock.advanceTo(clock.now() + 1000 * HOURS + 1);
      clearSilentRobots(site);
      forgetSilentRobots(site, 1, new Set());
      expect([robot.node, [...site.robots.keys()]]).toEqual([1, ['a']]);
    });
  });

  it('has spoken when it says where it is on its way', async () => {
    const { service, pass, now, state } = await standing();
    await service.requestRoute(SITE, {
      ...{ requestId: 'q', robotId: 'left', from: cell('02'), stops: [cell('04')] },
    });
    await pass(HOURS / 2);
    state();
    const { routes } = service.openRoutes(SITE);
    expect(routes.map(({ heardAt }) => heardAt)).toEqual([now()]);
    await service.close();
  });

  it('has spoken when it gives a route back that was open for hours', async () => {
    const { service, pass, surcharge } = await standing();
    const { routeId } = await service.requestRoute(SITE, {
      ...{ requestId: 'q', robotId: 'left', from: cell('02'), stops: [cell('04')] },
    });
    await pass(HOURS - 1);
    await service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'broken' });
    await pass(600);
    await pass(1_200);
    // Where its ETAs put it.
    expect(surcharge(4)).toBeGreaterThan(4);
    await service.close();
  });

  it('makes room for strangers', async () => {
    const { service, pass } = await startService({ robots: ['a', 'b'] });
    for (let from = 2; from < LIMITS.robotsPerWarehouse; from += LIMITS.robotsPerHello) {
      const count = Math.min(LIMITS.robotsPerHello, LIMITS.robotsPerWarehouse - from);
      service.hello(hello(...Array.from({ length: count }, (_, i) => `robot-${from + i}`)));
    }
    expect(await codeOf(() => service.hello(hello('new-1')))).toBe('E_BUSY');
    await pass(60);
    const { routeId } = await service.requestRoute(SITE, {
      ...{ requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('04')] },
    });
    await pass(HOURS - 60);
    service.hello(hello('robot-2'));
    expect(await codeOf(() => service.hello(hello('new-1')))).toBe('E_BUSY');
    await pass(1);
    service.hello(hello('new-1', 'new-2', 'robot-3'));
    expect(service.warehouse(SITE).robots).toBe(LIMITS.robotsPerWarehouse);
    expect(service.hello(hello('a')).openRoutes.map((route) => route.routeId)).toEqual([routeId]);
    expect(
      await codeOf(() =>
        service.requestRoute(SITE, {
          ...{ requestId: 'q', robotId: 'b', from: cell('10'), stops: [cell('14')] },
        }),
      ),
    ).toBe('E_UNKNOWN_ROBOT');
    await service.close();
  });
});

it('a robot that says nothing stands, for traffic, where its ETAs put it', async () => {
  const map = '....................';
  const floor = await startFloor({ map, mode: 'learn', areColdWeightsTrained: true, robots: ['a'] });
  const { routeId } = await floor.service.requestRoute(SITE, {
    ...{ requestId: 'a', robotId: 'a', from: 'r0c1' },
    stops: [{ node: 'r0c9', handlingSeconds: 600 }],
  });
  const prices = (): number[] => [floor.priceOf('02', '01'), floor.priceOf('08', '09')];
  const [, intoStop] = prices();
  for (let second = 1; second <= 300; second++) await floor.pass(1);
  expect(prices()[0]).toBeLessThan(2);
  expect(prices()[1]).toBeGreaterThan(intoStop! + 3);
  // It never left.
  await floor.service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'broken' });
  floor.service.robotState(SITE, {
    ...{ type: 'robot.state', robotId: 'a', node: cell('01'), available: false, at: floor.now() },
  });
  for (let second = 1; second <= 300; second++) await floor.pass(1);
  expect(prices()[0]).toBeGreaterThan(4);
  expect(prices()[1]).toBeLessThan(2);
});

it('means go by the robots that are there, not by those that once were', async () => {
  const floor = await startFloor({ robots: [] });
  const old = Array.from({ length: 1_000 }, (_, i) => ({
    ...{ robotId: `old-${i}`, robotType: 'unit', node: cell('14') },
  }));
  floor.service.hello({ type: 'hello', warehouseId: SITE, robots: old });
  await floor.pass(30 * 24 * 3600);
  const drive = async (routes: number, secondsALane: number): Promise<void> => {
    for (let route = 0; route < routes; route++) {
      const robotId = `new-${route % 10}`;
      floor.service.hello({ type: 'hello', warehouseId: SITE, robots: [{ robotId, robotType: 'unit' }] });
      const { routeId, nodes } = await floor.request(robotId, '00', '04');
      const from = floor.second();
      await floor.pass(4 * secondsALane);
      const way = nodes.map((node, i) => [node.replace(/\D/g, ''), from + i * secondsALane] as const);
      await floor.complete(routeId, way);
    }
  };
  await drive(100, 1);
  await drive(40, 4);
  expect(floor.service.warehouse(SITE).slowdown).toBeGreaterThan(3);
});
