import { randomUUID } from 'node:crypto';
import type { RewardWeights } from '../domain/components.js';
import { DEFAULT_REWARD_WEIGHTS } from '../domain/components.js';
import type { RouteId } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { Mode } from '../domain/messages.js';
import type { RoutingService, ServiceEvent, ServiceObserver } from '../domain/serviceContract.js';
import type { Journal } from '../journal/journal.js';
import { createRouteLedger } from '../journal/routeLedger.js';
import { createSiteFacts } from '../journal/siteFacts.js';
import type { LearnerPort } from '../learning/learnerPort.js';
import { createDrivenClock, wallClock } from '../platform/clock.js';
import type { Random } from '../platform/random.js';
import { createSlices, UNDIVIDED, type Slices } from '../platform/slices.js';
import { tableBytesOf } from '../planning/freeFlow.js';
import { orderTour, type VisitOrder } from '../planning/tourOrder.js';
import type { PriceSource } from '../policy/pricing.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import { legsThatCount } from './plannedFlow.js';
import type { WarehouseState } from '../journal/journalState.js';
import { createPolicyControl } from './policyControl.js';
import type { OpenRegistry } from './policyVersions.js';
import { createHousekeeping, type RetentionSettings } from './housekeeping.js';
import { createPolicyHost, pressureOf, type Breach, type PolicyHost } from './policyHost.js';
import { improvementRecord } from './lookBack.js';
import { restoreSites } from './restore.js';
import { createRouteUseCases } from './routeUseCases.js';
import { createShadow } from './shadow.js';
import { createSite } from './site.js';
import { stamp } from './siteRoutes.js';
import { tickAll } from './siteTick.js';
import { createSiteUseCases } from './siteUseCases.js';
import { hostsOf, tellUpkeepFailed, type ServiceCore, type SiteEntry } from './serviceCore.js';

export interface ServiceOptions {
  readonly graphs: readonly LaneGraph[];
  readonly journal: Journal;
  /** Where policy versions are kept; null: nowhere. */
  readonly openRegistry: OpenRegistry | null;
  /** One policy for all warehouses, or one each. */
  readonly policies: 'shared' | 'each';
  /** From these weights; null: nothing is learnt. */
  startLearner(weights: Float32Array): Promise<LearnerPort | null>;
  /** Cold weights for a policy that has no saved version. */
  coldWeights(): Float32Array;
  /** They have learnt elsewhere: what they predict counts in full from the first plan on. Default: false. */
  readonly areColdWeightsTrained?: boolean;
  /** 'driven': simulations drive the clocks from `startAt`; 'wall': a timer ticks every second. */
  readonly clock: { readonly kind: 'wall' } | { readonly kind: 'driven'; readonly startAt: number };
  /** Turns for the many plans of a closing. Default: with the wall's clock in between whatever else is due, else at once. */
  readonly slices?: Slices;
  /** Tours of more stops times nodes are planned in turns. Default: `LIMITS.stopNodesAtOnce` with the wall's clock, else none. */
  readonly stopNodesAtOnce?: number;
  /** Of warehouses that the journal knows no mode of. */
  readonly mode: Mode;
  readonly weights?: RewardWeights;
  readonly observer?: Partial<ServiceObserver>;
  /** Serves a hand-made price instead of what the mode says: baselines of the benchmark. */
  readonly forcedSource?: PriceSource;
  /** Serves shortest paths, each of those as likely, whatever the prices say: a baseline of the benchmark. */
  readonly tieBreaks?: Random;
  /** Another order of visit than the planner's own: a baseline of the benchmark. */
  readonly visitOrder?: VisitOrder;
  /** How much of the journal is kept; all of it unless told. */
  readonly retention?: RetentionSettings;
  /**
   * A checkpoint could not be written, old records not dropped, a corner case not read or a mode not kept at the start, or
   * something not saved or closed at the stop.
   */
  readonly onUpkeepFailure?: (error: unknown) => void;
  /** Names routes; random by default, counted in simulations that must repeat themselves. */
  readonly newRouteId?: () => string;
}

const SAVE_INTERVAL_MILLISECONDS = 10 * 60 * 1000;
const HOUSEKEEPING_MILLISECONDS = 5_000;
const KEEP_ALL: RetentionSettings = { days: Infinity, bytes: Infinity };

const SILENT: ServiceObserver = {
  planned: () => undefined,
  outcomeServed: () => undefined,
  scored: () => undefined,
  updateApplied: () => undefined,
  updateRejected: () => undefined,
  rolledBack: () => undefined,
  learnerRestarted: () => undefined,
};

/**
 * The routing service: many warehouses, their routes, and the policies that price them. Rebuilds itself
 * from the journal before it is handed out. Where that fails, learners that were started are closed again; the
 * journal stays the caller's.
 * @throws E_JOURNAL_CORRUPT E_BACKEND E_DATA_DIRECTORY
 */
export async function createRoutingService(options: ServiceOptions): Promise<RoutingService> {
  const learners: LearnerPort[] = [];
  try {
    return await startService({
      ...options,
      async startLearner(weights) {
        const learner = await options.startLearner(weights);
        if (learner) learners.push(learner);
        return learner;
      },
    });
  } catch (error) {
    // A learner's thread left behind would keep a process that failed to start from ending.
    await Promise.allSettled(learners.map((learner) => learner.close()));
    throw error;
  }
}

async function startService(options: ServiceOptions): Promise<RoutingService> {
  const taken: { onBreach: (host: PolicyHost, breach: Breach) => void } = { onBreach: () => undefined };
  const core = await createCore(options, taken);
  const report = (host: PolicyHost, error: unknown): void => tellUpkeepFailed(core, host, String(error));
  const siteUseCases = createSiteUseCases(core);
  const policyControl = createPolicyControl(core, options.openRegistry);
  taken.onBreach = (host, breach) =>
    void policyControl.recordBreach(host, breach).catch((error: unknown) => report(host, error));
  await policyControl.start();
  const upkeepFailed = options.onUpkeepFailure ?? (() => undefined);
  await keepModes(core, upkeepFailed);
  const timer = options.clock.kind === 'wall' ? setInterval(() => tickAll(core), 1000) : undefined;
  timer?.unref();
  const saver = setInterval(() => void policyControl.saveAll('interval', report), SAVE_INTERVAL_MILLISECONDS);
  saver.unref();
  const housekeeping = createHousekeeping(core, options.retention ?? KEEP_ALL);
  const housekeeper = setInterval(() => {
    void housekeeping.run().catch(upkeepFailed);
    // That it could not be written was told when it was first tried.
    void policyControl.settle().catch(() => undefined);
  }, HOUSEKEEPING_MILLISECONDS);
  housekeeper.unref();

  return {
    ...createRouteUseCases(core),
    ...siteUseCases,
    ...policyControl.useCases,
    queueDepths: () => ({
      plansUnderWay: core.plansUnderWay,
      learnerRows: hostsOf(core).reduce((sum, host) => sum + host.rowsWaiting(), 0),
    }),
    dormantWarehouses: () =>
      [...core.dormant]
        .filter(([, state]) => isInUse(state))
        .map(([warehouseId, { ledger }]) => ({ warehouseId, openRoutes: ledger.snapshot().open.length })),
    subscribe(listener) {
      core.listeners.add(listener);
      return () => core.listeners.delete(listener);
    },
    async close() {
      core.closed = true;
      clearInterval(timer);
      clearInterval(saver);
      clearInterval(housekeeper);
      await policyControl.saveAll('stop', (_host, error) => upkeepFailed(error));
      await policyControl.settle().catch(upkeepFailed);
      for (const { site } of core.entries.values()) {
        if (site.hindsight.improvement.hasBegun())
          await options.journal.append(improvementRecord(site)).catch(upkeepFailed);
      }
      await housekeeping.checkpoint().catch(upkeepFailed);
      for (const host of hostsOf(core)) await host.close().catch(upkeepFailed);
      await options.journal.close();
    },
  };
}

/** What a new warehouse begins in is its mode from then on, whatever the next start is told to give to new ones. */
async function keepModes(
  { journal, entries }: ServiceCore,
  onFailure: (error: unknown) => void,
): Promise<void> {
  if (journal.upkeep === null) return;
  for (const { site, facts } of entries.values()) {
    if (facts.snapshot().mode !== null) continue;
    const record = { ...stamp(site), kind: 'mode.set' as const, payload: { mode: site.mode } };
    await journal.append(record).catch(onFailure);
  }
}

/** False where it was served once, and nobody drove there or changed anything. */
function isInUse({ ledger, facts }: WarehouseState): boolean {
  const { open, closed, requests } = ledger.snapshot();
  const { weights, closedLanes, openedLanes = [] } = facts.snapshot();
  const kept = [open, closed, requests, closedLanes, openedLanes];
  return weights !== null || kept.some(({ length }) => length > 0);
}

async function createCore(
  options: ServiceOptions,
  taken: { onBreach: (host: PolicyHost, breach: Breach) => void },
): Promise<ServiceCore> {
  const { journal } = options;
  const listeners = new Set<(event: ServiceEvent) => void>();
  const emit = (event: ServiceEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const observer = { ...SILENT, ...options.observer };
  const sites = options.graphs.map((graph, source) => {
    const driven = options.clock.kind === 'driven' ? createDrivenClock(options.clock.startAt) : null;
    return createSite({
      graph,
      source,
      driven,
      clock: driven ?? wallClock,
      weights: options.weights ?? DEFAULT_REWARD_WEIGHTS,
      mode: options.mode,
      tieBreaks: options.tieBreaks ?? null,
      visitOrder: options.visitOrder ?? orderTour,
      tableBytes: tableBytesOf(options.graphs.length),
      legsThatCount: legsThatCount(options.forcedSource ?? null),
    });
  });
  const groups = options.policies === 'shared' ? [sites] : sites.map((site) => [site]);
  const entries = new Map<string, SiteEntry>();
  for (const group of groups) {
    const cold = options.coldWeights();
    const learner = await options.startLearner(cold);
    const host = createPolicyHost({
      sites: group,
      learner,
      areColdWeightsTrained: options.areColdWeightsTrained ?? false,
      observer,
      onUpdate(served) {
        for (const site of served.sites) {
          emit({ kind: 'policy.updated', warehouseId: site.warehouseId, policyVersion: served.version() });
        }
      },
      onBreach: (breached, breach) => taken.onBreach(breached, breach),
      onResumed(resumed) {
        for (const { warehouseId } of resumed.sites)
          emit({ kind: 'policy.resumed', warehouseId, policyVersion: resumed.version() });
      },
      onRestart(restarted) {
        for (const { warehouseId } of restarted.sites) {
          observer.learnerRestarted(warehouseId);
          emit({ kind: 'learner.restarted', warehouseId });
        }
      },
      onFailure(failing, detail) {
        for (const site of failing.sites)
          emit({ kind: 'learner.failed', warehouseId: site.warehouseId, detail });
      },
    });
    if (learner) host.install(cold, null, 0);
    for (const site of group) {
      site.pricing.setPressure(pressureOf(site, host));
      entries.set(site.warehouseId, {
        site,
        host,
        ledger: createRouteLedger({ warehouseId: site.warehouseId, journal }),
        facts: createSiteFacts(),
        shadow: createShadow(site, host),
      });
    }
  }
  const core: ServiceCore = {
    entries,
    dormant: new Map(),
    journal,
    policies: options.policies,
    slices: options.slices ?? (options.clock.kind === 'wall' ? createSlices() : UNDIVIDED),
    stopNodesAtOnce:
      options.stopNodesAtOnce ?? (options.clock.kind === 'wall' ? LIMITS.stopNodesAtOnce : Infinity),
    observer,
    listeners,
    emit,
    newRouteId: (options.newRouteId ?? randomUUID) as () => RouteId,
    forcedSource: options.forcedSource ?? null,
    closed: false,
    plansUnderWay: 0,
  };
  await restoreSites(core, options.onUpkeepFailure ?? (() => undefined));
  return core;
}
