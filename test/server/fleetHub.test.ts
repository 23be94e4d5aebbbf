import { expect, it } from 'vitest';
import type { ServiceEvent } from '../../src/domain/serviceContract.js';
import type { FleetConnection } from '../../src/server/fleetConnection.js';
import { createFleetHub } from '../../src/server/fleetHub.js';
import { createLogger } from '../../src/server/logging.js';

const HELD = {
  ...{ kind: 'route.held', warehouseId: 'north' },
  message: { type: 'route.held', robotId: 'amr-1', routeId: 'route-1' },
} as unknown as ServiceEvent;

/** Says which of some connections is told of a route of `amr-1`. */
function startHub() {
  const hub = createFleetHub(createLogger('silent'));
  let told: string[] = [];
  const open = (connectionId: string) => {
    const connection = {
      ...{ connectionId, isOpen: true, warehouses: new Set(), speaksFor: new Set(), warehouseOf: new Map() },
      send: () => void told.push(connectionId),
    } as unknown as FleetConnection & { isOpen: boolean };
    hub.add(connection);
    const hello = (): void =>
      hub.bind(connection, {
        ...{ type: 'hello', warehouseId: 'north' },
        robots: [{ robotId: 'amr-1', robotType: 'unit' }],
      });
    return { connection, hello, close: () => hub.remove(connection) };
  };
  const push = (): string[] => {
    told = [];
    hub.push(HELD);
    return told;
  };
  return { open, push, sharedRobots: () => hub.sharedRobots };
}

it('tells a robot on the connection of its newest hello, and where that has gone on the one before', () => {
  const { open, push } = startHub();
  const [first, second, third] = [open('first'), open('second'), open('third')];
  expect(push()).toEqual([]);
  for (const { hello } of [first, second, first, third]) hello();
  expect(push()).toEqual(['third']);
  third.close();
  expect(push()).toEqual(['first']);
  second.close();
  expect(push()).toEqual(['first']);
  first.close();
  expect(push()).toEqual([]);
});

it('tells it on the one before while the newest is closing, which may take long', () => {
  const { open, push } = startHub();
  const [older, newer] = [open('older'), open('newer')];
  for (const { hello } of [older, newer]) hello();
  newer.connection.isOpen = false;
  expect(push()).toEqual(['older']);
});

it('counts the robots that several connections speak for, once each, until one is left', () => {
  const { open, sharedRobots } = startHub();
  const counts: number[] = [];
  const [first, second, third] = [open('first'), open('second'), open('third')];
  for (const step of [
    ...[first.hello, first.hello, second.hello, third.hello, second.hello],
    ...[second.close, second.close, first.close, third.close],
  ]) {
    step();
    counts.push(sharedRobots());
  }
  expect(counts).toEqual([0, 0, 1, 1, 1, 1, 1, 0, 0]);
});
