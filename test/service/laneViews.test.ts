import { expect, it } from 'vitest';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { SITE, startService } from './support/startService.js';

/** A ring, its lane back from p to s closed on the map, and one across that carts may not drive. */
const map = (): LaneGraph =>
  compileFile({
    ...{ id: SITE, mapVersion: '1', stations: ['s'], pickFaces: ['p'], laneDefaults: { speedLimit: 1 } },
    robotTypes: ['unit', 'cart'].map((name) => ({ name, maximumSpeed: 1, lengthMetres: 1 })),
    nodes: [
      { id: 's', x: 0, y: 0 },
      { id: 'p', x: 5, y: 0 },
      { id: 'q', x: 5, y: 5 },
    ],
    lanes: [
      { from: 's', to: 'p' },
      { from: 'p', to: 's', open: false },
      { from: 'p', to: 'q' },
      { from: 'q', to: 's' },
      { from: 's', to: 'q', barred: ['cart'] },
    ],
  });

it('lists the closed lanes alone, with who closed each and whom it bars, over restarts too', async () => {
  const before = await startService({ graphs: [map()] });
  const closed = (service = before.service) =>
    service.lanes(SITE, { closed: true }).map(({ from, to, closedBy, barredTo }) => {
      return [`${from}/${to}`, closedBy, barredTo];
    });
  expect(closed()).toEqual([['p/s', 'map', undefined]]);
  const open = before.service.lanes(SITE, { closed: false });
  expect(open.map(({ from, to }) => `${from}/${to}`)).toEqual(['s/p', 's/q', 'p/q', 'q/s']);
  expect(open.map(({ barredTo }) => barredTo)).toEqual([undefined, ['cart'], undefined, undefined]);
  expect(before.service.lanes(SITE).length).toBe(5);

  await before.service.closeLanes(SITE, [{ from: 's', to: 'q' }]);
  const both = [
    ['s/q', 'closure', ['cart']],
    ['p/s', 'map', undefined],
  ];
  expect(closed()).toEqual(both);
  const after = await startService({ graphs: [map()], journal: before.journal, robots: [] });
  expect(closed(after.service)).toEqual(both);
  await after.service.openLanes(SITE, [
    { from: 's', to: 'q' },
    { from: 'p', to: 's' },
  ]);
  expect(closed(after.service)).toEqual([]);
});

it('lists lanes as they were when the list began, whatever closes before it is read', async () => {
  const { service } = await startService({ graphs: [map()] });
  const list = service.eachLane(SITE)[Symbol.iterator]();
  list.next();
  await service.closeLanes(SITE, [{ from: 'q', to: 's' }]);
  const rest: boolean[] = [];
  for (let next = list.next(); next.done !== true; next = list.next()) rest.push(next.value.open);
  expect(rest).toEqual(
    service
      .lanes(SITE)
      .slice(1)
      .map(({ from, open }) => open || from === 'q'),
  );
});
