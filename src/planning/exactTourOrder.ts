import { LIMITS } from '../domain/limits.js';
import type { OpenPath } from './openPath.js';

const CAPACITY = LIMITS.exactOrderPicks;
/** [mask][last] cheapest cost from the start over the stops of `mask`, ending at `last`. */
const costs = new Float64Array((1 << CAPACITY) * CAPACITY);
/** [mask][last] the stop before `last` on that path. */
const previous = new Uint8Array((1 << CAPACITY) * CAPACITY);
/** [to][from] costs between stops, turned round so that the inner loop reads in sequence. */
const arriving = new Float64Array(CAPACITY * CAPACITY);

/**
 * Cheapest visit order by dynamic programming over subsets (Held and Karp, 1962), O(2^k k^2).
 * Ties go to the lowest position, so the answer depends on the matrix alone.
 * @param path at most `LIMITS.exactOrderPicks` stops, at least one
 * @param order [k] receives the stops as places 1..k
 * @returns the cost of that order, with the path's substitute for what is unreachable
 */
export function orderExactly(path: OpenPath, order: Int32Array): number {
  const { stops: k, width, cost } = path;
  for (let to = 0; to < k; to++) {
    for (let from = 0; from < k; from++)
      arriving[to * k + from] = cost[(from + 1) * width + to + 1] as number;
  }
  // Stops outside a subset stay at Infinity: the inner loop then needs no test of membership.
  costs.fill(Infinity, 0, (1 << k) * k);
  for (let stop = 0; stop < k; stop++) costs[(1 << stop) * k + stop] = cost[stop + 1] as number;
  for (let mask = 3; mask < 1 << k; mask++) {
    if ((mask & (mask - 1)) !== 0) extendSubset(mask, k);
  }
  return readBack(path, order);
}

/** Fills the row of `mask` (two stops or more) from the rows of the subsets one stop smaller. */
function extendSubset(mask: number, k: number): void {
  for (let last = 0; last < k; last++) {
    if ((mask & (1 << last)) === 0) continue;
    const row = (mask ^ (1 << last)) * k;
    const column = last * k;
    let best = Infinity;
    let bestFrom = 0;
    for (let from = 0; from < k; from++) {
      const candidate = (costs[row + from] as number) + (arriving[column + from] as number);
      if (candidate < best) {
        best = candidate;
        bestFrom = from;
      }
    }
    costs[mask * k + last] = best;
    previous[mask * k + last] = bestFrom;
  }
}

function readBack({ stops: k, width, cost }: OpenPath, order: Int32Array): number {
  let mask = (1 << k) - 1;
  let best = Infinity;
  let last = 0;
  for (let stop = 0; stop < k; stop++) {
    const candidate = (costs[mask * k + stop] as number) + (cost[(stop + 1) * width + k + 1] as number);
    if (candidate < best) {
      best = candidate;
      last = stop;
    }
  }
  for (let position = k - 1; position >= 0; position--) {
    order[position] = last + 1;
    const before = previous[mask * k + last] as number;
    mask ^= 1 << last;
    last = before;
  }
  return best;
}
