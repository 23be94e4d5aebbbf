import type { Components } from '../domain/components.js';
import type { Why } from '../domain/messages.js';
import { turnSeconds, type LaneGraph } from '../warehouse/laneGraph.js';
import { isTurn, moveSeconds } from './freeFlow.js';
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

export function tourSeconds(graph: LaneGraph, robotType: number, tour: Tour): number {
  let seconds = 0;
  for (const leg of tour.legs) {
    leg.forEach((lane, i) => (seconds += moveSeconds(graph, robotType, i === 0 ? -1 : leg[i - 1]!, lane)));
  }
  return seconds;
}

export function expectedSeconds(graph: LaneGraph, task: TourTask, tour: Tour, view: PriceView): number {
  let seconds = settingOutSeconds(graph, task, tour) + tourSeconds(graph, task.robotType, tour);
  for (const leg of tour.legs) for (const lane of leg) seconds += view.waitHat[lane]!;
  for (const stop of task.stops) seconds += stop.handlingSeconds;
  return seconds + (task.dropoff?.handlingSeconds ?? 0);
}

/** Until it drives. What it drives for has no turn at its start, but its clock has. */
function settingOutSeconds(
  graph: LaneGraph,
  { robotType, arrivalLane, readyInSeconds }: TourTask,
  tour: Tour,
): number {
  const first = tour.legs[0]?.[0];
  const turn = arrivalLane < 0 || first === undefined ? 0 : turnSeconds(graph, robotType, arrivalLane, first);
  return readyInSeconds + turn;
}

export function describe(
  graph: LaneGraph,
  task: TourTask,
  tour: Tour,
  view: PriceView,
  found: { shortestSeconds: number; shortestPricedCost: number; served: Why['served'] },
): Plan {
  const { robotType } = task;
  const stops = tour.order.map((position) => task.stops[position]!);
  if (task.dropoff) stops.push(task.dropoff);
  const lanes = Int32Array.from(tour.legs.flat());
  const nodes = new Int32Array(lanes.length + 1);
  const etaSeconds = new Float64Array(lanes.length + 1);
  const stopIndexes: number[] = [];
  const expected: Components = { time: 0, wait: 0, blocking: 0, distance: 0, turns: 0, lateness: 0 };
  nodes[0] = task.from;
  let at = 0;
  let clock = settingOutSeconds(graph, task, tour);
  tour.legs.forEach((leg, visit) => {
    let previous = -1;
    for (const lane of leg) {
      const driving = moveSeconds(graph, robotType, previous, lane);
      expected.time += driving;
      expected.wait += view.waitHat[lane]!;
      expected.blocking += view.blockingHat[lane]!;
      expected.distance += graph.lengthMetres[lane]!;
      if (isTurn(graph, previous, lane)) expected.turns++;
      clock += driving + view.waitHat[lane]!;
      nodes[++at] = graph.laneTo[lane]!;
      etaSeconds[at] = clock;
      previous = lane;
    }
    stopIndexes.push(at);
    clock += stops[visit]!.handlingSeconds;
  });
  if (task.deadlineSeconds !== null) expected.lateness = Math.max(0, clock - task.deadlineSeconds);
  return {
    kind: 'plan',
    nodes,
    lanes,
    stopOrder: tour.order,
    stopIndexes,
    stops,
    etaSeconds,
    expected,
    shortestSeconds: found.shortestSeconds,
    why: {
      freeFlowSeconds: expected.time,
      pricedCost: tourPrice(graph, task, tour, view),
      shortestPricedCost: found.shortestPricedCost,
      served: found.served,
    },
  };
}
