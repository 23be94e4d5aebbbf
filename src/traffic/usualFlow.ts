import { againstHighways } from '../warehouse/highways.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import type { Traffic } from './traffic.js';

/** Seconds after which the usual flow has come half of the way to what is planned now. */
const HALF_LIFE_SECONDS = 60;
/** Robots that one way must be ahead of the other before it is the usual way: on a light floor, chance makes a difference of one. */
const CHANCE_ROBOTS = 1;
/** Robots that count as usually driving along each highway. */
const HIGHWAY_ROBOTS = 1;
/** Smaller changes wait until they have added up: what nobody drives on costs nothing. */
const NOTICEABLE_ROBOTS = 0.02;

/**
 * Which way traffic usually goes: each lane's planned flow, averaged over minutes, and a robot along each highway.
 * The planned flow of now turns round with every route that ends; this does not. Pricing what runs against it lets
 * a floor settle into one-way aisles, where and as long as its traffic needs them. The highways decide which way,
 * from the first plan on: what a floor settles into by chance in its first jam, it keeps.
 */
export interface UsualFlow {
  /** [L] robots that usually come the other way more than go this way, beyond what is chance; 0 or more. */
  readonly against: Float32Array;
  /** Lets `seconds` pass under the planned flow of now; hands each lane whose `against` moved to `changed`. */
  drift(seconds: number, changed: (lane: number) => void): void;
}

export function createUsualFlow(graph: LaneGraph, traffic: Traffic): UsualFlow {
  const { laneCount, reverseLane } = graph;
  const usual = new Float32Array(laneCount);
  const runsAgainst = againstHighways(graph);
  const against = Float32Array.from(runsAgainst, (isAgainst) => HIGHWAY_ROBOTS * isAgainst);
  return {
    against,
    drift(seconds, changed) {
      const share = 1 - 0.5 ** (seconds / HALF_LIFE_SECONDS);
      for (let lane = 0; lane < laneCount; lane++)
        usual[lane]! += share * (traffic.flow[lane]! - usual[lane]!);
      for (let lane = 0; lane < laneCount; lane++) {
        const reverse = reverseLane[lane]!;
        if (reverse < 0) continue;
        const highway = HIGHWAY_ROBOTS * runsAgainst[lane]!;
        const next = highway + Math.max(0, usual[reverse]! - usual[lane]! - CHANCE_ROBOTS);
        const moved = Math.abs(next - against[lane]!);
        if (moved === 0 || (moved < NOTICEABLE_ROBOTS && next > highway)) continue;
        against[lane] = next;
        changed(lane);
      }
    },
  };
}
