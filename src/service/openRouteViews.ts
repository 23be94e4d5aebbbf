import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { HoldCause, OpenRouteFilter, OpenRouteList, OpenRouteView } from '../domain/serviceContract.js';
import type { RouteEntry } from '../journal/routeEntry.js';
import { latestRevision, type Revision } from '../learning/issuedRoute.js';
import { expectedPosition, isPlaceAssumed } from './expectedPlace.js';
import { isLookDue } from './heldRoutes.js';
import type { SiteEntry } from './serviceCore.js';
import type { OpenRoute, Site } from './site.js';

/** An open route with what it is found and ranked by; no `route` where the map has changed under it. */
interface Found {
  readonly known: RouteEntry;
  readonly route: OpenRoute | undefined;
  readonly heldBecause: HoldCause | null;
  /** When its robot could go on from where it is. */
  readonly readySeconds: number;
}

/**
 * Open routes, who waits longest first. The ledger's, not the site's: a route whose record is still being written was
 * told to nobody, and one whose map has changed under it waits all the same.
 */
export function listOpenRoutes(entry: SiteEntry, { held, robotId }: OpenRouteFilter): OpenRouteList {
  const { site, ledger } = entry;
  const found: Found[] = [];
  const look = (known: RouteEntry): void => {
    const route = site.openRoutes.get(known.routeId);
    const heldBecause = holdCause(site, route);
    if (held !== undefined && held !== (heldBecause !== null)) return;
    found.push({ known, route, heldBecause, readySeconds: readySince(site, known, route) });
  };
  const its = robotId === undefined ? null : ledger.openOf(robotId);
  if (its) look(its);
  else if (its === null) for (const known of ledger.openRoutes().values()) look(known);
  found.sort((a, b) => a.readySeconds - b.readySeconds);
  const routes = found.slice(0, LIMITS.routesListed).map((one) => viewOf(site, one));
  return { total: found.length, routes };
}

/** How many of them wait because they were told to. */
export function heldCount({ site, ledger }: SiteEntry): number {
  let count = 0;
  for (const routeId of ledger.openRoutes().keys()) {
    if (holdCause(site, site.openRoutes.get(routeId)) !== null) count++;
  }
  return count;
}

/** Null where it is not held; `undefined` is a route whose map has changed under it. */
export function holdCause(site: Site, route: OpenRoute | undefined): HoldCause | null {
  if (!route) return 'otherMap';
  if (!route.held) return null;
  return isLookDue(site, route) ? 'planDue' : route.heldBecause;
}

function readySince({ clock }: Site, { plannedAt }: RouteEntry, route: OpenRoute | undefined): number {
  if (!route) return plannedAt / 1000;
  const position = expectedPosition(route, clock.now());
  // It has not stood for longer than since it told of its last move, however far its clock is behind.
  if (position === route.position) return Math.max(route.readySeconds, route.movedHeardAt / 1000);
  const revision = latestRevision(route);
  return etaOf(revision, position) + route.lateSeconds + handlingSecondsAt(revision, position);
}

function viewOf(site: Site, { known, route, heldBecause, readySeconds }: Found): OpenRouteView {
  const { routeId, robotId, revision, issuedAt, request } = known;
  const now = site.clock.now();
  const robot = route?.robot ?? site.robots.get(robotId);
  const assumed = route !== undefined && isPlaceAssumed(route);
  return {
    routeId,
    robotId,
    robotType: route ? site.graph.robotTypes[route.robotType]!.name : known.robotType,
    revision,
    node: route ? site.graph.nodeIds[placeOf(route, now)]! : null,
    assumed,
    issuedAt,
    deadlineAt: request.deadlineAt ?? null,
    heardAt: robot?.heardAt ?? null,
    waitingSeconds: Math.max(0, now / 1000 - readySeconds),
    lateSeconds: route && !assumed ? lateSeconds(route, now) : null,
    held: heldBecause !== null,
    heldBecause,
  };
}

function placeOf(route: OpenRoute, now: Instant): number {
  return isPlaceAssumed(route)
    ? latestRevision(route).nodes[expectedPosition(route, now)]!
    : route.robot.node;
}

function lateSeconds(route: OpenRoute, now: Instant): number | null {
  const { position, readySeconds, robot } = route;
  const revision = latestRevision(route);
  const { nodes } = revision;
  if (nodes[position] !== robot.node) return null;
  const arrivedSeconds = readySeconds - handlingSecondsAt(revision, position);
  // Where a plan begins nobody is late for it.
  const arrivedLate = position === 0 ? 0 : arrivedSeconds - etaOf(revision, position);
  if (position + 1 === nodes.length) return arrivedLate;
  return Math.max(arrivedLate, now / 1000 - etaOf(revision, position + 1));
}

function etaOf({ at, etaSeconds }: Revision, position: number): number {
  return at / 1000 + etaSeconds[position]!;
}

function handlingSecondsAt({ stops, stopIndexes }: Revision, position: number): number {
  return stops.reduce(
    (sum, { handlingSeconds }, i) => (stopIndexes[i] === position ? sum + handlingSeconds : sum),
    0,
  );
}
