import type { Instant } from '../domain/ids.js';
import type { IssuedRoute } from '../learning/issuedRoute.js';
import { wasAside } from '../learning/timesAside.js';

/** How slow the floor is, and the pressure that follows from it (decision 0012). */
export interface Slowdown {
  completed(travelledSeconds: number, freeFlowSeconds: number, robots: number): void;
  /** Travelled seconds over free-flow seconds, at least 1; open routes count as far as they have come. */
  ratio(nowSeconds: number): number;
  pressure(nowSeconds: number): number;
}

/**
 * A route counts as at most so many times its free-flow time, and so many seconds more: one robot that stands,
 * or says that it stood, for an hour must not raise the pressure on all.
 */
const ROUTE_LIMIT = { ratio: 10, seconds: 60 } as const;

/**
 * pressure = factor * slowdown^exponent, capped: one rule for all sites and densities. In a jam more than the cap
 * would drown highways and usual flow in what a young network makes of it. Decision 0012 has the measurements.
 */
export const PRESSURE = { factor: 2, exponent: 3, limit: 5 } as const;

/**
 * Of a robot that cannot drive nobody knows how slow the floor is, nor of one whose route has come to that limit, and that used
 * to report and has said nothing for as long, or nothing at all since the server started: it has forgotten its route.
 */
type RouteUnderWay = IssuedRoute & {
  readonly robot: { readonly paused: boolean; readonly reports: boolean | null; readonly heardAt: Instant };
};

export function createSlowdown(openRoutes: ReadonlyMap<string, RouteUnderWay>): Slowdown {
  let travelled = 0;
  let freeFlow = 0;

  /** In a jam nothing completes: routes that are overdue by today's measure count as if they ended now. */
  const ratio = (nowSeconds: number): number => {
    const done = freeFlow > 0 ? travelled / freeFlow : 1;
    let elapsed = travelled;
    let shortest = freeFlow;
    for (const route of openRoutes.values()) {
      const soFar = nowSeconds - route.issuedAt / 1000 - handlingSeconds(route);
      const isAside = wasAside(route) || route.robot.paused || route.shortestSeconds === 0;
      if (isAside || soFar <= done * route.shortestSeconds) continue;
      const most = mostSeconds(route.shortestSeconds);
      const { reports, heardAt } = route.robot;
      const isGone = reports === null || (reports && nowSeconds - heardAt / 1000 > most);
      if (soFar > most && isGone) continue;
      elapsed += Math.min(soFar, most);
      shortest += route.shortestSeconds;
    }
    return shortest > 0 ? Math.max(1, elapsed / shortest) : 1;
  };

  return {
    completed(travelledSeconds, freeFlowSeconds, robots) {
      const kept = 1 - 1 / Math.max(2, robots);
      travelled = travelled * kept + Math.min(travelledSeconds, mostSeconds(freeFlowSeconds));
      freeFlow = freeFlow * kept + freeFlowSeconds;
    },
    ratio,
    pressure: (nowSeconds) =>
      Math.min(PRESSURE.limit, PRESSURE.factor * ratio(nowSeconds) ** PRESSURE.exponent),
  };
}

function mostSeconds(freeFlowSeconds: number): number {
  return ROUTE_LIMIT.ratio * freeFlowSeconds + ROUTE_LIMIT.seconds;
}

function handlingSeconds(route: IssuedRoute): number {
  return route.revisions[0]!.stops.reduce((sum, stop) => sum + stop.handlingSeconds, 0);
}
