import { describe, expect, it } from 'vitest';
import { createFleetDriver } from '../../load/fleetDriver.js';
import type { Floor } from '../../load/floor.js';
import type { Gateway } from '../../load/gateway.js';
import { createTally } from '../../load/tally.js';
import { zeroComponents } from '../../src/domain/components.js';
import type { FromFleetMessage, RouteAssignedMessage } from '../../src/domain/messages.js';
import { monotonicMilliseconds } from '../../src/platform/clock.js';

const ORDER = { picks: 1, hops: 1 };
const floor: Floor = {
  ...{ warehouseId: 'north', robotType: 'unit', randomNode: () => 'a' },
  order: (requestId, robotId) => ({ requestId, robotId, from: 'a', stops: ['b'] }),
};

function startDriver(robots: number) {
  const sent: FromFleetMessage[] = [];
  const gateway: Gateway = {
    send: (message) => void sent.push(message),
    afterHandled: (tell) => tell(),
    close: async () => undefined,
    terminate: () => undefined,
  };
  const tally = createTally();
  const fleet = Array.from({ length: robots }, (_, index) => ({ robotId: `load-${index}`, gateway }));
  const driver = createFleetDriver({ robots: fleet, floor, order: ORDER, tally });
  return { driver, sent, tally };
}

function assigned(request: FromFleetMessage | undefined, routeId: string): RouteAssignedMessage {
  if (request?.type !== 'route.request') throw new Error('no request was sent');
  return {
    ...{
      type: 'route.assigned',
      requestId: request.requestId,
      routeId,
      robotId: request.robotId,
      revision: 0,
    },
    ...{ mapVersion: '1', policyVersion: 'p1', stopOrder: [0], stopIndexes: [1] },
    ...{ nodes: ['a', 'b'], etaSeconds: [0, 3600], expected: zeroComponents() },
    why: { freeFlowSeconds: 1, pricedCost: 1, shortestPricedCost: 1, served: 'priced' },
  };
}

describe('the fleet of the load driver', () => {
  it('measures from the moment an order was due, so that a stall is paid by all that fell due in it', () => {
    const { driver, sent, tally } = startDriver(3);
    const now = monotonicMilliseconds();
    for (const lateBy of [900, 600, 300]) driver.orderDue(now - lateBy);
    sent.slice().forEach((request, index) => driver.receive(assigned(request, `route-${index}`)));
    const { count, p50, maximum } = tally.request.summary();
    expect(count).toBe(3);
    expect(p50).toBeGreaterThanOrEqual(600);
    expect(maximum).toBeGreaterThanOrEqual(900);
    driver.stop();
  });

  it('lets an order wait for a robot, counts that, and goes on counting its latency', () => {
    const { driver, sent, tally } = startDriver(1);
    driver.orderDue(monotonicMilliseconds());
    driver.orderDue(monotonicMilliseconds() - 500);
    expect(sent).toHaveLength(1);
    expect(tally.withoutRobot).toBe(1);
    driver.receive(assigned(sent[0], 'route-1'));
    driver.receive({ type: 'route.closed', routeId: 'route-1', state: 'cancelled' });
    driver.receive(assigned(sent[1], 'route-2'));
    expect(tally.request.summary().maximum).toBeGreaterThanOrEqual(500);
    driver.stop();
  });

  it('counts a refusal by its code and frees the robot for the next order', () => {
    const { driver, sent, tally } = startDriver(1);
    driver.orderDue(monotonicMilliseconds());
    const requestId = (sent[0] as { requestId: string }).requestId;
    driver.receive({ type: 'error', code: 'E_BUSY', message: 'busy', references: { requestId } });
    driver.orderDue(monotonicMilliseconds());
    expect(tally.errors).toEqual({ E_BUSY: 1 });
    expect(sent.map(({ type }) => type)).toEqual(['route.request', 'route.request']);
    expect(driver.busy).toBe(1);
  });

  it('gives a route back that the server changed, and cancels what is under way when it stops', () => {
    const { driver, sent, tally } = startDriver(2);
    driver.orderDue(monotonicMilliseconds());
    driver.orderDue(monotonicMilliseconds());
    const [first, second] = [assigned(sent[0], 'route-1'), assigned(sent[1], 'route-2')];
    driver.receive(first);
    driver.receive(second);
    driver.receive({ ...first, type: 'route.updated', revision: 1, reason: 'laneClosed' });
    driver.receive({ type: 'route.closed', routeId: 'route-1', state: 'cancelled' });
    driver.stop();
    expect(tally.errors).toEqual({ interrupted: 1 });
    const cancelled = sent.flatMap((message) =>
      message.type === 'route.cancelled' ? [message.routeId] : [],
    );
    expect(cancelled).toEqual(['route-1', 'route-2']);
  });
});
