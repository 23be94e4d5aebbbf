import { AppError } from '../domain/errors.js';
import type { RobotId } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { RouteAssignedContent, RouteRequestContent, RouteUpdatedMessage } from '../domain/messages.js';
import type { RouteView, RoutingService } from '../domain/serviceContract.js';
import { blobOfFloats } from '../journal/records.js';
import type { RouteEntry, RoutePlan } from '../journal/routeEntry.js';
import { ROW_SIZE } from '../learning/row.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { scoreTrace, unlearntOutcome, updateScoreRatio, type Outcome } from './completions.js';
import { learnsIn } from './policyHost.js';
import { describePlan, isOpenWay, planTour, taskOf } from './routePlans.js';
import { assertServing, entryOf, servedVersion, type ServiceCore, type SiteEntry } from './serviceCore.js';
import { nodeIndex, SETTLE_SECONDS, type OpenRoute, type Robot } from './site.js';
import { dropRoute, openRoute, rememberPlan, replanRoute, routeIsOpen, stamp } from './siteRoutes.js';
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
      const robots = message.robots.map((robot) => introduce(entry, robot));
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
      if (!robot.route) standAt(site, robot, node, message.at);
      robot.available = message.available;
      robot.paused = message.pausedReason !== undefined;
      site.holdings.setObstacle(robot.index, robot.paused || !robot.available, message.at / 1000);
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
      const { site } = entryOf(core, warehouseId);
      const route = site.openRoutes.get(message.routeId);
      const node = nodeIndex(site, message.node);
      // Reports cross with completions and expiry on the wire: what is over needs no progress.
      if (!route || route.closing || route.robot.node === node) return;
      route.progressSeen = true;
      arrive(site, route, node, plausibleInstant(site, route, message.at));
    },

    routeDeviated: (warehouseId, message) => deviate(core, entryOf(core, warehouseId), message),
    completeRoute: (warehouseId, report) => complete(core, entryOf(core, warehouseId), report),

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

/** Makes a robot known, or brings what is known of it up to date. @throws E_UNKNOWN_ROBOT_TYPE E_UNKNOWN_NODE E_BUSY */
function introduce(
  { site }: SiteEntry,
  message: { readonly robotId: string; readonly robotType: string; readonly node?: string },
): Robot {
  const robotType = site.graph.robotTypeIndexOf.get(message.robotType);
  if (robotType === undefined) {
    throw new AppError('E_UNKNOWN_ROBOT_TYPE', {
      robotType: message.robotType,
      warehouseId: site.warehouseId,
      known: site.graph.robotTypes.map((type) => type.name).join(', '),
    });
  }
  const node = message.node === undefined ? undefined : nodeIndex(site, message.node);
  let robot = site.robots.get(message.robotId);
  if (!robot) {
    if (site.robots.size >= LIMITS.robotsPerWarehouse) {
      throw new AppError('E_BUSY', {
        limit: LIMITS.robotsPerWarehouse,
        what: 'robots',
        retryAfterSeconds: 3600,
      });
    }
    robot = {
      robotId: message.robotId as RobotId,
      index: site.robotList.length,
      robotType,
      node: -1,
      arrivalLane: -1,
      available: true,
      paused: false,
      route: null,
    };
    site.robots.set(message.robotId, robot);
    site.robotList.push(robot);
  }
  robot.robotType = robotType;
  if (node !== undefined && !robot.route) standAt(site, robot, node, site.clock.now());
  return robot;
}

function openRouteOf({ ledger }: SiteEntry, robot: Robot) {
  const entry = ledger.openOf(robot.robotId);
  if (!entry) return [];
  const { nodes, stopIndexes } = entry.plan;
  return [{ routeId: entry.routeId, robotId: robot.robotId, revision: entry.revision, stopIndexes, nodes }];
}

async function issueRoute(
  core: ServiceCore,
  entry: SiteEntry,
  request: RouteRequestContent,
): Promise<RouteAssignedContent> {
  const { site, ledger, host } = entry;
  let route: OpenRoute | undefined;
  try {
    const answer = await ledger.issue(request, (requestHash) => {
      const started = monotonicMilliseconds();
      const labels = { routeId: core.newRouteId(), requestHash, policyVersion: servedVersion(core, entry) };
      const opened = openRoute(site, request, labels);
      route = opened.route;
      core.observer.planned(
        site.warehouseId,
        monotonicMilliseconds() - started,
        opened.record.payload.answer.why.served,
      );
      return opened.record;
    });
    host.routeLeaves(site);
    if (!route) return repeatedAnswer(entry, answer);
    // A lane may have closed while the issue was written, and another while that was mended. The answer itself
    // is asked: whoever closed the lane may have sent the route another way already, under a later revision.
    let latest = answer;
    while (!isOpenWay(site, latest.nodes)) {
      const updated = await reviseRoute(core, entry, route, { reason: 'laneClosed', at: site.clock.now() });
      if (updated.type === 'route.held') {
        await ledger.cancel({ routeId: route.routeId, reason: 'no open way' }, site.clock.now());
        throw new AppError('E_UNREACHABLE', { from: request.from, to: 'its stops' });
      }
      latest = { ...answer, ...planOf(updated) };
    }
    return latest;
  } catch (error) {
    if (route) dropRoute(site, route);
    throw error;
  }
}

/** The first answer again, unless a lane of it closed meanwhile: then what its robot was told since. */
function repeatedAnswer({ site, ledger }: SiteEntry, answer: RouteAssignedContent): RouteAssignedContent {
  const route = site.openRoutes.get(answer.routeId);
  const known = ledger.open(answer.routeId);
  if (!route || !known || isOpenWay(site, answer.nodes)) return answer;
  if (!routeIsOpen(site, route)) {
    throw new AppError('E_UNREACHABLE', { from: site.graph.nodeIds[route.robot.node]!, to: 'its next stop' });
  }
  return { ...answer, ...planOf(known.plan) };
}

function planOf(message: RoutePlan) {
  const { revision, policyVersion, stopOrder, stopIndexes, nodes, etaSeconds, expected, why } = message;
  return { revision, policyVersion, stopOrder, stopIndexes, nodes, etaSeconds, expected, why };
}

/** Plans an open route anew and writes it down; the promise settles after the commit. */
export async function reviseRoute(
  core: ServiceCore,
  entry: SiteEntry,
  route: OpenRoute,
  cause: { readonly reason: RouteUpdatedMessage['reason']; readonly at: number },
) {
  let message: ReturnType<typeof replanRoute>['message'] | undefined;
  let undo = (): void => undefined;
  await entry.ledger
    .revise(route.routeId, (known) => {
      undo = rememberPlan(entry.site, route);
      const labels = { revision: known.revision + 1, policyVersion: servedVersion(core, entry), ...cause };
      const started = monotonicMilliseconds();
      const revised = replanRoute(entry.site, route, labels);
      message = revised.message;
      if (message.type === 'route.updated') {
        core.observer.planned(entry.site.warehouseId, monotonicMilliseconds() - started, message.why.served);
      }
      return revised.record;
    })
    .catch((error: unknown) => {
      // What is not in the journal was not told to the robot: it still drives the plan before.
      undo();
      throw error;
    });
  return message!;
}

async function deviate(
  core: ServiceCore,
  entry: SiteEntry,
  message: Parameters<RoutingService['routeDeviated']>[1],
): Promise<RouteUpdatedMessage> {
  assertServing(core);
  const { site, ledger, host } = entry;
  const { routeId } = message;
  const node = nodeIndex(site, message.node);
  const route = site.openRoutes.get(routeId);
  if (!route || route.closing) {
    const found = ledger.find(routeId) ?? (await ledger.lookUp(routeId));
    if (!found) throw new AppError('E_UNKNOWN_ROUTE', { routeId });
    throw new AppError('E_ROUTE_CLOSED', { routeId, state: found.state });
  }
  route.progressSeen = true;
  const at = plausibleInstant(site, route, message.at);
  if (route.robot.node !== node) arrive(site, route, node, at);
  const updated = await reviseRoute(core, entry, route, { reason: 'deviated', at });
  host.routeLeaves(site);
  if (updated.type === 'route.updated') return updated;
  core.emit({ kind: 'route.held', warehouseId: site.warehouseId, message: updated });
  throw new AppError('E_UNREACHABLE', { from: message.node, to: 'its next stop' });
}

async function complete(
  core: ServiceCore,
  entry: SiteEntry,
  report: Parameters<RoutingService['completeRoute']>[1],
): ReturnType<RoutingService['completeRoute']> {
  assertServing(core);
  const { site, ledger, host } = entry;
  const receivedAt = monotonicMilliseconds();
  const { routeId, trace } = report;
  let outcome: Outcome | undefined;
  let route: OpenRoute | undefined;
  const scored = await ledger.complete(report, (known, traceHash) => {
    route = site.openRoutes.get(routeId);
    outcome =
      route && known.state === 'issued'
        ? scoreTrace(site, route, trace)
        : unlearntOutcome(routeId, 'E_TRACE_LATE', { routeId, state: known.state });
    return {
      ...stamp(site),
      kind: 'route.completed',
      payload: {
        routeId,
        robotId: known.robotId,
        traceHash,
        trace,
        scored: outcome.scored,
        rowLength: ROW_SIZE,
      },
      blob: blobOfFloats(outcome.rows),
    };
  });
  if (!outcome) return scored;
  if (route) finish(entry, route, outcome, trace);
  if (outcome.scored.learnt && learnsIn(site.mode)) {
    host.learn(site, { firstRow: outcome.firstRow, rows: outcome.rows }, receivedAt);
  }
  core.observer.scored(site.warehouseId, scored.ratio, scored.learnt);
  return scored;
}

/** The route is over: its robot is free where the trace ended, and the floor's measures know of it. */
function finish(
  { site }: SiteEntry,
  route: OpenRoute,
  outcome: Outcome,
  trace: Parameters<RoutingService['completeRoute']>[1]['trace'],
): void {
  const last = trace[trace.length - 1]!;
  const node = site.graph.nodeIndexOf.get(last[0]);
  if (node !== undefined) standAt(site, route.robot, node, last[1]);
  dropRoute(site, route);
  site.completedRoutes++;
  if (!outcome.scored.learnt) return;
  site.slowdown.completed(outcome.travelledSeconds, route.shortestSeconds, site.robots.size);
  updateScoreRatio(site, outcome.scored.ratio);
  if (!route.progressSeen) {
    const passages = route.revisions.flatMap((revision) =>
      revision.passages.filter((passage) => passage !== undefined),
    );
    site.unsettled.push({ settleAt: site.clock.now() + 1000 * SETTLE_SECONDS, passages, waits: [] });
  }
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
