import type { RewardWeights } from '../domain/components.js';
import { LIMITS } from '../domain/limits.js';
import type { IssuedRoute } from '../learning/issuedRoute.js';
import type { DrivenLane } from '../learning/scorer.js';
import type { Planner } from '../planning/planner.js';
import { nodesPerSearch } from '../planning/tourLimit.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import type { RealisedWaits } from './realisedWaits.js';

/** A completed route, as far as its regret goes. */
export interface DrivenRoute {
  readonly route: IssuedRoute;
  /** Number of the first passage that was recorded after its issue. */
  readonly firstPassage: number;
  readonly drivenLanes: readonly DrivenLane[];
  /** Seconds on the way, handling excluded. */
  readonly travelledSeconds: number;
}

/** What hindsight says of a route, in seconds of driving and waiting, handling excluded. */
export interface Hindsight {
  readonly regretSeconds: number;
  /** What the tour that is shortest in free flow would have cost on the same lanes. */
  readonly shortestTourSeconds: number;
}

/**
 * Regret of a route: the seconds that it took, less those of the cheapest tour of the same stops under what each
 * lane really cost while it was under way; handling excluded, components other than `time` and `wait` left out.
 *
 * What a lane really cost: what this route itself paid on it (the least, if it passed more than once); else free flow
 * and the mean wait of everyone who passed it since the issue; where nobody did, free flow. So regret is
 * never negative, and it is comparable between routes of one warehouse.
 *
 * What it is not: what another plan would have gained. Nobody knew these costs at planning time; a robot sent
 * another way would have changed them; the cheapest of many noisy ways looks cheaper than it is; and a lane that all avoid
 * counts as free. Its level is therefore an upper bound with a bias. Its trend, under the same load, is the news.
 *
 * The tour is found by the planner that serves: exact visit order up to `LIMITS.exactOrderPicks`, within
 * the detour limit. Costs a planning; so only the first routes of each second of the floor get one, as far as
 * `LIMITS.regretNodesPerSecond` goes, and at least one of those that search `LIMITS.regretNodesAtOnce` or less. The others get null.
 */
export interface RegretMeter {
  measure(driven: DrivenRoute, nowSeconds: number): Hindsight | null;
}

const SECONDS_ALONE: RewardWeights = { time: 1, wait: 1, blocking: 0, distance: 0, turns: 0, lateness: 0 };

export function createRegretMeter(graph: LaneGraph, planner: Planner, waits: RealisedWaits): RegretMeter {
  const noBlocking = new Float32Array(graph.laneCount);
  const prices = new Float64Array(graph.laneCount);
  let second = -1;
  let nodesSpent = 0;

  /** Nodes that its searches may settle: one over the graph for each place of the tour. */
  const nodesOf = (stops: number, robotType: number): number =>
    (stops + 1) * nodesPerSearch(graph, robotType, SECONDS_ALONE.turns);
  const affords = (nodes: number, nowSeconds: number): boolean => {
    if (Math.floor(nowSeconds) !== second) {
      second = Math.floor(nowSeconds);
      nodesSpent = 0;
    }
    if (nodesSpent > 0 && nodesSpent + nodes > LIMITS.regretNodesPerSecond) return false;
    nodesSpent += nodes;
    return true;
  };

  return {
    measure({ route, firstPassage, drivenLanes, travelledSeconds }, nowSeconds) {
      const revision = route.revisions[0]!;
      const nodes = nodesOf(revision.stops.length, route.robotType);
      if (nodes > LIMITS.regretNodesAtOnce || !affords(nodes, nowSeconds)) return null;
      const waitSeconds = waits.meansSince(firstPassage, route.issuedAt / 1000);
      overrideByOwn(waitSeconds, drivenLanes);
      const freeFlow = graph.freeFlowSeconds[route.robotType]!;
      for (let lane = 0; lane < prices.length; lane++) prices[lane] = freeFlow[lane]! + waitSeconds[lane]!;
      const picks = revision.stopOrder.length;
      const plan = planner.plan(
        {
          robotType: route.robotType,
          from: revision.nodes[0]!,
          arrivalLane: revision.arrivalLane,
          stops: revision.stops.slice(0, picks),
          dropoff: revision.stops[picks] ?? null,
          fixedOrder: false,
          readyInSeconds: 0,
          deadlineSeconds: null,
        },
        {
          prices,
          latePrices: () => prices,
          waitHat: waitSeconds,
          blockingHat: noBlocking,
          weights: SECONDS_ALONE,
        },
      );
      // A lane has closed behind the robot: there is nothing to compare with any more.
      if (plan.kind === 'unreachable') return null;
      return {
        regretSeconds: Math.max(0, travelledSeconds - plan.expected.time - plan.expected.wait),
        shortestTourSeconds: plan.shortestSeconds + plan.shortestWaitSeconds,
      };
    },
  };
}

function overrideByOwn(waitSeconds: Float32Array, drivenLanes: readonly DrivenLane[]): void {
  for (const { lane } of drivenLanes) waitSeconds[lane] = Infinity;
  for (const { lane, waitSeconds: own } of drivenLanes) {
    waitSeconds[lane] = Math.min(waitSeconds[lane]!, Math.max(0, own));
  }
}
