import type { NodeIndex } from '../../src/domain/ids.js';
import { createRandom } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { Job, JobSource } from '../job.js';
import { reachOf } from '../orders/reach.js';

interface HotZoneOptions {
  readonly graph: LaneGraph;
  readonly robotTypes: readonly number[];
  readonly seed: number;
  /** When the zone moves. */
  readonly movesAt: number;
}

/** The hot zone is this share of the pick faces, and this share of the picks is there. */
const ZONE_SHARE = 0.2;
const HOT_SHARE = 0.6;

/**
 * Single goals, pick faces and stations in turn; most picks lie in the fifth of the pick faces nearest to one of
 * them, drawn by seed, and after `movesAt` in the fifth furthest from it.
 */
export function createHotZoneJobs({ graph, robotTypes, seed, movesAt }: HotZoneOptions): JobSource {
  const random = createRandom(seed);
  const streams = robotTypes.map((_type, robot) => random.fork(`hot goals of robot ${robot}`));
  const turns = robotTypes.map((_type, robot) => robot % 2);
  const draw = random.fork('zone').next();
  const reaches = new Map([...new Set(robotTypes)].map((type) => [type, zonedReach(graph, type, draw)]));
  return {
    next(robot, at) {
      const { stations, pickFaces } = reaches.get(robotTypes[robot]!)!;
      const stream = streams[robot]!;
      if (turns[robot]!++ % 2 === 1)
        return singleGoal(graph, robot, stations[stream.integer(stations.length)]!);
      const zone = Math.ceil(ZONE_SHARE * pickFaces.length);
      const first = at <= movesAt ? 0 : pickFaces.length - zone;
      const isHot = stream.next() < HOT_SHARE;
      const face = isHot ? first + stream.integer(zone) : stream.integer(pickFaces.length);
      return singleGoal(graph, robot, pickFaces[face]!);
    },
  };
}

/** Stations, and pick faces by their distance from the one drawn. */
function zonedReach(graph: LaneGraph, type: number, draw: number) {
  const { stations, pickFaces } = reachOf(graph, type);
  const middle = pickFaces[Math.floor(draw * pickFaces.length)]!;
  const metres = (node: NodeIndex): number =>
    Math.hypot(graph.x[node]! - graph.x[middle]!, graph.y[node]! - graph.y[middle]!);
  return { stations, pickFaces: [...pickFaces].sort((a, b) => metres(a) - metres(b)) };
}

/** The second half of the fleet has nothing to do up to `growsAt`: it stands on the floor, and is pushed aside. */
export function withGrowingFleet(jobs: JobSource, robots: number, growsAt: number): JobSource {
  return { next: (robot, at) => (at <= growsAt && robot >= robots / 2 ? null : jobs.next(robot, at)) };
}

/** One robot drives to and fro between two nodes, without end; it stands where it is first, as long as told. */
export function withShuttle(
  jobs: JobSource,
  graph: LaneGraph,
  shuttle: {
    readonly robot: number;
    readonly ends: readonly [NodeIndex, NodeIndex];
    readonly standsSeconds?: number;
  },
): JobSource {
  const { robot: shuttling, ends, standsSeconds = 0 } = shuttle;
  let turn = 0;
  return {
    next(robot, at) {
      if (robot !== shuttling) return jobs.next(robot, at);
      const [here, there] = turn++ % 2 === 0 ? [ends[1], ends[0]] : ends;
      const job = singleGoal(graph, robot, there);
      if (standsSeconds === 0 || turn === 1) return job;
      const stand = { node: graph.nodeIds[here]!, handlingSeconds: standsSeconds };
      return { ...job, stops: [stand, ...job.stops] };
    },
  };
}

const singleGoal = (graph: LaneGraph, robot: number, node: NodeIndex): Job => ({
  jobId: `robot ${robot}`,
  stops: [{ node: graph.nodeIds[node]!, handlingSeconds: 0 }],
  dropoff: null,
});
