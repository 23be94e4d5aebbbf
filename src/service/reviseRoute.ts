import type { Instant } from '../domain/ids.js';
import type { RouteUpdatedMessage } from '../domain/messages.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { assumePlace } from './expectedPlace.js';
import { mayLeave } from './leaving.js';
import { servedVersion, type ServiceCore, type SiteEntry } from './serviceCore.js';
import type { OpenRoute } from './site.js';
import { rememberPlan, replanRoute } from './siteRoutes.js';

type Change = ReturnType<typeof replanRoute>['message'];

interface RevisionCause {
  readonly reason: RouteUpdatedMessage['reason'];
  readonly at: Instant;
}

/**
 * Plans an open route anew and writes it down; the promise settles after the commit. Lanes may close while it is
 * written: what comes out may leave as the lanes are then.
 * @throws E_ROUTE_CLOSED it ended meanwhile
 */
export function reviseRoute(
  core: ServiceCore,
  entry: SiteEntry,
  route: OpenRoute,
  reason: RouteUpdatedMessage['reason'],
  at: Instant = entry.site.clock.now(),
): Promise<Change> {
  const revised = reviseUntilOpen(core, entry, route, { reason, at });
  const forget = (): void => void route.revising.delete(revised);
  route.revising.add(revised);
  revised.then(forget, forget);
  return revised;
}

async function reviseUntilOpen(
  core: ServiceCore,
  entry: SiteEntry,
  route: OpenRoute,
  cause: RevisionCause,
): Promise<Change> {
  let { at } = cause;
  for (;;) {
    const message = await reviseOnce(core, entry, route, { ...cause, at });
    if (message.type === 'route.held' || mayLeave(entry.site, route.robotType, message)) return message;
    at = entry.site.clock.now();
  }
}

async function reviseOnce(
  core: ServiceCore,
  entry: SiteEntry,
  route: OpenRoute,
  cause: RevisionCause,
): Promise<Change> {
  const { site, ledger } = entry;
  let message: Change | undefined;
  let undo = (): void => undefined;
  await ledger
    .revise(route.routeId, (known) => {
      assumePlace(site, route, site.clock.now());
      undo = rememberPlan(site, route);
      const labels = { revision: known.revision + 1, policyVersion: servedVersion(core, entry), ...cause };
      const started = monotonicMilliseconds();
      const revised = replanRoute(site, route, labels);
      message = revised.message;
      if (message.type === 'route.updated') {
        core.observer.planned(site.warehouseId, monotonicMilliseconds() - started, message.why.served);
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
