import { expect, it } from 'vitest';
import type { RouteAssignedContent, RouteRequestContent } from '../../src/domain/messages.js';
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
