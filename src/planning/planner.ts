import { LIMITS } from '../domain/limits.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import type { FreeFlow } from './freeFlow.js';
import type { SearchCosts } from './searchTerms.js';
import { describe, expectedSeconds, nodesOf, tourPrice, tourSeconds, type Tour } from './tourDescription.js';
import { createTourLegs, placesOf, type Steps, type TourLegs } from './tourLegs.js';
import { orderTour, type VisitOrder } from './tourOrder.js';
import type { PlanResult, PriceView, TourTask } from './tourTask.js';

const STANDING: Tour = { order: [], legs: [] };

/** Orders of visit, as positions of the request's stops. */
export interface ChosenOrders {
  readonly shortest: readonly number[];
  /** Of the cheapest tour; null where no way can be in time. */
  readonly priced: readonly number[] | null;
  /** Of the cheapest by the prices of a late plan; null where the one before is in time. */
  readonly late: readonly number[] | null;
}

export interface Planner {
  /**
   * @param chosen orders of visit that were chosen before, so that only legs are left to find. Where lanes that closed
   *   since make them impossible, all is planned from nothing.
   */
  plan(task: TourTask, view: PriceView, chosen?: ChosenOrders): PlanResult;
  /** Chooses the orders that `plan` would. Lanes and prices count as they are at each step. */
  chooseOrders(task: TourTask, view: PriceView): Steps<ChosenOrders>;
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
  const legs = createTourLegs(graph, freeFlow, visitOrder);
  const isLate = (task: TourTask, tour: Tour, view: PriceView): boolean =>
    task.deadlineSeconds !== null && expectedSeconds(graph, task, tour, view) > task.deadlineSeconds;

  const plan: Planner['plan'] = (task, view, chosen) => {
    const failed = (): PlanResult => (chosen ? plan(task, view) : nameUnreachable(task, legs, freeFlow));
    const shortest = legs.shortest(task, view.tieBreaks ?? null, chosen?.shortest);
    if (!shortest) return failed();
    // Which one was chosen depends on what was late then.
    const order = chosen && (chosen.priced ?? chosen.late ?? chosen.shortest);
    const cheapest = (): Tour | null =>
      view.tieBreaks ? shortest : legs.priced(task, costsNow(task, view), order);
    // Where handling alone is late, no way can be in time: it need not be looked for.
    let priced = isLate(task, STANDING, view) ? null : cheapest();
    if (isLate(task, priced ?? STANDING, view))
      priced = legs.priced(task, costsLate(task, view), chosen?.late ?? order) ?? priced ?? cheapest();
    if (!priced) return failed();
    const shortestSeconds = tourSeconds(graph, task, shortest);
    const detour =
      tourSeconds(graph, task, priced) > LIMITS.detourRatio * shortestSeconds + LIMITS.detourSlackSeconds ||
      nodesOf(priced) > LIMITS.nodesPerRoute;
    return describe(graph, task, detour ? shortest : priced, view, {
      shortest,
      shortestSeconds,
      shortestPricedCost: tourPrice(graph, task, shortest, view),
      served: detour ? 'shortest' : 'priced',
    });
  };

  return {
    plan,
    *chooseOrders(task, view) {
      const shortest = yield* legs.shortestOrder(task);
      if (isLate(task, STANDING, view))
        return { shortest, priced: null, late: yield* legs.pricedOrder(task, costsLate(task, view)) };
      const priced = yield* legs.pricedOrder(task, costsNow(task, view));
      if (task.deadlineSeconds === null) return { shortest, priced, late: null };
      const tour = legs.priced(task, costsNow(task, view), priced);
      yield;
      const late = isLate(task, tour ?? STANDING, view)
        ? yield* legs.pricedOrder(task, costsLate(task, view))
        : null;
      return { shortest, priced, late };
    },
  };
}

function costsNow({ robotType }: TourTask, { prices, weights }: PriceView): SearchCosts {
  return { prices, robotType, turnTimeWeight: weights.time, turnWeight: weights.turns };
}

/** What turning takes is `time` too: it weighs as the lanes of `latePrices` do. */
function costsLate({ robotType }: TourTask, view: PriceView): SearchCosts {
  const { time, turns, lateness } = view.weights;
  return { prices: view.latePrices(), robotType, turnTimeWeight: time * (1 + lateness), turnWeight: turns };
}

/** Which place has no way to it, for a sentence that helps. */
function nameUnreachable(task: TourTask, legs: TourLegs, freeFlow: FreeFlow): PlanResult {
  const places = placesOf(task);
  const isReachable = legs.reachable(task);
  // A stop that the robot cannot reach at all comes first: others may be cut off from that one alone.
  const stop = places.find((place) => !isReachable(place));
  if (stop !== undefined) return { kind: 'unreachable', from: task.from, to: stop };
  for (const to of places.slice(1)) {
    const seconds = freeFlow.secondsTo(task.robotType, to);
    const from = places.find((place) => seconds[place] === Infinity);
    if (from !== undefined) return { kind: 'unreachable', from, to };
  }
  return { kind: 'unreachable', from: task.from, to: places.at(-1)! };
}
