import { AppError, busy } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { RouteAssignedContent, RouteRequestContent, RouteUpdatedMessage } from '../domain/messages.js';
import type { RouteView, RoutingService } from '../domain/serviceContract.js';
import type { RouteEntry } from '../journal/routeEntry.js';
import { latestRevision } from '../learning/issuedRoute.js';
import type { ChosenOrders } from '../planning/planner.js';
import { stopsAllowedForAll } from '../planning/tourLimit.js';
import { completeRoute } from './completeRoute.js';
import { hearAside } from './expectedPlace.js';
import { holdInForce, lookAgainIfMoved, noWayError } from './heldRoutes.js';
import { introduce, openRouteOf } from './introduce.js';
import { issueRoute } from './issueRoute.js';
import { hear, hearOfLack, isAtStart } from './lastKnown.js';
import { holdCause } from './openRouteViews.js';
import { isLargeTour, planInItsTurns, type PreparedPlan } from './largeTours.js';
import { setPaused } from './pauses.js';
import { reviseRoute } from './reviseRoute.js';
import { describePlan, planTour, taskOf } from './routePlans.js';
import { assertServing, entryOf, servedVersion, type ServiceCore, type SiteEntry } from './serviceCore.js';
import { heardOf, nodeIndex, robotNamed, type OpenRoute, type Site } from './site.js';
import { dropRoute } from './siteRoutes.js';
import { remainingTour, stopsMade, tellOfStops } from './stopsMade.js';
import { arrive, latestPlausible, plausibleInstant, revisionLimit, standAt } from './tracking.js';

type RouteUseCases = Pick<
  RoutingService,
  | 'hello'
  | 'robotState'
  | 'requestRoute'
  | 'dryRun'
  | 'takesTurns'
  | 'routeProgress'
  | 'routeDeviated'
  | 'completeRoute'
  | 'cancelRoute'
  | 'route'
  | 'robotOf'
>;

/** What robots ask for: hello, a route, and word of how it went. */
export function createRouteUseCases(core: ServiceCore): RouteUseCases {
  return {
    hello(message) {
      assertServing(core);
      const entry = entryOf(core, message.warehouseId);
      const { site } = entry;
      const robots = introduce(entry, message.robots);
      return {
        type: 'welcome',
        warehouseId: message.warehouseId,
        mapVersion: site.graph.mapVersion,
        policyVersion: servedVersion(core, entry),
        serverTime: site.clock.now(),
        limits: {
          stopsPerTour: stopsAllowedForAll(site.graph, site.weights.turns),
          // A later change of weights may lower the other.
          stopsPerTourAlways: stopsAllowedForAll(site.graph, Infinity),
          traceEntries: LIMITS.traceEntries,
          robotsPerHello: LIMITS.robotsPerHello,
          messageBytes: LIMITS.webSocketMessageBytes,
        },
        openRoutes: robots.flatMap((robot) => openRouteOf(entry, robot)),
      };
    },

    robotState(warehouseId, message) {
      const { site } = entryOf(core, warehouseId);
      const robot = robotNamed(site, message.robotId);
      const node = nodeIndex(site, message.node);
      heardOf(site, robot);
      // A clock that runs ahead must not hold a node, or stand in the way, in times to come.
      const at = Math.min(message.at, site.clock.now());
      if (!robot.route) standAt(site, robot, node, at);
      // What it said before its newest plan was made was true then.
      else if (at >= Math.max(robot.route.reportedAt, latestRevision(robot.route).at))
        hearAside(site, robot.route, node, at);
      setPaused(site, robot, message.pausedReason !== undefined || !message.available, at);
    },

    async requestRoute(warehouseId, request) {
      assertServing(core);
      const entry = entryOf(core, warehouseId);
      if (core.plansUnderWay >= LIMITS.plansWaiting) throw busy(LIMITS.plansWaiting, 'plans');
      core.plansUnderWay++;
      try {
        return await issueRoute(core, entry, request);
      } finally {
        core.plansUnderWay--;
      }
    },

    async dryRun(warehouseId, request) {
      const entry = entryOf(core, warehouseId);
      const plan = (prepared?: PreparedPlan) => imagineRoute(core, entry, request, prepared?.orders);
      return planInItsTurns(core, entry, request, plan);
    },

    takesTurns(warehouseId, request) {
      const entry = core.entries.get(warehouseId);
      return entry !== undefined && isLargeTour(core, entry.site, request);
    },

    routeProgress(warehouseId, message) {
      const entry = entryOf(core, warehouseId);
      const { site } = entry;
      checkRevision(entry, message);
      const route = site.openRoutes.get(message.routeId);
      const node = nodeIndex(site, message.node);
      // Reports cross with completions and expiry on the wire: what is over needs no progress.
      if (!route || site.expiring.has(route.routeId)) return;
      route.robot.reports = true;
      route.robot.heardAt = site.clock.now();
      const at = plausibleInstant(site, route, message.at);
      if (isOvertaken(site, route, at)) return;
      const follows = isNewest(entry, route, message.revision);
      const isAgain = isAtStart(route, node);
      if (!hear(site, route, { node, at, follows }) && route.robot.node !== node) {
        route.progressSeen = true;
        lookAgainIfMoved(site, route, node);
        arrive(site, route, { node, at, isProgress: true });
        route.movedHeardAt = site.clock.now();
      }
      if (!isAgain) tellOfStops(route, node);
    },

    routeDeviated: (warehouseId, message) => deviate(core, entryOf(core, warehouseId), message),
    completeRoute: (warehouseId, report) => completeRoute(core, entryOf(core, warehouseId), report),

    async cancelRoute(warehouseId, message) {
      assertServing(core);
      const { site, ledger } = entryOf(core, warehouseId);
      const closed = await ledger.cancel(message, site.clock.now());
      const route = site.openRoutes.get(message.routeId);
      if (route) {
        heardOf(site, route.robot);
        dropRoute(site, route);
      }
      return { type: 'route.closed', ...closed };
    },

    route(warehouseId, routeId) {
      const { site, ledger } = entryOf(core, warehouseId);
      return ledger.lookUp(routeId).then((found) => {
        if (!found) throw new AppError('E_UNKNOWN_ROUTE', { routeId });
        return viewOf(site, found);
      });
    },

    robotOf(warehouseId, routeId) {
      const route = entryOf(core, warehouseId).ledger.find(routeId);
      if (!route) throw new AppError('E_UNKNOWN_ROUTE', { routeId });
      return route.robotId;
    },
  };
}

function imagineRoute(
  core: ServiceCore,
  entry: SiteEntry,
  request: RouteRequestContent,
  chosen?: ChosenOrders,
): RouteAssignedContent {
  const { task } = taskOf(entry.site, request);
  const plan = planTour(entry.site, task, chosen);
  const labels = { revision: 0, policyVersion: servedVersion(core, entry) };
  return {
    requestId: request.requestId,
    routeId: 'dry-run',
    robotId: request.robotId,
    mapVersion: entry.site.graph.mapVersion,
    ...describePlan(entry.site, plan, plan.stopOrder, labels),
  };
}

async function deviate(
  core: ServiceCore,
  entry: SiteEntry,
  message: Parameters<RoutingService['routeDeviated']>[1],
): Promise<RouteUpdatedMessage> {
  assertServing(core);
  const { site, ledger } = entry;
  const { routeId } = message;
  checkRevision(entry, message);
  const node = nodeIndex(site, message.node);
  const route = site.openRoutes.get(routeId);
  if (!route || site.expiring.has(routeId)) {
    const found = ledger.find(routeId) ?? (await ledger.lookUp(routeId));
    if (!found) throw new AppError('E_UNKNOWN_ROUTE', { routeId });
    if (found.state === 'issued' && !route)
      throw new AppError('E_ROUTE_OTHER_MAP', { routeId, warehouseId: site.warehouseId });
    throw new AppError('E_ROUTE_CLOSED', { routeId, state: route ? 'closing' : found.state });
  }
  const limit = revisionLimit(site, route);
  // What it was answered is counted, holds too: each is a record.
  if (route.revisions.length + route.holdsAnswered > limit)
    throw new AppError('E_ROUTE_REVISED_OFTEN', { routeId, limit });
  route.leftItsWay = true;
  heardOf(site, route.robot);
  const at = plausibleInstant(site, route, message.at);
  // Under the newest revision it comes from a robot whose clock was set back: it is answered from where it is.
  const isOld = isOvertaken(site, route, at) && message.revision < (ledger.open(routeId)?.revision ?? 0);
  const word = { node, at, follows: isNewest(entry, route, message.revision) };
  const isHeard = hearOfLack(site, route, word) || isOld || hear(site, route, { node, at });
  const made = stopsMade(route);
  if (!isHeard && route.robot.node !== node) arrive(site, route, { node, at });
  // Who left its way may have been pushed to where it was to stop.
  if (stopsMade(route) > made) route.stopsTold ??= made;
  const hold = holdInForce(entry, route);
  if (hold && message.revision < hold.revision)
    core.emit({ kind: 'route.held', warehouseId: site.warehouseId, message: hold });
  const noWay = (): AppError => {
    const stop = remainingTour(route).stops[0] ?? route.revisions[0]!.stops.at(-1)!;
    return noWayError(route, { from: message.node, to: site.graph.nodeIds[stop.node]! });
  };
  if (hold) throw noWay();
  const updated = await reviseRoute(core, entry, route, 'deviated', at);
  if (updated.type === 'route.updated') return updated;
  route.holdsAnswered++;
  core.emit({ kind: 'route.held', warehouseId: site.warehouseId, message: updated });
  throw noWay();
}

/** Whether a revision is the newest of a route, and no newer one is being written. */
function isNewest({ ledger }: SiteEntry, route: OpenRoute, revision: number): boolean {
  return route.revising.size === 0 && revision === ledger.open(route.routeId)?.revision;
}

/**
 * A report that others overtook on the wire says where the robot was, not where it is; else takes note of it. What was
 * reported at an instant that is still to come was so before a clock was set back.
 */
function isOvertaken(site: Site, route: OpenRoute, at: Instant): boolean {
  if (at < route.reportedAt && route.reportedAt <= latestPlausible(site)) return true;
  route.reportedAt = at;
  return false;
}

/**
 * A report under an older revision crossed with its update: where the robot is, it tells all the same. One under a
 * revision that was never issued comes from a robot that follows something else.
 * @throws E_UNKNOWN_REVISION
 */
function checkRevision(
  { ledger }: SiteEntry,
  { routeId, revision }: { readonly routeId: string; readonly revision: number },
): void {
  const newest = ledger.open(routeId)?.revision ?? Infinity;
  if (revision > newest) throw new AppError('E_UNKNOWN_REVISION', { routeId, revision, newest });
}

/** Of a route that is held: the place to wait at, as `welcome` tells it, and not the way that it cannot drive. */
function viewOf(site: Site, entry: RouteEntry): RouteView {
  const { routeId, robotId, state, revision, issuedAt, closedAt, trace, scored, plan } = entry;
  const { policyVersion } = plan;
  const route = site.openRoutes.get(routeId);
  const held = state === 'issued' && holdCause(site, route) !== null;
  const place = route ? [site.graph.nodeIds[route.robot.node]!] : [];
  const { nodes, stopIndexes } = held ? { nodes: place, stopIndexes: [] } : plan;
  return {
    ...{ routeId, robotId, state, revision, policyVersion, issuedAt, closedAt },
    ...{ held, nodes, stopIndexes, trace, scored },
  };
}
