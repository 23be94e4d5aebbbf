import { describe, expect, it, vi } from 'vitest';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { createRandom } from '../../src/platform/random.js';
import { cell, lane, SITE, startService, type TestService } from './support/startService.js';

const ROW = '..........';
const TOUR = {
  ...{ requestId: 'q', robotId: 'a', from: cell('00') },
  ...{ stops: ['01', '03', '05', '07'].map(cell), dropoff: cell('09') },
};

/** Columns that planned flow leads into, on a map of one row. */
const flowInto = ({ service }: TestService): string =>
  service
    .lanes(SITE)
    .filter(({ plannedFlow }) => plannedFlow > 0)
    .map(({ to }) => to.slice('r0c'.length))
    .join(' ');
const flow = ({ service }: TestService): number =>
  service.lanes(SITE).reduce((sum, { plannedFlow }) => sum + Math.abs(plannedFlow), 0);

describe('a tour of many stops', () => {
  it('counts on its way to the next two, as far as it has come', async () => {
    const running = await startService({ map: ROW });
    const { service, pass, now } = running;
    const { routeId } = await service.requestRoute(SITE, TOUR);
    const seen = [flowInto(running)];
    for (const column of ['01', '02', '03', '05', '08']) {
      await pass(1);
      const node = cell(column);
      service.routeProgress(SITE, { type: 'route.progress', routeId, revision: 0, node, at: now() });
      seen.push(flowInto(running));
    }
    expect(seen).toEqual(['1 2 3', '2 3 4 5', '3 4 5', '4 5 6 7', '6 7 8 9', '9']);
    await service.close();
  });

  it('counts as a whole for hand-made prices', async () => {
    const running = await startService({ map: ROW, forcedSource: 'flow' });
    await running.service.requestRoute(SITE, TOUR);
    expect(flowInto(running)).toBe('1 2 3 4 5 6 7 8 9');
    await running.service.close();
  });

  it('counts as far as its ETAs put a robot that reports nothing', async () => {
    const running = await startService({ map: ROW });
    await running.service.requestRoute(SITE, TOUR);
    await running.pass(3.5);
    expect(flowInto(running)).toBe('4 5 6 7');
    await running.service.close();
  });

  it('counts as before where its next plan cannot be stored', async () => {
    const journal = createMemoryJournal();
    const running = await startService({ map: ROW, journal });
    const { service, now } = running;
    const { routeId } = await service.requestRoute(SITE, TOUR);
    vi.spyOn(journal, 'append').mockRejectedValueOnce(new Error('the disk is gone'));
    const away = { routeId, revision: 0, node: cell('02'), at: now() };
    await expect(service.routeDeviated(SITE, { type: 'route.deviated', ...away })).rejects.toThrow('gone');
    expect(flowInto(running)).toBe('3 4 5');
    await service.close();
  });
});

it('whatever becomes of tours, nothing of them stays once they are over', async () => {
  let counted = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const random = createRandom(seed);
    const robots = ['a', 'b', 'c', 'd'];
    const running = await startService({ map: '......\n......\n......', robots });
    const { service, pass, now } = running;
    const anyCell = (): string => cell(`${random.integer(3)}${random.integer(6)}`);
    const open = new Map<string, { routeId: string; revision: number; nodes: string[]; at: number }>();
    for (let step = 0; step < 60; step++) {
      await pass(1);
      const robotId = robots[random.integer(robots.length)]!;
      const route = open.get(robotId);
      if (!route) {
        const stops = Array.from({ length: 1 + random.integer(5) }, anyCell);
        const request = { requestId: `${step}`, robotId, from: anyCell(), stops };
        const { routeId, nodes } = await service.requestRoute(SITE, request);
        open.set(robotId, { routeId, revision: 0, nodes: [...nodes], at: 0 });
        continue;
      }
      const { routeId, revision } = route;
      const what = random.integer(10);
      if (what === 0) {
        await service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'test' });
        open.delete(robotId);
      } else if (what === 1) {
        const away = { routeId, revision, node: anyCell(), at: now() };
        const answer = await service.routeDeviated(SITE, { type: 'route.deviated', ...away });
        if (answer?.type === 'route.updated')
          open.set(robotId, { routeId, revision: answer.revision, nodes: [...answer.nodes], at: 0 });
      } else if (what === 2) {
        await service.closeLanes(SITE, [lane('11', '12')]);
        await service.openLanes(SITE, [lane('11', '12')]);
      } else {
        route.at = Math.min(route.nodes.length - 1, route.at + 1 + random.integer(3));
        const node = route.nodes[route.at]!;
        service.routeProgress(SITE, { type: 'route.progress', routeId, revision, node, at: now() });
      }
    }
    counted += flow(running);
    for (const { routeId } of open.values())
      await service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'test' });
    expect(flow(running)).toBe(0);
    await service.close();
  }
  expect(counted).toBeGreaterThan(0);
});
