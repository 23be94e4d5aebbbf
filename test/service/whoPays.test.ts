import { describe, expect, it } from 'vitest';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import type { JournalRecord } from '../../src/journal/records.js';
import type { LearnerUpdate } from '../../src/learning/learner.js';
import { createRandom } from '../../src/platform/random.js';
import { randomWeights } from '../../src/policy/network.js';
import { SETTLE_SECONDS } from '../../src/service/site.js';
import { createRecorder } from './support/recorder.js';
import { startFloor, type Way } from './support/startFloor.js';
import { cell, SITE, START } from './support/startService.js';

const DOOR = [{ from: cell('04'), to: cell('05') }];

describe('a robot that was told to wait', () => {
  it('makes no lane dear: nothing on its way was slow', async () => {
    const floor = await startFloor({ map: '.........', mode: 'learn', robots: ['a', 'b'] });
    const before = floor.priceOf('02', '03');
    for (const [number, robotId] of ['a', 'b'].entries()) {
      const { routeId } = await floor.request(robotId, '01', '07');
      const way: [string, number][] = [['01', floor.second()]];
      const go = async (to: string, revision: number): Promise<void> => {
        await floor.pass(1);
        floor.say(routeId, to, floor.second(), revision);
        way.push([to, floor.second()]);
      };
      await go('02', 0);
      await floor.service.closeLanes(SITE, DOOR);
      await floor.pass(600);
      await floor.service.openLanes(SITE, DOOR);
      const { revision } = await floor.service.route(SITE, routeId);
      for (const to of ['03', '04', '05', '06', '07']) await go(to, revision);
      const { components, regretSeconds } = await floor.complete(routeId, way);
      expect([components.wait, regretSeconds]).toEqual([600, null]);
      expect(floor.labels(number).map(([wait]) => wait)).toEqual([0, 0, 0, 0, 0, 0]);
    }
    expect(floor.priceOf('02', '03')).toBeLessThan(before + 3);
    const { slowdown, scoreRatio } = floor.service.warehouse(SITE);
    expect([slowdown, scoreRatio]).toEqual([1, null]);
  });

  it('has nothing counted of that where it gets two plans before it sets out', async () => {
    const floor = await startFloor({ map: '.........\n.........', mode: 'learn', robots: ['a'] });
    const { routeId } = await floor.request('a', '01', '07');
    const both = [...DOOR, { from: cell('14'), to: cell('15') }];
    await floor.service.closeLanes(SITE, both);
    await floor.pass(600);
    await floor.service.openLanes(SITE, both);
    expect(floor.service.warehouse(SITE).slowdown).toBe(1);
    await floor.service.closeLanes(SITE, [{ from: cell('06'), to: cell('07') }]);
    const { nodes } = await floor.service.route(SITE, routeId);
    const way = nodes.map(
      (node, step) => [node, START + 1000 * (600 + step), null] as [string, number, null],
    );
    way[0]![1] = START;
    await floor.pass(nodes.length);
    await floor.service.completeRoute(SITE, { routeId, trace: way });
    expect(floor.labels(0)[0]![0]).toBe(0);
  });

  it.each(['while it waits', 'while it waits, told again', 'after its wait'])(
    'has nothing counted of that over a start %s',
    async (when) => {
      const before = await startFloor({ map: '.........', mode: 'learn', robots: ['a'] });
      const { routeId } = await before.request('a', '01', '07');
      const restart = ({ journal, now }: typeof before) =>
        startFloor({ map: '.........', mode: 'learn', robots: [], journal, at: now() });
      await before.service.closeLanes(SITE, DOOR);
      await before.pass(300);
      if (when === 'while it waits, told again') {
        const beside = { routeId, revision: 1, node: cell('02'), at: before.now() };
        const asks = before.service.routeDeviated(SITE, { type: 'route.deviated', ...beside });
        await expect(asks).rejects.toMatchObject({ code: 'E_UNREACHABLE' });
        // A start from a checkpoint reads no more than the newest.
        let newest: JournalRecord | undefined;
        for await (const record of before.journal.read()) newest = record;
        expect(newest).toMatchObject({ kind: 'route.held', payload: { heldFrom: START } });
      }
      let floor = when === 'after its wait' ? before : await restart(before);
      await floor.pass(300);
      await floor.service.openLanes(SITE, DOOR);
      if (when === 'after its wait') floor = await restart(floor);
      await floor.pass(7);
      const arrivals =
        when === 'while it waits, told again'
          ? [300, 601, 602, 603, 604, 605]
          : [601, 602, 603, 604, 605, 606];
      const steps = arrivals.map((at, i) => [`0${i + 2}`, at] as const);
      const { components } = await floor.complete(routeId, [['01', 0], ...steps]);
      expect(components.wait).toBe(arrivals[5]! - 6);
      // Of a lane that it drove while it was to wait nothing is known.
      const known = arrivals.filter((at) => at > 600);
      expect(floor.labels(0).map(([wait]) => wait)).toEqual(known.map(() => 0));
      const { slowdown, scoreRatio } = floor.service.warehouse(SITE);
      expect([slowdown, scoreRatio]).toEqual([1, null]);
    },
  );

  it('makes no lane slow where others push it aside meanwhile', async () => {
    const floor = await startFloor({ map: '.........\n.........', mode: 'learn', robots: ['a'] });
    const { routeId } = await floor.request('a', '01', '07');
    const all = [...DOOR, { from: cell('14'), to: cell('15') }];
    await floor.service.closeLanes(SITE, all);
    await floor.pass(300);
    floor.say(routeId, '11', 300);
    await floor.pass(300);
    await floor.service.openLanes(SITE, all);
    const { nodes } = await floor.service.route(SITE, routeId);
    const names = nodes.map((node) => `${node[1]}${node[3]}`);
    const way = names.slice(1).map((name, i) => [name, 601 + i] as const);
    await floor.pass(names.length);
    await floor.complete(routeId, [['01', 0], ['11', 300], ...way]);
    expect(Math.max(...floor.labels(0).map(([wait]) => wait))).toBe(0);
  });

  it('takes back no policy', async () => {
    let update: (update: LearnerUpdate) => void = () => undefined;
    const { port } = createRecorder();
    const floor = await startFloor({
      ...{ map: '.........', mode: 'learn', robots: ['a'] },
      startLearner: async () => ({ ...port, onUpdate: (listener) => void (update = listener) }),
    });
    const weights = randomWeights(createRandom(2)).map((weight) => weight + 1e-4);
    update({ weights, rejectedBy: null, completions: [], loss: 0, batches: 1 });
    const both = [...DOOR, { from: cell('05'), to: cell('04') }];
    let routes = 0;
    /** There, or back; a little slower now and then. */
    const drive = async (isHeld: boolean): Promise<void> => {
      const columns = routes % 2 === 0 ? [1, 2, 3, 4, 5, 6, 7] : [7, 6, 5, 4, 3, 2, 1];
      const { routeId } = await floor.request('a', `0${columns[0]}`, `0${columns.at(-1)}`);
      const way: [string, number][] = [[`0${columns[0]}`, floor.second()]];
      for (const column of columns.slice(1)) {
        if (isHeld && way.length === 2) {
          await floor.service.closeLanes(SITE, both);
          await floor.pass(600);
          await floor.service.openLanes(SITE, both);
        }
        await floor.pass(routes % 3 === 0 && way.length === 3 ? 2 : 1);
        const { revision } = await floor.service.route(SITE, routeId);
        floor.say(routeId, `0${column}`, floor.second(), revision);
        way.push([`0${column}`, floor.second()]);
      }
      await floor.complete(routeId, way);
      routes++;
    };
    for (let route = 0; route < 320; route++) await drive(false);
    for (let route = 0; route < 110; route++) await drive(true);
    expect(floor.service.guard(SITE).rollbacks).toBe(0);
  });

  it.each([
    ['stays', '13'],
    ['goes back', '12'],
    ['goes on all the same', '14'],
  ])('and %s is nobody’s fault who passes meanwhile', async (does, next) => {
    const floor = await startFloor({ map: '@@@.@@@@\n........\n@@@.@@@@', robots: ['a', 'c'] });
    const door = [{ from: cell('14'), to: cell('15') }];
    const a = await floor.request('a', '11', '17');
    await floor.pass(1);
    floor.say(a.routeId, '12', 1);
    await floor.service.closeLanes(SITE, door);
    await floor.pass(59);
    const c = await floor.request('c', '03', '23');
    await floor.pass(1);
    floor.say(c.routeId, '13', 61);
    await floor.pass(25);
    floor.say(c.routeId, '23', 86);
    if (does === 'goes back') floor.say(a.routeId, '11', 86);
    if (does === 'goes on all the same') floor.say(a.routeId, '13', 86, 1);
    await floor.service.openLanes(SITE, door);
    const { revision } = await floor.service.route(SITE, a.routeId);
    await floor.pass(1);
    floor.say(a.routeId, next, 87, revision);
    const { components } = await floor.complete(c.routeId, [
      ['03', 60],
      ['13', 61],
      ['23', 86],
    ]);
    expect(components.blocking).toBe(0);
  });
});

describe('a robot that comes back to its plan by itself', () => {
  const A: Way = [
    ['00', 0],
    ['01', 1],
    ['11', 2],
    ['12', 3],
    ['13', 4],
    ['03', 5],
    ['04', 6],
    ['05', 7],
    ['06', 8],
  ];
  /** Goes to where `a` had wanted to be, and stands there for half a minute when that has long passed. */
  const B: Way = [
    ['22', 0],
    ['12', 4],
    ['02', 6],
    ['01', 36],
    ['00', 37],
  ];

  it.each([
    ['as it says', true],
    ['as its trace says', false],
  ])('is on it from there on, %s', async (_how, isTold) => {
    const map = Array.from({ length: 3 }, () => '.......').join('\n');
    const floor = await startFloor({ map, robots: ['a', 'b'] });
    const a = await floor.request('a', '00', '06');
    const b = await floor.request('b', '22', '02', '00');
    const [last] = A.slice(-1);
    await floor.drive(7, isTold ? { [a.routeId]: A, [b.routeId]: B } : {});
    if (isTold) {
      const flows = floor.service.lanes(SITE).filter(({ to }) => to === cell('05'));
      expect(flows.reduce((sum, { plannedFlow }) => sum + plannedFlow, 0)).toBe(0);
    }
    for (let second = 8; second <= 38; second++) {
      await floor.pass(1);
      if (!isTold) continue;
      if (second === last![1]) floor.say(a.routeId, last![0], second);
      for (const [at, then] of B) if (then === second) floor.say(b.routeId, at, second);
    }
    await floor.complete(a.routeId, A);
    await floor.complete(b.routeId, B);
    await floor.pass(SETTLE_SECONDS + 1);
    expect(floor.labels(1).map(([, blocking]) => blocking)).toEqual([0, 0, 0, 0]);
  });
});

it.each([[false], [true]])(
  'a robot pays for no wait that was over before another was re-planned, restarted %s',
  async (restarts) => {
    const journal = { ...createMemoryJournal(), close: async () => undefined };
    const first = await startFloor({ journal });
    const b = await first.request('b', '01', '04');
    const a = await first.request('a', '00', '04');
    await first.pass(1);
    first.say(b.routeId, '02', 1);
    await first.pass(1);
    first.say(b.routeId, '03', 2);
    await first.pass(298);
    // `a` stood where it began, for a reason of its own; `b` has been where it will go, and left.
    const { revision, nodes } = await first.service.routeDeviated(SITE, {
      ...{ type: 'route.deviated', routeId: a.routeId, revision: 0, node: cell('11'), at: first.now() },
    });
    if (restarts) await first.service.close();
    const floor = restarts ? await startFloor({ journal, at: first.now() }) : first;
    await floor.pass(1);
    floor.say(a.routeId, nodes[1]!.replace(/\D/g, ''), 301, revision);
    await floor.pass(2);
    floor.say(b.routeId, '04', 303);
    const { components } = await floor.complete(b.routeId, [
      ['01', 0],
      ['02', 1],
      ['03', 2],
      ['04', 303],
    ]);
    expect(components.blocking).toBeLessThanOrEqual(1);
  },
);

describe('what a lane blocked', () => {
  const A: Way = [
    ['02', 0],
    ['03', 1],
    ['04', 20],
    ['05', 21],
    ['06', 22],
  ];
  const B: Way = [
    ['01', 0],
    ['02', 2],
    ['03', 21],
    ['04', 22],
    ['05', 23],
  ];

  it.each([
    ['is known where a robot says where it is', A, 18],
    ['is not where it leaves places out', [A[0]!, A[4]!], null],
  ])('%s', async (_how, said, blocking) => {
    const floor = await startFloor({ map: '........', robots: ['a', 'b'] });
    const a = await floor.request('a', '02', '06');
    const b = await floor.request('b', '01', '05');
    await floor.drive(24, { [a.routeId]: said, [b.routeId]: B });
    await floor.complete(a.routeId, A);
    await floor.complete(b.routeId, B);
    await floor.pass(SETTLE_SECONDS + 1);
    expect(floor.labels(0)[1]).toEqual([18, blocking]);
  });
});

it('a robot that comes to its start after the issue makes no lane dear by that', async () => {
  const floor = await startFloor({ map: '.........', mode: 'learn', robots: ['a', 'b'] });
  const before = floor.priceOf('01', '02');
  for (const robotId of ['a', 'b']) {
    const { routeId, nodes } = await floor.request(robotId, '01', '04');
    const from = floor.second() + 25;
    await floor.pass(30);
    const way = nodes.map((node, i) => [node.replace(/\D/g, ''), from + i] as const);
    expect((await floor.complete(routeId, way)).components.wait).toBe(0);
    await floor.pass(1);
  }
  expect(floor.priceOf('01', '02')).toBeLessThan(before + 3);
});

it.each([false, true])(
  'who left its way by a clock that is behind pays the same, restarted %s',
  async (restarted) => {
    const map = '.....\n.....';
    const before = await startFloor({ map, mode: 'learn', robots: ['a'] });
    const { routeId } = await before.request('a', '00', '04');
    await before.pass(12);
    before.say(routeId, '01', 1);
    const { nodes } = await before.service.routeDeviated(SITE, {
      ...{ type: 'route.deviated', routeId, revision: 0, node: cell('11'), at: START + 2000 },
    });
    const { journal, now } = before;
    const floor = restarted
      ? await startFloor({ map, mode: 'learn', robots: [], journal, at: now() })
      : before;
    await floor.pass(10);
    const rest = nodes.slice(1).map((node, i) => [`${node[1]}${node[3]}`, 5 + i] as const);
    await floor.complete(routeId, [['00', 0], ['01', 1], ['11', 2], ...rest]);
    // The lane that it left its way on, and those of its new way, the first of which it waited for.
    expect(floor.labels(0).map(([wait]) => wait)).toEqual([0, 2, 2, 0, 0, 0]);
  },
);
