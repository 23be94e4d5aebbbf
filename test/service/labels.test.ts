import { describe, expect, it } from 'vitest';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { SETTLE_SECONDS } from '../../src/service/site.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { createRecorder } from './support/recorder.js';
import { cell, report, SITE, START, startService, type TestService } from './support/startService.js';

/** Where a robot was when: cell and second of arrival, the first one being its start. */
type Drive = readonly (readonly [string, number])[];
interface Order {
  readonly robotId: string;
  readonly stops: readonly { readonly node: string; readonly handlingSeconds: number }[];
  readonly drive: Drive;
}

const stop = (digits: string, handlingSeconds = 0) => ({ node: cell(digits), handlingSeconds });

/** Issues all orders at once, drives them, and reports: with progress in order of time, or by traces alone. */
async function drive(
  orders: readonly Order[],
  how: {
    progress: boolean;
    completeInOrder: readonly string[];
    map?: string;
    meanwhile?: (at: number, site: TestService) => void;
  },
) {
  const recorder = createRecorder();
  const started = await startService({
    map: how.map ?? '.......',
    mode: 'observe',
    startLearner: async () => recorder.port,
    robots: orders.map(({ robotId }) => robotId),
  });
  const { service, pass } = started;
  const routes = new Map<string, string>();
  for (const { robotId, stops, drive: way } of orders) {
    const wanted = { requestId: robotId, robotId, from: cell(way[0]![0]), stops: [...stops] };
    routes.set(robotId, (await service.requestRoute(SITE, wanted)).routeId);
  }
  const end = Math.max(...orders.map(({ drive: way }) => way.at(-1)![1]));
  for (let second = 1; second <= end; second++) {
    await pass(1);
    how.meanwhile?.(second, started);
    for (const { robotId, drive: way } of orders) {
      const [, ...later] = way;
      const here = later.find(([, at]) => at === second);
      if (!here || !how.progress) continue;
      const at = START + 1000 * second;
      service.routeProgress(SITE, {
        ...{ type: 'route.progress', routeId: routes.get(robotId)!, revision: 0, node: cell(here[0]), at },
      });
    }
  }
  const scored = new Map<string, Awaited<ReturnType<typeof service.completeRoute>>>();
  for (const robotId of how.completeInOrder) {
    const { drive: way } = orders.find((order) => order.robotId === robotId)!;
    const trace = way.map(([digits, at]) => [cell(digits), START + 1000 * at, null] as const);
    const route = { routeId: routes.get(robotId)! };
    scored.set(robotId, await service.completeRoute(SITE, report(route, trace as never)));
  }
  await pass(SETTLE_SECONDS + 1);
  const labelsOf = (robotId: string) => recorder.labels(how.completeInOrder.indexOf(robotId));
  return { ...started, labelsOf, scored };
}

/** `a` handles goods on r0c4 till 7 and goes on; `b` waits behind it from 2 to 7, and `c` behind `b`. */
const QUEUE: readonly Order[] = [
  {
    robotId: 'a',
    stops: [stop('04', 5), stop('06')],
    drive: [
      ['02', 0],
      ['03', 1],
      ['04', 2],
      ['05', 8],
      ['06', 9],
    ],
  },
  {
    robotId: 'b',
    stops: [stop('05')],
    drive: [
      ['01', 0],
      ['02', 1],
      ['03', 2],
      ['04', 8],
      ['05', 9],
    ],
  },
  {
    robotId: 'c',
    stops: [stop('04')],
    drive: [
      ['00', 0],
      ['01', 1],
      ['02', 2],
      ['03', 8],
      ['04', 9],
    ],
  },
];
const FREE: [number, number] = [0, 0];
const QUEUE_LABELS = {
  // Handling is nobody's wait and nobody's fault.
  a: [FREE, FREE, FREE, FREE],
  // On the lane to r0c4 it waits 5 s for `a`, and `c` waits as long for it.
  b: [FREE, FREE, [5, 5], FREE],
  c: [FREE, FREE, [5, 0], FREE],
};

describe('labels', () => {
  it.each([
    ['live, from progress', true, ['a', 'b', 'c']],
    ['from traces alone, the holder first', false, ['a', 'b', 'c']],
    ['from traces alone, the one that waited first', false, ['c', 'b', 'a']],
  ] as const)('charge who holds the node that another waits for: %s', async (_how, progress, order) => {
    const { labelsOf, scored } = await drive(QUEUE, { progress, completeInOrder: order });
    for (const robotId of ['a', 'b', 'c'] as const) {
      expect([robotId, labelsOf(robotId)]).toEqual([robotId, QUEUE_LABELS[robotId]]);
    }
    expect(scored.get('b')?.components).toMatchObject({ time: 4, wait: 5, distance: 4 });
    expect(scored.get('a')?.components).toMatchObject({ time: 4, wait: 0 });
  });

  it('are not known for blocking until a silent fleet has settled', async () => {
    const recorder = createRecorder();
    const { service, pass } = await startService({
      ...{ map: '.......', mode: 'observe' },
      startLearner: async () => recorder.port,
    });
    const wanted = { requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('02')] };
    const route = await service.requestRoute(SITE, wanted);
    await pass(3);
    const trace = [
      [cell('00'), START, null],
      [cell('01'), START + 1000, null],
      [cell('02'), START + 2000, null],
    ];
    await service.completeRoute(SITE, report(route, trace as never));
    await pass(1);
    expect(recorder.labels(0)).toEqual([
      [0, null],
      [0, null],
    ]);
    await pass(SETTLE_SECONDS);
    // Of lanes on which nobody was in anyone's way that is known, too.
    expect(recorder.labels(0)).toEqual([FREE, FREE]);
  });

  it.each([
    { clock: 'right', ahead: 0 },
    { clock: 'ages ahead', ahead: 8e15 },
  ])(
    'excuse what was waited behind a paused robot whose clock is $clock, and let nobody pay',
    async ({ ahead }) => {
      const state = { type: 'robot.state' as const, robotId: 'b', node: cell('03'), available: true };
      const { labelsOf, scored } = await drive(QUEUE, {
        progress: true,
        completeInOrder: ['a', 'b', 'c'],
        meanwhile(second, { service }) {
          const at = START + 1000 * second;
          if (second === 3) service.robotState(SITE, { ...state, pausedReason: 'obstacle', at });
          if (second === 6) service.robotState(SITE, { ...state, at: at + ahead });
        },
      });
      // Of the 5 s that both wait `b` is paused for 3: its own lane pays for its stop as little as that of `c`.
      expect(labelsOf('b')[2]).toEqual([2, 2]);
      expect(labelsOf('c')[2]).toEqual([2, 0]);
      // The route itself took as long as it took.
      expect(scored.get('c')?.components.wait).toBe(5);
    },
  );

  it.each([true, false])(
    'charge nobody for what a robot waits while it says that it cannot drive (progress: %s)',
    async (progress) => {
      const stays: Drive = [
        ['02', 0],
        ['03', 8],
      ];
      const waits: Drive = [
        ['00', 0],
        ['01', 1],
        ['02', 9],
      ];
      const { labelsOf } = await drive(
        [
          { robotId: 'a', stops: [stop('03')], drive: stays },
          { robotId: 'b', stops: [stop('02')], drive: waits },
        ],
        {
          ...{ progress, completeInOrder: ['a', 'b'] },
          meanwhile(second, { service }) {
            const state = { type: 'robot.state' as const, robotId: 'b', node: cell('01') };
            const at = START + 1000 * second;
            if (second === 2) service.robotState(SITE, { ...state, available: false, at });
            if (second === 7) service.robotState(SITE, { ...state, available: true, at });
          },
        },
      );
      // From 1 to 8 it waits for `a`, but for the five seconds.
      expect(labelsOf('a')).toEqual([[7, 2]]);
      expect(labelsOf('b')).toEqual([FREE, [2, 0]]);
    },
  );

  it.each([0, 1])(
    'and measures of the floor leave out a route whose robot could not drive (from second %s on)',
    async (second) => {
      const recorder = createRecorder();
      const { service, pass } = await startService({ map: '...', startLearner: async () => recorder.port });
      const say = (available: boolean, node: string, at: number): void =>
        service.robotState(SITE, { type: 'robot.state', robotId: 'a', node: cell(node), available, at });
      if (second === 0) say(false, '00', START);
      const wanted = { requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('02')] };
      const route = await service.requestRoute(SITE, wanted);
      await pass(second);
      if (second === 1) say(false, '01', START + 1000);
      await pass(600 - second);
      say(true, `0${second}`, START + 600_000);
      expect(service.warehouse(SITE).slowdown).toBe(1);
      await pass(3);
      const reached = [0, 1, 2].map((node) => START + (node > second ? 600_000 : 0) + 1000 * node);
      const trace = reached.map((at, i) => [cell(`0${i}`), at, null]);
      const scored = await service.completeRoute(SITE, report(route, trace as never));
      expect(scored).toMatchObject({ learnt: true, regretSeconds: null, components: { wait: 600 } });
      expect(service.warehouse(SITE)).toMatchObject({ slowdown: 1, scoreRatio: null });
      expect(recorder.labels(0).map(([wait]) => wait)).toEqual([0, second]);
    },
  );

  it('let a robot that is pushed off pay the lane it was on: time lost and the way back', async () => {
    const recorder = createRecorder();
    const { service, pass, now } = await startService({
      ...{ map: '.....\n.....', mode: 'observe' },
      startLearner: async () => recorder.port,
    });
    const wanted = { requestId: 'q', robotId: 'a', from: cell('00'), stops: [cell('04')] };
    const { routeId } = await service.requestRoute(SITE, wanted);
    const trace: unknown[] = [[cell('00'), now(), null]];
    const go = async (digits: string, seconds: number): Promise<{ node: string; at: number }> => {
      await pass(seconds);
      trace.push([cell(digits), now(), null]);
      return { node: cell(digits), at: now() };
    };
    service.routeProgress(SITE, { type: 'route.progress', routeId, revision: 0, ...(await go('01', 1)) });
    // Three seconds it waits for r0c2, then it is pushed back to where it came from.
    const pushed = { routeId, revision: 0, ...(await go('00', 3)) };
    const updated = await service.routeDeviated(SITE, { type: 'route.deviated', ...pushed });
    expect(updated.nodes[0]).toBe(cell('00'));
    for (const node of updated.nodes.slice(1)) {
      const at = await go(node.replace(/\D/g, ''), 1);
      service.routeProgress(SITE, { type: 'route.progress', routeId, revision: 1, ...at });
    }
    const scored = await service.completeRoute(SITE, report({ routeId }, trace as never));
    // 3 s lost, and one second further from the goal than before; then four free lanes of the new plan.
    expect(recorder.labels(0)).toEqual([FREE, [4, 0], FREE, FREE, FREE, FREE]);
    // Six lanes of one second driven, two seconds lost: no second is counted twice.
    expect(scored.components).toMatchObject({ time: 6, wait: 2, distance: 6 });
  });

  it.each([false, true])(
    'take what a robot turns and gets going for as driving, at its start and behind a stop (a restart between: %s)',
    async (restarts) => {
      const names = ['n0', 'n1', 'n2', 'n3', 'n4'] as const;
      const graph = compileFile({
        ...{ id: SITE, mapVersion: '1', stations: ['n0'], pickFaces: ['n4'] },
        laneDefaults: { speedLimit: 1, twoWay: true },
        robotTypes: [
          { name: 'unit', maximumSpeed: 1, lengthMetres: 1, quarterTurnSeconds: 2, startSeconds: 1 },
        ],
        nodes: names.map((id, x) => ({ id, x, y: 0 })),
        lanes: names.slice(1).map((to, x) => ({ from: names[x]!, to })),
      });
      const memory = createMemoryJournal();
      const journal = { ...memory, close: async () => undefined };
      let test = await startService({ graphs: [graph], journal });
      const ask = (robotId: string, from: string, dropoff = {}) =>
        test.service.requestRoute(SITE, {
          ...{ requestId: `${robotId}${test.now()}`, robotId, from },
          stops: [{ node: 'n4', handlingSeconds: 3 }],
          ...dropoff,
        });
      const driven = async (...routes: Awaited<ReturnType<typeof ask>>[]) => {
        const from = test.now();
        for (let second = 1; second <= 20; second++) {
          await test.pass(1);
          for (const { routeId, nodes, etaSeconds } of routes) {
            const at = test.now();
            const node = nodes[etaSeconds.indexOf(second)];
            if (node !== undefined)
              test.service.routeProgress(SITE, { type: 'route.progress', routeId, revision: 0, node, at });
          }
        }
        return Promise.all(
          routes.map((route) =>
            test.service.completeRoute(SITE, {
              routeId: route.routeId,
              trace: route.nodes.map((node, i) => [node, from + 1000 * route.etaSeconds[i]!, null]),
            }),
          ),
        );
      };
      // To the end, and behind its stop there back.
      const [there] = await driven(await ask('b', 'n0', { dropoff: 'n0' }));
      expect(there).toMatchObject({ ratio: 1, components: { time: 14, wait: 0, turns: 1 } });
      // While it turns round before it sets out, another leaves the node before it.
      const routes = [await ask('b', 'n0'), await ask('a', 'n1')] as const;
      expect(routes[0].etaSeconds).toEqual([0, 6, 7, 8, 9]);
      if (restarts) {
        await test.service.close();
        test = await startService({ graphs: [graph], journal, at: test.now() });
      }
      const [back, ahead] = await driven(...routes);
      expect(back).toMatchObject({
        ...{ ratio: 1, regretSeconds: 0 },
        components: { ...routes[0].expected, time: 9, wait: 0, turns: 1 },
      });
      expect(ahead!.components).toMatchObject({ wait: 0, blocking: 0 });
      await test.service.close();
    },
  );

  it('count lateness from the deadline to the last hand-over', async () => {
    const { service, pass } = await startService({ map: '...' });
    const stops = [stop('02', 4)];
    const wanted = { requestId: 'q', robotId: 'a', from: cell('00'), stops, deadlineAt: START + 5000 };
    const route = await service.requestRoute(SITE, wanted);
    expect(route.expected.lateness).toBe(1);
    await pass(10);
    const trace = [
      [cell('00'), START, null],
      [cell('01'), START + 1000, null],
      [cell('02'), START + 3000, null],
    ];
    const { components } = await service.completeRoute(SITE, report(route, trace as never));
    expect(components).toMatchObject({ time: 2, wait: 1, lateness: 2 });
  });

  it('are given for an off-mode floor to nobody, and do not pile up', async () => {
    const { service, pass } = await startService({ map: '...', robots: ['a'], mode: 'off' });
    for (let i = 0; i < 5; i++) {
      const from = START + 100_000 * i;
      const wanted = { requestId: `q${i}`, robotId: 'a', from: cell('00'), stops: [cell('02')] };
      const route = await service.requestRoute(SITE, wanted);
      await pass(100);
      const trace = [0, 1, 2].map((c) => [cell(`0${c}`), from + 1000 * c, null]);
      await service.completeRoute(SITE, report(route, trace as never));
    }
    expect(service.warehouse(SITE)).toMatchObject({ completedRoutes: 5, updatesApplied: 0 });
  });
});
