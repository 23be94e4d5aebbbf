import { AssertionError } from 'node:assert';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { RouteEntry } from '../journal/routeEntry.js';
import { worstOf } from '../platform/failures.js';
import { rerouteAll } from './rerouting.js';
import type { ServiceCore, SiteEntry } from './serviceCore.js';
import type { Site } from './site.js';
import { isOverdue, tickSite } from './siteClock.js';
import { dropRoute, stamp } from './siteRoutes.js';

/** One tick of every warehouse on the wall's clock. */
export function tickAll(core: ServiceCore): void {
  for (const entry of core.entries.values()) {
    tick(core, entry).catch((error: unknown) => {
      // What is in memory is not what is in the journal any more: the process ends by it.
      if (error instanceof AssertionError) throw error;
      core.emit({ kind: 'upkeep.failed', warehouseId: entry.site.warehouseId, detail: String(error) });
    });
  }
}

/**
 * What is due on one site: what its clock says, corrections to the journal, new ways, routes to expire.
 * @throws the worst failure, once all that is due was tried
 */
export async function tick(core: ServiceCore, entry: SiteEntry): Promise<void> {
  const { site, host, ledger } = entry;
  entry.shadow.tick();
  tickSite(site, host);
  const failures: unknown[] = [];
  const attempt = (work: Promise<unknown>): Promise<unknown> =>
    work.catch((error: unknown) => failures.push(error));
  await attempt(writeCorrections(core, site));
  // What a change of lanes left behind: its new plan could not be stored, or the server stopped before it was.
  await attempt(rerouteAll(core, entry, 'tick'));
  // Of the ledger's: routes that a start could not take up again, since their map has changed, are nowhere else.
  const overdue = [...ledger.openRoutes().values()].filter(
    (known) => isOverdue(site, known) && !site.expiring.has(known.routeId),
  );
  await Promise.all(overdue.map((known) => attempt(expire(core, entry, known))));
  if (failures.length > 0) throw worstOf(failures);
}

async function expire(
  core: ServiceCore,
  { site, ledger }: SiteEntry,
  { routeId, robotId }: Pick<RouteEntry, 'routeId' | 'robotId'>,
): Promise<void> {
  site.expiring.add(routeId);
  try {
    // It may have been closed meanwhile.
    if (!(await ledger.expire(routeId, site.clock.now()))) return;
    const message = { type: 'route.closed', routeId, state: 'expired', robotId } as const;
    core.emit({ kind: 'route.expired', warehouseId: site.warehouseId, message });
    const route = site.openRoutes.get(routeId);
    if (route) dropRoute(site, route);
  } finally {
    site.expiring.delete(routeId);
  }
}

/** The training set is what the journal holds: completions' rows, and these labels that came after them, in their order. */
async function writeCorrections(core: ServiceCore, site: Site): Promise<void> {
  const corrections = site.corrections.slice(0, LIMITS.correctionsPerRecord);
  if (corrections.length === 0 || site.writesCorrections) return;
  const rows = corrections.map(({ row }) => row);
  const blockingSeconds = corrections.map((correction) => correction.blockingSeconds);
  const record = { ...stamp(site), kind: 'rows.corrected' as const, payload: { rows, blockingSeconds } };
  site.writesCorrections = true;
  try {
    await core.journal.append(record);
    site.corrections.splice(0, corrections.length);
  } catch (error) {
    // They go with a later tick.
    if (!(error instanceof AppError && ['E_JOURNAL_FULL', 'E_BUSY'].includes(error.code))) throw error;
  } finally {
    site.writesCorrections = false;
  }
}
