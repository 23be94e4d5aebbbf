import { expect, it } from 'vitest';
import { closedLaneTable, openRouteTable } from '../../src/cli/floorTables.js';
import type { OpenRouteView } from '../../src/domain/serviceContract.js';

const route: OpenRouteView = {
  ...{ routeId: 'route-1', robotId: 'amr-1', robotType: 'unit', revision: 0 },
  ...{ node: 'r1c1', assumed: false, issuedAt: 0, deadlineAt: null, heardAt: null },
  ...{ waitingSeconds: 119, lateSeconds: 120, held: false, heldBecause: null },
};

/** The cells of a table, without its lines and head. */
function rowsOf(table: string): string[][] {
  const lines = table.split('\n').filter((line) => line.startsWith('│'));
  return lines.slice(1).map((line) =>
    line
      .slice(1, -1)
      .split('│')
      .map((text) => text.trim()),
  );
}

it('shows of open routes where each robot is, for how long, how late, and why it is held', () => {
  const gone = { node: null, waitingSeconds: 9000, lateSeconds: null, held: true } as const;
  const routes = [
    { ...route, ...gone, heldBecause: 'otherMap' as const },
    route,
    { ...route, assumed: true, waitingSeconds: 1.6, lateSeconds: -3 },
  ];
  const text = openRouteTable({ total: 4, routes });
  expect(rowsOf(text).map((cells) => cells.slice(2))).toEqual([
    ['-', '2.5 h', '-', 'its map has changed: cancel it'],
    ['r1c1', '119 s', '2 min', ''],
    ['r1c1 by its ETAs', '2 s', '-', ''],
  ]);
  expect(text).toContain('\n3 of 4: those that wait longest.');
  expect(openRouteTable({ total: 1, routes: [route] })).not.toContain('wait longest');
});

it('shows a closed lane with the one back where both are closed alike', () => {
  const about = { lengthMetres: 1, speedLimit: 1, open: false, plannedFlow: 0, price: 1 };
  const closed = (from: string, to: string, closedBy: 'closure' | 'map', barredTo?: readonly string[]) => ({
    ...{ ...about, from, to, closedBy },
    ...(barredTo === undefined ? {} : { barredTo }),
  });
  const table = closedLaneTable([
    closed('a', 'b', 'closure'),
    closed('b', 'a', 'closure'),
    closed('b', 'c', 'map', ['cart', 'lift']),
    closed('c', 'b', 'closure'),
  ]);
  expect(rowsOf(table)).toEqual([
    ['a/b b/a', 'closure', ''],
    ['b/c', 'map', 'cart, lift'],
    ['c/b', 'closure', ''],
  ]);
});
