import type { Components, RewardWeights } from '../domain/components.js';
import { LIMITS } from '../domain/limits.js';
import type { Why } from '../domain/messages.js';
import type { Random } from '../platform/random.js';
import { turnSeconds, type LaneGraph } from '../warehouse/laneGraph.js';
import { isTurn, moveSeconds, type FreeFlow } from './freeFlow.js';
import { createSearch } from './search.js';
import type { SearchCosts } from './searchTerms.js';
import { orderTour, type VisitOrder } from './tourOrder.js';

export interface PlannedStop {
  readonly node: number;
  readonly handlingSeconds: number;
}

/** A tour to plan, in compiled indices. */
export interface TourTask {
  readonly robotType: number;
  readonly from: number;
  /** The lane the robot came by, for its heading; -1 where unknown. */
  readonly arrivalLane: number;
  readonly stops: readonly PlannedStop[];
  readonly dropoff: PlannedStop | null;
  /** True: visit the stops as given (a re-plan keeps the order). */
  readonly fixedOrder: boolean;
  /** Seconds from now until the deadline, or null. */
  readonly deadlineSeconds: number | null;
}

/** What plans are made under: the prices of now, and how to ask for those of a late plan. */
export interface PriceView {
  readonly prices: Float64Array;
  latePrices(): Float64Array;
  readonly waitHat: Float32Array;
  readonly blockingHat: Float32Array;
  readonly weights: RewardWeights;
  /** Serve a shortest tour, each of those as likely: plain free flow, as published baselines have it. */
  readonly tieBreaks?: Random | null;
}

export interface Plan {
  readonly kind: 'plan';
  readonly nodes: Int32Array;
  readonly lanes: Int32Array;
  /** Positions of the request's stops in the order of visit; drop-off excluded. */
  readonly stopOrder: readonly number[];
  /** [stops + drop-off] where in `nodes` each is reached. */
  readonly stopIndexes: readonly number[];
  /** The stops in the order of visit, drop-off last. */
  readonly stops: readonly PlannedStop[];
  /** [nodes] expected arrival, seconds from now. */
  readonly etaSeconds: Float64Array;
  readonly expected: Components;
  readonly why: Why;
  /** Free-flow seconds of the shortest tour, handling excluded. */
  readonly shortestSeconds: number;
}

export type PlanResult = Plan | { readonly kind: 'unreachable'; readonly from: number; readonly to: number };

/** Legs between all places of a tour, and the order that makes the best of them. */
interface Tour {
  readonly order: readonly number[];
  readonly legs: readonly (readonly number[])[];
}

const STANDING: Tour = { order: [], legs: [] };

export interface Planner {
  plan(task: TourTask, view: PriceView): PlanResult;
}

/**
 * Plans tours: visit order over the matrix of leg costs, legs by one-to-all searches. A tour whose
 * free-flow time exceeds `LIMITS.detourRatio` times the shortest's and `LIMITS.detourSlackSeconds` gives way to the shortest,
 * and so does one of more nodes than a route may have.
 */
export function createPlanner(
  graph: LaneGraph,
  freeFlow: FreeFlow,
  visitOrder: VisitOrder = orderTour,
): Planner {
  const search = createSearch(graph);
  const orderOf = (task: TourTask, matrix: Float64Array): readonly number[] =>
    task.fixedOrder || task.stops.length === 1
      ? task.stops.map((_stop, position) => position)
      : visitOrder(matrix, { stops: task.stops.length, hasDropoff: task.dropoff !== null }, placesOf(task))
          .order;

  const pricedTour = (task: TourTask, prices: Float64Array, weights: RewardWeights): Tour | null => {
    const costs: SearchCosts = {
      prices,
      robotType: task.robotType,
      turnTimeWeight: weights.time,
      turnWeight: weights.turns,
    };
    const places = placesOf(task);
    const count = places.length;
    const matrix = new Float64Array(count * count);
    const lanes: (number[] | null)[] = new Array<number[] | null>(count * count).fill(null);
    const oneOrder = task.fixedOrder || task.stops.length === 1;
    for (let i = 0; i < count - (task.dropoff || oneOrder ? 1 : 0); i++) {
      // Nothing leads back to the start.
      const first = oneOrder ? i + 1 : 1;
      const end = oneOrder ? i + 2 : count;
      search.run(costs, places[i]!, i === 0 ? task.arrivalLane : -1, places.slice(first, end));
      for (let j = first; j < end; j++) {
        matrix[i * count + j] = search.costTo(places[j]!);
        lanes[i * count + j] = search.lanesTo(places[j]!);
      }
    }
    return chain(task, orderOf(task, matrix), (i, j) => lanes[i * count + j] ?? null);
  };

  const shortestTour = (task: TourTask, tieBreaks: Random | null): Tour | null => {
    const places = placesOf(task);
    const matrix = new Float64Array(places.length ** 2);
    const leaving = task.dropoff ? places.slice(0, -1) : places;
    // Nothing leads back to the start.
    for (let j = 1; j < places.length; j++) {
      const seconds = freeFlow.secondsTo(task.robotType, places[j]!, leaving);
      places.forEach((place, i) => (matrix[i * places.length + j] = seconds[place]!));
    }
    return chain(task, orderOf(task, matrix), (i, j) =>
      freeFlow.fastestLanes(task.robotType, places[i]!, places[j]!, tieBreaks),
    );
  };

  return {
    plan(task, view) {
      const shortest = shortestTour(task, view.tieBreaks ?? null);
      if (!shortest) return nameUnreachable(task, freeFlow);
      const isLate = (tour: Tour): boolean =>
        task.deadlineSeconds !== null && expectedSeconds(graph, task, tour, view) > task.deadlineSeconds;
      const cheapest = (): Tour | null =>
        view.tieBreaks ? shortest : pricedTour(task, view.prices, view.weights);
      // Where handling alone is late, no way can be in time: it need not be looked for.
      let priced = isLate(STANDING) ? null : cheapest();
      if (isLate(priced ?? STANDING))
        priced = pricedTour(task, view.latePrices(), whenLate(view.weights)) ?? priced ?? cheapest();
      if (!priced) return nameUnreachable(task, freeFlow);
      const shortestSeconds = tourSeconds(graph, task.robotType, shortest);
      const detour =
        tourSeconds(graph, task.robotType, priced) >
          LIMITS.detourRatio * shortestSeconds + LIMITS.detourSlackSeconds ||
        nodesOf(priced) > LIMITS.nodesPerRoute;
      return describe(graph, task, detour ? shortest : priced, view, {
        shortestSeconds,
        shortestPricedCost: tourPrice(graph, task, shortest, view),
        served: detour ? 'shortest' : 'priced',
      });
    },
  };
}

function nodesOf({ legs }: Tour): number {
  return legs.reduce((sum, leg) => sum + leg.length, 1);
}

/** What turning takes is `time` too: it weighs as the lanes of `latePrices` do. */
function whenLate(weights: RewardWeights): RewardWeights {
  return { ...weights, time: weights.time * (1 + weights.lateness) };
}

function placesOf(task: TourTask): number[] {
  const places = [task.from, ...task.stops.map((stop) => stop.node)];
  if (task.dropoff) places.push(task.dropoff.node);
  return places;
}

/** Which place has no way to it, for a sentence that helps. */
function nameUnreachable(task: TourTask, freeFlow: FreeFlow): PlanResult {
  const places = placesOf(task);
  const isCutOff = (from: number, to: number): boolean =>
    freeFlow.secondsTo(task.robotType, to)[from] === Infinity;
  // A stop that the robot cannot reach at all comes first: others may be cut off from that one alone.
  const stop = places.find((place) => isCutOff(task.from, place));
  if (stop !== undefined) return { kind: 'unreachable', from: task.from, to: stop };
  for (const to of places.slice(1)) {
    const from = places.find((place) => isCutOff(place, to));
    if (from !== undefined) return { kind: 'unreachable', from, to };
  }
  return { kind: 'unreachable', from: task.from, to: places.at(-1)! };
}

function chain(
  task: TourTask,
  order: readonly number[],
  legOf: (from: number, to: number) => readonly number[] | null,
): Tour | null {
  const visits = order.map((position) => position + 1);
  if (task.dropoff) visits.push(task.stops.length + 1);
  const legs: (readonly number[])[] = [];
  let place = 0;
  for (const next of visits) {
    const leg = legOf(place, next);
    if (!leg) return null;
    legs.push(leg);
    place = next;
  }
  return { order, legs };
}

/** What the search pays for a tour, turns included. */
function tourPrice(graph: LaneGraph, task: TourTask, tour: Tour, { prices, weights }: PriceView): number {
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

function tourSeconds(graph: LaneGraph, robotType: number, tour: Tour): number {
  let seconds = 0;
  for (const leg of tour.legs) {
    leg.forEach((lane, i) => (seconds += moveSeconds(graph, robotType, i === 0 ? -1 : leg[i - 1]!, lane)));
  }
  return seconds;
}

function expectedSeconds(graph: LaneGraph, task: TourTask, tour: Tour, view: PriceView): number {
  let seconds = tourSeconds(graph, task.robotType, tour);
  for (const leg of tour.legs) for (const lane of leg) seconds += view.waitHat[lane]!;
  for (const stop of task.stops) seconds += stop.handlingSeconds;
  return seconds + (task.dropoff?.handlingSeconds ?? 0);
}

function describe(
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
  let clock = 0;
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
