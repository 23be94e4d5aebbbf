import type { Instant } from '../domain/ids.js';
import type { BadlyPredictedRoute } from '../domain/serviceContract.js';
import { LIMITS } from '../domain/limits.js';
import type { IssuedRoute } from '../learning/issuedRoute.js';
import type { FloorSnapshot, RobotOnSite } from './floorSnapshot.js';

/**
 * A route whose wait the policy predicted badly, with the floor that it was planned on. Nodes and lanes are
 * indexes of the map version that it names.
 */
export interface CornerCase extends BadlyPredictedRoute {
  readonly closedLanes: readonly number[];
  /** The first is the one of the route, which is its whole path; then everyone else. */
  readonly robots: readonly PlacedRobot[];
}

/** A robot and what it had still to drive; a path of no nodes: nothing. */
export interface PlacedRobot {
  readonly robotType: number;
  readonly node: number;
  readonly path: readonly number[];
  /** Where in the path its stops are reached, and how long handling takes there. */
  readonly stopIndexes: readonly number[];
  readonly handlingSeconds: readonly number[];
}

/** The worst predicted routes of one warehouse: at most `LIMITS.cornerCasesKept`, old ones giving way to new ones. */
export interface CornerCases {
  /** Whether a route that ends now would be kept. Asked before the snapshot is copied. */
  wouldKeep(errorSeconds: number, completedAt: Instant): boolean;
  /** Keeps it where it would be kept; returns the route that gave way to it. */
  keep(found: CornerCase): string | null;
  /** Worst first, by error and age. */
  list(): readonly CornerCase[];
  find(routeId: string): CornerCase | undefined;
}

/** A case counts half as much after so long on the site's clock. */
const HALF_LIFE_MILLISECONDS = 3600 * 1000;
/** What is off by less was predicted well enough. */
export const LEAST_ERROR_SECONDS = 10;

export function createCornerCases(limit: number = LIMITS.cornerCasesKept): CornerCases {
  // All fade at one rate, so their order does not change: log2(error) + completedAt in half-lives. Worst first.
  const kept: { rank: number; readonly found: CornerCase }[] = [];
  const rankOf = (errorSeconds: number, completedAt: Instant): number =>
    Math.log2(errorSeconds) + completedAt / HALF_LIFE_MILLISECONDS;
  const sort = (): void => void kept.sort((a, b) => b.rank - a.rank);
  /** A clock that ran ahead was set back: what ended in times to come ended now at the latest. */
  const fadeFrom = (now: Instant): void => {
    for (const one of kept) one.rank = Math.min(one.rank, rankOf(errorSecondsOf(one.found), now));
    sort();
  };

  const cornerCases: CornerCases = {
    wouldKeep(errorSeconds, completedAt) {
      if (!(errorSeconds >= LEAST_ERROR_SECONDS)) return false;
      fadeFrom(completedAt);
      return kept.length < limit || rankOf(errorSeconds, completedAt) > kept[kept.length - 1]!.rank;
    },
    keep(found) {
      const error = errorSecondsOf(found);
      if (!cornerCases.wouldKeep(error, found.completedAt)) return null;
      kept.push({ rank: rankOf(error, found.completedAt), found });
      sort();
      return kept.length > limit ? kept.pop()!.found.routeId : null;
    },
    list: () => kept.map(({ found }) => found),
    find: (routeId) => kept.find(({ found }) => found.routeId === routeId)?.found,
  };
  return cornerCases;
}

export function errorSecondsOf(
  found: Pick<CornerCase, 'predictedWaitSeconds' | 'observedWaitSeconds'>,
): number {
  return Math.abs(found.observedWaitSeconds - found.predictedWaitSeconds);
}

/**
 * Everyone on the snapshot with the rest of their routes, on a floor of many long ones with its beginning; the robot of
 * the route itself with all of it.
 */
export function placeRobots(
  { robots }: FloorSnapshot,
  route: IssuedRoute,
  robotOnSite: number,
): PlacedRobot[] {
  const { nodes, stops, stopIndexes } = route.revisions[0]!;
  const others = robots.filter(({ robot }) => robot !== robotOnSite);
  const nodesOfEach = Math.floor(LIMITS.cornerCaseNodes / robots.length);
  const whole = {
    ...{
      robotType: route.robotType,
      node: nodes[0]!,
      path: Array.from(nodes),
      stopIndexes: [...stopIndexes],
    },
    handlingSeconds: stops.map(({ handlingSeconds }) => handlingSeconds),
  };
  return [whole, ...others.map((other) => restOfRoute(other, nodesOfEach))];
}

function restOfRoute(robot: RobotOnSite, nodesAtMost: number): PlacedRobot {
  const { robotType, node, nodes, position, stops, stopIndexes, handlingSecondsLeft } = robot;
  const end = Math.min(nodes.length, position + nodesAtMost);
  const ahead = stopIndexes.flatMap((index, i) =>
    index > position && index < end ? [{ at: index - position, seconds: stops[i]!.handlingSeconds }] : [],
  );
  const here = handlingSecondsLeft > 0 ? [{ at: 0, seconds: handlingSecondsLeft }] : [];
  // One whose next stop is beyond what is kept of its path drives that far all the same.
  const last = end < nodes.length && ahead.length === 0 ? [{ at: end - 1 - position, seconds: 0 }] : [];
  const left = [...here, ...ahead, ...last];
  return {
    ...{ robotType, node, path: Array.from(nodes.subarray(position, end)) },
    stopIndexes: left.map(({ at }) => at),
    handlingSeconds: left.map(({ seconds }) => seconds),
  };
}
