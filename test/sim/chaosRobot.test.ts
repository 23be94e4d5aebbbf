import { describe, expect, it } from 'vitest';
import { createChaosRobot, type RobotLine } from '../../sim/chaos/chaosRobot.js';
import type { RobotTrace } from '../../sim/chaos/drivenPlan.js';
import { createSchedule } from '../../sim/chaos/schedule.js';
import { reachOf } from '../../sim/orders/reach.js';
import type { RouteAssignedContent, RouteUpdatedMessage } from '../../src/domain/messages.js';
import { createRandom } from '../../src/platform/random.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

const routeId = 'r';
const ROW = ['r0c0', 'r0c1', 'r0c2', 'r0c3'];

/** A robot in a row of four cells that was sent along it and has driven two lanes of it. */
function driveTwoLanes() {
  const graph = gridFromText('....\n....');
  const schedule = createSchedule(0);
  const ignore = (): void => undefined;
  const traces: RobotTrace[] = [];
  const line: RobotLine = {
    ...{ progress: ignore, deviated: ignore, cancel: ignore, state: ignore },
    completed: (_routeId, trace) => traces.push(trace),
    hello: (_node, welcomed) => welcomed({ openRoutes: [] } as never),
    request: ({ requestId }, answered) =>
      answered.ok({
        requestId,
        routeId,
        revision: 0,
        nodes: ROW,
        stopIndexes: [3],
      } as unknown as RouteAssignedContent),
  };
  const robot = createChaosRobot({
    ...{ robotId: 'a', graph, reach: reachOf(graph, 0), line, random: createRandom(1) },
    ...{
      spec: {
        site: 0,
        robotType: 0,
        start: 0,
        reportShare: 1,
        reportsStops: false,
        isPolled: false,
        slowness: 1,
      },
    },
    ...{ now: () => schedule.now(), after: schedule.after },
  });
  robot.connect(true);
  const order = { second: 0, kind: 'order' as const, robot: 0, stops: [3], dropoff: null };
  robot.take({ ...order, handlingSeconds: 0, deadlineSeconds: null });
  const placeOn = (revision: number, nodes: readonly string[]) => robot.placeOn(routeId, { revision, nodes });
  while (placeOn(0, ROW) < 2) schedule.next(60_000)!();
  const update = (revision: number, nodes: readonly string[]): number => {
    const stopIndexes = [nodes.length - 1];
    const message = { type: 'route.updated', routeId, revision, nodes, stopIndexes };
    robot.update(message as unknown as RouteUpdatedMessage);
    return placeOn(revision, nodes);
  };
  const driveOn = (): void => {
    for (let reports = traces.length; traces.length === reports;) schedule.next(60_000)!();
  };
  return { update, driveOn, traces };
}

describe('a simulated robot', () => {
  it('has those lanes of a new plan behind it that it drove before the plan came', () => {
    const { update } = driveTwoLanes();
    expect(update(1, ['r0c1', 'r0c2', 'r0c3'])).toBe(1);
    expect(update(2, ROW)).toBe(2);
  });

  it('has them behind it also where it drove on another way than the new plan', () => {
    const { update } = driveTwoLanes();
    expect(update(1, ['r0c0', 'r0c1', 'r1c1', 'r1c2', 'r0c2', 'r0c3'])).toBe(1);
  });

  it('has a new plan all before it that it did not drive from its beginning', () => {
    const { update } = driveTwoLanes();
    expect(update(1, ['r1c2', 'r0c2', 'r0c3'])).toBe(0);
    expect(update(2, ['r0c0', 'r1c0', 'r1c1', 'r1c2', 'r0c2', 'r0c3'])).toBe(0);
  });

  it('goes on reporting what it drove when a new plan comes too late', () => {
    const { update, driveOn, traces } = driveTwoLanes();
    driveOn();
    update(1, ['r0c3', 'r1c3', 'r0c3']);
    driveOn();
    expect(traces).toHaveLength(2);
    expect(traces[1]).toEqual(traces[0]);
  });
});
