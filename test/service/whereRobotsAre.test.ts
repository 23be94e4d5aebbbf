import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HelloMessage } from '../../src/domain/messages.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { gridToFile } from '../../src/warehouse/movingAi.js';
import { SETTLE_SECONDS } from '../../src/service/site.js';
import { startFloor, type Way } from './support/startFloor.js';
import { cell, SITE, startService, type TestService } from './support/startService.js';

const NOON = Date.UTC(2026, 10, 29, 12);

const request = { requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('04')] };

/** What robot a says of its route: the first one that was issued. */
function robotOn({ service }: TestService, routeId: string) {
  return {
    progress: (node: string, at: number, revision = 0) =>
      service.routeProgress(SITE, { type: 'route.progress', routeId, revision, node: cell(node), at }),
    deviated: async (node: string, at: number, revision = 0) => {
      const message = { type: 'route.deviated', routeId, revision, node: cell(node), at } as const;
      return (await service.routeDeviated(SITE, message)).nodes[0];
    },
  };
}

describe('a robot that left its way is answered from where it says that it is', () => {
  it('though its clock ran ahead when it last reported', async () => {
    const running = await startService();
    const { routeId } = await running.service.requestRoute(SITE, request);
    const robot = robotOn(running, routeId);
    await running.pass(2);
    robot.progress('01', running.now() + 4_000);
    await running.pass(2);
    expect(await robot.deviated('13', running.now())).toBe(cell('13'));
  });

  it('and not from where it was when it said so, if it has reported since', async () => {
    const running = await startService();
    const { routeId } = await running.service.requestRoute(SITE, request);
    const robot = robotOn(running, routeId);
    await running.pass(2);
    const then = running.now();
    expect(await robot.deviated('11', then)).toBe(cell('11'));
    await running.pass(2);
    robot.progress('12', running.now(), 1);
    expect(await robot.deviated('11', then)).toBe(cell('12'));
  });
});

describe('a robot that tells of nothing but that it left its way', () => {
  const LONG = '...........\n...........\n...........';
  const placeOf = ({ service }: TestService) => service.openRoutes(SITE).routes[0]!;
  const leave = async () => {
    const running = await startService({ map: LONG, robots: ['a'] });
    const far = { ...request, stops: [cell('09')] };
    const { routeId } = await running.service.requestRoute(SITE, far);
    const robot = robotOn(running, routeId);
    await running.pass(5);
    // By its ETAs it is at 05.
    expect(await robot.deviated('13', running.now())).toBe(cell('13'));
    return { ...running, routeId };
  };

  it('drives on by the ETAs of the way that it got', async () => {
    const running = await leave();
    const { nodes } = await running.service.route(SITE, running.routeId);
    expect(placeOf(running)).toMatchObject({ node: cell('13'), assumed: true });
    await running.pass(3);
    expect(placeOf(running)).toMatchObject({ node: nodes[3], assumed: true });
    await running.service.closeLanes(SITE, [{ from: nodes[4]!, to: nodes[5]! }]);
    const update = running.events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
    expect(update.map((message) => message.nodes[0])).toEqual([nodes[3]]);
  });

  it('waits where it said so while it has no other way', async () => {
    const running = await startService({ map: LONG, robots: ['a'] });
    const { routeId } = await running.service.requestRoute(SITE, { ...request, stops: [cell('09')] });
    await running.pass(2);
    // No plan is stored: what it is to drive it does not know.
    const { journal } = running;
    const append = vi.spyOn(journal, 'append').mockRejectedValueOnce(new Error('full'));
    await expect(robotOn(running, routeId).deviated('12', running.now())).rejects.toThrow();
    append.mockRestore();
    await running.pass(4);
    expect(placeOf(running)).toMatchObject({ node: cell('12'), assumed: false });
  });

  it('charges nobody for what it was not seen to wait for', async () => {
    const floor = await startFloor({ map: LONG, robots: ['a', 'b'] });
    const silent = await floor.request('a', '00', '09');
    // b stands for five seconds where the way of the other began, which drove on unseen long before.
    const other = await floor.request('b', '02', '01', '21');
    const way: Way = [
      ['02', 0],
      ['01', 1],
      ['11', 6],
      ['21', 7],
    ];
    await floor.drive(8, { [other.routeId]: way });
    await robotOn(floor, silent.routeId).deviated('27', floor.now());
    await floor.complete(other.routeId, way);
    await floor.pass(SETTLE_SECONDS + 1);
    expect(floor.labels(0).map(([, blocking]) => blocking)).toEqual([0, 0, 0]);
  });
});

it('a robot that tells of nothing but that it cannot drive stays where it says so, and drives on by its ETAs then', async () => {
  const running = await startService({ map: '...........\n...........', robots: ['a'] });
  const { service, pass, now } = running;
  await service.requestRoute(SITE, { ...request, stops: [cell('09')] });
  const say = (pausedReason: string[]) => {
    const [reason] = pausedReason;
    const state = { robotId: 'a', node: cell('03'), available: true, at: now() };
    service.robotState(SITE, { type: 'robot.state', ...state, ...(reason && { pausedReason: reason }) });
  };
  const place = () => service.openRoutes(SITE).routes[0]?.node;
  await pass(3);
  say(['empty battery']);
  await pass(60);
  expect(place()).toBe(cell('03'));
  await service.closeLanes(SITE, [{ from: cell('05'), to: cell('06') }]);
  const updates = running.events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
  expect(updates.map(({ nodes }) => nodes[0])).toEqual([cell('03')]);
  say([]);
  await pass(2);
  expect(place()).toBe(updates[0]!.nodes[2]);
});

describe('when all clocks are set back', () => {
  afterEach(() => void vi.useRealTimers());

  it('by less than a route is old, its reports go on', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval'], now: NOON });
    const running = await startService({ clock: { kind: 'wall' } });
    const { routeId } = await running.service.requestRoute(SITE, request);
    const robot = robotOn(running, routeId);
    vi.setSystemTime(NOON + 60_000);
    robot.progress('01', Date.now());
    vi.setSystemTime(NOON + 30_000);
    robot.progress('02', Date.now());
    const [open] = running.service.hello(hello('unit')).openRoutes;
    expect(open?.nodes[0]).toBe(cell('02'));
    await running.service.close();
  });

  it('by an hour, reports of routes that are open go on', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval'], now: NOON });
    const running = await startService({ clock: { kind: 'wall' } });
    const { routeId } = await running.service.requestRoute(SITE, request);
    const robot = robotOn(running, routeId);
    vi.setSystemTime(NOON + 10_000);
    robot.progress('01', NOON + 10_000);
    vi.setSystemTime(NOON - 3_600_000);
    robot.progress('02', Date.now());
    const [open] = running.service.hello(hello('unit')).openRoutes;
    expect(open?.nodes[0]).toBe(cell('02'));
    expect(await robot.deviated('12', Date.now())).toBe(cell('12'));
    await running.service.close();
  });
});

describe('a robot that says hello as another type, with a route open', () => {
  it('waits for another way where its own is barred to what it is now', async () => {
    const file = gridToFile(['w...e', '.....'], { dialect: 'kiva', id: SITE });
    const [unit] = file.robotTypes;
    const isBarred = ({ from, to }: { from: string; to: string }): boolean => [from, to].includes(cell('03'));
    const lanes = file.lanes.map((lane) => (isBarred(lane) ? { ...lane, barred: ['wide'] } : lane));
    const graph = compileFile({ ...file, lanes, robotTypes: [unit!, { ...unit!, name: 'wide' }] });
    const running = await startService({ graphs: [graph] });
    const { service } = running;
    const { routeId, nodes } = await service.requestRoute(SITE, request);
    expect(nodes).toContain(cell('03'));
    expect(service.hello(hello('wide')).openRoutes).toMatchObject([{ routeId, held: true }]);
    await running.pass(1);
    const [open] = service.hello(hello('wide')).openRoutes;
    expect(open).toMatchObject({ routeId, held: false });
    expect(open!.nodes).not.toContain(cell('03'));
    expect(open!.nodes.at(-1)).toBe(cell('04'));
  });
});

function hello(robotType: string): HelloMessage {
  return { type: 'hello', warehouseId: SITE, robots: [{ robotId: 'a', robotType }] };
}
