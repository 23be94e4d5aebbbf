import { turnSeconds, type LaneGraph } from '../warehouse/laneGraph.js';
import { isTurn } from './freeFlow.js';
import { createHeap } from './heap.js';
import { createNodeSearch } from './nodeSearch.js';
import { markWanted, type Search, type SearchCosts } from './searchTerms.js';

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

/** A search over lanes: what is settled is a lane just driven, so that the next turn has its price. */
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
    const { prices, robotType, turnTimeWeight, turnWeight, ahead } = costs;
    const typeBit = (1 << robotType) >>> 0;
    const reached = parent >= 0 ? cost[parent]! : 0;
    for (let lane = laneStart[node]!, end = laneStart[node + 1]!; lane < end; lane++) {
      if (open[lane] === 0 || (barredTypes[lane]! & typeBit) !== 0) continue;
      let total = reached + prices[lane]!;
      if (by >= 0) {
        if (turnTimeWeight > 0) total += turnTimeWeight * turnSeconds(graph, robotType, by, lane);
        if (turnWeight > 0 && isTurn(graph, by, lane)) total += turnWeight;
      }
      if (total < cost[lane]!) {
        cost[lane] = total;
        before[lane] = parent;
        // Farther nodes may have bounds that are too high: theirs is the start's.
        heap.push(lane, ahead ? total + Math.min(ahead[laneTo[lane]!]!, ahead[startNode]!) : total);
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
      if (left === 0) return;
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
