import { COMPONENTS, isWeight, type RewardWeights } from '../domain/components.js';
import { AppError } from '../domain/errors.js';
import type { LaneIndex } from '../domain/ids.js';
import { MODES } from '../domain/messages.js';
import type { LaneName, RoutingService, WarehouseSummary } from '../domain/serviceContract.js';
import { createTurns } from '../journal/turns.js';
import { laneBetween } from '../warehouse/laneGraph.js';
import { pressureOf } from './policyHost.js';
import { rerouteAll } from './rerouting.js';
import {
  applySource,
  assertServing,
  entryOf,
  servedVersion,
  type ServiceCore,
  type SiteEntry,
} from './serviceCore.js';
import { detailOfCase, viewOfCase } from './cornerCaseViews.js';
import { eachLane } from './laneViews.js';
import { heldCount, listOpenRoutes } from './openRouteViews.js';
import { nodeIndex, type Site } from './site.js';
import { stamp } from './siteRoutes.js';
import { tick } from './siteTick.js';

type SiteUseCases = Pick<
  RoutingService,
  | 'warehouses'
  | 'warehouse'
  | 'lanes'
  | 'eachLane'
  | 'openRoutes'
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
  // Of two people who change a weight each, neither takes back what the other changed.
  const reweighings = createTurns();
  return {
    warehouses: () => [...core.entries.values()].map((entry) => summarise(core, entry)),
    warehouse: (warehouseId) => summarise(core, entryOf(core, warehouseId)),
    lanes: (warehouseId, filter = {}) => [...eachLane(entryOf(core, warehouseId), filter)],
    eachLane: (warehouseId, filter = {}) => eachLane(entryOf(core, warehouseId), filter),
    openRoutes: (warehouseId, filter = {}) => listOpenRoutes(entryOf(core, warehouseId), filter),

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
    setWeights: async (warehouseId, changed) =>
      reweighings.run(warehouseId, async () => {
        assertServing(core);
        const { site, host } = entryOf(core, warehouseId);
        const weights = { ...site.weights, ...changed };
        checkWeights(weights);
        // Else a script that says them again each night would begin anew all that is measured under them.
        if (COMPONENTS.every((name) => weights[name] === site.weights[name])) return weights;
        await core.journal.append({ ...stamp(site), kind: 'weights.set', payload: { weights } });
        applyWeights(site, weights);
        site.hindsight.improvement.restart();
        host.guard.reweighed(site);
        core.emit({ kind: 'weights.updated', warehouseId, weights });
        return weights;
      }),

    async setMode(warehouseId, mode) {
      assertServing(core);
      const entry = entryOf(core, warehouseId);
      if (!MODES.includes(mode)) throw new AppError('E_MODE_INVALID', { mode, known: MODES.join(', ') });
      await core.journal.append({ ...stamp(entry.site), kind: 'mode.set', payload: { mode } });
      // Else a script that says it again each night would begin anew what `shadow` compares.
      if (mode === entry.site.mode) return;
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

export function applyWeights(site: Site, weights: RewardWeights): void {
  site.weights = { ...weights };
  site.pricing.setRewardWeights(site.weights);
}

function checkWeights(weights: RewardWeights): void {
  for (const component of COMPONENTS) {
    const weight = weights[component];
    if (!isWeight(component, weight))
      throw new AppError('E_WEIGHTS_INVALID', { detail: `${component} is ${weight}` });
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
    heldRoutes: heldCount(entry),
    robots: site.robots.size,
    closedLanes: site.closures.closedLanes().length,
    pressure: pressureOf(site, host),
    slowdown: site.slowdown.ratio(now),
    scoreRatio: site.scoredRoutes === 0 ? null : site.scoreRatio,
    completedRoutes: site.completedRoutes,
    regretSeconds: site.hindsight.regretSeconds,
    improvement: site.hindsight.improvement.view(),
    stalenessMilliseconds: host.stalenessMilliseconds(),
  };
}
