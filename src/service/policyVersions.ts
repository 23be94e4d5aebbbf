import { AppError, isAppError } from '../domain/errors.js';
import type { PolicyView, Sabotage } from '../domain/serviceContract.js';
import { ALL_WAREHOUSES } from '../journal/records.js';
import { createTurns } from '../journal/turns.js';
import { wallClock } from '../platform/clock.js';
import { createRandom } from '../platform/random.js';
import { gatePublication } from '../policy/gates.js';
import { sabotage } from '../policy/sabotage.js';
import type { LoadedPolicy } from '../registry/policyFiles.js';
import type { NewPolicy, PolicyRegistry } from '../registry/policyRegistry.js';
import type { PolicyFault } from '../registry/versionCatalogue.js';
import {
  earlierVersion,
  installNewest,
  updatesBehind,
  whatIsTakenBack,
  type TakenBack,
} from './policyChoice.js';
import type { PolicyHost } from './policyHost.js';
import { createPolicyRecords } from './policyRecords.js';
import { applySource, type ServiceCore } from './serviceCore.js';

const DRILL_SEED = 1;

/** Opens the registry of one scope: a warehouse, or `*` for a policy that all share. */
export type OpenRegistry = (scope: string) => Promise<PolicyRegistry>;

/**
 * The saved versions of each host's policy. What is asked for stands in the journal before the registry knows it, and in
 * the registry before it is served: what is refused on the way has changed nothing, and a crash leaves the old or the new.
 */
export interface PolicyVersions {
  list(): PolicyView[];
  /** Changes of one host's versions come one after the other: none undoes what it has not seen. */
  inTurn<T>(host: PolicyHost, work: () => Promise<T>): Promise<T>;
  /**
   * Opens each host's registry, serves its newest healthy version, else one that was shipped, else cold weights, and journals
   * which: a process may have ended before what it had journalled was done.
   */
  start(): Promise<void>;

  // Of these, each is to be called in turn.

  /**
   * Saves what is served, and makes it the active version.
   * @param needed a version that must not be pushed out by it
   * @throws E_UNKNOWN_POLICY nothing is served that could be saved
   * @throws E_POLICY_CONDEMNED it stands on a version that was condemned
   * @throws E_JOURNAL_FULL nothing was saved
   */
  save(host: PolicyHost, reason: PolicyView['reason'], needed?: string): Promise<PolicyView>;
  /** The same, where it moved since it was saved and may be. */
  saveIfMoved(host: PolicyHost, reason: PolicyView['reason'], needed?: string): Promise<void>;
  /** @throws E_UNKNOWN_POLICY @throws E_POLICY_CORRUPT it cannot be read @throws E_POLICY_CONDEMNED made for a drill */
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
  /**
   * The guard serves `to` in place of what stood on `from`: the registry and the journal are told. Both are
   * tried, whichever fails.
   */
  recordTakenBack(host: PolicyHost, taken: TakenBack): Promise<void>;

  /** What of the registries cannot be read. */
  damages(): PolicyFault[];
  /** Writes what registries know and could not write. @throws E_DATA_DIRECTORY still not */
  settle(): Promise<void>;
}

export function createPolicyVersions(core: ServiceCore, openRegistry: OpenRegistry | null): PolicyVersions {
  const registries = new Map<PolicyHost, PolicyRegistry>();
  const turns = createTurns();
  const savedThrough = new Map<PolicyHost, number>();
  const records = createPolicyRecords(core);

  const registryOf = (host: PolicyHost, wanted: string): PolicyRegistry => {
    const registry = registries.get(host);
    if (!registry) throw new AppError('E_UNKNOWN_POLICY', { policyVersion: wanted });
    return registry;
  };
  const updatesOf = (host: PolicyHost, policyVersion: string): number =>
    updatesBehind(registryOf(host, policyVersion), policyVersion);
  const viewsOf = (host: PolicyHost): PolicyView[] => {
    const scope = records.scopeOf(host);
    const served = host.base();
    return (registries.get(host)?.list() ?? []).map((saved) => ({
      ...saved,
      warehouseId: scope === ALL_WAREHOUSES ? null : scope,
      active: saved.policyVersion === served,
    }));
  };
  const viewOf = (host: PolicyHost, policyVersion: string): PolicyView =>
    viewsOf(host).find((view) => view.policyVersion === policyVersion)!;

  /** What was made worse on purpose, or was taken back, must not come back under another name. */
  const condemnedBase = (host: PolicyHost): string | null => {
    const base = host.base();
    return base !== null && registries.get(host)?.isCondemned(base) ? base : null;
  };

  /** A start must know what the guard trusts, not take for good what it finds. */
  const writeTrust = async (host: PolicyHost): Promise<void> => {
    const trusted = host.guard.trusted();
    if (trusted) await registries.get(host)?.trust(trusted.version);
  };
  /** The same of what is served already: it is, whether or not it can be written just now. */
  const keepTrust = (host: PolicyHost): Promise<void> =>
    writeTrust(host).catch((error: unknown) => records.failed(host, String(error)));

  const save: PolicyVersions['save'] = async (host, reason, needed) => {
    const snapshot = host.snapshot();
    if (!snapshot) throw new AppError('E_UNKNOWN_POLICY', { policyVersion: 'free-flow' });
    const condemned = condemnedBase(host);
    if (condemned !== null) {
      const detail = 'nothing that was learnt on top of it is saved. Roll back first';
      throw new AppError('E_POLICY_CONDEMNED', { policyVersion: condemned, detail });
    }
    const to = core.journal.lastSequence();
    const registry = registryOf(host, 'none');
    const policyVersion = await store(host, {
      weights: snapshot.weights,
      parent: host.base(),
      savedAt: wallClock.now(),
      reason,
      updates: snapshot.updates,
      trainedOn: snapshot.updates > 0 ? { from: savedThrough.get(host) ?? 0, to } : null,
      metrics: { loss: host.loss(), scoreRatio: meanScoreRatio(host) },
      needed: needed === undefined ? [] : [needed],
    });
    if (host.installation() === snapshot.installation) await registry.activate(policyVersion);
    savedThrough.set(host, to);
    if (host.saved(policyVersion, snapshot)) await keepTrust(host);
    else await registry.condemn(policyVersion, 'taken back while it was being saved');
    return viewOf(host, policyVersion);
  };

  const saveIfMoved: PolicyVersions['saveIfMoved'] = async (host, reason, needed) => {
    const isMoved = host.updatesSinceSave() > 0 && condemnedBase(host) === null;
    if (registries.has(host) && isMoved) await save(host, reason, needed);
  };

  /** Answers the name of a version that is on the disk and in the journal, and not the active one. */
  const store = async (host: PolicyHost, policy: NewPolicy): Promise<string> => {
    const registry = registryOf(host, 'none');
    const manifest = await registry.save(policy);
    const { policyVersion } = manifest;
    try {
      await records.saved(host, manifest);
    } catch (error) {
      // Nobody knows of it, and refused again and again it would fill the disk. A journal that failed may have stored it.
      const isRefused = isAppError(error) && error.code !== 'E_JOURNAL_FAILED';
      if (isRefused) await registry.discard(policyVersion, 'the journal could not tell of it');
      throw error;
    }
    return policyVersion;
  };

  /** @throws E_UNKNOWN_POLICY @throws E_POLICY_CORRUPT @throws E_POLICY_CONDEMNED */
  const load = async (host: PolicyHost, policyVersion: string): Promise<LoadedPolicy> => {
    const policy = await registryOf(host, policyVersion).load(policyVersion);
    const gate = gatePublication(policy.weights);
    if (gate) throw new AppError('E_POLICY_CORRUPT', { policyVersion, detail: `the gate ${gate} stops it` });
    return policy;
  };

  /** So that what the journal says last is what is served, though something else was to be. */
  const recordServed = (host: PolicyHost, reason: string): Promise<void> =>
    records
      .activated(host, host.base() ?? 'cold', reason)
      .catch((error: unknown) => records.failed(host, String(error)));

  /** Makes a version what a start serves; what is served now is the caller's. */
  const activate = async (host: PolicyHost, policyVersion: string, reason: string): Promise<void> => {
    await records.activated(host, policyVersion, reason);
    try {
      // Before the other is active: a start that found that one alone would take it for the last good one.
      host.trustProven();
      await writeTrust(host);
      await registryOf(host, policyVersion).activate(policyVersion);
    } catch (error) {
      const stays = `${policyVersion} could not be activated: ${String(error)}`;
      await recordServed(host, stays);
      throw error;
    }
  };

  return {
    list: () => [...registries.keys()].flatMap(viewsOf),
    inTurn: (host, work) => turns.run(records.scopeOf(host), work),
    save,
    saveIfMoved,
    async start() {
      for (const entry of core.entries.values()) {
        const { host } = entry;
        if (openRegistry && !registries.has(host)) {
          const registry = await openRegistry(records.scopeOf(host));
          registries.set(host, registry);
          await installNewest(host, registry);
          await keepTrust(host);
          // Nothing waits for the disk: no start, and no clock that a simulation drives.
          void recordServed(host, 'served since the start');
        }
        applySource(core, entry);
      }
    },
    async assertLoads(host, policyVersion) {
      await load(host, policyVersion);
    },
    async serve(host, policyVersion, reason) {
      const { weights } = await load(host, policyVersion);
      await activate(host, policyVersion, reason);
      host.install(weights, policyVersion, updatesOf(host, policyVersion));
      records.served(host);
      await keepTrust(host);
      return viewOf(host, policyVersion);
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
      await activate(host, target, 'rolled back by an operator');
      // The guard's own record waits for its turn, and is the last word.
      assertUnchanged();
      host.install(weights, target, updatesOf(host, target), 'trusted');
      records.served(host);
      await keepTrust(host);
      return viewOf(host, target);
    },
    async serveSabotaged(host, kind) {
      // There must be a version to come back to.
      if (host.base() === null) await save(host, 'activation');
      else await saveIfMoved(host, 'activation');
      const recent = host.guard.recentRows();
      const weights = sabotage(host.snapshot()!.weights, kind, createRandom(DRILL_SEED), recent);
      if (!weights) throw new AppError('E_DRILL_HARMLESS', { detail: `${recent.count} rows were tried` });
      const policyVersion = await store(host, {
        ...{ weights, parent: host.base(), savedAt: wallClock.now(), reason: 'drill', updates: 0 },
        ...{ trainedOn: null, metrics: {} },
      });
      await records.activated(host, policyVersion, `drill: ${kind}`);
      host.install(weights, policyVersion, updatesOf(host, policyVersion), 'sabotaged');
      records.served(host);
      await keepTrust(host);
      return viewOf(host, policyVersion);
    },
    async recordTakenBack(host, taken) {
      const registry = registries.get(host);
      const isServed = host.installation() === taken.installation;
      try {
        if (registry) {
          const { condemned, active } = whatIsTakenBack(host, registry, taken);
          await registry.takeBack(condemned, `taken back: ${taken.cause}`, active);
        }
      } finally {
        if (isServed) {
          records.served(host);
          await records.activated(host, host.base() ?? 'cold', `rolled back by the guard: ${taken.cause}`);
        }
      }
    },
    damages: () => [...registries.values()].flatMap((registry) => registry.damages()),
    async settle() {
      for (const registry of registries.values()) await registry.settle();
    },
  };
}

/** NaN before any route was scored: such a figure is left out of the version's. */
function meanScoreRatio(host: PolicyHost): number {
  const scored = host.sites.filter(({ scoredRoutes }) => scoredRoutes > 0);
  return scored.reduce((sum, site) => sum + site.scoreRatio, 0) / scored.length;
}
