import { AppError } from '../domain/errors.js';
import type { RouteId } from '../domain/ids.js';
import type { ServiceEvent, ServiceObserver } from '../domain/serviceContract.js';
import type { Journal } from '../journal/journal.js';
import type { WarehouseState } from '../journal/journalState.js';
import type { RouteLedger } from '../journal/routeLedger.js';
import type { SiteFactsState } from '../journal/siteFacts.js';
import type { Slices } from '../platform/slices.js';
import type { PriceSource } from '../policy/pricing.js';
import { sourceOf, type PolicyHost } from './policyHost.js';
import type { Shadow } from './shadow.js';
import type { Site } from './site.js';

/** One warehouse with the policy that prices it and the ledger of its routes. */
export interface SiteEntry {
  readonly site: Site;
  readonly host: PolicyHost;
  readonly ledger: RouteLedger;
  readonly facts: SiteFactsState;
  readonly shadow: Shadow;
}

/** What the use cases share. */
export interface ServiceCore {
  readonly entries: ReadonlyMap<string, SiteEntry>;
  /** What the journal knows of warehouses that are not served now. */
  readonly dormant: Map<string, WarehouseState>;
  readonly journal: Journal;
  /** Whose versions are whose, however many warehouses are served just now. */
  readonly policies: 'shared' | 'each';
  readonly observer: ServiceObserver;
  /** Where routes take turns that one change of lanes lets plan anew, and the searches of large tours. */
  readonly slices: Slices;
  /** Tours of more stops times nodes take turns. */
  readonly stopNodesAtOnce: number;
  readonly listeners: Set<(event: ServiceEvent) => void>;
  emit(event: ServiceEvent): void;
  newRouteId(): RouteId;
  readonly forcedSource: PriceSource | null;
  closed: boolean;
  plansUnderWay: number;
}

/** @throws E_UNKNOWN_WAREHOUSE */
export function entryOf(core: ServiceCore, warehouseId: string): SiteEntry {
  const entry = core.entries.get(warehouseId);
  if (!entry) throw new AppError('E_UNKNOWN_WAREHOUSE', { warehouseId });
  return entry;
}

export function hostsOf(core: ServiceCore): PolicyHost[] {
  return [...new Set([...core.entries.values()].map(({ host }) => host))];
}

/** Says of each warehouse of a policy that something beside its learner failed. */
export function tellUpkeepFailed(core: ServiceCore, { sites }: PolicyHost, detail: string): void {
  for (const { warehouseId } of sites) core.emit({ kind: 'upkeep.failed', warehouseId, detail });
}

/** @throws E_SHUTTING_DOWN once the service closes */
export function assertServing(core: ServiceCore): void {
  if (core.closed) throw new AppError('E_SHUTTING_DOWN');
}

/** Lets a site price by what its mode says, or by what a benchmark forces. */
export function applySource(core: ServiceCore, { site, host }: SiteEntry): void {
  site.pricing.setSource(core.forcedSource ?? sourceOf(site.mode, host));
}

/** Whether routes of this site are planned under the policy's weights. */
export function servesPolicy(core: ServiceCore, { site, host }: SiteEntry): boolean {
  return (core.forcedSource ?? sourceOf(site.mode, host)) === 'network';
}

/** The name of what prices a site's routes now. */
export function servedVersion(core: ServiceCore, { site, host }: SiteEntry): string {
  const source = core.forcedSource ?? sourceOf(site.mode, host);
  if (source === 'network') return host.version();
  if (typeof source === 'function') return 'hand-made';
  return source === 'flow' ? 'planned-flow' : 'free-flow';
}
