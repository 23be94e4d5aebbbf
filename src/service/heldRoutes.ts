import { AppError } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { RouteHeldMessage } from '../domain/messages.js';
import { secondsNow } from '../planning/freeFlowChanges.js';
import { laneBetween } from '../warehouse/laneGraph.js';
import type { SiteEntry } from './serviceCore.js';
import { markObstacle, type NoWay, type OpenRoute, type Site } from './site.js';

/** A robot that is told to wait does so until there may be a way for it that was not there when one was looked for. */

/** What its robot is told with it. */
export const HOLD_REASONS: Readonly<Record<NoWay, string>> = {
  noOpenWay: 'no open way to the next stop; wait here',
  wayTooLong: 'the way round is too long for a route; wait here',
};

/** Takes a route for one without a way, until another look is due. */
export function hold(site: Site, route: OpenRoute, because: NoWay): void {
  beginHold(site, route, site.clock.now());
  route.heldBecause = because;
  route.heldEpoch = site.closures.openedEpoch;
}

/** From then on its robot waits as it was told, if it does not already. */
export function beginHold(site: Site, route: OpenRoute, from: Instant): void {
  if (route.held) return;
  route.holds = [...route.holds, { from, until: Infinity }];
  markObstacle(site, route.robot, from);
}

/**
 * It has a way again, if it had none. Nobody blocked it while it waited as it was told, and no lane was slow: its clock
 * starts anew.
 */
export function endHold(site: Site, route: OpenRoute, until: Instant): void {
  const from = heldFrom(route);
  if (from === null) return;
  route.holds = [...route.holds.slice(0, -1), { from, until }];
  route.readySeconds = Math.max(route.readySeconds, until / 1000);
  markObstacle(site, route.robot, until);
}

/** Since when its robot waits as it was told; null where it does not. */
export function heldFrom({ holds }: Pick<OpenRoute, 'holds'>): Instant | null {
  const last = holds[holds.length - 1];
  return last?.until === Infinity ? last.from : null;
}

/** What its robot was told, where another look would find no more than that; null where it might. */
export function holdInForce({ site, ledger }: SiteEntry, route: OpenRoute): RouteHeldMessage | null {
  if (!route.held || isLookDue(site, route)) return null;
  const { routeId, robotId } = route;
  const node = site.graph.nodeIds[route.robot.node]!;
  const known = ledger.open(routeId);
  if (known?.heldAt !== node) return null;
  const { revision } = known;
  return { type: 'route.held', routeId, robotId, revision, node, reason: HOLD_REASONS[route.heldBecause] };
}

/** What is answered to whoever asked for a way where there is none. */
export function noWayError({ heldBecause }: OpenRoute, ends: { from: string; to: string }): AppError {
  return heldBecause === 'wayTooLong'
    ? new AppError('E_ROUTE_TOO_LONG', { limit: LIMITS.nodesPerRoute })
    : new AppError('E_UNREACHABLE', ends);
}

/**
 * Whether another look may find a way: lanes have opened, or `lookAgain` was called. Closing lanes makes no way, and none
 * shorter.
 */
export function isLookDue({ closures }: Site, route: OpenRoute): boolean {
  return route.heldEpoch !== closures.openedEpoch;
}

/** The next tick looks for a way for this route, should it be held. */
export function lookAgain(route: OpenRoute): void {
  route.heldEpoch = -1;
}

/**
 * Its robot is about to be found at a node. What can be reached from the end of an open lane could be reached from
 * its start: who came by one has no way that it did not have there. But it may have a shorter one.
 */
export function lookAgainIfMoved({ graph }: Site, route: OpenRoute, node: number): void {
  const lane = laneBetween(graph, route.robot.node, node);
  const isNoNews = lane >= 0 && secondsNow(graph, route.robotType, lane) < Infinity;
  if (!isNoNews || route.heldBecause === 'wayTooLong') lookAgain(route);
}
