import type { Random } from '../platform/random.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import type { FreeFlow } from './freeFlow.js';
import type { TourTask } from './tourTask.js';
import { createSearch } from './search.js';
import type { SearchCosts } from './searchTerms.js';
import type { Tour } from './tourDescription.js';
import type { VisitOrder } from './tourOrder.js';

/** Work in steps of one search at most, and what it comes to. */
export type Steps<T> = Generator<undefined, T>;

/** Orders of visit and legs, by prices and by free flow. Orders are positions of the request's stops. */
export interface TourLegs {
  /** The cheapest tour, or the cheapest in an order that is given; null where it has no way. */
  priced(task: TourTask, costs: SearchCosts, order?: readonly number[] | null): Tour | null;
  /**
   * The same by free-flow seconds; ties as `FreeFlow.fastestLanes` has them. Where the robot type's turns take time and no
   * ties are drawn, legs count them as those of `priced` do. An order is chosen without turns all the same: with them it
   * is 0.1 % quicker on average and 3 % at most (10 picks on multi-block), and plans take 1.7 times as long.
   */
  shortest(task: TourTask, tieBreaks: Random | null, order?: readonly number[] | null): Tour | null;
  pricedOrder(task: TourTask, costs: SearchCosts): Steps<readonly number[]>;
  shortestOrder(task: TourTask): Steps<readonly number[]>;
  /** Which nodes the robot can get to from where it stands. */
  reachable(task: TourTask): (node: number) => boolean;
}

export function createTourLegs(graph: LaneGraph, freeFlow: FreeFlow, visitOrder: VisitOrder): TourLegs {
  const search = createSearch(graph);
  const best = (task: TourTask, matrix: Float64Array): readonly number[] =>
    visitOrder(matrix, { stops: task.stops.length, hasDropoff: task.dropoff !== null }, placesOf(task)).order;

  /** @param lanes receives those of each leg */
  const pricedMatrix = function* (
    task: TourTask,
    costs: SearchCosts,
    lanes?: (number[] | null)[],
  ): Steps<Float64Array> {
    const places = placesOf(task);
    const count = places.length;
    const matrix = new Float64Array(count * count);
    // Nothing leads back to the start.
    const targets = places.slice(1);
    for (let i = 0; i < (task.dropoff ? count - 1 : count); i++) {
      search.run(costs, places[i]!, i === 0 ? task.arrivalLane : -1, targets);
      for (let j = 1; j < count; j++) {
        matrix[i * count + j] = search.costTo(places[j]!);
        if (lanes) lanes[i * count + j] = search.lanesTo(places[j]!);
      }
      yield;
    }
    return matrix;
  };

  const freeFlowMatrix = function* (task: TourTask): Steps<Float64Array> {
    const places = placesOf(task);
    const matrix = new Float64Array(places.length ** 2);
    const leaving = task.dropoff ? places.slice(0, -1) : places;
    for (let j = 1; j < places.length; j++) {
      const seconds = freeFlow.secondsTo(task.robotType, places[j]!, leaving);
      places.forEach((place, i) => (matrix[i * places.length + j] = seconds[place]!));
      yield;
    }
    return matrix;
  };

  const cheapestIn = (
    task: TourTask,
    order: readonly number[],
    costsOf: (from: number, to: number) => SearchCosts,
  ): Tour | null => {
    const places = placesOf(task);
    return chain(task, order, (i, j) => {
      const [from, to] = [places[i]!, places[j]!];
      search.run(costsOf(from, to), from, i === 0 ? task.arrivalLane : -1, [to]);
      return search.lanesTo(to);
    });
  };

  return {
    priced(task, costs, order = onlyOrder(task)) {
      if (order) return cheapestIn(task, order, () => costs);
      const places = placesOf(task);
      const lanes = new Array<number[] | null>(places.length ** 2).fill(null);
      const matrix = atOnce(pricedMatrix(task, costs, lanes));
      return chain(task, best(task, matrix), (i, j) => lanes[i * places.length + j]!);
    },
    shortest(task, tieBreaks, order = onlyOrder(task)) {
      const { robotType } = task;
      const visits = order ?? best(task, atOnce(freeFlowMatrix(task)));
      if (graph.turnsTakeTime[robotType] && !tieBreaks) {
        const prices = graph.freeFlowSeconds[robotType]!;
        return cheapestIn(task, visits, (from, to) => {
          const ahead = freeFlow.secondsTo(robotType, to, [from]);
          return { prices, robotType, turnTimeWeight: 1, turnWeight: 0, ahead };
        });
      }
      const places = placesOf(task);
      return chain(task, visits, (i, j) =>
        freeFlow.fastestLanes(robotType, places[i]!, places[j]!, tieBreaks),
      );
    },
    *pricedOrder(task, costs) {
      return best(task, yield* pricedMatrix(task, costs));
    },
    *shortestOrder(task) {
      return best(task, yield* freeFlowMatrix(task));
    },
    reachable({ robotType, from }) {
      const prices = graph.freeFlowSeconds[robotType]!;
      search.run({ prices, robotType, turnTimeWeight: 0, turnWeight: 0 }, from, -1, []);
      return (node) => search.costTo(node) < Infinity;
    },
  };
}

/** The nodes of a tour: where the robot stands, the stops as they were asked for, the drop-off. */
export function placesOf(task: TourTask): number[] {
  const places = [task.from, ...task.stops.map((stop) => stop.node)];
  if (task.dropoff) places.push(task.dropoff.node);
  return places;
}

/** Where there is nothing to choose. */
function onlyOrder({ fixedOrder, stops }: TourTask): number[] | null {
  return fixedOrder || stops.length === 1 ? stops.map((_stop, position) => position) : null;
}

function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
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
