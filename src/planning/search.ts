import { turnSeconds, turnRadians, type LaneGraph } from '../warehouse/laneGraph.js';

/** What a search pays: a price for each lane, and for turning where that costs anything. */
export interface SearchCosts {
  /** [L] weighted seconds, finite and >= 0; Infinity bars a lane. */
  readonly prices: Float64Array;
  readonly robotType: number;
  /** Weighted seconds for each second of turning, and for each change of heading over 45 degrees. */
  readonly turnTimeWeight: number;
  readonly turnWeight: number;
}

/**
 * One-to-all shortest paths (Dijkstra 1959) under given prices, on typed arrays that are reused:
 * a result is valid until the next `run`. Searches run over nodes; over lanes where turns cost.
 */
export interface Search {
  /**
   * @param start node to leave from
   * @param arrivalLane the lane the robot came by (its heading), or -1
   * @param targets search ends when all of these nodes are settled; empty: settle everything
   */
  run(costs: SearchCosts, start: number, arrivalLane: number, targets: ArrayLike<number>): void;
  /** Price of the cheapest path to a node, Infinity where there is none. */
  costTo(node: number): number;
  /** Lanes of that path in driving order; empty for the start itself; null where there is none. */
  lanesTo(node: number): number[] | null;
}

const TURN_COUNTS_RADIANS = Math.PI / 4;

export function createSearch(graph: LaneGraph): Search {
  let overLanes: Search | undefined;
  const overNodes = createNodeSearch(graph);
  let last: Search = overNodes;
  return {
    run(costs, start, arrivalLane, targets) {
      const turnsCost =
        costs.turnWeight > 0 || (costs.turnTimeWeight > 0 && graph.turnsTakeTime[costs.robotType] === true);
      last = turnsCost ? (overLanes ??= createLaneSearch(graph)) : overNodes;
      last.run(costs, start, arrivalLane, targets);
    },
    costTo: (node) => last.costTo(node),
    lanesTo: (node) => last.lanesTo(node),
  };
}

/** A search over nodes: turning costs nothing. */
export interface NodeSearch extends Search {
  /** [N] `costTo` of every node, of the last `run`. */
  readonly costs: Float64Array;
}

export function createNodeSearch(graph: LaneGraph): NodeSearch {
  const { nodeCount, laneStart, laneTo, laneFrom, open, barredTypes } = graph;
  const cost = new Float64Array(nodeCount);
  const lastLane = new Int32Array(nodeCount);
  const wanted = new Uint8Array(nodeCount);
  const heap = createHeap(nodeCount);
  let startNode = 0;

  return {
    run({ prices, robotType }, start, _arrivalLane, targets) {
      const typeBit = (1 << robotType) >>> 0;
      startNode = start;
      cost.fill(Infinity);
      lastLane.fill(-1);
      heap.clear();
      wanted.fill(0);
      let left = markWanted(wanted, targets);
      cost[start] = 0;
      heap.push(start, 0);
      for (let node = heap.pop(); node >= 0; node = heap.pop()) {
        if (wanted[node] === 1 && --left === 0) {
          heap.clear();
          return;
        }
        const reached = cost[node]!;
        for (let lane = laneStart[node]!, end = laneStart[node + 1]!; lane < end; lane++) {
          if (open[lane] === 0 || (barredTypes[lane]! & typeBit) !== 0) continue;
          const next = laneTo[lane]!;
          const total = reached + prices[lane]!;
          if (total < cost[next]!) {
            cost[next] = total;
            lastLane[next] = lane;
            heap.push(next, total);
          }
        }
      }
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

/** The same over lanes: what is settled is a lane just driven, so that the next turn has its price. */
function createLaneSearch(graph: LaneGraph): Search {
  const { nodeCount, laneCount, laneStart, laneTo, open, barredTypes } = graph;
  const cost = new Float64Array(laneCount);
  const before = new Int32Array(laneCount);
  const bestLane = new Int32Array(nodeCount);
  const wanted = new Uint8Array(nodeCount);
  const heap = createHeap(laneCount);
  let startNode = 0;

  /** Extends a path that ends at `node`, heading as on lane `by`; `parent` is `by`, or -1 at the start. */
  const relax = (costs: SearchCosts, by: number, parent: number, node: number): void => {
    const typeBit = (1 << costs.robotType) >>> 0;
    const reached = parent >= 0 ? cost[parent]! : 0;
    for (let lane = laneStart[node]!, end = laneStart[node + 1]!; lane < end; lane++) {
      if (open[lane] === 0 || (barredTypes[lane]! & typeBit) !== 0) continue;
      let total = reached + costs.prices[lane]!;
      if (by >= 0) {
        total += costs.turnTimeWeight * turnSeconds(graph, costs.robotType, by, lane);
        if (turnRadians(graph, by, lane) > TURN_COUNTS_RADIANS) total += costs.turnWeight;
      }
      if (total < cost[lane]!) {
        cost[lane] = total;
        before[lane] = parent;
        heap.push(lane, total);
      }
    }
  };

  return {
    run(costs, start, arrivalLane, targets) {
      startNode = start;
      cost.fill(Infinity);
      before.fill(-1);
      bestLane.fill(-1);
      heap.clear();
      wanted.fill(0);
      let left = markWanted(wanted, targets);
      if (wanted[start] === 1) left--;
      relax(costs, arrivalLane, -1, start);
      for (let lane = heap.pop(); lane >= 0; lane = heap.pop()) {
        const node = laneTo[lane]!;
        if (bestLane[node] === -1 && node !== start) {
          bestLane[node] = lane;
          if (wanted[node] === 1 && --left === 0) break;
        }
        relax(costs, lane, lane, node);
      }
      heap.clear();
    },
    costTo: (node) => (node === startNode ? 0 : bestLane[node] === -1 ? Infinity : cost[bestLane[node]!]!),
    lanesTo(node) {
      if (node === startNode) return [];
      if (bestLane[node] === -1) return null;
      const lanes: number[] = [];
      for (let lane = bestLane[node]!; lane >= 0; lane = before[lane]!) lanes.push(lane);
      return lanes.reverse();
    },
  };
}

/** Marks targets, returns how many different ones there are (Infinity for none: never done). */
function markWanted(wanted: Uint8Array, targets: ArrayLike<number>): number {
  if (targets.length === 0) return Infinity;
  let count = 0;
  for (let i = 0; i < targets.length; i++) {
    if (wanted[targets[i]!] === 0) count++;
    wanted[targets[i]!] = 1;
  }
  return count;
}

/** Binary min-heap of items 0..size-1 with decrease-key; pop gives -1 when empty. */
function createHeap(size: number) {
  const items = new Int32Array(size);
  const keys = new Float64Array(size);
  const position = new Int32Array(size).fill(-1);
  let count = 0;

  const siftUp = (from: number, item: number, key: number): void => {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      const other = items[parent]!;
      if (keys[other]! <= key) break;
      items[slot] = other;
      position[other] = slot;
      slot = parent;
    }
    items[slot] = item;
    position[item] = slot;
  };

  return {
    clear() {
      for (let slot = 0; slot < count; slot++) position[items[slot]!] = -1;
      count = 0;
    },
    /** Adds an item, or lowers its key. */
    push(item: number, key: number) {
      keys[item] = key;
      siftUp(position[item]! >= 0 ? position[item]! : count++, item, key);
    },
    pop(): number {
      if (count === 0) return -1;
      const top = items[0]!;
      position[top] = -1;
      const item = items[--count]!;
      if (count === 0) return top;
      const key = keys[item]!;
      let slot = 0;
      for (;;) {
        let child = 2 * slot + 1;
        if (child >= count) break;
        if (child + 1 < count && keys[items[child + 1]!]! < keys[items[child]!]!) child++;
        const other = items[child]!;
        if (keys[other]! >= key) break;
        items[slot] = other;
        position[other] = slot;
        slot = child;
      }
      items[slot] = item;
      position[item] = slot;
      return top;
    },
  };
}
