import type { Instant, NodeIndex } from '../domain/ids.js';
import { latestRevision, type Revision } from '../learning/issuedRoute.js';
import { lookAgain, lookAgainIfMoved } from './heldRoutes.js';
import type { LastKnown, OpenRoute, Site } from './site.js';
import { stopsLeftOut, stopsMade } from './stopsMade.js';
import { standOffPlan } from './tracking.js';

/** Where a robot says that it is, and whether it does under the newest plan. */
interface Word {
  readonly node: NodeIndex;
  readonly at: Instant;
  readonly follows?: boolean;
}

/** What is assumed of a robot from now on is no knowledge. */
export function keepLastKnown(route: OpenRoute): void {
  const revision = latestRevision(route);
  const position = Math.max(route.position, route.heardPosition);
  const stopsDone = Math.max(route.stopsDone, stopsUpTo(revision, position));
  route.lastKnown ??= { revision, position, stopsDone, refuted: false };
  route.stopsTold ??= stopsMade(route);
}

/**
 * A robot asks for another plan under the newest one, though it has not left where that begins: it lacks stops that this
 * leaves out, if any was taken for made. Which of them only it knows, so it gets all that it did not tell of.
 * @returns whether that is so
 */
export function hearOfLack(site: Site, route: OpenRoute, { node, at, follows }: Word): boolean {
  // One that was told to wait may ask whether it has to.
  const hasNotLeft = !route.held && isAtStart(route, node) && route.robot.node === node;
  if (!follows || !hasNotLeft || route.stopsTold === null || route.stopsTold === stopsMade(route))
    return false;
  const [revision] = route.revisions;
  // Behind the end: from where it is nothing can be told any more.
  route.lastKnown = {
    revision: revision!,
    position: revision!.nodes.length,
    stopsDone: route.stopsTold,
    refuted: true,
  };
  route.stopsTold = null;
  standOffPlan(site, route, node, at);
  return true;
}

/** Whether a robot was heard of where its newest plan does not serve: it needs one from there. */
export function isRefuted({ lastKnown }: OpenRoute): boolean {
  return lastKnown?.refuted === true;
}

/**
 * A robot of which more was assumed than is known says where it is. Nothing is assumed any more where it is on its newest
 * plan and follows it, or has made for certain all that this leaves out: none follows a plan without stops that it lacks.
 * @returns whether that is refuted: then it stands there, on no plan, until it gets one with all stops that it may lack
 */
export function hear(site: Site, route: OpenRoute, word: Word): boolean {
  const drives = word.follows === true && !isAtStart(route, word.node);
  if (drives) confirm(route);
  if (!route.lastKnown) return false;
  const latest = latestRevision(route);
  const isPlanned = latest !== route.lastKnown.revision;
  const follows = isPlanned && word.follows === true;
  const known = passed(route.lastKnown, word.node, isPlanned ? latest : null, follows);
  const assumed = stopsLeftOut(route, latest) + (follows ? 0 : route.stopsDone);
  const isOnPlan = latest.nodes.includes(word.node, route.position);
  const isCertain = stopsLeftOut(route, known.revision) + known.stopsDone >= assumed;
  if (isOnPlan && (isCertain || (follows && !route.lastKnown.refuted))) {
    route.lastKnown = null;
    // Else it may have been pushed to where its way would have led it.
    if (drives && isPlanned) route.stopsTold = null;
    return false;
  }
  // One that waits, and goes on saying so, is no news.
  const isNews = !route.lastKnown.refuted || known.stopsDone !== route.lastKnown.stopsDone;
  const isMoved = route.robot.node !== word.node;
  if (isNews) lookAgain(route);
  else if (isMoved) lookAgainIfMoved(site, route, word.node);
  route.lastKnown = { ...known, refuted: true };
  if (isNews || isMoved) standOffPlan(site, route, word.node, word.at);
  return true;
}

/** Where its newest plan begins: who stands there, and says so again and again, does not drive it yet. */
export function isAtStart(route: OpenRoute, node: NodeIndex): boolean {
  return route.position === 0 && latestRevision(route).nodes[0] === node;
}

/** None follows a plan without stops that it lacks. */
function confirm(route: OpenRoute): void {
  if (route.lastKnown || route.stopsTold === null) return;
  const leftOut = stopsLeftOut(route, latestRevision(route));
  if (route.stopsTold < leftOut) route.stopsTold = route.position === 0 ? null : leftOut;
}

/**
 * How far it has come for certain: on the plan it is known to follow to the first place where it may be; on the newest,
 * to where that begins.
 */
function passed(known: LastKnown, node: NodeIndex, newest: Revision | null, follows: boolean): LastKnown {
  const { revision } = known;
  const own = follows ? -1 : revision.nodes.indexOf(node, known.position);
  const isOnNewest = newest !== null && (follows || newest.nodes.includes(node));
  const position = own < 0 && isOnNewest ? revision.nodes.indexOf(newest.nodes[0]!, known.position) : own;
  if (position < 0) return known;
  return { ...known, position, stopsDone: Math.max(known.stopsDone, stopsUpTo(revision, position)) };
}

function stopsUpTo({ stopIndexes }: Revision, position: number): number {
  return stopIndexes.filter((index) => index <= position).length;
}
