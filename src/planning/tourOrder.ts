import { LIMITS } from '../domain/limits.js';
import { orderExactly } from './exactTourOrder.js';
import { orderByLocalSearch } from './localTourOrder.js';
import { readOpenPath } from './openPath.js';

export interface TourShape {
  /** Number of stops, 0 to `LIMITS.stopsPerTour`; the drop-off is not one of them. */
  readonly stops: number;
  /** Whether the last place of the matrix is a drop-off, where every order ends. */
  readonly hasDropoff: boolean;
}

export interface TourOrder {
  /** [k] positions 0..k-1 of the stops, in the order of visit. */
  readonly order: number[];
  /** Sum of the matrix along that order, drop-off included; Infinity where no order was found that can be driven. */
  readonly cost: number;
}

/**
 * Chooses the order of visit. `places` are the nodes behind the matrix: start, stops, drop-off. The service
 * uses `orderTour`; benchmarks compare others with it.
 */
export type VisitOrder = (
  matrix: Float64Array,
  shape: TourShape,
  places: readonly number[],
) => Pick<TourOrder, 'order'>;

const visited = new Int32Array(LIMITS.stopsPerTour);

/**
 * The order in which to visit the stops of a tour: exact up to `LIMITS.exactOrderPicks` stops, above that a
 * local search that ends at a finite order whenever reachability is transitive, as it is between places of
 * one graph. The same matrix gives the same order.
 * @param matrix [n][n] row-major, cost from place i to place j, not negative; place 0 is the start, 1..k the
 *   stops, the last the drop-off if there is one. Infinity where j cannot be reached from i.
 * @throws RangeError if the matrix does not fit the shape
 */
export function orderTour(matrix: Float64Array, { stops, hasDropoff }: TourShape): TourOrder {
  const path = readOpenPath(matrix, stops, hasDropoff);
  if (stops > LIMITS.exactOrderPicks) orderByLocalSearch(path, visited);
  else if (stops > 0) orderExactly(path, visited);
  return readOrder(matrix, { stops, hasDropoff });
}

/** Adds up the caller's own matrix, in which what is unreachable is still Infinity. */
function readOrder(matrix: Float64Array, { stops, hasDropoff }: TourShape): TourOrder {
  const places = stops + (hasDropoff ? 2 : 1);
  const order = new Array<number>(stops);
  let cost = 0;
  let place = 0;
  for (let position = 0; position < stops; position++) {
    const next = visited[position] as number;
    order[position] = next - 1;
    cost += matrix[place * places + next] as number;
    place = next;
  }
  if (hasDropoff) cost += matrix[place * places + places - 1] as number;
  return { order, cost: Number.isFinite(cost) ? cost : Infinity };
}
