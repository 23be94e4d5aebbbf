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
  route.flowFrom = position;
  const { lanes } = latestRevision(route);
  site.traffic.addFlow(lanes.subarray(0, flowEnd(site, route, position)), position, 1);
}

/** Its robot is at this place of the newest plan, or was further on already: what lies behind it counts no more. */
export function moveFlow(site: Site, route: OpenRoute, position: number): void {
  const { flowFrom } = route;
  if (position <= flowFrom) return;
  const { lanes } = latestRevision(route);
  const before = flowEnd(site, route, flowFrom);
  const after = flowEnd(site, route, position);
  site.traffic.addFlow(lanes.subarray(0, Math.min(position, before)), flowFrom, -1);
  site.traffic.addFlow(lanes.subarray(0, after), Math.max(position, before), 1);
  route.flowFrom = position;
}

/** Takes the route out of the planned flow. */
export function withdrawFlow(site: Site, route: OpenRoute): void {
  const { flowFrom } = route;
  const { lanes } = latestRevision(route);
  site.traffic.addFlow(lanes.subarray(0, flowEnd(site, route, flowFrom)), flowFrom, -1);
  route.flowFrom = lanes.length;
}

/** Where a newest plan that counts from here on ceases to. */
function flowEnd({ legsThatCount: legs }: Site, route: OpenRoute, from: number): number {
  const { lanes, stopIndexes } = latestRevision(route);
  const next = stopIndexes.findIndex((index) => index > from);
  return next < 0 ? lanes.length : (stopIndexes[next + legs - 1] ?? lanes.length);
}
