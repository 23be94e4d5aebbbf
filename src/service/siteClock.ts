import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import { latestRevision } from '../learning/issuedRoute.js';
import type { Passage } from '../learning/passage.js';
import { learnsIn } from './modes.js';
import { pressureOf, type PolicyHost } from './policyHost.js';
import { expectedPosition, isPlaceAssumed } from './expectedPlace.js';
import { forgetFloors } from './floorSnapshot.js';
import { moveFlow } from './plannedFlow.js';
import { clearSilentRobots } from './silentRobots.js';
import { occupy, SETTLE_SECONDS, type OpenRoute, type Site } from './site.js';

/**
 * What is due when time has passed on a site: memories fade, the pressure follows the floor, silent
 * robots are assumed to drive by their ETAs, or after hours to be gone, labels settle, the learner learns.
 */
export function tickSite(site: Site, host: PolicyHost): void {
  const now = site.clock.now();
  if (now === site.lastTickAt) return;
  // A wall clock may be set back: then no time has passed, and what is due goes on from there.
  const seconds = Math.max(0, now - site.lastTickAt) / 1000;
  site.lastTickAt = now;
  site.pricing.fade(seconds);
  site.pricing.setPressure(pressureOf(site, host));
  for (const route of site.openRoutes.values()) assumeProgress(site, route, now);
  clearSilentRobots(site);
  forgetFloors(site.openRoutes);
  settle(site, host, now);
  if (learnsIn(site.mode)) host.tick();
}

/** Open for so long that its robot has to ask for a new one. */
export function isOverdue({ clock }: Site, { issuedAt }: Pick<OpenRoute, 'issuedAt'>): boolean {
  return clock.now() - issuedAt > 1000 * LIMITS.openRouteLifeSeconds;
}

/** A robot that sends no progress frees its planned flow and its place by its ETAs; where it really was, its trace will tell. */
function assumeProgress(site: Site, route: OpenRoute, now: Instant): void {
  const position = expectedPosition(route, now);
  if (position <= route.flowFrom) return;
  moveFlow(site, route, position);
  if (isPlaceAssumed(route)) occupy(site, route.robot, latestRevision(route).nodes[position]!);
}

/** Charges and corrects whatever the mode: in one that does not learn these must not pile up either. */
function settle(site: Site, host: PolicyHost, now: Instant): void {
  let due = 0;
  for (const { settleAt, waits, passages } of site.unsettled) {
    // What waits for longer than it was meant to was written under a clock that ran ahead.
    const isEarly = settleAt > now && settleAt <= now + 1000 * SETTLE_SECONDS;
    if (isEarly && site.unsettled.length - due <= LIMITS.waitsUnsettled) break;
    due++;
    for (const wait of waits) site.holdings.charge(wait);
    for (const passage of passages) site.charged.add(passage);
  }
  // All at once: to take the first of a long array moves all that follow.
  site.unsettled.splice(0, due);
  for (const passage of site.charged) if (learnsIn(site.mode)) correct(site, host, passage);
  site.charged.clear();
}

function correct(site: Site, host: PolicyHost, passage: Passage): void {
  const { row, blockingSeconds } = passage;
  if (row < 0) return;
  host.correct(site, row, blockingSeconds);
  if (site.corrections.length < LIMITS.correctionsWaiting) site.corrections.push({ row, blockingSeconds });
}
