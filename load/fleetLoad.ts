import { setTimeout as sleep } from 'node:timers/promises';
import type { ToFleetMessage } from '../src/domain/messages.js';
import { monotonicMilliseconds } from '../src/platform/clock.js';
import type { Random } from '../src/platform/random.js';
import type { Target } from './api.js';
import { atDue, createFleetDriver, type FleetDriver, type Robot } from './fleetDriver.js';
import type { Floor, OrderSize } from './floor.js';
import { openGateway, type Gateway } from './gateway.js';
import { createTally, type FleetLoadResult, type Tally } from './tally.js';

export interface FleetLoadOptions {
  readonly target: Target;
  readonly floor: Floor;
  readonly random: Random;
  readonly robots: number;
  readonly connections: number;
  /** Orders that fall due, whatever the server does. */
  readonly ordersPerSecond: number;
  readonly seconds: number;
  readonly order: OrderSize;
  readonly onProgress: (line: string) => void;
}

/** How long after the last order the routes under way may take to end. */
const DRAIN_SECONDS = 180;
const PROGRESS_MILLISECONDS = 5_000;

/**
 * Drives a fleet in open loop: orders fall due at random moments of a fixed rate (Poisson), each takes
 * a free robot, and routes are driven on the wall's clock, so that the server learns from them.
 */
export async function loadFleet(options: FleetLoadOptions): Promise<FleetLoadResult> {
  const { floor, order, random, seconds } = options;
  const tally = createTally();
  const inbox: { receive: (message: ToFleetMessage) => void } = { receive: () => undefined };
  const { gateways, robots } = await connectFleet(options, inbox, tally);
  const driver = createFleetDriver({ robots, floor, order, tally });
  inbox.receive = (message) => driver.receive(message);

  const meanGap = 1000 / options.ordersPerSecond;
  const startedAt = monotonicMilliseconds();
  const endsAt = startedAt + 1000 * seconds;
  const arrive = (dueAt: number): void => {
    if (dueAt >= endsAt) return;
    atDue(dueAt, () => {
      driver.orderDue(dueAt);
      arrive(dueAt + random.exponential(meanGap));
    });
  };
  arrive(startedAt);
  await untilDriven(driver, tally, endsAt, options.onProgress);
  const result = tally.result((monotonicMilliseconds() - startedAt) / 1000, driver.busy);
  driver.stop();
  await Promise.all(gateways.map((gateway) => gateway.close()));
  return result;
}

async function untilDriven(
  driver: FleetDriver,
  tally: Tally,
  endsAt: number,
  onProgress: (line: string) => void,
): Promise<void> {
  const givesUpAt = endsAt + 1000 * DRAIN_SECONDS;
  let tellAt = monotonicMilliseconds() + PROGRESS_MILLISECONDS;
  for (;;) {
    const now = monotonicMilliseconds();
    if (now >= givesUpAt || (now >= endsAt && driver.busy === 0)) return;
    if (now >= tellAt) {
      tellAt += PROGRESS_MILLISECONDS;
      const { count, p50, p99 } = tally.request.summary();
      const left = now < endsAt ? `${Math.ceil((endsAt - now) / 1000)} s left` : 'finishing';
      onProgress(
        `${left}: ${count} routes, ${driver.underWay} under way, request p50 ${p50} ms, p99 ${p99} ms`,
      );
    }
    await sleep(100);
  }
}

/** Robots `load-1` and on, dealt out over the connections. What an earlier run left open is cancelled. */
async function connectFleet(
  options: FleetLoadOptions,
  inbox: { receive: (message: ToFleetMessage) => void },
  tally: Tally,
): Promise<{ gateways: readonly Gateway[]; robots: readonly Robot[] }> {
  const { target, floor, connections } = options;
  const { warehouseId, robotType } = floor;
  const gateways: Gateway[] = [];
  const robots: Robot[] = [];
  for (let connection = 0; connection < connections; connection++) {
    const own = [];
    for (let number = connection + 1; number <= options.robots; number += connections) {
      own.push({ robotId: `load-${number}`, robotType, node: floor.randomNode() });
    }
    const { gateway, welcome } = await openGateway({
      target,
      warehouseId,
      robots: own,
      onMessage: (message) => inbox.receive(message),
      onClose: (reason) => tally.count(`connection closed: ${reason}`),
    }).catch((error: unknown) => {
      for (const opened of gateways) opened.terminate();
      throw error;
    });
    for (const { routeId } of welcome.openRoutes) {
      gateway.send({ type: 'route.cancelled', routeId, reason: 'left open by an earlier load run' });
    }
    gateways.push(gateway);
    for (const { robotId } of own) robots.push({ robotId, gateway });
  }
  return { gateways, robots };
}
