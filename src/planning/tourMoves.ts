import { LIMITS } from '../domain/limits.js';
import type { OpenPath } from './openPath.js';

/** Longest run of stops that Or-opt moves elsewhere. */
const LONGEST_SEGMENT = 3;
/** Gains below this part of a tour's cost are rounding, and chasing them might never end. */
const SMALLEST_GAIN = 1e-9;

const capacity = LIMITS.stopsPerTour + 2;
/** [k + 2] places in order of visit, with the start before and the end behind. */
const places = new Int32Array(capacity);
/** [k + 2] cost from places[1] to places[i] along the tour, and back again. */
const along = new Float64Array(capacity);
const against = new Float64Array(capacity);
const scratch = new Int32Array(capacity);

interface Move {
  gain: number;
  /** The segment, positions in `places`, both included. */
  first: number;
  last: number;
  /** The position after which it goes; -1: it stays where it is and is turned round. */
  after: number;
  turned: boolean;
}
const best: Move = { gain: 0, first: 0, last: 0, after: -1, turned: false };

/** [k + 2] by place: 1 where a move of a segment that begins there may have become possible. */
const unsettled = new Uint8Array(capacity);

/**
 * Applies 2-opt and Or-opt moves until none is found or the scans are spent. Costs are asymmetric: turning a
 * segment round is priced with running sums in both directions, so that every move is priced in O(1). Only
 * stops next to the last changes are looked at again (Bentley's don't-look bits, 1992).
 * @param tour [k] places 1..k, improved in place
 * @param options.scans segments' first stops that may be tried, O(k) each
 * @param options.changedAt positions in `tour` before which it was changed since it was last improved; all if absent
 * @returns the scans used
 */
export function improveTour(
  path: OpenPath,
  tour: Int32Array,
  { scans, changedAt }: { scans: number; changedAt?: readonly number[] },
): number {
  const { stops: k } = path;
  for (let position = 0; position < k; position++) places[position + 1] = tour[position] as number;
  places[0] = 0;
  places[k + 1] = k + 1;
  unsettled.fill(changedAt ? 0 : 1, 0, k + 2);
  for (const position of changedAt ?? []) unsettle(position + 1, k);
  addUp(path);
  let used = 0;
  let found = true;
  while (found) {
    found = false;
    for (let first = 1; first <= k && used < scans; first++) {
      const place = places[first] as number;
      if (unsettled[place] === 0) continue;
      unsettled[place] = 0;
      used++;
      if (improveFrom(path, first)) found = true;
    }
  }
  for (let position = 0; position < k; position++) tour[position] = places[position + 1] as number;
  return used;
}

/** Applies the best move of a segment that begins at position `first`, if one helps. */
function improveFrom(path: OpenPath, first: number): boolean {
  const { stops: k } = path;
  const threshold = SMALLEST_GAIN * ((along[k] as number) + 1);
  best.gain = threshold;
  findTurn(path, first);
  for (let last = first; last < Math.min(first + LONGEST_SEGMENT, k + 1); last++)
    findInsertion(path, first, last);
  if (best.gain <= threshold) return false;
  apply(k);
  addUp(path);
  return true;
}

/** Marks the first stops of all segments that begin or end at the join before `position`. */
function unsettle(position: number, k: number): void {
  for (let first = Math.max(1, position - LONGEST_SEGMENT); first <= Math.min(position, k); first++) {
    unsettled[places[first] as number] = 1;
  }
}

function findTurn({ stops: k, width, cost }: OpenPath, first: number): void {
  const before = (places[first - 1] as number) * width;
  const head = places[first] as number;
  const entering = cost[before + head] as number;
  for (let last = first + 1; last <= k; last++) {
    const tail = places[last] as number;
    const behind = places[last + 1] as number;
    const now =
      entering + (along[last] as number) - (along[first] as number) + (cost[tail * width + behind] as number);
    const then =
      (cost[before + tail] as number) +
      (against[last] as number) -
      (against[first] as number) +
      (cost[head * width + behind] as number);
    if (now - then > best.gain) {
      best.gain = now - then;
      best.first = first;
      best.last = last;
      best.after = -1;
    }
  }
}

function findInsertion({ stops: k, width, cost }: OpenPath, first: number, last: number): void {
  const head = places[first] as number;
  const tail = places[last] as number;
  const before = (places[first - 1] as number) * width;
  const behind = places[last + 1] as number;
  const removal =
    (cost[before + head] as number) +
    (cost[tail * width + behind] as number) -
    (cost[before + behind] as number);
  const turning =
    (against[last] as number) -
    (against[first] as number) -
    (along[last] as number) +
    (along[first] as number);
  for (let after = 0; after <= k; after++) {
    if (after === first - 1) after = last + 1;
    if (after > k) break;
    const left = (places[after] as number) * width;
    const right = places[after + 1] as number;
    const opened = removal + (cost[left + right] as number);
    const straight = opened - (cost[left + head] as number) - (cost[tail * width + right] as number);
    const turned = opened - (cost[left + tail] as number) - (cost[head * width + right] as number) - turning;
    // Two tests that nearly always fail: taking the larger first makes the whole search half as long again.
    if (straight > best.gain || turned > best.gain) {
      best.gain = Math.max(straight, turned);
      best.first = first;
      best.last = last;
      best.after = after;
      best.turned = turned > straight;
    }
  }
}

function apply(k: number): void {
  const { first, last, after, turned } = best;
  const length = last - first + 1;
  if (after === -1) {
    places.subarray(first, last + 1).reverse();
    unsettle(first, k);
    unsettle(last + 1, k);
    return;
  }
  for (let i = 0; i < length; i++) scratch[i] = places[turned ? last - i : first + i] as number;
  places.copyWithin(first, last + 1, k + 2);
  const target = after < first ? after + 1 : after + 1 - length;
  places.copyWithin(target + length, target, k + 2 - length);
  for (let i = 0; i < length; i++) places[target + i] = scratch[i] as number;
  unsettle(after < first ? last + 1 : first, k);
  unsettle(target, k);
  unsettle(target + length, k);
}

function addUp({ stops: k, width, cost }: OpenPath): void {
  along[1] = 0;
  against[1] = 0;
  for (let position = 2; position <= k; position++) {
    const from = places[position - 1] as number;
    const to = places[position] as number;
    along[position] = (along[position - 1] as number) + (cost[from * width + to] as number);
    against[position] = (against[position - 1] as number) + (cost[to * width + from] as number);
  }
}
