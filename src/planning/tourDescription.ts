import type { Components } from '../domain/components.js';
import type { Why } from '../domain/messages.js';
import { turnSeconds, type LaneGraph } from '../warehouse/laneGraph.js';
import { firstMoveSeconds, isTurn, moveSeconds } from './freeFlow.js';
import type { Plan, PriceView, TourTask } from './tourTask.js';

/** The legs of a tour, in the order of visit that is chosen. */
export interface Tour {
  readonly order: readonly number[];
  readonly legs: readonly (readonly number[])[];
}

export function nodesOf({ legs }: Tour): number {
  return legs.reduce((sum, leg) => sum + leg.length, 1);
}

/** What the search pays for a tour, turns included. */
export function tourPrice(
  graph: LaneGraph,
  task: TourTask,
  tour: Tour,
  { prices, weights }: PriceView,
): number {
  let cost = 0;
  tour.legs.forEach((leg, visit) => {
    let previous = visit === 0 ? task.arrivalLane : -1;
    for (const lane of leg) {
      cost += prices[lane]!;
      if (previous >= 0) cost += weights.time * turnSeconds(graph, task.robotType, previous, lane);
      if (isTurn(graph, previous, lane)) cost += weights.turns;
      previous = lane;
    }
  });
  return cost;
}

/** Free flow, with what searches leave out: turning round at stops, and getting going there and at the start. */
export function tourSeconds(graph: LaneGraph, task: TourTask, { legs }: Tour): number {
  let seconds = 0;
  const drive = createDrive(graph, task);
  for (const leg of legs) {
    for (const lane of leg) seconds += drive.move(lane).driving;
    drive.stop();
  }
  return seconds;
}

/** Goes along a tour lane by lane. */
function createDrive(graph: LaneGraph, { robotType, arrivalLane, drives = false }: TourTask) {
  let previous = arrivalLane;
  let stands = !drives;
  return {
    move(lane: number): { readonly driving: number; readonly turns: boolean } {
      const seconds = stands ? firstMoveSeconds : moveSeconds;
      const moved = {
        driving: seconds(graph, robotType, previous, lane),
        turns: isTurn(graph, previous, lane),
      };
      previous = lane;
      stands = false;
      return moved;
    },
    stop: () => void (stands = true),
  };
}

export function expectedSeconds(graph: LaneGraph, task: TourTask, tour: Tour, view: PriceView): number {
  let seconds = task.readyInSeconds + tourSeconds(graph, task, tour);
  for (const leg of tour.legs) for (const lane of leg) seconds += view.waitHat[lane]!;
  for (const stop of task.stops) seconds += stop.handlingSeconds;
  return seconds + (task.dropoff?.handlingSeconds ?? 0);
}

function waitSeconds({ legs }: Tour, { waitHat }: PriceView): number {
  return legs.flat().reduce((sum, lane) => sum + waitHat[lane]!, 0);
}

export function describe(
  graph: LaneGraph,
  task: TourTask,
  tour: Tour,
  view: PriceView,
  found: { shortest: Tour; shortestSeconds: number; shortestPricedCost: number; served: Why['served'] },
): Plan {
  const stops = tour.order.map((position) => task.stops[position]!);
  if (task.dropoff) stops.push(task.dropoff);
  const lanes = Int32Array.from(tour.legs.flat());
  const nodes = new Int32Array(lanes.length + 1);
  const etaSeconds = new Float64Array(lanes.length + 1);
  const stopIndexes: number[] = [];
  const expected: Components = { time: 0, wait: 0, blocking: 0, distance: 0, turns: 0, lateness: 0 };
  nodes[0] = task.from;
  let at = 0;
  let clock = task.readyInSeconds;
  const drive = createDrive(graph, task);
  tour.legs.forEach((leg, visit) => {
    for (const lane of leg) {
      const { driving, turns } = drive.move(lane);
      expected.time += driving;
      expected.wait += view.waitHat[lane]!;
      expected.blocking += view.blockingHat[lane]!;
      expected.distance += graph.lengthMetres[lane]!;
      if (turns) expected.turns++;
      clock += driving + view.waitHat[lane]!;
      nodes[++at] = graph.laneTo[lane]!;
      etaSeconds[at] = clock;
    }
    stopIndexes.push(at);
    drive.stop();
    clock += stops[visit]!.handlingSeconds;
  });
  if (task.deadlineSeconds !== null) expected.lateness = Math.max(0, clock - task.deadlineSeconds);
  return {
    kind: 'plan',
    arrivalLane: task.arrivalLane,
    drives: task.drives === true,
    nodes,
    lanes,
    stopOrder: tour.order,
    stopIndexes,
    stops,
    etaSeconds,
    expected,
    shortestSeconds: found.shortestSeconds,
    shortestWaitSeconds: waitSeconds(found.shortest, view),
    why: {
      freeFlowSeconds: expected.time,
      pricedCost: tourPrice(graph, task, tour, view),
      shortestPricedCost: found.shortestPricedCost,
      served: found.served,
    },
  };
}
