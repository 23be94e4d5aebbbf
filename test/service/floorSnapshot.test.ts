import { expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { forgetFloors, type FloorSnapshot } from '../../src/service/floorSnapshot.js';

it('the oldest open routes forget their floors where all together keep too many places', () => {
  const places = LIMITS.floorPlaces / 2;
  const floor = (): FloorSnapshot => ({
    ...{ at: 0, mapVersion: '1', closedLanes: [] },
    robots: new Array<never>(places),
  });
  const [old, newer, newest] = [floor(), floor(), floor()];
  const plannedOn = [old, null, newer, newer, newest];
  const routes = new Map(plannedOn.map((snapshot, i) => [i, { plannedOn: snapshot }]));
  forgetFloors(routes);
  expect([...routes.values()].map((route) => route.plannedOn)).toEqual([null, null, newer, newer, newest]);
});
