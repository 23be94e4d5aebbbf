import { AppError } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { RouteAssignedContent, RouteRequestContent, RouteUpdatedMessage } from '../domain/messages.js';
import type { RouteView, RoutingService } from '../domain/serviceContract.js';
import type { RouteEntry, RoutePlan } from '../journal/routeEntry.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { completeRoute } from './completeRoute.js';
import { introduce, openRouteOf } from './introduce.js';
import { mayLeave } from './leaving.js';
import { reviseRoute } from './reviseRoute.js';
import { describePlan, planTour, taskOf } from './routePlans.js';
import {
  assertServing,
  entryOf,
  servedVersion,
  servesPolicy,
  type ServiceCore,
  type SiteEntry,
} from './serviceCore.js';
import { nodeIndex, type OpenRoute } from './site.js';
import { dropRoute, openRoute } from './siteRoutes.js';
import { arrive, plausibleInstant, standAt } from './tracking.js';

type RouteUseCases = Pick<
  RoutingService,
  | 'hello'
  | 'robotState'
  | 'requestRoute'
  | 'dryRun'
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
          stopsPerTour: LIMITS.stopsPerTour,
          traceEntries: LIMITS.traceEntries,
          messageBytes: LIMITS.webSocketMessageBytes,
        },
        openRoutes: robots.flatMap((robot) => openRouteOf(entry, robot)),
      };
    },

    robotState(warehouseId, message) {
      const { site } = entryOf(core, warehouseId);
      const robot = site.robots.get(message.robotId);
      if (!robot) throw new AppError('E_UNKNOWN_ROBOT', { robotId: message.robotId, warehouseId });
      const node = nodeIndex(site, message.node);
      // A clock that runs ahead must not hold a node, or stand in the way, in times to come.
      const at = Math.min(message.at, site.clock.now());
      if (!robot.route) standAt(site, robot, node, at);
      const isObstacle = message.pausedReason !== undefined || !message.available;
      site.holdings.setObstacle(robot.index, isObstacle, at / 1000);
    },

    async requestRoute(warehouseId, request) {
      assertServing(core);
      const entry = entryOf(core, warehouseId);
      if (core.plansWaiting >= LIMITS.plansWaiting) {
        throw new AppError('E_BUSY', {
          limit: LIMITS.plansWaiting,
          what: 'plans',
          retryAfterSeconds: LIMITS.busyRetryAfterSeconds,
        });
      }
      core.plansWaiting++;
      try {
        return await issueRoute(core, entry, request);
      } finally {
        core.plansWaiting--;
      }
    },

    dryRun(warehouseId, request) {
      const entry = entryOf(core, warehouseId);
      const { task } = taskOf(entry.site, request);
      const plan = planTour(entry.site, task);
      const labels = { revision: 0, policyVersion: servedVersion(core, entry) };
      return {
        requestId: request.requestId,
        routeId: 'dry-run',
        robotId: request.robotId,
        mapVersion: entry.site.graph.mapVersion,
        ...describePlan(entry.site, plan, plan.stopOrder, labels),
      };
    },

    routeProgress(warehouseId, message) {
      const entry = entryOf(core, warehouseId);
      const { site } = entry;
      checkRevision(entry, message);
      const route = site.openRoutes.get(message.routeId);
      const node = nodeIndex(site, message.node);
      // Reports cross with completions and expiry on the wire: what is over needs no progress.
      if (!route || route.closing) return;
      route.robot.reports = true;
      const at = plausibleInstant(site, route, message.at);
      if (isStale(route, at) || route.robot.node === node) return;
      route.progressSeen = true;
      arrive(site, route, node, at);
    },

    routeDeviated: (warehouseId, message) => deviate(core, entryOf(core, warehouseId), message),
    completeRoute: (warehouseId, report) => completeRoute(core, entryOf(core, warehouseId), report),

    async cancelRoute(warehouseId, message) {
      assertServing(core);
      const { site, ledger } = entryOf(core, warehouseId);
      const closed = await ledger.cancel(message, site.clock.now());
      const route = site.openRoutes.get(message.routeId);
      if (route) dropRoute(site, route);
      return { type: 'route.closed', ...closed };
    },

    route(warehouseId, routeId) {
      const { ledger } = entryOf(core, warehouseId);
      return ledger.lookUp(routeId).then((found) => {
        if (!found) throw new AppError('E_UNKNOWN_ROUTE', { routeId });
        return viewOf(found);
      });
    },

    robotOf(warehouseId, routeId) {
      const route = entryOf(core, warehouseId).ledger.find(routeId);
      if (!route) throw new AppError('E_UNKNOWN_ROUTE', { routeId });
      return route.robotId;
    },
  };
}

async function issueRoute(
  core: ServiceCore,
  entry: SiteEntry,
  request: RouteRequestContent,
): Promise<RouteAssignedContent> {
  const { site, ledger, host } = entry;
  let route: OpenRoute | undefined;
  let plannedAt = 0;
  const issued = ledger.issue(request, (requestHash) => {
    const labels = { routeId: core.newRouteId(), requestHash, policyVersion: servedVersion(core, entry) };
    const imagined = entry.shadow.imagine(request);
    // Not before: the candidate's plan is another one.
    plannedAt = monotonicMilliseconds();
    const opened = openRoute(site, request, labels);
    route = opened.route;
    core.observer.planned(
      site.warehouseId,
      monotonicMilliseconds() - plannedAt,
      opened.record.payload.answer.why.served,
    );
    entry.shadow.compare(imagined, opened.route);
    return opened.record;
  });
  const answer = await issued.catch((error: unknown) => {
    if (route) dropRoute(site, route);
    throw error;
  });
  if (!route) return repeatedAnswer(entry, request, answer);
  if (servesPolicy(core, entry)) host.routeLeaves(site, plannedAt);
  // A lane may have closed while the issue was written. The answer itself is asked: whoever closed the lane
  // may have sent the route another way already, under a later revision. Where this fails (a full disk), the route
  // stays open, as the ledger has it: its robot deviates from it, or cancels it.
  const updated = mayLeave(site, route.robotType, answer)
    ? null
    : await reviseRoute(core, entry, route, 'laneClosed');
  if (updated?.type !== 'route.held') {
    route.told = true;
    return updated === null ? answer : { ...answer, ...planOf(updated) };
  }
  await ledger.cancel({ routeId: route.routeId, reason: 'no open way' }, site.clock.now());
  dropRoute(site, route);
  throw new AppError('E_UNREACHABLE', { from: request.from, to: 'its stops' });
}

/**
 * The first answer again, unless a lane of it closed meanwhile: then what its robot was told since, if that can be
 * driven from where it asked. A route that is over is not handed out again: nobody would tell of lanes that close.
 * @throws E_ROUTE_CLOSED @throws E_ROUTE_OPEN its robot reports where it is (`route.deviated`), or cancels
 */
function repeatedAnswer(
  { site, ledger }: SiteEntry,
  request: RouteRequestContent,
  answer: RouteAssignedContent,
): RouteAssignedContent {
  const { routeId, robotId } = answer;
  const known = ledger.open(routeId);
  if (!known)
    throw new AppError('E_ROUTE_CLOSED', { routeId, state: ledger.find(routeId)?.state ?? 'closed' });
  const robotType = site.graph.robotTypeIndexOf.get(known.robotType) ?? -1;
  if (mayLeave(site, robotType, answer)) return answer;
  const { plan, heldAt } = known;
  const isWhole = plan.nodes[0] === request.from && plan.stopIndexes.length === answer.stopIndexes.length;
  if (!isWhole || heldAt !== null || !mayLeave(site, robotType, plan)) {
    throw new AppError('E_ROUTE_OPEN', { robotId, routeId });
  }
  return { ...answer, ...planOf(plan) };
}

function planOf(message: RoutePlan) {
  const { revision, policyVersion, stopOrder, stopIndexes, nodes, etaSeconds, expected, why } = message;
  return { revision, policyVersion, stopOrder, stopIndexes, nodes, etaSeconds, expected, why };
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
  if (!route || route.closing) {
    const found = ledger.find(routeId) ?? (await ledger.lookUp(routeId));
    if (!found) throw new AppError('E_UNKNOWN_ROUTE', { routeId });
    if (found.state === 'issued' && !route)
      throw new AppError('E_ROUTE_OTHER_MAP', { routeId, warehouseId: site.warehouseId });
    throw new AppError('E_ROUTE_CLOSED', { routeId, state: route ? 'closing' : found.state });
  }
  if (route.revisions.length > LIMITS.revisionsPerRoute)
    throw new AppError('E_ROUTE_REVISED_OFTEN', { routeId, limit: LIMITS.revisionsPerRoute });
  route.progressSeen = true;
  const at = plausibleInstant(site, route, message.at);
  if (!isStale(route, at) && route.robot.node !== node) arrive(site, route, node, at);
  const updated = await reviseRoute(core, entry, route, 'deviated', at);
  if (updated.type === 'route.updated') return updated;
  core.emit({ kind: 'route.held', warehouseId: site.warehouseId, message: updated });
  throw new AppError('E_UNREACHABLE', { from: message.node, to: 'its next stop' });
}

/** A report that others overtook on the wire says where the robot was, not where it is; else takes note of it. */
function isStale(route: OpenRoute, at: Instant): boolean {
  if (at < route.reportedAt) return true;
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

function viewOf(entry: RouteEntry): RouteView {
  const { routeId, robotId, state, revision, issuedAt, closedAt, trace, scored, plan } = entry;
  const { policyVersion, nodes, stopIndexes } = plan;
  return {
    routeId,
    robotId,
    state,
    revision,
    policyVersion,
    issuedAt,
    closedAt,
    nodes,
    stopIndexes,
    trace,
    scored,
  };
}
