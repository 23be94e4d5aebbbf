import type { Instant, NodeIndex } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import { HYPERPARAMETERS } from '../learning/hyperparameters.js';
import type { Wait } from '../learning/holdings.js';
import { createPassage, type Passage } from '../learning/passage.js';
import { latestRevision, type Revision } from '../learning/issuedRoute.js';
import { isWithin, secondsWithin } from '../learning/timesAside.js';
import { firstMoveSeconds, moveSeconds } from '../planning/freeFlow.js';
import type { Plan } from '../planning/tourTask.js';
import { FEATURE_COUNT } from '../traffic/traffic.js';
import { laneBetween } from '../warehouse/laneGraph.js';
import { withoutPauses } from './pauses.js';
import { beginFlow, moveFlow } from './plannedFlow.js';
import { finishStops, stopsMade } from './stopsMade.js';
import { occupy, placeRobot, SETTLE_SECONDS, type OpenRoute, type Robot, type Site } from './site.js';

/**
 * Follows open routes node by node. Progress reports and, for fleets that send none, whole traces go
 * through `arrive`, so that live and replayed labels agree.
 */

/** A plan as the revision that a route is measured by: with the features of its lanes as they are now. */
export function revisionOf(
  site: Site,
  plan: Plan,
  at: Instant,
  stopOrder: readonly number[] = plan.stopOrder,
): Revision {
  const { lanes } = plan;
  const features = new Float32Array(lanes.length * FEATURE_COUNT);
  const predictedWait = new Float32Array(lanes.length);
  for (let i = 0; i < lanes.length; i++) {
    const from = lanes[i]! * FEATURE_COUNT;
    features.set(site.traffic.features.subarray(from, from + FEATURE_COUNT), i * FEATURE_COUNT);
    predictedWait[i] = site.pricing.waitHat[lanes[i]!]!;
  }
  return {
    at,
    arrivalLane: plan.arrivalLane,
    drives: plan.drives,
    nodes: plan.nodes,
    lanes,
    stops: plan.stops,
    stopIndexes: plan.stopIndexes,
    stopOrder,
    etaSeconds: plan.etaSeconds,
    features,
    predictedWait,
    passages: new Array<Passage | undefined>(lanes.length),
  };
}

/** A robot stands on a node, on no lane. */
export function standAt(site: Site, robot: Robot, node: number, at: Instant): void {
  robot.heardAt = site.clock.now();
  if (robot.node === node) return occupy(site, robot, node);
  robot.arrivalLane = robot.node >= 0 ? laneBetween(site.graph, robot.node, node) : -1;
  placeRobot(site, robot, node);
  const seconds = at / 1000;
  const arrival = { atSeconds: seconds, setOutSeconds: seconds, readySeconds: seconds, by: null, next: null };
  site.holdings.arrive(robot.index, node, arrival);
}

/** Puts a new revision in force where the robot stands. */
export function startRevision(site: Site, route: OpenRoute, revision: Revision): void {
  route.revisions.push(revision);
  route.position = 0;
  route.stopsDone = 0;
  route.previousLane = revision.arrivalLane;
  route.stands = !revision.drives;
  route.heardPosition = 0;
  route.lateSeconds = 0;
  route.leftItsWay = false;
  route.heldAtHello = false;
  beginFlow(site, route, 0);
  finishStops(route, revision);
  site.holdings.depart(route.robot.index, nextPassage(route, revision), route.readySeconds);
}

/** How many plans a route may have had: few where the warehouse keeps many, each of which holds memory. */
export function revisionLimit({ openRoutes }: Pick<Site, 'openRoutes'>, { revisions }: OpenRoute): number {
  if (revisions.length <= LIMITS.revisionsWhenMany) return LIMITS.revisionsPerRoute;
  let all = 0;
  for (const route of openRoutes.values()) all += route.revisions.length;
  return all > LIMITS.revisionsPerWarehouse ? LIMITS.revisionsWhenMany : LIMITS.revisionsPerRoute;
}

/** Robots' clocks may run ahead of the site's by so much. */
export function latestPlausible({ clock }: Site): Instant {
  return clock.now() + 1000 * LIMITS.traceClockSkewSeconds;
}

/** When a robot says that something happened, within what the site's own clock allows. */
export function plausibleInstant(site: Site, route: OpenRoute, at: Instant): Instant {
  return Math.max(route.issuedAt, Math.min(at, latestPlausible(site)));
}

/** Where a robot is, and since when. */
interface Arrival {
  readonly node: NodeIndex;
  readonly at: Instant;
  /** It says so as progress: the stop that it was to make next is made where it stands there. */
  readonly isProgress?: boolean;
}

/** The robot is at a node of its route, or was pushed to one beside it. */
export function arrive(site: Site, route: OpenRoute, arrival: Arrival): void {
  const { node, at } = arrival;
  const revision = latestRevision(route);
  const planned = revision.nodes[route.position + 1];
  if (node === planned) {
    advance(site, route, revision, at);
    return;
  }
  const later = laterPlace(site, route, arrival);
  if (later < 0) {
    pushedOff(site, route, revision, node, at);
    return;
  }
  const made = stopsMade(route);
  skipTo(site, route, revision, later, at);
  if (stopsMade(route) > made) route.stopsTold ??= made;
}

/** Progress may be sparse: the next place of the plan where the robot can be; -1 where it was pushed off. */
function laterPlace(site: Site, route: OpenRoute, { node, isProgress }: Arrival): number {
  const { nodes, stopIndexes } = latestRevision(route);
  const nextStop = stopIndexes[route.stopsDone];
  // All plans lead there, the newest and those before.
  if (isProgress && nextStop !== undefined && nodes[nextStop] === node) return nextStop;
  // It left its plan and comes back to it by itself, before its next stop: as `readTrace` has it.
  if (route.robot.node !== nodes[route.position]) {
    const back = nodes.indexOf(node, route.position + 1);
    if (back >= 0 && back <= (nextStop ?? route.position)) return back;
  }
  return laneBetween(site.graph, route.robot.node, node) < 0 ? nodes.indexOf(node, route.position + 1) : -1;
}

function advance(site: Site, route: OpenRoute, revision: Revision, at: Instant): void {
  const { robot } = route;
  const seconds = at / 1000;
  const position = route.position;
  const lane = revision.lanes[position]!;
  const moving = route.stands ? firstMoveSeconds : moveSeconds;
  const driving = moving(site.graph, route.robotType, route.previousLane, lane);
  // It may have handled its stop in less time than planned.
  const setOutSeconds = Math.min(seconds, Math.max(route.readySeconds, seconds - driving));
  const by = nextPassage(route, revision);
  // Told to wait, or not able to drive, it went on all the same: what of the time it could have driven nobody knows.
  if (!route.held && !isWithin(route.pauses, at))
    learnWait(site, route, { by, setOutSeconds, atSeconds: seconds, driving });

  route.position = position + 1;
  route.previousLane = lane;
  route.stands = false;
  route.readySeconds = seconds;
  moveFlow(site, route, position + 1);
  robot.arrivalLane = lane;
  placeRobot(site, robot, revision.nodes[position + 1]!);
  finishStops(route, revision);
  site.holdings.arrive(robot.index, robot.node, {
    atSeconds: seconds,
    setOutSeconds,
    readySeconds: route.readySeconds,
    by,
    next: nextPassage(route, revision),
  });
}

/** Tells who is to pay for the wait on a lane, what of it nobody explains, and how long it was. */
function learnWait(
  site: Site,
  route: OpenRoute,
  passed: {
    readonly by: Passage | null;
    readonly setOutSeconds: number;
    readonly atSeconds: number;
    readonly driving: number;
  },
): void {
  const { robot, position, readySeconds } = route;
  const { nodes, lanes, predictedWait } = latestRevision(route);
  const lane = lanes[position]!;
  const wanted = { robot: robot.index, node: nodes[position + 1]! };
  const wait = { ...wanted, fromSeconds: readySeconds, toSeconds: passed.setOutSeconds };
  const explained = blame(site, route, wait, passed.by);
  const pausedSeconds = secondsWithin(route.pauses, 1000 * readySeconds, 1000 * passed.atSeconds);
  const waited = passed.atSeconds - readySeconds - passed.driving - pausedSeconds;
  // Clipped as labels are: one bad clock must not close a lane for everyone.
  const unexplained = Math.min(HYPERPARAMETERS.labelLimitSeconds, Math.max(0, waited - explained));
  const predicted = predictedWait?.[position];
  if (predicted !== undefined)
    site.pricing.recent.memory.observe(lane, { robot: robot.index, unexplained, predicted });
  site.hindsight.waits.record(lane, passed.atSeconds, waited);
}

function skipTo(site: Site, route: OpenRoute, revision: Revision, position: number, at: Instant): void {
  const { robot } = route;
  moveFlow(site, route, position);
  route.position = position;
  route.previousLane = revision.lanes[position - 1]!;
  route.stands = false;
  route.readySeconds = at / 1000;
  robot.arrivalLane = route.previousLane;
  placeRobot(site, robot, revision.nodes[position]!);
  finishStops(route, revision);
  occupyFrom(site, route, at, nextPassage(route, revision));
}

function pushedOff(site: Site, route: OpenRoute, revision: Revision, node: NodeIndex, at: Instant): void {
  const { robot, position, readySeconds, held } = route;
  // From farther away it went on unseen meanwhile: what it waited for last nobody knows.
  const wasPushed = !held && !isWithin(route.pauses, at) && laneBetween(site.graph, robot.node, node) >= 0;
  const wantedLane = revision.lanes[position];
  if (wantedLane !== undefined && wasPushed) {
    const wanted = { robot: robot.index, node: revision.nodes[position + 1]! };
    const wait = { ...wanted, fromSeconds: readySeconds, toSeconds: at / 1000 };
    blame(site, route, wait, nextPassage(route, revision));
    const pausedSeconds = secondsWithin(route.pauses, 1000 * readySeconds, at);
    site.hindsight.waits.record(wantedLane, at / 1000, at / 1000 - readySeconds - pausedSeconds);
  }
  standOffPlan(site, route, node, at);
}

/** A robot stands at a node on no lane of its plan. */
export function standOffPlan(site: Site, route: OpenRoute, node: NodeIndex, at: Instant): void {
  const { robot } = route;
  const lane = robot.node >= 0 ? laneBetween(site.graph, robot.node, node) : -1;
  route.previousLane = lane;
  route.stands = false;
  route.readySeconds = at / 1000;
  robot.arrivalLane = lane;
  placeRobot(site, robot, node);
  occupyFrom(site, route, at, null);
}

/**
 * Lets the holders of a wanted node pay for the wait. Where fleets report nothing on the way, the holder's trace
 * may come after this one: such a wait is charged when the traces of its neighbours have had time to come.
 * @returns the seconds of it while another robot held the node, as far as is known
 */
function blame(site: Site, route: OpenRoute, whole: Wait, by: Passage | null): number {
  return withoutPauses(route, whole).reduce((sum, wait) => sum + blameFor(site, route, wait, by), 0);
}

function blameFor(site: Site, route: OpenRoute, wait: Wait, by: Passage | null): number {
  const shares = route.progressSeen ? site.holdings.charge(wait) : site.holdings.explain(wait);
  if (!route.progressSeen) {
    site.unsettled.push({ settleAt: site.clock.now() + 1000 * SETTLE_SECONDS, passages: [], waits: [wait] });
  }
  if (by) by.excusedSeconds += shares.obstacleSeconds;
  return shares.otherSeconds;
}

function occupyFrom(site: Site, route: OpenRoute, at: Instant, next: Passage | null): void {
  const seconds = at / 1000;
  site.holdings.arrive(route.robot.index, route.robot.node, {
    atSeconds: seconds,
    setOutSeconds: seconds,
    readySeconds: route.readySeconds,
    by: null,
    next,
  });
}

/** The passage of the lane that the robot sets out on now; null at the end of the path. */
function nextPassage(route: OpenRoute, revision: Revision): Passage | null {
  const toNode = revision.nodes[route.position + 1];
  if (toNode === undefined) return null;
  return (revision.passages[route.position] ??= createPassage(toNode));
}
