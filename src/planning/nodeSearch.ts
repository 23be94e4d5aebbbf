import type { LaneGraph } from '../warehouse/laneGraph.js';
import { createHeap } from './heap.js';
import { markWanted, type Search, type SearchCosts } from './searchTerms.js';

/** A search over nodes: turning costs nothing. */
export interface NodeSearch extends Search {
  /** [N] `costTo` of every node, of the last `run`. Above the dearest target's (from it on, where lanes are free) they may be too large. */
  readonly costs: Float64Array;
}

/** What a search knows of the nodes; reused. */
interface Labels {
  readonly cost: Float64Array;
  /** The lane that the cheapest path comes by, where there is one. */
  readonly lastLane: Int32Array;
  readonly wanted: Uint8Array;
}

/** Labels what can be reached, until as many wanted nodes are settled as are left. */
type Settle = (costs: SearchCosts, start: number, left: number) => void;

/**
 * Buckets where prices suit them, up to twice as fast; else a heap. Both find the same paths: a node with several cheapest
 * ways to it is reached by the lane with the lowest index. (By the first found, where the last lane is free.)
 */
export function createNodeSearch(graph: LaneGraph): NodeSearch {
  const labels = createLabels(graph);
  const overHeap = createHeapSettling(graph, labels);
  const overBuckets = createBucketSettling(graph, labels);
  return searchBy(graph, labels, (costs, start, left) => {
    const cheapest = cheapestForBuckets(costs.prices);
    if (cheapest > 0) overBuckets(costs, cheapest, start, left);
    else overHeap(costs, start, left);
  });
}

/** A heap whatever the prices: what buckets are tested against. */
export function createHeapNodeSearch(graph: LaneGraph): NodeSearch {
  const labels = createLabels(graph);
  return searchBy(graph, labels, createHeapSettling(graph, labels));
}

function createLabels({ nodeCount }: LaneGraph): Labels {
  return {
    cost: new Float64Array(nodeCount),
    lastLane: new Int32Array(nodeCount),
    wanted: new Uint8Array(nodeCount),
  };
}

function searchBy({ laneFrom }: LaneGraph, { cost, lastLane, wanted }: Labels, settle: Settle): NodeSearch {
  let startNode = 0;
  return {
    run(costs, start, _arrivalLane, targets) {
      startNode = start;
      cost.fill(Infinity);
      cost[start] = 0;
      wanted.fill(0);
      settle(costs, start, markWanted(wanted, targets));
    },
    costs: cost,
    costTo: (node) => cost[node]!,
    lanesTo(node) {
      if (cost[node] === Infinity) return null;
      const lanes: number[] = [];
      for (let at = node; at !== startNode; at = laneFrom[lanes[lanes.length - 1]!]!)
        lanes.push(lastLane[at]!);
      return lanes.reverse();
    },
  };
}

/** Dijkstra 1959. */
function createHeapSettling(graph: LaneGraph, { cost, lastLane, wanted }: Labels): Settle {
  const { laneStart, laneTo, open, barredTypes } = graph;
  const heap = createHeap(graph.nodeCount);
  return ({ prices, robotType }, start, left) => {
    const typeBit = (1 << robotType) >>> 0;
    heap.clear();
    heap.push(start, 0);
    for (let node = heap.pop(); node >= 0; node = heap.pop()) {
      if (wanted[node] === 1 && --left === 0) return;
      const reached = cost[node]!;
      for (let lane = laneStart[node]!, end = laneStart[node + 1]!; lane < end; lane++) {
        if (open[lane] === 0 || (barredTypes[lane]! & typeBit) !== 0) continue;
        const next = laneTo[lane]!;
        const total = reached + prices[lane]!;
        if (total < cost[next]!) {
          cost[next] = total;
          lastLane[next] = lane;
          heap.push(next, total);
        } else if (total === cost[next]! && total > reached && lane < lastLane[next]!) lastLane[next] = lane;
      }
    }
  };
}

/** A power of two, and above `RANGE_LIMIT` by 2 or more: labels that wait are at most a lane's price apart. */
const BUCKETS = 512;
/** Where the dearest lane costs more cheapest ones, most buckets would be empty. */
const RANGE_LIMIT = 256;
/** Buckets are a little narrower than the cheapest lane, so that rounding puts no node into its predecessor's. */
const NARROWER = 1 - 2 ** -20;

/** Far below any lane's price in seconds, far above what rounds to nothing. */
const LEAST_PRICE = 1e-9;

/** What the cheapest lane costs; 0 where lanes are free, or prices range too far for buckets. */
function cheapestForBuckets(prices: Float64Array): number {
  let cheapest = Infinity;
  let dearest = 0;
  for (let lane = 0; lane < prices.length; lane++) {
    const price = prices[lane]!;
    if (price < cheapest) cheapest = price;
    if (price > dearest && price < Infinity) dearest = price;
  }
  return cheapest >= LEAST_PRICE && dearest <= RANGE_LIMIT * cheapest ? cheapest : 0;
}

/**
 * Dial 1969, with buckets as wide as the cheapest lane (Denardo and Fox 1979): no lane leads back into a bucket once it
 * is the first, so all in it have their final cost, in whatever order they are taken.
 */
function createBucketSettling(graph: LaneGraph, { cost, lastLane, wanted }: Labels) {
  const { laneCount, laneStart, laneTo, open, barredTypes } = graph;
  const settled = new Uint8Array(graph.nodeCount);
  // Lists of nodes. One that became cheaper stands in its old bucket too: each lane lists a node once at most.
  const first = new Int32Array(BUCKETS);
  const listed = new Int32Array(laneCount + 1);
  const following = new Int32Array(laneCount + 1);
  return ({ prices, robotType }: SearchCosts, cheapest: number, start: number, left: number): void => {
    const typeBit = (1 << robotType) >>> 0;
    const bucketsPerCost = 1 / (cheapest * NARROWER);
    settled.fill(0);
    first.fill(-1);
    first[0] = 0;
    listed[0] = start;
    following[0] = -1;
    let count = 1;
    let empty = 0;
    for (let bucket = 0; empty < BUCKETS; bucket = (bucket + 1) & (BUCKETS - 1)) {
      empty = first[bucket]! < 0 ? empty + 1 : 0;
      for (let entry = first[bucket]!; entry >= 0; entry = following[entry]!) {
        const node = listed[entry]!;
        if (settled[node] === 1) continue;
        settled[node] = 1;
        if (wanted[node] === 1 && --left === 0) return;
        const reached = cost[node]!;
        for (let lane = laneStart[node]!, end = laneStart[node + 1]!; lane < end; lane++) {
          if (open[lane] === 0 || (barredTypes[lane]! & typeBit) !== 0) continue;
          const next = laneTo[lane]!;
          const total = reached + prices[lane]!;
          if (total < cost[next]!) {
            cost[next] = total;
            lastLane[next] = lane;
            const into = (total * bucketsPerCost) & (BUCKETS - 1);
            listed[count] = next;
            following[count] = first[into]!;
            first[into] = count++;
          } else if (total === cost[next]! && lane < lastLane[next]!) lastLane[next] = lane;
        }
      }
      first[bucket] = -1;
    }
  };
}
