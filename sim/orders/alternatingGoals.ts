import type { NodeIndex } from '../../src/domain/ids.js';
import { createRandom } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { reachOf } from './reach.js';

export interface AlternatingGoalsOptions {
  readonly graph: LaneGraph;
  /** Position of each robot's type in the map's. */
  readonly robotTypes: readonly number[];
  readonly seed: number;
}

/** Single goals without end: pick face, station, pick face, ... (BENCHMARKS: routing quality). */
export interface AlternatingGoals {
  /** The robot's next goal; never the one before it. */
  next(robot: number): NodeIndex;
}

/**
 * Goal k of robot i is fixed by seed, i and k, whatever the robots do: the same for each method compared. Every
 * second robot begins with a station, so that they do not all flock to the same side.
 */
export function alternatingGoals({ graph, robotTypes, seed }: AlternatingGoalsOptions): AlternatingGoals {
  const random = createRandom(seed);
  const reaches = graph.robotTypes.map((_, type) =>
    robotTypes.includes(type) ? reachOf(graph, type) : null,
  );
  const robots = robotTypes.map((type, robot) => ({
    reach: reaches[type],
    random: random.fork(`goals of robot ${robot}`),
    turn: robot % 2,
  }));
  return {
    next(robot) {
      const own = robots[robot];
      if (!own?.reach) throw new RangeError(`robot ${robot} is not in the fleet`);
      const choices = own.turn++ % 2 === 0 ? own.reach.pickFaces : own.reach.stations;
      const goal = choices[own.random.integer(choices.length)];
      if (goal === undefined) throw new RangeError(`robot ${robot} reaches no pick face or no station`);
      return goal;
    },
  };
}
