import { LIMITS } from '../domain/limits.js';

/**
 * A visit-order problem in one shape for every solver: a path from place 0 over the stops 1..k to
 * place k + 1, which is the drop-off, or a place that costs nothing to reach where there is none.
 */
export interface OpenPath {
  readonly stops: number;
  /** k + 2, the row length of `cost`. */
  readonly width: number;
  /** [k + 2][k + 2], row-major, finite. Row k + 1 and column 0 are never driven. */
  readonly cost: Float64Array;
  /** What stands for an unreachable pair: more than any order of reachable pairs can cost. */
  readonly unreachableCost: number;
}

const MAXIMUM_WIDTH = LIMITS.stopsPerTour + 2;
const buffer = new Float64Array(MAXIMUM_WIDTH * MAXIMUM_WIDTH);

/**
 * Copies the caller's matrix into the shape above. The result shares one buffer: it holds until the next call.
 * @throws RangeError if the matrix has not (1 + stops + drop-off)^2 entries, or there are too many stops
 */
export function readOpenPath(matrix: Float64Array, stops: number, hasDropoff: boolean): OpenPath {
  const places = stops + (hasDropoff ? 2 : 1);
  if (matrix.length !== places * places) throw new RangeError(`${matrix.length} costs for ${places} places`);
  if (stops > LIMITS.stopsPerTour) throw new RangeError(`${stops} stops, at most ${LIMITS.stopsPerTour}`);
  const width = stops + 2;
  const unreachableCost = (stops + 2) * (largestFinite(matrix) + 1);
  for (let from = 0; from < width; from++) {
    for (let to = 0; to < width; to++) {
      let cost = 0;
      if (from <= stops && to > 0 && from !== to && (hasDropoff || to <= stops)) {
        cost = matrix[from * places + to] as number;
        // Sums over sub-paths are subtracted from each other, which Infinity would turn into NaN.
        if (!Number.isFinite(cost)) cost = unreachableCost;
      }
      buffer[from * width + to] = cost;
    }
  }
  return { stops, width, cost: buffer, unreachableCost };
}

function largestFinite(matrix: Float64Array): number {
  let largest = 0;
  for (const cost of matrix) if (cost > largest && cost < Infinity) largest = cost;
  return largest;
}

/** Cost of visiting places `order[0]`, `order[1]`, ... from the start to the end. */
export function pathCost({ stops, width, cost }: OpenPath, order: Int32Array): number {
  let total = 0;
  let place = 0;
  for (let position = 0; position < stops; position++) {
    const next = order[position] as number;
    total += cost[place * width + next] as number;
    place = next;
  }
  return total + (cost[place * width + stops + 1] as number);
}
