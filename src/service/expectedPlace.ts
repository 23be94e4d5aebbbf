import type { Instant, NodeIndex } from '../domain/ids.js';
import { latestRevision } from '../learning/issuedRoute.js';
import { finishStops } from './stopsMade.js';
import { hear, isRefuted, keepLastKnown } from './lastKnown.js';
import { moveFlow } from './plannedFlow.js';
import { placeRobot, type OpenRoute, type Site } from './site.js';

/** Nothing was heard from its robot since it has this plan: it is taken for where its ETAs put it. */
export function isPlaceAssumed(route: OpenRoute): boolean {
  return route.told && !route.held && !route.leftItsWay && !route.robot.reports && !isRefuted(route);
}

/**
 * How far a route's robot is, as a position in its path: as it reported, or by its ETAs where it reports nothing. One that
 * said that it cannot drive is where it said so.
 */
export function expectedPosition(route: OpenRoute, now: Instant): number {
  if (!isPlaceAssumed(route)) return route.position;
  const { etaSeconds, at } = latestRevision(route);
  const elapsedSeconds = (now - at) / 1000 - route.lateSeconds;
  let position = Math.max(route.position, route.heardPosition);
  if (route.robot.paused) return position;
  while (position + 1 < etaSeconds.length && etaSeconds[position + 1]! <= elapsedSeconds) position++;
  return position;
}

/**
 * Takes a robot that sends no progress for where its ETAs put it, stops on the way done: what is left of its route is
 * planned from there. Nothing is learnt from it, and what was known before is kept: its trace, or whatever it says
 * before, will tell where it really was.
 */
export function assumePlace(site: Site, route: OpenRoute, now: Instant): void {
  const position = expectedPosition(route, now);
  if (position === route.position) return;
  keepLastKnown(route);
  const revision = latestRevision(route);
  const { lanes, nodes, etaSeconds, at } = revision;
  moveFlow(site, route, position);
  route.position = position;
  route.previousLane = lanes[position - 1]!;
  route.stands = false;
  route.readySeconds = at / 1000 + etaSeconds[position]! + route.lateSeconds;
  route.robot.arrivalLane = route.previousLane;
  placeRobot(site, route.robot, nodes[position]!);
  finishStops(route, revision);
}

/**
 * A robot says beside its route where it stands. One of which that was assumed is this much late from now on, and may be
 * seen not to be where it was taken to be; of the others it is known already.
 */
export function hearAside(site: Site, route: OpenRoute, node: NodeIndex, at: Instant): void {
  if (hear(site, route, { node, at }) || !isPlaceAssumed(route)) return;
  const { nodes, etaSeconds, at: plannedAt } = latestRevision(route);
  const position = nodes.indexOf(node, Math.max(route.position, route.heardPosition));
  if (position < 0) return;
  route.heardPosition = position;
  // It may have come there just now, also where it handles a stop: taken for earlier it would not be told of a lane that
  // closes before it. A millisecond less, so that rounding does not put it a node back.
  route.lateSeconds = Math.max(0, (at - plannedAt - 1) / 1000 - etaSeconds[position]!);
}
