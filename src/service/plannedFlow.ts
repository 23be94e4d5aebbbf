import { latestRevision } from '../learning/issuedRoute.js';
import type { PriceSource } from '../policy/pricing.js';
import type { OpenRoute, Site } from './site.js';

/**
 * A route counts as planned flow on its way to so many stops from where its robot is. Whoever passes a lane a quarter of
 * an hour from now is in nobody's way, and tours of thirty stops would fill all lanes alike. Hand-made prices do better
 * with whole tours. Decision 0026.
 */
export function legsThatCount(forcedSource: PriceSource | null): number {
  return forcedSource === null || forcedSource === 'network' ? 2 : Infinity;
}

/** The newest plan counts from this place on. */
export function beginFlow(site: Site, route: OpenRoute, position: number): void {
  route.flowFrom = route.flowTo = position;
  moveFlow(site, route, position);
}

/** Its robot is at this place of the newest plan, or was further on already: what lies behind it counts no more. */
export function moveFlow(site: Site, route: OpenRoute, position: number): void {
  const { lanes, stopIndexes } = latestRevision(route);
  const from = Math.max(route.flowFrom, position);
  const stopsLeft = stopIndexes.filter((index) => index > from);
  const to = Math.max(route.flowTo, stopsLeft[site.legsThatCount - 1] ?? lanes.length);
  site.traffic.addFlow(lanes.subarray(0, Math.min(from, route.flowTo)), route.flowFrom, -1);
  site.traffic.addFlow(lanes.subarray(0, to), Math.max(from, route.flowTo), 1);
  route.flowFrom = from;
  route.flowTo = to;
}

/** Takes the route out of the planned flow. */
export function withdrawFlow(site: Site, route: OpenRoute): void {
  const { lanes } = latestRevision(route);
  site.traffic.addFlow(lanes.subarray(0, route.flowTo), route.flowFrom, -1);
  route.flowFrom = route.flowTo = lanes.length;
}
