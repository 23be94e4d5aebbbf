import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouteAssignedContent } from '../../src/domain/messages.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import { createJournal } from '../../src/journal/journal.js';
import { createFaultyStore, settle } from '../journal/support/faultyStore.js';
import { cell, codeOf, lane, report, SITE, startService, START, traceAlong } from './support/startService.js';

const request = (robotId: string, from: string, stops: readonly string[], requestId = 'q1') => ({
  requestId,
  robotId,
  from: cell(from),
  stops: stops.map(cell),
});

/** Lanes of a way that are closed now. */
function closedOn(service: RoutingService, nodes: readonly string[]): string[] {
  const closed = new Set(
    service
      .lanes(SITE)
      .filter(({ open }) => !open)
      .map(({ from, to }) => `${from} ${to}`),
  );
  return nodes.slice(1).flatMap((to, i) => (closed.has(`${nodes[i]!} ${to}`) ? [`${nodes[i]!} ${to}`] : []));
}

describe('closing a lane', () => {
  it('sends every open route that crosses it another way, and leaves the others alone', async () => {
    const { service, events } = await startService();
    await service.requestRoute(SITE, request('a', '00', ['04']));
    await service.requestRoute(SITE, request('b', '02', ['04']));
    await service.requestRoute(SITE, request('c', '10', ['14']));
    await service.closeLanes(SITE, [lane('01', '02')]);
    const updates = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
    expect(updates.map(({ robotId, reason, revision }) => [robotId, reason, revision])).toEqual([
      ['a', 'laneClosed', 1],
    ]);
    expect(closedOn(service, updates[0]!.nodes)).toEqual([]);
    expect(updates[0]!.nodes.at(-1)).toBe(cell('04'));
    expect(events).toContainEqual({
      ...{ kind: 'lane.updated', warehouseId: SITE, open: false },
      lanes: [lane('01', '02')],
    });
    const flow = service.lanes(SITE).find(({ from, to }) => from === cell('01') && to === cell('02'));
    expect(flow).toMatchObject({ open: false, plannedFlow: 0 });
    expect(await service.route(SITE, 'route-1')).toMatchObject({ revision: 1, nodes: updates[0]!.nodes });
  });

  it('does not call back a robot that has the lane behind it', async () => {
    const { service, events, pass, now } = await startService();
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    await pass(2);
    for (const node of ['01', '02']) {
      service.routeProgress(SITE, {
        type: 'route.progress',
        routeId,
        revision: 0,
        node: cell(node),
        at: now(),
      });
    }
    await service.closeLanes(SITE, [lane('00', '01'), lane('01', '02')]);
    expect(events.filter(({ kind }) => kind === 'route.updated')).toEqual([]);
  });

  it('holds a robot that has no way left, and releases it when the lane opens', async () => {
    const { service, events, pass } = await startService({ map: '.....' });
    const route = await service.requestRoute(SITE, request('a', '00', ['04']));
    await service.closeLanes(SITE, [lane('02', '03')]);
    const held = events.find(({ kind }) => kind === 'route.held');
    expect(held).toMatchObject({
      message: { type: 'route.held', robotId: 'a', revision: 1, node: cell('00') },
    });
    expect(service.lanes(SITE).every(({ plannedFlow }) => plannedFlow === 0)).toBe(true);
    expect(await codeOf(() => service.requestRoute(SITE, request('b', '00', ['04'])))).toBe('E_UNREACHABLE');
    await pass(20);
    await service.openLanes(SITE, [lane('02', '03')]);
    const released = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
    expect(released).toMatchObject([{ robotId: 'a', reason: 'laneOpened', revision: 2, nodes: route.nodes }]);
    await pass(4);
    const trace = traceAlong(route.nodes, START, [21, 1, 1, 1]);
    expect(await service.completeRoute(SITE, report(route, trace))).toMatchObject({ learnt: true });
  });

  it('keeps the order of the stops that are left', async () => {
    const { service, events } = await startService();
    await service.requestRoute(SITE, request('a', '00', ['02', '14']));
    await service.closeLanes(SITE, [lane('01', '02')]);
    const [update] = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
    expect(update).toMatchObject({ stopOrder: [0, 1] });
    expect(update!.stopIndexes.map((index) => update!.nodes[index])).toEqual([cell('02'), cell('14')]);
  });

  it('while the issue is being committed, and again while that is mended, lets no route over it leave', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, events } = await startService({ journal, map: '.....\n.....\n.....' });
    const commit = async (): Promise<boolean> => {
      await settle();
      const finished = store.finish('stored');
      await settle();
      return finished;
    };
    let answer: RouteAssignedContent | undefined;
    let closedWhenItLeft: string[] | undefined;
    // The first closing is being written while the route is planned; the second stands between the route's
    // issue and what mends it.
    const closings = [service.closeLanes(SITE, [lane('01', '02'), lane('02', '03')])];
    await settle();
    const asked = service.requestRoute(SITE, request('a', '00', ['04'])).then((route) => {
      answer = route;
      closedWhenItLeft = closedOn(service, route.nodes);
    });
    await settle();
    closings.push(service.closeLanes(SITE, [lane('11', '12'), lane('12', '13')]));
    await commit();
    await commit();
    closings.push(service.closeLanes(SITE, [lane('10', '11')]));
    while (await commit());
    await Promise.all([asked, ...closings]);
    expect(answer!.revision).toBeGreaterThan(0);
    expect(closedWhenItLeft).toEqual([]);
    const route = await service.route(SITE, answer!.routeId);
    expect(closedOn(service, route.nodes)).toEqual([]);
    const last = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : [])).at(-1);
    const told = last && last.revision > answer!.revision ? last : answer!;
    expect([told.revision, told.nodes]).toEqual([route.revision, route.nodes]);
  });

  it('while the issue is being committed leaves the route open where a full disk takes no other way', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, now } = await startService({ journal, map: '.....\n.....\n.....' });
    const finish = async (...fates: ('stored' | 'full')[]): Promise<void> => {
      for (const fate of fates) {
        await settle();
        expect(store.finish(fate)).toBe(true);
      }
      await settle();
    };
    const closing = service.closeLanes(SITE, [lane('01', '02'), lane('02', '03')]);
    await settle();
    const asked = codeOf(() => service.requestRoute(SITE, request('a', '00', ['04'])));
    await finish('stored', 'stored', 'full');
    await closing.catch(() => undefined);
    expect(await asked).toBe('E_JOURNAL_FULL');
    // What the ledger has open can be driven on from.
    const [open] = service.hello({
      ...{ type: 'hello', warehouseId: SITE },
      robots: [{ robotId: 'a', robotType: 'unit' }],
    }).openRoutes;
    const message = { type: 'route.deviated' as const, routeId: open!.routeId, revision: open!.revision };
    const updated = service.routeDeviated(SITE, { ...message, node: cell('00'), at: now() });
    await finish('stored');
    expect(closedOn(service, (await updated).nodes)).toEqual([]);
  });

  it('makes a repeated request get what the robot was told since, not the closed way', async () => {
    const { service } = await startService();
    const first = await service.requestRoute(SITE, request('a', '00', ['04']));
    await service.closeLanes(SITE, [lane('01', '02')]);
    const again = await service.requestRoute(SITE, request('a', '00', ['04']));
    expect(again).toMatchObject({ routeId: first.routeId, requestId: first.requestId, revision: 1 });
    expect(closedOn(service, again.nodes)).toEqual([]);
  });

  it('that fails for a full disk may be called again, and then tells the robots', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, events } = await startService({ journal });
    const run = async <T>(call: Promise<T>, ...fates: ('stored' | 'full')[]): Promise<T> => {
      call.catch(() => undefined);
      for (const fate of fates) {
        await settle();
        expect(store.finish(fate)).toBe(true);
      }
      return call;
    };
    const flow = () => service.lanes(SITE).map(({ plannedFlow }) => plannedFlow);
    const route = await run(service.requestRoute(SITE, request('a', '00', ['04'])), 'stored');
    const before = flow();
    const closing = () => service.closeLanes(SITE, [lane('01', '02')]);
    expect(await codeOf(() => run(closing(), 'stored', 'full'))).toBe('E_JOURNAL_FULL');
    // What the robot drives is what the floor is planned with: it was told nothing yet.
    expect(flow()).toEqual(before);
    expect(events.filter(({ kind }) => kind === 'route.updated')).toEqual([]);
    await run(closing(), 'stored', 'stored');
    const [update] = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
    expect(update).toMatchObject({ routeId: route.routeId, revision: 1 });
    expect(closedOn(service, update!.nodes)).toEqual([]);
  });

  it('at any moment leaves no open route and no answer over it', async () => {
    const digits = ['00', '02', '04', '10', '12', '14', '20', '22', '24'];
    const hop = [lane('01', '02'), lane('02', '01'), lane('11', '12'), lane('12', '13'), lane('02', '12')];
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ what: fc.nat(3), robot: fc.nat(2), from: fc.nat(8), to: fc.nat(8), hop: fc.nat(4) }),
          {
            minLength: 5,
            maxLength: 25,
          },
        ),
        async (steps) => {
          const { service, events } = await startService({ map: '.....\n.....\n.....' });
          const told = new Map<string, readonly string[]>();
          let requests = 0;
          const calls = steps.map(async (step) => {
            const robot = ['a', 'b', 'c'][step.robot]!;
            try {
              if (step.what <= 1) {
                const wanted = request(robot, digits[step.from]!, [digits[step.to]!], `q${requests++}`);
                const answer = await service.requestRoute(SITE, wanted);
                expect(closedOn(service, answer.nodes)).toEqual([]);
                told.set(answer.routeId, answer.nodes);
              } else if (step.what === 2) await service.closeLanes(SITE, [hop[step.hop]!]);
              else await service.openLanes(SITE, [hop[step.hop]!]);
            } catch (error) {
              expect(['E_ROUTE_OPEN', 'E_UNREACHABLE']).toContain((error as { code?: string }).code);
            }
          });
          await Promise.all(calls);
          for (const routeId of told.keys()) {
            const route = await service.route(SITE, routeId);
            const held = events.findLast(
              (event) =>
                (event.kind === 'route.held' || event.kind === 'route.updated') &&
                event.message.routeId === routeId,
            );
            if (held?.kind !== 'route.held') expect(closedOn(service, route.nodes)).toEqual([]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('finds a robot that sends no progress where its ETAs put it', async () => {
    const { service, events, pass } = await startService({ map: '......\n......', robots: ['a', 'b'] });
    const stops = [{ node: cell('01'), handlingSeconds: 2 }, cell('05')];
    const ahead = await service.requestRoute(SITE, { ...request('a', '00', []), stops });
    const past = await service.requestRoute(SITE, request('b', '02', ['05']));
    // By now a has handled its goods for a second and b is one lane from its goal.
    await pass(2);
    await service.closeLanes(SITE, [lane('03', '04')]);
    const updates = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
    expect(updates).toMatchObject([{ routeId: ahead.routeId, stopOrder: [1] }]);
    expect([updates[0]!.nodes[0], updates[0]!.nodes.at(-1)]).toEqual([cell('01'), cell('05')]);
    expect(closedOn(service, updates[0]!.nodes)).toEqual([]);
    // The trace tells where it was: it is scored as one route, driven under both plans.
    await pass(10);
    const nodes = [cell('00'), ...updates[0]!.nodes];
    const trace = traceAlong(nodes, START, [1, 3]);
    const scored = await service.completeRoute(SITE, report(ahead, trace));
    expect(scored).toMatchObject({ learnt: true, components: { time: nodes.length - 1, wait: 0 } });
    const driven = traceAlong(past.nodes, START);
    expect(await service.completeRoute(SITE, report(past, driven))).toMatchObject({ learnt: true });
    expect(service.lanes(SITE).every(({ plannedFlow }) => plannedFlow === 0)).toBe(true);
  });

  it('while a robot pushed off is being re-planned sends it no way over the lane', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, now } = await startService({ journal, map: '.....\n.....\n.....' });
    const commitAll = async (): Promise<void> => {
      do await settle();
      while (store.finish('stored'));
    };
    const asked = service.requestRoute(SITE, request('a', '00', ['04']));
    await commitAll();
    const { routeId } = await asked;
    const closing = service.closeLanes(SITE, [lane('11', '12')]);
    const deviated = { type: 'route.deviated' as const, routeId, revision: 0, node: cell('10'), at: now() };
    let closedWhenItLeft: string[] | undefined;
    const updated = service.routeDeviated(SITE, deviated).then(({ nodes }) => {
      closedWhenItLeft = closedOn(service, nodes);
    });
    await settle();
    // Both are in one commit, and the closing is in force as soon as that returns.
    const second = service.closeLanes(SITE, [lane('00', '01'), lane('20', '21')]);
    await commitAll();
    await Promise.all([closing, second, updated]);
    expect(closedWhenItLeft).toEqual([]);
  });

  describe('while the next plan of a route is being written', () => {
    /** A robot on its way from 00 to 04, on a disk whose commits end when the test says. */
    async function startUnderWay() {
      const store = createFaultyStore();
      const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
      const { service, events, pass, now } = await startService({ journal });
      const finish = async (...fates: ('stored' | 'full')[]): Promise<void> => {
        for (const fate of fates) {
          await settle();
          expect(store.finish(fate)).toBe(true);
        }
        await settle();
      };
      const asked = service.requestRoute(SITE, request('a', '00', ['04']));
      await finish('stored');
      const { routeId } = await asked;
      /** For each closing that was answered, the revisions that the robot had been sent by then. */
      const sentAtAnswer: number[][] = [];
      const close = async (): Promise<void> => {
        await service.closeLanes(SITE, [lane('01', '02')]);
        sentAtAnswer.push(
          events.flatMap((event) => (event.kind === 'route.updated' ? [event.message.revision] : [])),
        );
      };
      return { service, events, pass, now, finish, routeId, close, sentAtAnswer };
    }

    it('for another closing, is answered after its robot was told', async () => {
      const { finish, close, sentAtAnswer } = await startUnderWay();
      const first = close();
      await settle();
      const second = close();
      // The closings' own records come before the plan that both wait for.
      await finish('stored', 'stored');
      expect(sentAtAnswer).toEqual([]);
      await finish('stored');
      await Promise.all([first, second]);
      expect(sentAtAnswer).toEqual([[1], [1]]);
    });

    it('for a tick, is answered after its robot was told', async () => {
      const { finish, close, pass, sentAtAnswer } = await startUnderWay();
      const refused = codeOf(close);
      await finish('stored', 'full');
      expect(await refused).toBe('E_JOURNAL_FULL');
      const again = close();
      await settle();
      const ticked = pass(1);
      await finish('stored');
      expect(sentAtAnswer).toEqual([]);
      await finish('stored');
      await Promise.all([again, ticked]);
      expect(sentAtAnswer).toEqual([[1]]);
    });

    it('for a robot pushed off twice, finds another one where a full disk refuses those', async () => {
      const { service, events, now, finish, routeId, close, sentAtAnswer } = await startUnderWay();
      const pushOff = (digits: string): Promise<string> => {
        const place = { routeId, revision: 0, node: cell(digits), at: now() };
        return codeOf(() => service.routeDeviated(SITE, { type: 'route.deviated', ...place }));
      };
      const closing = close();
      await settle();
      const refused = [pushOff('12')];
      // The closing waits for this plan, and the next one begins meanwhile.
      await finish('stored');
      refused.push(pushOff('13'));
      await finish('full');
      expect(sentAtAnswer).toEqual([]);
      await finish('full');
      expect(sentAtAnswer).toEqual([]);
      await finish('stored');
      await closing;
      expect(await Promise.all(refused)).toEqual(['E_JOURNAL_FULL', 'E_JOURNAL_FULL']);
      expect(sentAtAnswer).toEqual([[1]]);
      const [update] = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
      expect([update!.nodes[0], closedOn(service, update!.nodes)]).toEqual([cell('13'), []]);
    });
  });

  it('that a crash cut short is made good by the next server, and no robot drives on meanwhile', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, now } = await startService({ journal });
    const asked = service.requestRoute(SITE, request('a', '00', ['04']));
    await settle();
    store.finish('stored');
    const { routeId } = await asked;
    void service.closeLanes(SITE, [lane('01', '02')]).catch(() => undefined);
    await settle();
    store.finish('stored');
    await settle();
    // The lane is closed, the new way is not stored: here the power goes.
    const rest = createFaultyStore([...store.durable]);
    const again = createJournal(rest, { onFatal: (error) => expect(error).toBeUndefined() });
    const after = await startService({ journal: again, robots: [], at: now() });
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const hello = () => after.service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    expect(hello()).toMatchObject([{ routeId, revision: 0, nodes: [cell('00')], stopIndexes: [] }]);
    const repeated = () => after.service.requestRoute(SITE, request('a', '00', ['04']));
    expect(await codeOf(repeated)).toBe('E_ROUTE_OPEN');
    const ticked = after.pass(1);
    await settle();
    rest.finish('stored');
    await ticked;
    const [open] = hello();
    expect(open).toMatchObject({ routeId, revision: 1 });
    expect([open!.nodes.at(-1), closedOn(after.service, open!.nodes)]).toEqual([cell('04'), []]);
    expect(after.events).toMatchObject([{ kind: 'route.updated', message: { nodes: open!.nodes } }]);
    // What is in order is left alone.
    await after.pass(1);
    expect(after.events.length).toBe(1);
  });

  it('leaves a held robot waiting when it says hello, and lets it go on at the next chance', async () => {
    const { service, events, pass } = await startService({ map: '.....' });
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    await service.closeLanes(SITE, [lane('02', '03')]);
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const hello = () => service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    const waits = { held: true, nodes: [cell('00')], stopIndexes: [] };
    expect(hello()).toEqual([{ routeId, robotId: 'a', revision: 1, ...waits }]);
    await pass(5);
    expect(events.filter(({ kind }) => kind === 'route.held').length).toBe(1);
    await service.openLanes(SITE, [lane('02', '03')]);
    expect(hello()).toMatchObject([{ routeId, revision: 2, stopIndexes: [4] }]);
  });

  it('leaves whoever says hello a way that is open from its first node on', async () => {
    const { service, events, pass, now } = await startService();
    const { routeId } = await service.requestRoute(SITE, request('a', '00', ['04']));
    await pass(2);
    await service.closeLanes(SITE, [lane('00', '01'), lane('01', '02')]);
    // It is taken to have both behind it.
    expect(events.filter(({ kind }) => kind === 'route.updated')).toEqual([]);
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const [open] = service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    const rest = { held: false, nodes: ['02', '03', '04'].map(cell), stopIndexes: [2] };
    expect(open).toEqual({ routeId, robotId: 'a', revision: 0, ...rest });
    // The answer had never reached it: it says where it stands.
    const deviated = { type: 'route.deviated' as const, routeId, revision: 0, node: cell('00'), at: now() };
    const { nodes } = await service.routeDeviated(SITE, deviated);
    expect([nodes[0], nodes.at(-1), closedOn(service, nodes)]).toEqual([cell('00'), cell('04'), []]);
  });

  it('does not take a robot that its welcome told to wait for one that drives on', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, events, pass } = await startService({ journal });
    const run = async <T>(call: Promise<T>, ...fates: ('stored' | 'full')[]): Promise<T> => {
      call.catch(() => undefined);
      for (const fate of fates) {
        await settle();
        expect(store.finish(fate)).toBe(true);
      }
      return call;
    };
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const hello = () => service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    const { routeId } = await run(service.requestRoute(SITE, request('a', '00', ['04'])), 'stored');
    const closing = service.closeLanes(SITE, [lane('01', '02')]);
    expect(await codeOf(() => run(closing, 'stored', 'full'))).toBe('E_JOURNAL_FULL');
    expect(hello()).toMatchObject([{ routeId, held: true, nodes: [cell('00')] }]);
    // By its ETAs it would have the lane behind it before there is room for its next plan.
    expect(await codeOf(() => run(pass(3), 'full'))).toBe('E_JOURNAL_FULL');
    expect(hello()).toMatchObject([{ routeId, held: true, nodes: [cell('00')] }]);
    await run(pass(1), 'stored');
    const [update] = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
    expect(update).toMatchObject({ routeId, revision: 1 });
    expect([update!.nodes[0], closedOn(service, update!.nodes)]).toEqual([cell('00'), []]);
  });

  it('while a slow disk writes the issue finds the robot where it asked, every stop before it', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, pass } = await startService({ journal });
    const asked = service.requestRoute(SITE, request('a', '00', ['02', '04']));
    const closing = service.closeLanes(SITE, [lane('01', '02')]);
    await settle();
    // By its ETAs it would be at its goal when it gets its way.
    await pass(10);
    while (store.finish('stored')) await settle();
    await closing;
    const { nodes, stopIndexes } = await asked;
    expect([nodes[0], closedOn(service, nodes)]).toEqual([cell('00'), []]);
    expect(stopIndexes.map((index) => nodes[index])).toEqual([cell('02'), cell('04')]);
  });

  it('lets whoever says hello while its next plan is being written wait for the one after it', async () => {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const { service, events, pass, now } = await startService({ journal });
    const commit = async <T>(call: Promise<T>): Promise<T> => {
      await settle();
      expect(store.finish('stored')).toBe(true);
      return call;
    };
    const robots = [{ robotId: 'a', robotType: 'unit' }];
    const hello = () => service.hello({ type: 'hello', warehouseId: SITE, robots }).openRoutes;
    const { routeId } = await commit(service.requestRoute(SITE, request('a', '00', ['04'])));
    const deviated = { type: 'route.deviated' as const, routeId, revision: 0, node: cell('10'), at: now() };
    const answer = service.routeDeviated(SITE, deviated);
    await settle();
    expect(hello()).toMatchObject([{ revision: 0, held: true, nodes: [cell('10')] }]);
    expect(await commit(answer)).toMatchObject({ revision: 1 });
    await commit(pass(1));
    const updates = events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
    expect(updates).toMatchObject([{ routeId, revision: 2 }]);
    expect(hello()).toMatchObject([{ revision: 2, held: false, nodes: updates[0]!.nodes }]);
  });

  it('is not told to who drives a route that is over: a repeated request does not get it', async () => {
    const { service } = await startService();
    const wanted = request('a', '00', ['04']);
    const { routeId } = await service.requestRoute(SITE, wanted);
    await service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'why' });
    expect(await codeOf(() => service.requestRoute(SITE, wanted))).toBe('E_ROUTE_CLOSED');
  });
});
