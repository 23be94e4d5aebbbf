import type { NodeIndex } from '../src/domain/ids.js';
import { createRandom } from '../src/platform/random.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import type { JobSource } from './fleet.js';
import { alternatingGoals } from './orders/alternatingGoals.js';
import { reachOf } from './orders/reach.js';

export interface BenchJobsOptions {
  readonly graph: LaneGraph;
  readonly robotTypes: readonly number[];
  readonly seed: number;
  /** 0: single goals, pick faces and stations in turn; else tours of so many picks and a station. */
  readonly picks: number;
}

/** The benchmark's work: without end, without handling, fixed by seed, robot and turn alone. */
export function createBenchJobs({ graph, robotTypes, seed, picks }: BenchJobsOptions): JobSource {
  const stopAt = (node: NodeIndex) => ({ node: graph.nodeIds[node]!, handlingSeconds: 0 });
  if (picks === 0) {
    const goals = alternatingGoals({ graph, robotTypes, seed });
    return {
      next: (robot) => ({ jobId: `robot ${robot}`, stops: [stopAt(goals.next(robot))], dropoff: null }),
    };
  }
  const random = createRandom(seed);
  const streams = robotTypes.map((_type, robot) => random.fork(`tours of robot ${robot}`));
  const reaches = graph.robotTypes.map((_type, type) => reachOf(graph, type));
  return {
    next(robot) {
      const { pickFaces, stations } = reaches[robotTypes[robot]!]!;
      const stream = streams[robot]!;
      const faces = new Set<NodeIndex>();
      while (faces.size < Math.min(picks, pickFaces.length))
        faces.add(pickFaces[stream.integer(pickFaces.length)]!);
      return {
        jobId: `robot ${robot}`,
        stops: [...faces].map(stopAt),
        dropoff: stopAt(stations[stream.integer(stations.length)]!),
      };
    },
  };
}
