import { COMPONENTS, type RewardWeights } from '../domain/components.js';
import { AppError } from '../domain/errors.js';
import type { LaneIndex } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import { MODES } from '../domain/messages.js';
import type { LaneName, RoutingService, WarehouseSummary } from '../domain/serviceContract.js';
import type { RouteEntry } from '../journal/routeEntry.js';
import { laneBetween, laneName } from '../warehouse/laneGraph.js';
import { pressureOf } from './policyHost.js';
import { reviseRoute } from './reviseRoute.js';
import {
  applySource,
  assertServing,
  entryOf,
  servedVersion,
  type ServiceCore,
  type SiteEntry,
} from './serviceCore.js';
import { detailOfCase, viewOfCase } from './cornerCaseViews.js';
import { isPlaceAssumed } from './expectedPlace.js';
import { nodeIndex, priceView, type OpenRoute, type Site } from './site.js';
import { isOverdue, tickSite } from './siteClock.js';
import { dropRoute, needsPlan, stamp } from './siteRoutes.js';

type SiteUseCases = Pick<
  RoutingService,
  | 'warehouses'
  | 'warehouse'
  | 'lanes'
  | 'closeLanes'
  | 'openLanes'
  | 'weights'
  | 'setWeights'
  | 'setMode'
  | 'advanceClock'
  | 'cornerCases'
  | 'cornerCase'
>;

/** What operations staff do: look, tune, close lanes, switch modes, drive a simulated clock. */
export function createSiteUseCases(core: ServiceCore): SiteUseCases {
  return {
    warehouses: () => [...core.entries.values()].map((entry) => summarise(core, entry)),
    warehouse: (warehouseId) => summarise(core, entryOf(core, warehouseId)),
    lanes(warehouseId) {
      const { site } = entryOf(core, warehouseId);
      const { graph } = site;
      const { prices } = priceView(site, 0);
      return Array.from({ length: graph.laneCount }, (_, lane) => ({
        ...laneName(graph, lane),
        lengthMetres: graph.lengthMetres[lane]!,
        speedLimit: graph.speedLimit[lane]!,
        open: graph.open[lane] === 1,
        plannedFlow: site.traffic.flow[lane]!,
        price: Number.isFinite(prices[lane]!) ? prices[lane]! : -1,
      }));
    },

    async closeLanes(warehouseId, lanes) {
      assertServing(core);
      const entry = entryOf(core, warehouseId);
      const indexes = lanes.map((lane) => laneIndex(entry.site, lane));
      await core.journal.append(laneRecord(entry.site, lanes, false));
      const changed = entry.site.closures.close(indexes);
      if (changed.length > 0) core.emit({ kind: 'lane.updated', warehouseId, lanes, open: false });
      // Also where they were closed already: the call before this one may have failed half way.
      await rerouteAll(core, entry, 'laneClosed');
    },

    async openLanes(warehouseId, lanes) {
      assertServing(core);
      const entry = entryOf(core, warehouseId);
      const indexes = lanes.map((lane) => laneIndex(entry.site, lane));
      await core.journal.append(laneRecord(entry.site, lanes, true));
      const changed = entry.site.closures.open(indexes);
      if (changed.length > 0) core.emit({ kind: 'lane.updated', warehouseId, lanes, open: true });
      await rerouteAll(core, entry, 'laneOpened');
    },

    weights: (warehouseId) => ({ ...entryOf(core, warehouseId).site.weights }),
    async setWeights(warehouseId, weights) {
      assertServing(core);
      const { site, host } = entryOf(core, warehouseId);
      checkWeights(weights);
      await core.journal.append({ ...stamp(site), kind: 'weights.set', payload: { weights } });
      applyWeights(site, weights);
      site.hindsight.improvement.restart();
      host.guard.reweighed(site);
      core.emit({ kind: 'weights.updated', warehouseId, weights });
    },

    async setMode(warehouseId, mode) {
      assertServing(core);
      const entry = entryOf(core, warehouseId);
      if (!MODES.includes(mode)) throw new AppError('E_MODE_INVALID', { mode, known: MODES.join(', ') });
      await core.journal.append({ ...stamp(entry.site), kind: 'mode.set', payload: { mode } });
      entry.site.mode = mode;
      applySource(core, entry);
      entry.shadow.begin();
      core.emit({ kind: 'mode.updated', warehouseId, mode });
    },

    cornerCases: (warehouseId) =>
      entryOf(core, warehouseId).site.hindsight.cornerCases.list().map(viewOfCase),
    cornerCase(warehouseId, routeId) {
      const { site } = entryOf(core, warehouseId);
      const found = site.hindsight.cornerCases.find(routeId);
      if (!found) throw new AppError('E_UNKNOWN_CORNER_CASE', { routeId, warehouseId });
      return detailOfCase(site.graph, found);
    },

    async advanceClock(warehouseId, at) {
      const entry = entryOf(core, warehouseId);
      const { driven } = entry.site;
      if (!driven) throw new AppError('E_CLOCK_FIXED', { warehouseId });
      if (at < driven.now()) throw new AppError('E_CLOCK_BACKWARDS', { warehouseId, now: driven.now(), at });
      driven.advanceTo(at);
      await tick(core, entry);
    },
  };
}

/** One tick of every warehouse on the wall's clock. */
export function tickAll(core: ServiceCore): void {
  for (const entry of core.entries.values()) {
    tick(core, entry).catch((error: unknown) => {
      core.emit({ kind: 'upkeep.failed', warehouseId: entry.site.warehouseId, detail: String(error) });
    });
  }
}

async function tick(core: ServiceCore, entry: SiteEntry): Promise<void> {
  const { site, host, ledger } = entry;
  entry.shadow.tick();
  const overdue = tickSite(site, host);
  await writeCorrections(core, site);
  // What a change of lanes left behind: its new plan could not be stored, or the server stopped before it was.
  await rerouteAll(core, entry, 'tick');
  for (const route of overdue) {
    route.closing = true;
    const expired = await expire(core, entry, route).catch((error: unknown) => {
      route.closing = false;
      throw error;
    });
    if (expired) dropRoute(site, route);
  }
  // Routes that a start could not take up again, since their map has changed, are in the ledger alone.
  for (const known of ledger.openRoutes().values()) {
    if (isOverdue(site, known) && !site.openRoutes.has(known.routeId)) await expire(core, entry, known);
  }
}

/** Answers whether the route was still open. */
async function expire(
  core: ServiceCore,
  { site, ledger }: SiteEntry,
  { routeId, robotId }: Pick<RouteEntry, 'routeId' | 'robotId'>,
): Promise<boolean> {
  const expired = await ledger.expire(routeId, site.clock.now());
  if (!expired) return false;
  const message = { type: 'route.closed', routeId, state: 'expired', robotId } as const;
  core.emit({ kind: 'route.expired', warehouseId: site.warehouseId, message });
  return true;
}

/** The training set is what the journal holds: completions' rows, and these labels that came after them. */
async function writeCorrections(core: ServiceCore, site: Site): Promise<void> {
  const corrections = site.corrections.splice(0, LIMITS.correctionsPerRecord);
  if (corrections.length === 0) return;
  const rows = corrections.map(({ row }) => row);
  const blockingSeconds = corrections.map((correction) => correction.blockingSeconds);
  const record = { ...stamp(site), kind: 'rows.corrected' as const, payload: { rows, blockingSeconds } };
  try {
    await core.journal.append(record);
  } catch (error) {
    if (!(error instanceof AppError && ['E_JOURNAL_FULL', 'E_BUSY'].includes(error.code))) throw error;
    // They go with the next tick's: what is learnt stays in the journal's order.
    if (site.corrections.length < LIMITS.correctionsWaiting) site.corrections.unshift(...corrections);
  }
}

/** Sends routes another way that have a closed lane before them, and those that were held and may go on now. */
async function rerouteAll(
  core: ServiceCore,
  entry: SiteEntry,
  cause: 'laneClosed' | 'laneOpened' | 'tick',
): Promise<void> {
  const { site, ledger } = entry;
  // Routes whose issue is still being written are checked again before they leave.
  const issued = [...site.openRoutes.values()].filter(({ routeId }) => ledger.open(routeId) !== undefined);
  // A tick leaves alone what others see to: it comes again.
  const asked =
    cause === 'tick' ? issued.filter(({ revising, closing }) => revising.size === 0 && !closing) : issued;
  let assumed = cause === 'tick' ? [] : asked.filter(isPlaceAssumed);
  await rerouteEach(core, entry, asked);
  // A robot taken to be past a lane by its ETAs may have said meanwhile that it is not. Each is seen to once more at
  // most: by then it is known where it is.
  for (;;) {
    const surprising = assumed.filter((route) => route.revising.size > 0 || needsPlan(site, route));
    if (surprising.length === 0) return;
    assumed = assumed.filter((route) => !surprising.includes(route));
    await rerouteEach(core, entry, surprising);
  }
}

async function rerouteEach(core: ServiceCore, entry: SiteEntry, routes: readonly OpenRoute[]): Promise<void> {
  await Promise.all(routes.map((route) => rerouteIfNeeded(core, entry, route)));
}

/**
 * A plan under way is the route's latest already, but its robot drives the one before until this one is stored, and
 * goes on with that where it cannot be. So nobody who closed a lane is answered before. What began meanwhile is not
 * waited for as well, but followed by another plan: a robot that keeps asking must not hold up the answer for ever.
 */
async function rerouteIfNeeded(core: ServiceCore, entry: SiteEntry, route: OpenRoute): Promise<void> {
  if (route.revising.size > 0) await Promise.allSettled([...route.revising]);
  if (route.revising.size > 0 || needsPlan(entry.site, route)) await reroute(core, entry, route);
}

async function reroute(core: ServiceCore, entry: SiteEntry, route: OpenRoute): Promise<void> {
  const { warehouseId } = entry.site;
  const reason = route.held ? 'laneOpened' : 'laneClosed';
  try {
    const message = await reviseRoute(core, entry, route, reason);
    if (message.type === 'route.updated') core.emit({ kind: 'route.updated', warehouseId, message });
    else core.emit({ kind: 'route.held', warehouseId, message });
  } catch (error) {
    // It ended while the lane closed: nobody drives it any more.
    if (!(error instanceof AppError && error.code === 'E_ROUTE_CLOSED')) throw error;
  }
}

export function applyWeights(site: Site, weights: RewardWeights): void {
  site.weights = { ...weights };
  site.pricing.setRewardWeights(site.weights);
}

const LEAST_TIME_WEIGHT = 0.001;

function checkWeights(weights: RewardWeights): void {
  for (const component of COMPONENTS) {
    const weight = weights[component];
    if (!(weight >= 0 && weight <= 100)) {
      throw new AppError('E_WEIGHTS_INVALID', { detail: `${component} is ${weight}` });
    }
  }
  // Scores are shares of weighted free-flow time: next to nothing would make them infinite.
  if (!(weights.time >= LEAST_TIME_WEIGHT)) {
    throw new AppError('E_WEIGHTS_INVALID', { detail: `time is ${weights.time}` });
  }
}

/** @throws E_UNKNOWN_NODE E_UNKNOWN_LANE */
function laneIndex(site: Site, { from, to }: LaneName): LaneIndex {
  const lane = laneBetween(site.graph, nodeIndex(site, from), nodeIndex(site, to));
  if (lane < 0) throw new AppError('E_UNKNOWN_LANE', { from, to, warehouseId: site.warehouseId });
  return lane;
}

function laneRecord(site: Site, lanes: readonly LaneName[], open: boolean) {
  return { ...stamp(site), kind: 'lanes.set' as const, payload: { lanes, open } };
}

function summarise(core: ServiceCore, entry: SiteEntry): WarehouseSummary {
  const { site, host } = entry;
  const { graph } = site;
  const now = site.clock.now() / 1000;
  return {
    warehouseId: site.warehouseId,
    mapVersion: graph.mapVersion,
    nodes: graph.nodeCount,
    lanes: graph.laneCount,
    stations: graph.stations.length,
    pickFaces: graph.pickFaces.length,
    robotTypes: graph.robotTypes.map((type) => type.name),
    mode: site.mode,
    clock: site.driven ? 'driven' : 'wall',
    policyVersion: servedVersion(core, entry),
    weights: { ...site.weights },
    updatesApplied: host.updatesApplied(),
    openRoutes: site.openRoutes.size,
    robots: site.robots.size,
    closedLanes: site.closures.closedLanes().length,
    pressure: pressureOf(site, host),
    slowdown: site.slowdown.ratio(now),
    scoreRatio: site.scoreRatio,
    completedRoutes: site.completedRoutes,
    regretSeconds: site.hindsight.regretSeconds,
    improvement: site.hindsight.improvement.view(),
    stalenessMilliseconds: host.stalenessMilliseconds(),
  };
}
