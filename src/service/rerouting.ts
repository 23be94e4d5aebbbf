import { AppError } from '../domain/errors.js';
import { worstOf } from '../platform/failures.js';
import { isPlaceAssumed } from './expectedPlace.js';
import { isRefuted } from './lastKnown.js';
import { reviseRoute } from './reviseRoute.js';
import type { ServiceCore, SiteEntry } from './serviceCore.js';
import type { OpenRoute } from './site.js';
import { needsPlan } from './siteRoutes.js';

/**
 * Sends routes another way that have a closed lane before them, and those that were held and may go on now. Each is
 * looked at when its turn comes, as it is then: robots report, ask and end their routes between slices. All are seen to,
 * whatever becomes of one of them.
 * @throws the worst failure, once all are seen to
 */
export async function rerouteAll(
  core: ServiceCore,
  entry: SiteEntry,
  cause: 'laneClosed' | 'laneOpened' | 'tick',
): Promise<void> {
  const { site, ledger } = entry;
  // Routes whose issue is still being written are checked again before they leave.
  const issued = [...site.openRoutes.values()].filter(({ routeId }) => ledger.open(routeId) !== undefined);
  // A tick leaves alone what others see to: it comes again.
  const asked =
    cause === 'tick'
      ? issued.filter(
          (route) => route.revising.size === 0 && !site.expiring.has(route.routeId) && needsPlan(site, route),
        )
      : issued;
  let assumed = cause === 'tick' ? [] : asked.filter(isPlaceAssumed);
  const failed = new Map<OpenRoute, unknown>();
  await rerouteEach(core, entry, asked, failed);
  // A robot taken to be past a lane by its ETAs may have said meanwhile that it is not. Each is seen to once more at
  // most: by then it is known where it is.
  for (;;) {
    const surprising = assumed.filter(
      (route) => !failed.has(route) && (route.revising.size > 0 || needsPlan(site, route)),
    );
    if (surprising.length === 0) break;
    assumed = assumed.filter((route) => !surprising.includes(route));
    await rerouteEach(core, entry, surprising, failed);
  }
  if (failed.size > 0) throw worstOf([...failed.values()]);
}

async function rerouteEach(
  core: ServiceCore,
  entry: SiteEntry,
  routes: readonly OpenRoute[],
  failed: Map<OpenRoute, unknown>,
): Promise<void> {
  const turn = (route: OpenRoute): Promise<void> =>
    core.slices
      .run(() => rerouteIfNeeded(core, entry, route))
      .catch((error: unknown) => void failed.set(route, error));
  await Promise.all(routes.map(turn));
}

/**
 * A plan under way is the route's latest already, but its robot drives the one before until this one is stored, and
 * goes on with that where it cannot be. So nobody who closed a lane is answered before. What began meanwhile is not
 * waited for as well, but followed by another plan: a robot that keeps asking must not hold up the answer for ever.
 */
async function rerouteIfNeeded(core: ServiceCore, entry: SiteEntry, route: OpenRoute): Promise<void> {
  const look = async (): Promise<void> => {
    if (route.revising.size > 0 || needsPlan(entry.site, route)) await reroute(core, entry, route);
  };
  if (route.revising.size === 0) return look();
  await Promise.allSettled([...route.revising]);
  // Many may have waited for the same commit.
  return core.slices.run(look);
}

async function reroute(core: ServiceCore, entry: SiteEntry, route: OpenRoute): Promise<void> {
  const { warehouseId } = entry.site;
  const reason = isRefuted(route) ? 'placeRefuted' : route.held ? 'laneOpened' : 'laneClosed';
  try {
    const message = await reviseRoute(core, entry, route, reason);
    if (message.type === 'route.updated') core.emit({ kind: 'route.updated', warehouseId, message });
    else core.emit({ kind: 'route.held', warehouseId, message });
  } catch (error) {
    // It ended while the lane closed: nobody drives it any more.
    if (!(error instanceof AppError && error.code === 'E_ROUTE_CLOSED')) throw error;
  }
}
