import { AppError } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import type { PolicyView, Sabotage } from '../domain/serviceContract.js';
import { ALL_WAREHOUSES } from '../journal/records.js';
import { createTurns } from '../journal/turns.js';
import { wallClock } from '../platform/clock.js';
import { createRandom } from '../platform/random.js';
import { gatePublication } from '../policy/gates.js';
import { sabotage } from '../policy/sabotage.js';
import type { LoadedPolicy } from '../registry/policyFiles.js';
import type { NewPolicy, PolicyRegistry } from '../registry/policyRegistry.js';
import { earlierVersion, installNewest } from './policyChoice.js';
import type { PolicyHost } from './policyHost.js';
import { applySource, entryOf, type ServiceCore } from './serviceCore.js';

const DRILL_SEED = 1;

/** Opens the registry of one scope: a warehouse, or `*` for a policy that all share. */
export type OpenRegistry = (scope: string) => Promise<PolicyRegistry>;

/** The saved versions of each host's policy; what changes them or what is served stands in the journal. */
export interface PolicyVersions {
  list(): PolicyView[];
  /** Changes of one host's versions come one after the other: none undoes what it has not seen. */
  inTurn<T>(host: PolicyHost, work: () => Promise<T>): Promise<T>;
  /** Opens each host's registry and serves its newest healthy version, else one that was shipped, else cold weights. */
  start(): Promise<void>;

  // Of these, each is to be called in turn.

  /**
   * Saves what is served, and makes it the active version.
   * @param needed a version that must not be pushed out by it
   * @throws E_UNKNOWN_POLICY nothing is served that could be saved
   * @throws E_POLICY_CONDEMNED it stands on a version that was condemned
   */
  save(host: PolicyHost, reason: PolicyView['reason'], needed?: string): Promise<PolicyView>;
  /** The same, where it moved since it was saved and may be. */
  saveIfMoved(host: PolicyHost, reason: PolicyView['reason'], needed?: string): Promise<void>;
  /** @throws E_UNKNOWN_POLICY @throws E_POLICY_CORRUPT it cannot be read */
  assertLoads(host: PolicyHost, policyVersion: string): Promise<void>;
  /** @throws E_UNKNOWN_POLICY @throws E_POLICY_CORRUPT it cannot be read, or a gate stops it @throws E_POLICY_CONDEMNED */
  serve(host: PolicyHost, policyVersion: string, reason: string): Promise<PolicyView>;
  /**
   * Back to the last good version, or to what comes nearest; it counts as the last good one from then on.
   * @throws E_NO_EARLIER_POLICY
   * @throws E_POLICY_CHANGED the guard was quicker
   */
  serveEarlier(host: PolicyHost): Promise<PolicyView>;
  /** Serves a version that is worse on purpose; what bears the reason `drill` is never chosen again. @throws E_DRILL_HARMLESS none would be worse */
  serveSabotaged(host: PolicyHost, kind: Sabotage): Promise<PolicyView>;
  /** The guard serves `to` in place of what stood on `from`: the registry and the journal are told. */
  recordTakenBack(host: PolicyHost, taken: TakenBack): Promise<void>;
}

/** Saved versions, null where there is none. */
interface TakenBack {
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
  /** Of what is served since. */
  readonly installation: number;
}

export function createPolicyVersions(core: ServiceCore, openRegistry: OpenRegistry | null): PolicyVersions {
  const registries = new Map<PolicyHost, PolicyRegistry>();
  const turns = createTurns();
  const savedThrough = new Map<PolicyHost, number>();
  const scopeOf = (host: PolicyHost): string =>
    core.policies === 'shared' ? ALL_WAREHOUSES : host.sites[0]!.warehouseId;

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

  /** A start must know what the guard trusts, not take for good what it finds. */
  const keepTrust = async (host: PolicyHost): Promise<void> =>
    registries.get(host)?.trust(host.guard.trusted()?.version ?? null);

  const save: PolicyVersions['save'] = async (host, reason, needed) => {
    const snapshot = host.snapshot();
    if (!snapshot) throw new AppError('E_UNKNOWN_POLICY', { policyVersion: 'free-flow' });
    const condemned = condemnedBase(host);
    if (condemned !== null) {
      const detail = 'nothing that was learnt on top of it is saved. Roll back first';
      throw new AppError('E_POLICY_CONDEMNED', { policyVersion: condemned, detail });
    }
    const to = core.journal.lastSequence();
    const view = await store(host, {
      weights: snapshot.weights,
      parent: host.base(),
      savedAt: wallClock.now(),
      reason,
      updates: snapshot.updates,
      trainedOn: snapshot.updates > 0 ? { from: savedThrough.get(host) ?? 0, to } : null,
      metrics: { loss: host.loss(), scoreRatio: meanScoreRatio(host) },
      activate: true,
      needed: needed === undefined ? [] : [needed],
    });
    savedThrough.set(host, to);
    if (host.saved(view.policyVersion, snapshot)) {
      await keepTrust(host);
      return view;
    }
    const registry = registryOf(host, view.policyVersion);
    await registry.condemn(view.policyVersion, 'taken back while it was being saved');
    return viewOf(registry, view.policyVersion);
  };

  const saveIfMoved: PolicyVersions['saveIfMoved'] = async (host, reason, needed) => {
    const isMoved = host.updatesSinceSave() > 0 && condemnedBase(host) === null;
    if (registries.has(host) && isMoved) await save(host, reason, needed);
  };

  const store = async (host: PolicyHost, policy: NewPolicy): Promise<PolicyView> => {
    const registry = registryOf(host, 'none');
    const manifest = await registry.save(policy);
    const { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum } = manifest;
    const payload = { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum };
    await core.journal.append({ ...stampOf(host), kind: 'policy.saved', payload });
    return viewOf(registry, manifest.policyVersion);
  };

  /** @throws E_UNKNOWN_POLICY @throws E_POLICY_CORRUPT */
  const load = async (host: PolicyHost, policyVersion: string): Promise<LoadedPolicy> => {
    const policy = await registryOf(host, policyVersion).load(policyVersion);
    const gate = gatePublication(policy.weights);
    if (gate) throw new AppError('E_POLICY_CORRUPT', { policyVersion, detail: `the gate ${gate} stops it` });
    return policy;
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

  return {
    list: () => [...registries.values()].flatMap((registry) => registry.list()),
    inTurn: (host, work) => turns.run(scopeOf(host), work),
    save,
    saveIfMoved,
    async start() {
      for (const entry of core.entries.values()) {
        const { host } = entry;
        if (openRegistry && !registries.has(host)) {
          const registry = await openRegistry(scopeOf(host));
          registries.set(host, registry);
          await installNewest(host, registry);
          await keepTrust(host);
        }
        applySource(core, entry);
      }
    },
    async assertLoads(host, policyVersion) {
      await load(host, policyVersion);
    },
    async serve(host, policyVersion, reason) {
      const { weights } = await load(host, policyVersion);
      const registry = registryOf(host, policyVersion);
      await registry.activate(policyVersion);
      host.install(weights, policyVersion);
      await announce(host, policyVersion, reason);
      await keepTrust(host);
      return viewOf(registry, policyVersion);
    },
    async serveEarlier(host) {
      const expected = host.version();
      const installation = host.installation();
      const assertUnchanged = (): void => {
        if (host.installation() === installation) return;
        throw new AppError('E_POLICY_CHANGED', { expected, policyVersion: host.version() });
      };
      const registry = registryOf(host, expected);
      const target = earlierVersion(host, registry);
      if (target === null) throw new AppError('E_NO_EARLIER_POLICY', { policyVersion: expected });
      const { weights } = await load(host, target);
      assertUnchanged();
      await registry.activate(target);
      assertUnchanged();
      host.install(weights, target, 'trusted');
      await announce(host, target, 'rolled back by an operator');
      await keepTrust(host);
      return viewOf(registry, target);
    },
    async serveSabotaged(host, kind) {
      // There must be a version to come back to.
      if (host.base() === null) await save(host, 'activation');
      else await saveIfMoved(host, 'activation');
      const recent = host.guard.recentRows();
      const weights = sabotage(host.snapshot()!.weights, kind, createRandom(DRILL_SEED), recent);
      if (!weights) throw new AppError('E_DRILL_HARMLESS', { detail: `${recent.count} rows were tried` });
      const { policyVersion } = await store(host, {
        ...{ weights, parent: host.base(), savedAt: wallClock.now(), reason: 'drill', updates: 0 },
        ...{ trainedOn: null, metrics: {}, activate: false },
      });
      host.install(weights, policyVersion, 'sabotaged');
      await announce(host, policyVersion, `drill: ${kind}`);
      await keepTrust(host);
      return viewOf(registryOf(host, policyVersion), policyVersion);
    },
    async recordTakenBack(host, { from, to, cause, installation }) {
      const registry = registries.get(host);
      // An activation that waited meanwhile may have put other weights in place, or the same again.
      if (from !== null && from !== to && from !== host.base())
        await registry?.condemn(from, `taken back: ${cause}`);
      if (host.installation() !== installation) return;
      if (to !== null) await registry?.activate(to);
      await announce(host, to ?? 'cold', `rolled back by the guard: ${cause}`);
    },
  };
}

function meanScoreRatio(host: PolicyHost): number {
  return host.sites.reduce((sum, site) => sum + site.scoreRatio, 0) / host.sites.length;
}
