import { AppError, isAppError } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import type { PolicyView, RollbackView, RoutingService, Sabotage } from '../domain/serviceContract.js';
import { ALL_WAREHOUSES } from '../journal/records.js';
import { createTurns } from '../journal/turns.js';
import { wallClock } from '../platform/clock.js';
import { createRandom } from '../platform/random.js';
import { gatePublication } from '../policy/gates.js';
import { sabotage } from '../policy/sabotage.js';
import type { NewPolicy, PolicyRegistry } from '../registry/policyRegistry.js';
import type { Breach, PolicyHost } from './policyHost.js';
import {
  applySource,
  assertServing,
  entryOf,
  servedVersion,
  servesPolicy,
  type ServiceCore,
} from './serviceCore.js';

const DRILL_SEED = 1;

/** Opens the registry of one scope: a warehouse, or `*` for a policy that all share. */
export type OpenRegistry = (scope: string) => Promise<PolicyRegistry>;

type PolicyUseCases = Pick<
  RoutingService,
  'policies' | 'savePolicy' | 'activatePolicy' | 'rollBack' | 'drillPolicy' | 'guard' | 'shadow'
>;

export interface PolicyControl {
  readonly useCases: PolicyUseCases;
  /** Serves the newest healthy version, else one that was shipped, else cold weights. */
  start(): Promise<void>;
  /** Makes what the guard took back the registry's and the journal's knowledge too. */
  recordBreach(host: PolicyHost, breach: Breach): Promise<void>;
  /** Saves every policy that moved since it was saved. One that cannot be saved is told of, and does not stop the next. */
  saveAll(reason: 'interval' | 'stop', onFailure: (host: PolicyHost, error: unknown) => void): Promise<void>;
}

/** Versions of the policies: saved, activated, rolled back, each step in the journal. */
export function createPolicyControl(core: ServiceCore, openRegistry: OpenRegistry | null): PolicyControl {
  const registries = new Map<PolicyHost, PolicyRegistry>();
  const turns = createTurns();
  const savedThrough = new Map<PolicyHost, number>();
  /** Of each warehouse, on its own clock. */
  const rollbacks = new Map<string, { readonly count: number; readonly last: RollbackView }>();
  const scopeOf = (host: PolicyHost): string =>
    core.policies === 'shared' ? ALL_WAREHOUSES : host.sites[0]!.warehouseId;

  /** Changes of one host's versions come one after the other: none undoes what it has not seen. */
  const inTurn = <T>(host: PolicyHost, work: () => Promise<T>): Promise<T> => turns.run(scopeOf(host), work);

  /** A warehouse's records bear its own clock, which goes on from there after a restart. */
  const stampOf = (host: PolicyHost): { at: Instant; warehouseId: string } => {
    const warehouseId = scopeOf(host);
    const clock = warehouseId === ALL_WAREHOUSES ? wallClock : host.sites[0]!.clock;
    return { at: clock.now(), warehouseId };
  };

  const registryOf = (host: PolicyHost, wanted: string): PolicyRegistry => {
    const registry = registries.get(host);
    if (!registry) throw new AppError('E_UNKNOWN_POLICY', { policyVersion: wanted });
    return registry;
  };
  const viewOf = (registry: PolicyRegistry, policyVersion: string): PolicyView =>
    registry.list().find((view) => view.policyVersion === policyVersion)!;

  /** What was made worse on purpose, or was taken back, must not come back under another name. */
  const condemnedBase = (host: PolicyHost): string | null => {
    const base = host.base();
    return base !== null && registries.get(host)?.isCondemned(base) ? base : null;
  };

  const save = async (
    host: PolicyHost,
    reason: PolicyView['reason'],
    needed: string | null = null,
  ): Promise<PolicyView> => {
    const snapshot = host.snapshot();
    if (!snapshot) throw new AppError('E_UNKNOWN_POLICY', { policyVersion: 'free-flow' });
    const condemned = condemnedBase(host);
    if (condemned !== null) throw new AppError('E_POLICY_CONDEMNED', { policyVersion: condemned });
    const to = core.journal.lastSequence();
    const view = await store(host, {
      weights: snapshot.weights,
      parent: host.base(),
      savedAt: wallClock.now(),
      reason,
      updates: snapshot.updates,
      trainedOn: snapshot.updates > 0 ? { from: savedThrough.get(host) ?? 0, to } : null,
      metrics: { loss: host.loss(), scoreRatio: meanScoreRatio(host) },
      ...{ activate: true, needed },
    });
    savedThrough.set(host, to);
    if (host.saved(view.policyVersion, snapshot)) return view;
    const registry = registryOf(host, view.policyVersion);
    await registry.condemn(view.policyVersion, 'taken back while it was being saved');
    return viewOf(registry, view.policyVersion);
  };

  const store = async (host: PolicyHost, policy: NewPolicy): Promise<PolicyView> => {
    const registry = registryOf(host, 'none');
    const manifest = await registry.save(policy);
    const { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum } = manifest;
    const payload = { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum };
    await core.journal.append({ ...stampOf(host), kind: 'policy.saved', payload });
    return viewOf(registry, manifest.policyVersion);
  };

  const serve = async (host: PolicyHost, policyVersion: string, reason: string): Promise<PolicyView> => {
    const registry = registryOf(host, policyVersion);
    const { weights } = await registry.load(policyVersion);
    const gate = gatePublication(weights);
    if (gate) throw new AppError('E_POLICY_CORRUPT', { policyVersion, detail: `the gate ${gate} stops it` });
    await registry.activate(policyVersion);
    host.install(weights, policyVersion);
    await announce(host, policyVersion, reason);
    return viewOf(registry, policyVersion);
  };

  /** Other weights are served since a moment ago: the journal and whoever listens are told. */
  const announce = async (host: PolicyHost, policyVersion: string, reason: string): Promise<void> => {
    for (const site of host.sites) {
      applySource(core, entryOf(core, site.warehouseId));
      core.emit({ kind: 'policy.updated', warehouseId: site.warehouseId, policyVersion: host.version() });
    }
    const payload = { policyVersion, reason };
    await core.journal.append({ ...stampOf(host), kind: 'policy.activated', payload });
  };

  const tellRollback = (
    host: PolicyHost,
    told: Pick<RollbackView, 'cause' | 'from' | 'to'>,
    servedSeconds: Breach['servedSeconds'],
  ): void => {
    for (const site of host.sites) {
      const { warehouseId, clock } = site;
      const last = { ...told, at: clock.now(), servedSeconds: servedSeconds.get(site)! };
      rollbacks.set(warehouseId, { count: (rollbacks.get(warehouseId)?.count ?? 0) + 1, last });
      core.observer.rolledBack(warehouseId, told.cause);
      core.emit({ kind: 'policy.rolledBack', warehouseId, ...last });
    }
  };

  /** Where a roll back by hand leads. */
  const rollbackTarget = (host: PolicyHost): string => {
    const registry = registryOf(host, 'before the active one');
    const base = host.base();
    const isSound = registry.list().some(({ policyVersion, healthy }) => healthy && policyVersion === base);
    const trusted = isSound && host.guard.isProven() ? null : (host.guard.trusted()?.version ?? null);
    if (trusted !== null && trusted !== base) return trusted;
    // Updates on top of a saved version: back to that version. None: back to the one before it.
    const target = host.updatesSinceSave() > 0 ? base : registry.previous();
    if (target === null) throw new AppError('E_UNKNOWN_POLICY', { policyVersion: 'before the active one' });
    return target;
  };

  const saveIfMoved = async (
    host: PolicyHost,
    reason: PolicyView['reason'],
    needed: string | null = null,
  ): Promise<void> => {
    const isMoved = host.updatesSinceSave() > 0 && condemnedBase(host) === null;
    if (registries.has(host) && isMoved) await save(host, reason, needed);
  };

  const drill = async (host: PolicyHost, kind: Sabotage): Promise<PolicyView> => {
    await saveIfMoved(host, 'activation');
    const recent = host.guard.recentRows();
    const weights = sabotage(host.snapshot()!.weights, kind, createRandom(DRILL_SEED), recent);
    if (!weights) throw new AppError('E_DRILL_HARMLESS', { detail: `${recent.count} rows were tried` });
    const view = await store(host, {
      ...{ weights, parent: host.base(), savedAt: wallClock.now(), reason: 'drill', updates: 0 },
      ...{ trainedOn: null, metrics: {}, activate: false },
    });
    const registry = registryOf(host, view.policyVersion);
    await registry.condemn(view.policyVersion, `made for a drill: ${kind}`);
    host.install(weights, view.policyVersion);
    await announce(host, view.policyVersion, `drill: ${kind}`);
    return viewOf(registry, view.policyVersion);
  };

  return {
    useCases: {
      policies: () => [...registries.values()].flatMap((registry) => registry.list()),
      async savePolicy(warehouseId) {
        assertServing(core);
        const { host } = entryOf(core, warehouseId);
        return inTurn(host, () => save(host, 'request'));
      },
      async activatePolicy(warehouseId, policyVersion) {
        assertServing(core);
        const { host } = entryOf(core, warehouseId);
        return inTurn(host, async () => {
          // What was learnt since the last save must not be lost to a change of mind; an unknown name changes nothing.
          await registryOf(host, policyVersion).load(policyVersion);
          await saveIfMoved(host, 'activation', policyVersion);
          return serve(host, policyVersion, 'activated by an operator');
        });
      },
      async rollBack(warehouseId) {
        assertServing(core);
        const { host } = entryOf(core, warehouseId);
        return inTurn(host, async () => {
          const from = host.version();
          const servedSeconds = host.guard.servedSeconds();
          const view = await serve(host, rollbackTarget(host), 'rolled back by an operator');
          tellRollback(host, { cause: 'operator', from, to: host.version() }, servedSeconds);
          return view;
        });
      },
      async drillPolicy(warehouseId, kind) {
        assertServing(core);
        const entry = entryOf(core, warehouseId);
        const { host, site } = entry;
        if (!servesPolicy(core, entry)) {
          throw new AppError('E_MODE_INVALID', { mode: site.mode, known: 'learn, frozen' });
        }
        return inTurn(host, () => drill(host, kind));
      },
      guard(warehouseId) {
        const entry = entryOf(core, warehouseId);
        const { guard } = entry.host;
        const known = rollbacks.get(warehouseId);
        return {
          warehouseId,
          policyVersion: servedVersion(core, entry),
          trusted: guard.trusted()?.version ?? null,
          pinned: guard.isPinned(),
          rollbacks: known?.count ?? 0,
          last: known?.last ?? null,
        };
      },
      shadow(warehouseId) {
        const { site, shadow } = entryOf(core, warehouseId);
        if (site.mode !== 'shadow')
          throw new AppError('E_MODE_INVALID', { mode: site.mode, known: 'shadow' });
        return shadow.report();
      },
    },
    async recordBreach(host, { cause, from, fromBase, to, servedSeconds }) {
      tellRollback(host, { cause, from, to: host.version() }, servedSeconds);
      await inTurn(host, async () => {
        const registry = registries.get(host);
        if (fromBase !== null && fromBase !== to) await registry?.condemn(fromBase, `taken back: ${cause}`);
        if (to !== null) await registry?.activate(to);
        await announce(host, to ?? 'cold', `rolled back by the guard: ${cause}`);
      });
    },
    async start() {
      for (const entry of core.entries.values()) {
        const { host } = entry;
        if (openRegistry && !registries.has(host)) {
          const registry = await openRegistry(scopeOf(host));
          registries.set(host, registry);
          await installNewest(host, registry);
        }
        applySource(core, entry);
      }
    },
    async saveAll(reason, onFailure) {
      for (const host of new Set([...core.entries.values()].map((entry) => entry.host))) {
        await inTurn(host, () => saveIfMoved(host, reason)).catch((error: unknown) => onFailure(host, error));
      }
    },
  };
}

/** Versions that turn out damaged are passed over; the registry lists them with the reason. */
async function installNewest(host: PolicyHost, registry: PolicyRegistry): Promise<void> {
  for (let version = registry.newestHealthy(); version !== null; version = registry.newestHealthy()) {
    try {
      const { weights } = await registry.load(version);
      const gate = gatePublication(weights);
      if (gate === null) return void host.install(weights, version, { trusted: true });
      await registry.condemn(version, `the gate ${gate} stops it`);
    } catch (error) {
      if (!isAppError(error) || registry.newestHealthy() === version) throw error;
    }
  }
}

function meanScoreRatio(host: PolicyHost): number {
  return host.sites.reduce((sum, site) => sum + site.scoreRatio, 0) / host.sites.length;
}
