import { AppError, isAppError } from '../domain/errors.js';
import type { PolicyView, RoutingService } from '../domain/serviceContract.js';
import { ALL_WAREHOUSES } from '../journal/records.js';
import type { PolicyRegistry } from '../registry/policyRegistry.js';
import type { PolicyHost } from './policyHost.js';
import { applySource, assertServing, entryOf, type ServiceCore } from './serviceCore.js';
import { wallClock } from '../platform/clock.js';

/** Opens the registry of one scope: a warehouse, or `*` for a policy that all share. */
export type OpenRegistry = (scope: string) => Promise<PolicyRegistry>;

type PolicyUseCases = Pick<RoutingService, 'policies' | 'savePolicy' | 'activatePolicy' | 'rollBack'>;

export interface PolicyControl {
  readonly useCases: PolicyUseCases;
  /** Serves the newest healthy version, else one that was shipped, else cold weights. */
  start(): Promise<void>;
  /** Saves every policy that moved since it was saved. */
  saveAll(reason: 'interval' | 'stop'): Promise<void>;
}

/** Versions of the policies: saved, activated, rolled back, each step in the journal. */
export function createPolicyControl(core: ServiceCore, openRegistry: OpenRegistry | null): PolicyControl {
  const registries = new Map<PolicyHost, PolicyRegistry>();
  const savedThrough = new Map<PolicyHost, number>();
  const scopeOf = (host: PolicyHost): string =>
    host.sites.length === core.entries.size && core.entries.size > 1
      ? ALL_WAREHOUSES
      : host.sites[0]!.warehouseId;

  const registryOf = (host: PolicyHost, wanted: string): PolicyRegistry => {
    const registry = registries.get(host);
    if (!registry) throw new AppError('E_UNKNOWN_POLICY', { policyVersion: wanted });
    return registry;
  };
  const viewOf = (registry: PolicyRegistry, policyVersion: string): PolicyView =>
    registry.list().find((view) => view.policyVersion === policyVersion)!;

  const save = async (host: PolicyHost, reason: PolicyView['reason']): Promise<PolicyView> => {
    const registry = registryOf(host, 'none');
    const weights = host.weights();
    if (!weights) throw new AppError('E_UNKNOWN_POLICY', { policyVersion: 'free-flow' });
    const to = core.journal.lastSequence();
    const manifest = await registry.save({
      weights,
      parent: host.base(),
      savedAt: wallClock.now(),
      reason,
      updates: host.updatesSinceSave(),
      trainedOn: host.updatesSinceSave() > 0 ? { from: savedThrough.get(host) ?? 0, to } : null,
      metrics: { loss: host.loss(), scoreRatio: meanScoreRatio(host) },
      activate: true,
    });
    savedThrough.set(host, to);
    host.saved(manifest.policyVersion);
    const { policyVersion, parent, savedAt, updates, trainedOn, metrics, checksum } = manifest;
    const payload = { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum };
    await core.journal.append({
      at: manifest.savedAt,
      warehouseId: scopeOf(host),
      kind: 'policy.saved',
      payload,
    });
    return viewOf(registry, manifest.policyVersion);
  };

  const serve = async (host: PolicyHost, policyVersion: string, reason: string): Promise<PolicyView> => {
    const registry = registryOf(host, policyVersion);
    const { weights } = await registry.activate(policyVersion);
    host.install(weights, policyVersion);
    await core.journal.append({
      at: wallClock.now(),
      warehouseId: scopeOf(host),
      kind: 'policy.activated',
      payload: { policyVersion, reason },
    });
    for (const site of host.sites) {
      applySource(core, entryOf(core, site.warehouseId));
      core.emit({ kind: 'policy.updated', warehouseId: site.warehouseId, policyVersion: host.version() });
    }
    return viewOf(registry, policyVersion);
  };

  const saveIfMoved = async (host: PolicyHost, reason: PolicyView['reason']): Promise<void> => {
    if (registries.has(host) && host.updatesSinceSave() > 0) await save(host, reason);
  };

  return {
    useCases: {
      policies: () => [...registries.values()].flatMap((registry) => registry.list()),
      async savePolicy(warehouseId) {
        assertServing(core);
        return save(entryOf(core, warehouseId).host, 'request');
      },
      async activatePolicy(warehouseId, policyVersion) {
        assertServing(core);
        const { host } = entryOf(core, warehouseId);
        // What was learnt since the last save must not be lost to a change of mind; an unknown name changes nothing.
        await registryOf(host, policyVersion).load(policyVersion);
        await saveIfMoved(host, 'activation');
        return serve(host, policyVersion, 'activated by an operator');
      },
      async rollBack(warehouseId) {
        assertServing(core);
        const { host } = entryOf(core, warehouseId);
        const registry = registryOf(host, 'before the active one');
        // Updates on top of a saved version: back to that version. None: back to the one before it.
        const target = host.updatesSinceSave() > 0 ? host.base() : registry.previous();
        if (target === null)
          throw new AppError('E_UNKNOWN_POLICY', { policyVersion: 'before the active one' });
        return serve(host, target, 'rolled back by an operator');
      },
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
    async saveAll(reason) {
      for (const host of new Set([...core.entries.values()].map((entry) => entry.host))) {
        await saveIfMoved(host, reason);
      }
    },
  };
}

/** Versions that turn out damaged are passed over; the registry lists them with the reason. */
async function installNewest(host: PolicyHost, registry: PolicyRegistry): Promise<void> {
  for (let version = registry.newestHealthy(); version !== null; version = registry.newestHealthy()) {
    try {
      const { weights } = await registry.load(version);
      host.install(weights, version);
      return;
    } catch (error) {
      if (!isAppError(error) || registry.newestHealthy() === version) throw error;
    }
  }
}

function meanScoreRatio(host: PolicyHost): number {
  return host.sites.reduce((sum, site) => sum + site.scoreRatio, 0) / host.sites.length;
}
