import type { NodeIndex } from '../../src/domain/ids.js';
import { createFreeFlow } from '../../src/planning/freeFlow.js';
import type { Random } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { nodeOf, type JobSource } from '../job.js';

/** A straight piece of floor that many routes drive. */
export interface Aisle {
  /** The busiest cell where nobody stops. */
  readonly node: NodeIndex;
  /** Lanes along the aisle, both ways. */
  readonly lanes: readonly number[];
  /** Where it begins and ends. */
  readonly ends: readonly [NodeIndex, NodeIndex];
}

export interface AisleOptions {
  readonly graph: LaneGraph;
  /** Single goals; a stream of its own, since it is used up. */
  readonly jobs: JobSource;
  readonly robotTypes: readonly number[];
  readonly starts: readonly NodeIndex[];
  readonly random: Random;
}

/** Shortest paths that are counted. */
const PATHS = 4000;
/** Lanes of the aisle on either side of its busiest lane. */
const REACH_LANES = 3;

/**
 * The aisle round the busiest cell, by shortest paths drawn at random among all: the same for every method of a
 * seed, whatever its routes do.
 * @throws RangeError where the map has no such cell
 */
export function busiestAisle({ graph, jobs, robotTypes, starts, random }: AisleOptions): Aisle {
  const freeFlow = createFreeFlow(graph, () => 0);
  const visits = new Uint32Array(graph.laneCount);
  robotTypes.forEach((type, robot) => {
    let place = starts[robot]!;
    for (let path = 0; path < Math.ceil(PATHS / robotTypes.length); path++) {
      const goal = graph.nodeIndexOf.get(nodeOf(jobs.next(robot, 0)!.stops[0]!))!;
      for (const lane of freeFlow.fastestLanes(type, place, goal, random) ?? []) visits[lane]!++;
      place = goal;
    }
  });
  const crossings = new Uint32Array(graph.nodeCount);
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const node = graph.laneTo[lane]!;
    if (graph.isStation[node] === 0 && graph.isPickFace[node] === 0) crossings[node]! += visits[lane]!;
  }
  const node = indexOfLargest(crossings) as NodeIndex;
  if (crossings[node] === 0) throw new RangeError(`${graph.warehouseId} has no cell to drive over`);
  return { node, ...aisleThrough(graph, node, visits) };
}

function aisleThrough(graph: LaneGraph, node: NodeIndex, visits: Uint32Array): Omit<Aisle, 'node'> {
  const bothWays = (lane: number): number => visits[lane]! + (visits[graph.reverseLane[lane]!] ?? 0);
  let middle = graph.laneStart[node]!;
  for (let lane = middle; lane < graph.laneStart[node + 1]!; lane++)
    if (bothWays(lane) > bothWays(middle)) middle = lane;
  const ahead = straightFrom(graph, middle);
  const back = graph.reverseLane[middle]!;
  const behind = back < 0 ? [] : straightFrom(graph, back);
  const lanes = new Set(
    [...ahead, ...behind].flatMap((lane) => [lane, graph.reverseLane[lane]!]).filter((lane) => lane >= 0),
  );
  return {
    lanes: [...lanes],
    ends: [
      (behind.length > 0 ? graph.laneTo[behind.at(-1)!]! : node) as NodeIndex,
      graph.laneTo[ahead.at(-1)!]! as NodeIndex,
    ],
  };
}

/** The lane and those straight on. */
function straightFrom(graph: LaneGraph, first: number): number[] {
  const lanes = [first];
  while (lanes.length <= REACH_LANES) {
    const next = graph.straightLane[lanes.at(-1)!]!;
    if (next < 0) break;
    lanes.push(next);
  }
  return lanes;
}

function indexOfLargest(values: Uint32Array): number {
  let best = 0;
  values.forEach((value, at) => {
    if (value > values[best]!) best = at;
  });
  return best;
}
