import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closedOn, request, updatesIn } from './support/closing.js';
import { cell, codeOf, lane, report, SITE, startService, START, traceAlong } from './support/startService.js';

describe('closing a lane', () => {
  it('sends every open route that crosses it another way, and leaves the others alone', async () => {
    const { service, events } = await startService();
    await service.requestRoute(SITE, request('a', '00', ['04']));
    await service.requestRoute(SITE, request('b', '02', ['04']));
    await service.requestRoute(SITE, request('c', '10', ['14']));
    await service.closeLanes(SITE, [lane('01', '02')]);
    const updates = updatesIn(events);
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
    const released = updatesIn(events);
    expect(released).toMatchObject([{ robotId: 'a', reason: 'laneOpened', revision: 2, nodes: route.nodes }]);
    await pass(4);
    const trace = traceAlong(route.nodes, START, [21, 1, 1, 1]);
    expect(await service.completeRoute(SITE, report(route, trace))).toMatchObject({ learnt: true });
  });

  it('keeps the order of the stops that are left', async () => {
    const { service, events } = await startService();
    await service.requestRoute(SITE, request('a', '00', ['02', '14']));
    await service.closeLanes(SITE, [lane('01', '02')]);
    const [update] = updatesIn(events);
    expect(update).toMatchObject({ stopOrder: [0, 1] });
    expect(update!.stopIndexes.map((index) => update!.nodes[index])).toEqual([cell('02'), cell('14')]);
  });

  it('makes a repeated request get what the robot was told since, not the closed way', async () => {
    const { service } = await startService();
    const first = await service.requestRoute(SITE, request('a', '00', ['04']));
    await service.closeLanes(SITE, [lane('01', '02')]);
    const again = await service.requestRoute(SITE, request('a', '00', ['04']));
    expect(again).toMatchObject({ routeId: first.routeId, requestId: first.requestId, revision: 1 });
    expect(closedOn(service, again.nodes)).toEqual([]);
  });

  it('is not told to who drives a route that is over: a repeated request does not get it', async () => {
    const { service } = await startService();
    const wanted = request('a', '00', ['04']);
    const { routeId } = await service.requestRoute(SITE, wanted);
    await service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'why' });
    expect(await codeOf(() => service.requestRoute(SITE, wanted))).toBe('E_ROUTE_CLOSED');
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
    const updates = updatesIn(events);
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
});
