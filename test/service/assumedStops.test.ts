import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import type { RouteAssignedContent, Trace } from '../../src/domain/messages.js';
import { updatesIn } from './support/closing.js';
import { deviate, newestPlan, stopsOf } from './support/plans.js';
import {
  cell,
  codeOf,
  lane,
  report,
  SITE,
  START,
  startService,
  type TestService,
} from './support/startService.js';

/** The first stop lies beside the way, and the way forks before the second. */
const MAP = '........\n.@.@@@..';
const FIRST = cell('12');
const LAST = cell('07');

/** One robot with both stops before it; by its ETAs it is past the first one. */
async function lateRobot({ seconds = 5, deadlineAt }: { seconds?: number; deadlineAt?: number } = {}) {
  const started = await startService({ map: MAP });
  const last = { node: LAST, handlingSeconds: 5 };
  const asked = { requestId: 'q', robotId: 'a', from: cell('00'), stops: [FIRST, last] };
  const route = await started.service.requestRoute(SITE, {
    ...asked,
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
  });
  await started.pass(seconds);
  return { started, route };
}

/** The same journal under another process, some seconds later. */
const restart = ({ journal, now }: TestService): Promise<TestService> =>
  startService({ map: MAP, journal, at: now() + 1000, robots: ['b'] });

const close = ({ service }: TestService): Promise<void> => service.closeLanes(SITE, [lane('06', '07')]);

const greet = ({ service }: TestService, at: string) =>
  service.hello({
    ...{ type: 'hello', warehouseId: SITE, robots: [{ robotId: 'a', robotType: 'unit', node: cell(at) }] },
  }).openRoutes[0]!;

describe('a stop that a robot is only assumed to have made', () => {
  it('is left out of its next plan, for as long as nothing is heard of it', async () => {
    const { started } = await lateRobot();
    await close(started);
    expect(stopsOf(newestPlan(started))).toEqual([LAST]);
  });

  it('is in its plan again when it deviates from before it, and its trace is scored', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    const plan = await deviate(started, route, 1, '01');
    expect([plan.nodes[0], ...stopsOf(plan)]).toEqual([cell('01'), FIRST, LAST]);
    await started.pass(20);
    const trace = [cell('00'), ...plan.nodes].map((node, i) => [
      node,
      started.now() - 15_000 + 1000 * i,
      null,
    ]);
    const scored = await started.service.completeRoute(SITE, report(route, trace as unknown as Trace));
    expect(scored).toMatchObject({ learnt: true });
  });

  it('is not when it deviates from behind it', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    expect(stopsOf(await deviate(started, route, 1, '04'))).toEqual([LAST]);
  });

  it('is when it deviates from beside all of its plans', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    expect(stopsOf(await deviate(started, route, 1, '10'))).toEqual([FIRST, LAST]);
  });

  it('is within a second of its progress from before it, and no more once it has made it', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    const tell = (at: string): void =>
      started.service.routeProgress(SITE, {
        ...{ type: 'route.progress', routeId: route.routeId, revision: 0, node: cell(at), at: started.now() },
      });
    tell('01');
    await started.pass(1);
    const plan = newestPlan(started);
    expect([plan.nodes[0], ...stopsOf(plan)]).toEqual([cell('01'), FIRST, LAST]);
    tell('02');
    await started.pass(1);
    tell('12');
    expect(stopsOf(await deviate(started, route, 2, '02'))).toEqual([LAST]);
  });

  it('is within a second of word where it stands', async () => {
    const { started } = await lateRobot();
    await close(started);
    expect(newestPlan(started).reason).toBe('laneClosed');
    started.service.robotState(SITE, {
      ...{ type: 'robot.state', robotId: 'a', node: cell('01'), available: true, at: started.now() },
    });
    await started.pass(1);
    const plan = newestPlan(started);
    expect(plan.reason).toBe('placeRefuted');
    expect([plan.nodes[0], ...stopsOf(plan)]).toEqual([cell('01'), FIRST, LAST]);
  });

  it('is though the first plan with it cannot be stored', async () => {
    const { started } = await lateRobot();
    await close(started);
    greet(started, '01');
    const append = vi.spyOn(started.journal, 'append');
    append.mockRejectedValueOnce(new AppError('E_JOURNAL_FULL'));
    await expect(started.pass(1)).rejects.toThrow();
    await started.pass(1);
    expect(stopsOf(newestPlan(started))).toEqual([FIRST, LAST]);
  });

  it.each([0, 1])(
    'stays out where it reports from behind it under revision %i, where it was taken to be',
    async (revision) => {
      const { started, route } = await lateRobot({ seconds: 4 });
      await close(started);
      const made = updatesIn(started.events).length;
      started.service.routeProgress(SITE, {
        ...{ type: 'route.progress', routeId: route.routeId, revision, node: cell('03') },
        at: started.now() + 900,
      });
      await started.pass(1);
      expect([updatesIn(started.events).length, stopsOf(newestPlan(started))]).toEqual([made, [LAST]]);
    },
  );

  it('is where its way comes by twice, before the stop and after it, and it may be there for the first time', async () => {
    const { started, route } = await lateRobot({ seconds: 4 });
    await close(started);
    expect(newestPlan(started).nodes[0]).toBe(cell('02'));
    started.service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId: route.routeId, revision: 0, node: cell('02'), at: started.now() },
    });
    await started.pass(1);
    expect(stopsOf(newestPlan(started))).toEqual([FIRST, LAST]);
  });

  it.each([
    { from: 'behind it, which it came by before as well', last: '02', at: '02' },
    { from: 'beside all of its plans', last: '12', at: '10' },
  ])('stays out where it said that it stood there, when it deviates from $from', async ({ last, at }) => {
    const { started, route } = await lateRobot({ seconds: 2 });
    for (const place of ['02', '12', last]) {
      started.service.robotState(SITE, {
        ...{ type: 'robot.state', robotId: 'a', node: cell(place), available: true, at: started.now() },
      });
      await started.pass(1);
    }
    await close(started);
    expect(stopsOf(newestPlan(started))).toEqual([LAST]);
    expect(stopsOf(await deviate(started, route, 1, at))).toEqual([LAST]);
  });

  it('stays out where it was there before its ETAs said so', async () => {
    const { started } = await lateRobot({ seconds: 1 });
    expect(stopsOf(greet(started, '12'))).toEqual([FIRST, LAST]);
    await close(started);
    expect([newestPlan(started).nodes[0], ...stopsOf(newestPlan(started))]).toEqual([FIRST, LAST]);
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const { openRoutes } = started.service.hello({ type: 'hello', warehouseId: SITE, robots });
    expect(openRoutes[0]!.nodes[0]).toBe(FIRST);
  });

  it('stays out for word of where it stood before its newest plan was made', async () => {
    const { started } = await lateRobot({ seconds: 2 });
    await close(started);
    const made = updatesIn(started.events).length;
    started.service.robotState(SITE, {
      ...{ type: 'robot.state', robotId: 'a', node: cell('01'), available: true, at: started.now() - 300 },
    });
    await started.pass(1);
    expect(updatesIn(started.events)).toHaveLength(made);
  });

  it('stays out when it says that it follows the plan', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    const { nodes } = newestPlan(started);
    started.service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId: route.routeId, revision: 1, node: nodes[1]!, at: started.now() },
    });
    await started.pass(1);
    expect(updatesIn(started.events)).toHaveLength(1);
    expect(stopsOf(await deviate(started, route, 1, '17'))).toEqual([LAST]);
  });

  it('counts in its trace all the same', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    const { nodes } = newestPlan(started);
    const way = [...route.nodes.slice(0, 3), ...nodes];
    await started.pass(20);
    const trace = way.map((node, i) => [node, started.now() - 15_000 + 1000 * i, null]);
    const scored = await started.service.completeRoute(SITE, report(route, trace as unknown as Trace));
    expect(scored.reason).toContain('E_TRACE_INCOMPLETE');
  });

  it('may be made on a way of its own, from which it comes back to its plan', async () => {
    const { started, route } = await lateRobot({ deadlineAt: START + 60_000 });
    await close(started);
    const { nodes } = newestPlan(started);
    const beside = [cell('03'), cell('02'), FIRST, cell('02')];
    const way = [...route.nodes.slice(0, 3), ...beside, ...nodes];
    await started.pass(95);
    const trace = way.map((node, i) => [node, START + (i < 3 ? i : 80 + i) * 1000, null]);
    const { components } = await started.service.completeRoute(
      SITE,
      report(route, trace as unknown as Trace),
    );
    // Until its last stop is handled.
    expect(components.lateness).toBe(20 + way.length - 1 + 5);
  });

  it('does not spoil a trace that visits it all the same', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    const { nodes } = newestPlan(started);
    const way = [...route.nodes.slice(0, route.nodes.indexOf(nodes[0]!)), ...nodes];
    await started.pass(20);
    const trace = way.map((node, i) => [node, started.now() - 18_000 + 1000 * i, null]);
    const scored = await started.service.completeRoute(SITE, report(route, trace as unknown as Trace));
    expect(scored).toMatchObject({ learnt: true });
  });
});

describe('after a restart, a closing before the robot is back', () => {
  it('lets it wait where it says hello from, and sends it to all its stops', async () => {
    const second = await restart((await lateRobot()).started);
    await close(second);
    expect(greet(second, '01')).toMatchObject({ held: true, nodes: [cell('01')] });
    await second.pass(1);
    const plan = newestPlan(second);
    expect(plan.reason).toBe('placeRefuted');
    expect([plan.nodes[0], ...stopsOf(plan)]).toEqual([cell('01'), FIRST, LAST]);
  });

  it('is no loss over another restart, before or after its next plan', async () => {
    const { started, route } = await lateRobot();
    const second = await restart(started);
    await close(second);
    const third = await restart(second);
    greet(third, '01');
    await third.pass(1);
    expect(stopsOf(newestPlan(third))).toEqual([FIRST, LAST]);
    const fourth = await restart(third);
    expect(stopsOf(await deviate(fourth, route, 2, '01'))).toEqual([FIRST, LAST]);
  });

  it('is no loss where it was told to wait', async () => {
    const { started, route } = await lateRobot();
    const second = await restart(started);
    await second.service.closeLanes(SITE, [lane('06', '07'), lane('17', '07')]);
    expect(second.events.some(({ kind }) => kind === 'route.held')).toBe(true);
    const third = await restart(second);
    await third.service.openLanes(SITE, [lane('06', '07')]);
    const { revision } = newestPlan(third);
    expect(stopsOf(await deviate(third, route, revision, '01'))).toEqual([FIRST, LAST]);
  });

  it('gives back none of them where it was known before that it had made them', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    started.service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId: route.routeId, revision: 1, node: cell('04'), at: started.now() },
    });
    await started.service.closeLanes(SITE, [lane('17', '07')]);
    const second = await restart(started);
    await second.service.openLanes(SITE, [lane('17', '07')]);
    expect(stopsOf(await deviate(second, route, 3, '10'))).toEqual([LAST]);
  });

  it('leaves it where it says hello from, though by its ETAs it is further on', async () => {
    const second = await restart((await lateRobot()).started);
    const open = greet(second, '01');
    expect([open.nodes[0], ...stopsOf(open)]).toEqual([cell('01'), FIRST, LAST]);
    await close(second);
    const plan = newestPlan(second);
    expect([plan.nodes[0], ...stopsOf(plan)]).toEqual([cell('01'), FIRST, LAST]);
  });
});

it('a robot that reported its stops gets none of them again, wherever it is pushed and asks', async () => {
  const { started, route } = await lateRobot({ seconds: 0 });
  const tell = async (revision: number, ...places: string[]): Promise<void> => {
    for (const place of places) {
      await started.pass(1);
      started.service.routeProgress(SITE, {
        ...{ type: 'route.progress', routeId: route.routeId, revision, node: cell(place), at: started.now() },
      });
    }
  };
  await tell(0, '01', '02', '12', '02', '03');
  expect(stopsOf(await deviate(started, route, 0, '02'))).toEqual([LAST]);
  await tell(1, '01');
  await started.pass(1);
  expect(stopsOf(await deviate(started, route, 1, '02'))).toEqual([LAST]);
  // Pushed off and back with neither reported, and once more after it came back to a server that it had lost.
  await started.pass(1);
  expect(stopsOf(await deviate(started, route, 2, '02'))).toEqual([LAST]);
  expect(stopsOf(greet(started, '02'))).toEqual([LAST]);
  expect(stopsOf(await deviate(started, route, 3, '02'))).toEqual([LAST]);
});

describe('a robot that asks again where its plan begins lacks stops, and gets all of its route', () => {
  const tell = async (
    { service, now, pass }: TestService,
    { routeId }: RouteAssignedContent,
    place: string,
  ): Promise<void> => {
    await pass(1);
    const head = { type: 'route.progress' as const, routeId, revision: 0 };
    service.routeProgress(SITE, { ...head, node: cell(place), at: now() });
  };

  it('where it was pushed to a later place of its way, past a stop, before anything was heard of it', async () => {
    const { started, route } = await lateRobot();
    const plan = await deviate(started, route, 0, '04');
    expect(stopsOf(plan)).toEqual([LAST]);
    expect(stopsOf(await deviate(started, route, plan.revision, '04'))).toEqual([FIRST, LAST]);
  });

  it('where it was taken to be there', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    expect(newestPlan(started).nodes[0]).toBe(cell('03'));
    expect(stopsOf(await deviate(started, route, 1, '03'))).toEqual([FIRST, LAST]);
  });

  it('where it was pushed to where it was taken to be, or further', async () => {
    const { started, route } = await lateRobot();
    await close(started);
    expect(stopsOf(await deviate(started, route, 1, '04'))).toEqual([LAST]);
    expect(stopsOf(await deviate(started, route, 2, '04'))).toEqual([FIRST, LAST]);
  });

  it('where its progress passed over a stop', async () => {
    const { started, route } = await lateRobot({ seconds: 0 });
    await tell(started, route, '01');
    await tell(started, route, '04');
    expect(stopsOf(await deviate(started, route, 0, '03'))).toEqual([LAST]);
    expect(stopsOf(await deviate(started, route, 1, '03'))).toEqual([FIRST, LAST]);
  });

  it('where it was pushed to the place of its stop', async () => {
    const { started, route } = await lateRobot({ seconds: 0 });
    await tell(started, route, '01');
    await tell(started, route, '02');
    await started.pass(1);
    expect(stopsOf(await deviate(started, route, 0, '12'))).toEqual([LAST]);
    expect(stopsOf(await deviate(started, route, 1, '12'))).toEqual([FIRST, LAST]);
  });

  it('from a server that has started again since', async () => {
    const { started, route } = await lateRobot({ seconds: 0 });
    await tell(started, route, '01');
    await tell(started, route, '04');
    expect(stopsOf(await deviate(started, route, 0, '03'))).toEqual([LAST]);
    expect(stopsOf(await deviate(await restart(started), route, 1, '03'))).toEqual([FIRST, LAST]);
  });
});

it('a robot that was told to wait and asks whether it has to gets what is left, and no more', async () => {
  const { started, route } = await lateRobot();
  expect(stopsOf(await deviate(started, route, 0, '04'))).toEqual([LAST]);
  await started.service.closeLanes(SITE, [lane('06', '07'), lane('17', '07')]);
  expect(await codeOf(() => deviate(started, route, 2, '04'))).toBe('E_UNREACHABLE');
  await started.service.openLanes(SITE, [lane('06', '07')]);
  expect(stopsOf(newestPlan(started))).toEqual([LAST]);
});

it('a robot that lacks stops, and has no way to them, gets them once there is one', async () => {
  const { started, route } = await lateRobot();
  const { revision } = await deviate(started, route, 0, '04');
  await started.service.closeLanes(SITE, [lane('02', '12')]);
  expect(await codeOf(() => deviate(started, route, revision, '04'))).toBe('E_UNREACHABLE');
  const stored = started.journal.lastSequence();
  expect(await codeOf(() => deviate(started, route, revision, '04'))).toBe('E_UNREACHABLE');
  // That it still waits is no news.
  expect(started.journal.lastSequence()).toBe(stored);
  await started.service.openLanes(SITE, [lane('02', '12')]);
  expect(stopsOf(newestPlan(started))).toEqual([FIRST, LAST]);
});
