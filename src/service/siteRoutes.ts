import { AppError } from '../domain/errors.js';
import type { Instant, RouteId } from '../domain/ids.js';
import type {
  RouteAssignedContent,
  RouteHeldMessage,
  RouteRequestContent,
  RouteUpdatedMessage,
} from '../domain/messages.js';
import type { NewRecord } from '../journal/records.js';
import { blobOfFloats } from '../journal/records.js';
import { latestRevision, type Revision } from '../learning/issuedRoute.js';
import type { ChosenOrders } from '../planning/planner.js';
import type { Plan } from '../planning/tourTask.js';
import { FEATURE_COUNT } from '../traffic/traffic.js';
import { expectedPosition } from './expectedPlace.js';
import { beginHold, endHold, heldFrom, HOLD_REASONS, hold, isLookDue, lookAgain } from './heldRoutes.js';
import { isRefuted } from './lastKnown.js';
import { notePause } from './pauses.js';
import { beginFlow, withdrawFlow } from './plannedFlow.js';
import { describePlan, isStillOpen, planTour, readyInSeconds, remainingTask, taskOf } from './routePlans.js';
import { markObstacle, type NoWay, type OpenRoute, type Robot, type Site } from './site.js';
import { remainingTour, stopsMade } from './stopsMade.js';
import { revisionOf, standAt, startRevision } from './tracking.js';

/** A route as planned: in the traffic already, not yet in the journal. */
export interface NewRoute {
  readonly route: OpenRoute;
  readonly record: NewRecord<'route.issued'>;
}

/** Plans and opens a route: from now on it is planned flow. */
export function openRoute(
  site: Site,
  request: RouteRequestContent,
  labels: { readonly routeId: RouteId; readonly requestHash: string; readonly policyVersion: string },
  chosen?: ChosenOrders,
): NewRoute {
  const { task, robot } = taskOf(site, request);
  const at = site.clock.now();
  // Of free flow no route can be a corner case.
  const plannedOn = labels.policyVersion === 'free-flow' ? null : site.hindsight.snapshot();
  const plan = planTour(site, task, chosen);
  const answer: RouteAssignedContent = {
    requestId: request.requestId,
    routeId: labels.routeId,
    robotId: request.robotId,
    mapVersion: site.graph.mapVersion,
    ...describePlan(site, plan, plan.stopOrder, { revision: 0, policyVersion: labels.policyVersion }),
  };
  const revision = revisionOf(site, plan, at);
  const route = createOpenRoute({
    robot,
    routeId: labels.routeId,
    request,
    at,
    shortestSeconds: plan.shortestSeconds,
  });
  route.plannedOn = plannedOn;
  route.firstPassage = site.hindsight.waits.recorded();
  standAt(site, robot, task.from, at);
  startRoute(site, route, revision);
  return {
    route,
    record: issueRecord(site, request, { answer, revision, route, requestHash: labels.requestHash }),
  };
}

export function createOpenRoute(options: {
  readonly robot: Robot;
  readonly routeId: RouteId;
  readonly request: RouteRequestContent;
  readonly at: Instant;
  readonly shortestSeconds: number;
}): OpenRoute {
  const { robot, routeId, request, at, shortestSeconds } = options;
  return {
    routeId,
    robotId: robot.robotId,
    robotType: robot.robotType,
    issuedAt: at,
    deadlineAt: request.deadlineAt ?? null,
    shortestSeconds,
    revisions: [],
    robot,
    position: 0,
    flowFrom: 0,
    stopsDone: 0,
    readySeconds: at / 1000,
    previousLane: -1,
    stands: true,
    progressSeen: false,
    leftItsWay: false,
    lastKnown: null,
    stopsTold: null,
    movedHeardAt: 0,
    holdsAnswered: 0,
    heardPosition: 0,
    lateSeconds: 0,
    told: false,
    reportedAt: 0,
    get held() {
      return heldFrom(this) !== null;
    },
    heldAtHello: false,
    holds: [],
    pauses: [],
    plannedOn: null,
    firstPassage: 0,
    heldEpoch: -1,
    heldBecause: 'noOpenWay',
    revising: new Set(),
  };
}

export function startRoute(site: Site, route: OpenRoute, revision: Revision): void {
  route.robot.route = route;
  notePause(route, route.issuedAt);
  site.openRoutes.set(route.routeId, route);
  startRevision(site, route, revision);
}

/** Takes a route off the floor: it ended, or it never left. */
export function dropRoute(site: Site, route: OpenRoute): void {
  if (!site.openRoutes.delete(route.routeId)) return;
  withdrawFlow(site, route);
  if (route.robot.route === route) route.robot.route = null;
  markObstacle(site, route.robot, site.clock.now());
  site.holdings.depart(route.robot.index, null, route.readySeconds);
}

/** Where a route stands now; calling the result puts it back there, should its next plan not be stored. */
export function rememberPlan(site: Site, route: OpenRoute): () => void {
  const { position, flowFrom, stopsDone, readySeconds, previousLane, stands, lateSeconds } = route;
  const { holds, leftItsWay, lastKnown } = route;
  const before = {
    ...{ position, flowFrom, stopsDone, readySeconds, previousLane, stands, lateSeconds },
    ...{ holds, leftItsWay },
  };
  const count = route.revisions.length;
  const stoodAt = route.robot.node;
  return () => {
    if (site.openRoutes.get(route.routeId) !== route) return;
    withdrawFlow(site, route);
    const heard = { made: stopsMade(route), readySeconds: route.readySeconds };
    route.revisions.length = count;
    Object.assign(route, before);
    if (route.heldAtHello) beginHold(site, route, site.clock.now());
    markObstacle(site, route.robot, site.clock.now());
    // What was heard meanwhile is newer.
    route.lastKnown ??= lastKnown;
    lookAgain(route);
    if (route.robot.node !== stoodAt) catchUp(route, heard);
    beginFlow(site, route, route.flowFrom);
    const revision = latestRevision(route);
    const next = revision.passages[route.position] ?? null;
    site.holdings.depart(route.robot.index, next, route.readySeconds);
  };
}

/** Its robot drove on by its plan, and told so, while another was made that it will not get. */
function catchUp(route: OpenRoute, heard: { readonly made: number; readonly readySeconds: number }): void {
  const { lanes, nodes, stopIndexes } = latestRevision(route);
  route.stopsDone += Math.max(0, heard.made - stopsMade(route));
  const lastStop = stopIndexes[route.stopsDone - 1] ?? 0;
  const position = nodes.indexOf(route.robot.node, Math.max(route.position, lastStop));
  if (position <= route.position) return;
  route.position = position;
  route.flowFrom = Math.max(route.flowFrom, position);
  route.previousLane = lanes[position - 1]!;
  route.stands = position === lastStop;
  route.readySeconds = heard.readySeconds;
}

/** A new plan for what is left of a route, from where its robot is; or word that there is no way now. */
export function replanRoute(
  site: Site,
  route: OpenRoute,
  labels: {
    readonly revision: number;
    readonly policyVersion: string;
    readonly reason: RouteUpdatedMessage['reason'];
    readonly at: Instant;
  },
): {
  record: NewRecord<'route.revised'> | NewRecord<'route.held'>;
  message: RouteUpdatedMessage | RouteHeldMessage;
} {
  withdrawFlow(site, route);
  const plan = tryPlan(site, route);
  const { routeId, robotId } = route;
  if (typeof plan === 'string') {
    hold(site, route, plan);
    const answer = {
      ...{ routeId, robotId, revision: labels.revision },
      node: site.graph.nodeIds[route.robot.node]!,
      reason: HOLD_REASONS[plan],
    };
    const record = {
      ...stamp(site),
      kind: 'route.held' as const,
      payload: { routeId, revision: labels.revision, answer, ...holdOf(route), ...assumption(route) },
    };
    return { record, message: { type: 'route.held', ...answer } };
  }
  const endedHold = holdOf(route);
  endHold(site, route, site.clock.now());
  const excusedSeconds = excusedBefore(route);
  const { stopOrder } = remainingTour(route);
  const revision = revisionOf(site, plan, labels.at, stopOrder);
  if (isRefuted(route)) route.lastKnown = null;
  const untilReady = readyInSeconds(route, labels.at);
  startRevision(site, route, revision);
  const [setsOut] = revision.passages;
  if (setsOut) setsOut.excusedSeconds += excusedSeconds;
  const described = { revision: labels.revision, policyVersion: labels.policyVersion };
  const answer = {
    routeId,
    robotId,
    reason: labels.reason,
    ...describePlan(site, plan, stopOrder, described),
  };
  const record: NewRecord<'route.revised'> = {
    ...stamp(site),
    kind: 'route.revised',
    payload: {
      ...{ routeId, revision: labels.revision, answer, rowLength: FEATURE_COUNT },
      ...assumption(route),
      ...endedHold,
      ...settingOut(site, revision),
      ...(labels.at === site.clock.now() ? {} : { inForceAt: labels.at }),
      ...(untilReady > 0 ? { readyInSeconds: untilReady } : {}),
    },
    blob: blobOfFloats(revision.features),
  };
  return { record, message: { type: 'route.updated', ...answer } };
}

/** What its next lane was not to count of its wait already, if it has not set out since. */
function excusedBefore(route: OpenRoute): number {
  const { nodes, passages } = latestRevision(route);
  return route.position === 0 && route.robot.node === nodes[0] ? (passages[0]?.excusedSeconds ?? 0) : 0;
}

/** A start must know of both as well. */
function holdOf(route: OpenRoute): { readonly heldFrom?: Instant } {
  const from = heldFrom(route);
  return from === null ? {} : { heldFrom: from };
}

function assumption({ lastKnown }: OpenRoute): { readonly assumed?: true } {
  return lastKnown ? { assumed: true } : {};
}

/** How its robot sets out, for a start: what it turns and gets going for is no wait. */
function settingOut({ graph }: Site, { arrivalLane, drives }: Revision) {
  return {
    ...(arrivalLane < 0 ? {} : { cameFrom: graph.nodeIds[graph.laneFrom[arrivalLane]!]! }),
    ...(drives ? { drives } : {}),
  };
}

function tryPlan(site: Site, route: OpenRoute): Plan | NoWay {
  try {
    return planTour(site, remainingTask(site, route));
  } catch (error) {
    if (error instanceof AppError && error.code === 'E_UNREACHABLE') return 'noOpenWay';
    if (error instanceof AppError && error.code === 'E_ROUTE_TOO_LONG') return 'wayTooLong';
    throw error;
  }
}

/**
 * Whether a route waits for another plan: it has a closed lane before it, or is held and may have a way by now, or its
 * robot is not where the newest plan has it.
 */
export function needsPlan(site: Site, route: OpenRoute): boolean {
  if (route.held) return isLookDue(site, route);
  if (isRefuted(route)) return true;
  return !isStillOpen(site, latestRevision(route).lanes, expectedPosition(route, site.clock.now()));
}

export function stamp(site: Site): { at: Instant; warehouseId: string } {
  return { at: site.clock.now(), warehouseId: site.warehouseId };
}

function issueRecord(
  site: Site,
  request: RouteRequestContent,
  parts: {
    readonly answer: RouteAssignedContent;
    readonly revision: Revision;
    readonly route: OpenRoute;
    readonly requestHash: string;
  },
): NewRecord<'route.issued'> {
  const { answer, revision, route, requestHash } = parts;
  const robot = site.robots.get(request.robotId)!;
  return {
    ...stamp(site),
    kind: 'route.issued',
    payload: {
      routeId: answer.routeId,
      robotId: request.robotId,
      robotType: site.graph.robotTypes[robot.robotType]!.name,
      requestId: request.requestId,
      requestHash,
      request,
      answer,
      shortestSeconds: route.shortestSeconds,
      ...settingOut(site, revision),
      rowLength: FEATURE_COUNT,
    },
    blob: blobOfFloats(revision.features),
  };
}
