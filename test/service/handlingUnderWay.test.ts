import { expect, it } from 'vitest';
import type { RouteAssignedContent, RouteRequestContent } from '../../src/domain/messages.js';
import { startFloor, type Way } from './support/startFloor.js';
import { cell, lane, SITE, startService, type TestService } from './support/startService.js';

const FLOOR = `
  ..........
  ..........
  ..........`;
const HANDLING_SECONDS = 100;

/** From the start of the upper row to its end, with a long stop on the way. */
async function ask({ service }: TestService, robotId: string, given: Partial<RouteRequestContent> = {}) {
  return service.requestRoute(SITE, {
    ...{ requestId: `of ${robotId}`, robotId, from: cell('00') },
    stops: [{ node: cell('02'), handlingSeconds: HANDLING_SECONDS }, cell('09')],
    ...given,
  });
}

/** Its robot says after 31 s, beside its route, that it is where it was expected after one. */
async function startLate(): Promise<TestService> {
  const test = await startService({ map: FLOOR, robots: ['a'] });
  await ask(test, 'a');
  await test.pass(31);
  const said = { robotId: 'a', node: cell('01'), available: true, at: test.now() };
  test.service.robotState(SITE, { type: 'robot.state', ...said });
  return test;
}

const updates = ({ events }: TestService) =>
  events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));

it('a plan made while a robot handles a stop waits for the end of that', async () => {
  const test = await startService({ map: FLOOR, robots: ['a'] });
  const route = await ask(test, 'a', { deadlineAt: test.now() + 60_000 });
  await test.pass(3);
  await test.service.closeLanes(SITE, [lane('02', '03')]);
  const [update] = updates(test);
  // It came there after 2 s, and has been at it for one.
  expect(update!.etaSeconds.slice(0, 2)).toEqual([0, HANDLING_SECONDS]);
  expect(update!.expected.lateness).toBeCloseTo(route.expected.lateness + 2, 5);
  await test.pass(57);
  expect(test.service.openRoutes(SITE).routes[0]).toMatchObject({ node: cell('02'), assumed: true });
  // A lane that closes before it, far ahead in time, makes it a new plan.
  const { nodes } = update!;
  await test.service.closeLanes(SITE, [{ from: nodes[4]!, to: nodes[5]! }]);
  expect(updates(test)).toHaveLength(2);
  expect(updates(test)[1]!.etaSeconds[1]).toBeCloseTo(HANDLING_SECONDS - 57, 5);
});

it('nobody is late behind such a plan while it lasts', async () => {
  const test = await startService({ map: FLOOR, robots: ['a'] });
  const { routeId } = await ask(test, 'a');
  for (const node of ['01', '02']) {
    await test.pass(1);
    test.service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId, revision: 0, node: cell(node), at: test.now() },
    });
  }
  await test.service.closeLanes(SITE, [lane('02', '03')]);
  await test.pass(90);
  expect(test.service.openRoutes(SITE).routes[0]!.lateSeconds).toBe(0);
  await test.pass(21);
  expect(test.service.openRoutes(SITE).routes[0]!.lateSeconds).toBeCloseTo(10, 5);
});

it.each([
  ['is no wait', 0],
  ['hides no wait', 30],
])('the rest of the handling %s on the lane behind it', async (_what, waited) => {
  const test = await startService({ map: FLOOR, robots: ['a', 'b'], learns: true });
  const routes: RouteAssignedContent[] = [];
  for (const robotId of ['a', 'b']) {
    // Where it stood before is over by then.
    const stops = [
      { node: cell('01'), handlingSeconds: 40 },
      { node: cell('02'), handlingSeconds: HANDLING_SECONDS },
    ];
    routes.push(await ask(test, robotId, { stops: [...stops, cell('09')] }));
  }
  const issuedAt = test.now();
  await test.pass(60);
  await test.service.closeLanes(SITE, [lane('02', '03')]);
  const rests = updates(test).map(({ nodes }) => nodes);
  await test.pass(HANDLING_SECONDS + waited);
  for (const [i, { routeId }] of routes.entries()) {
    const rest = rests[i]!.slice(1);
    const goneAt = issuedAt + 1000 * (42 + HANDLING_SECONDS + waited);
    const passed = ['00', '01', '02'].map((name) => cell(name));
    const trace = [...passed, ...rest].map((node, step): [string, number, null] => {
      const at =
        step < passed.length
          ? issuedAt + 1000 * (step < 2 ? step : step + 40)
          : goneAt + 1000 * (step - passed.length + 1);
      return [node, at, null];
    });
    const scored = await test.service.completeRoute(SITE, { routeId, trace });
    expect(scored).toMatchObject({ learnt: true, components: { wait: waited } });
  }
  await test.pass(1);
  const [from, to] = rests[0]!;
  const behind = test.service.lanes(SITE).find((one) => one.from === from && one.to === to);
  expect(behind!.price > 2).toBe(waited > 0);
  await test.service.close();
});

it('a start knows how long the handling under way takes yet', async () => {
  const before = await startService({ map: FLOOR, robots: ['a'] });
  await ask(before, 'a');
  await before.pass(3);
  await before.service.closeLanes(SITE, [lane('02', '03')]);
  await before.pass(17);
  const after = await startService({ map: FLOOR, journal: before.journal, at: before.now(), robots: ['b'] });
  const [update] = updates(before);
  await after.service.closeLanes(SITE, [{ from: update!.nodes[4]!, to: update!.nodes[5]! }]);
  expect(updates(after)[0]!.etaSeconds[1]).toBeCloseTo(3 + HANDLING_SECONDS - 20, 5);
});

it('a robot that said beside its route that it is late is late with its handling too', async () => {
  const test = await startLate();
  await test.pass(3);
  await test.service.closeLanes(SITE, [lane('02', '03')]);
  // It comes to its stop after 32 s: 100 more, and one for the lane behind it.
  expect(updates(test)[0]!.etaSeconds[1]).toBeCloseTo(32 + HANDLING_SECONDS + 1 - 34, 2);
});

it('a robot that says long after it was due that it is at its stop may have come there just now', async () => {
  const test = await startService({ map: FLOOR, robots: ['a'] });
  await ask(test, 'a');
  await test.pass(62);
  const said = { robotId: 'a', node: cell('02'), available: true, at: test.now() };
  test.service.robotState(SITE, { type: 'robot.state', ...said });
  // It handles until 162: a lane that closes before it is news for it.
  await test.pass(68);
  await test.service.closeLanes(SITE, [lane('02', '03')]);
  expect(updates(test)).toHaveLength(1);
});

it('such a robot waits from the end of its late handling on', async () => {
  const test = await startLate();
  await test.pass(HANDLING_SECONDS + 1);
  expect(test.service.openRoutes(SITE).routes[0]!.waitingSeconds).toBeCloseTo(0, 2);
});

it('a robot that is done sooner than planned pays for what it blocks then', async () => {
  const floor = await startFloor({ map: FLOOR, robots: ['a', 'b'] });
  const quick = await ask(floor, 'a', {
    stops: [{ node: cell('01'), handlingSeconds: HANDLING_SECONDS }, cell('04')],
  });
  const other = await floor.request('b', '22', '02', '03');
  const ways: Record<string, Way> = {
    // Half of the time at its stop, then it stands in the way of the other for 40 s.
    [quick.routeId]: [
      ...([
        ['00', 0],
        ['01', 1],
        ['02', 51],
        ['03', 92],
        ['04', 93],
      ] as const),
    ],
    [other.routeId]: [
      ...([
        ['22', 0],
        ['12', 52],
        ['02', 93],
        ['03', 94],
      ] as const),
    ],
  };
  await floor.drive(95, ways);
  const scored = await floor.complete(quick.routeId, ways[quick.routeId]!);
  expect(scored.components.blocking).toBeGreaterThan(35);
});

it('handling where a robot stood long before its route begins with the route', async () => {
  const test = await startService({ map: FLOOR, robots: ['a', 'b'], learns: true });
  await test.pass(100);
  const stoodSince = test.now() - 100_000;
  const issuedAt = test.now();
  const routes: RouteAssignedContent[] = [];
  for (const robotId of ['a', 'b']) {
    const stops = [{ node: cell('00'), handlingSeconds: 60 }, cell('09')];
    routes.push(await ask(test, robotId, { stops }));
  }
  await test.pass(3);
  await test.service.closeLanes(SITE, [lane('02', '03')]);
  const rests = updates(test).map(({ nodes }) => nodes);
  await test.pass(80);
  for (const [i, { routeId }] of routes.entries()) {
    const trace = rests[i]!.map((node, step): [string, number, null] => {
      return [node, step === 0 ? stoodSince : issuedAt + 1000 * (60 + step), null];
    });
    await test.service.completeRoute(SITE, { routeId, trace });
  }
  await test.pass(1);
  const [from, to] = rests[0]!;
  const behind = test.service.lanes(SITE).find((one) => one.from === from && one.to === to);
  expect(behind!.price).toBeLessThan(2);
  await test.service.close();
});
