import { AppError, isAppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { RollbackView, RoutingService } from '../domain/serviceContract.js';
import type { Breach, PolicyHost } from './policyHost.js';
import { createPolicyVersions, type OpenRegistry } from './policyVersions.js';
import {
  assertServing,
  entryOf,
  hostsOf,
  servedVersion,
  servesPolicy,
  tellUpkeepFailed,
  type ServiceCore,
} from './serviceCore.js';

type PolicyUseCases = Pick<
  RoutingService,
  | 'policies'
  | 'damagedPolicies'
  | 'savePolicy'
  | 'activatePolicy'
  | 'rollBack'
  | 'drillPolicy'
  | 'guard'
  | 'shadow'
>;

export interface PolicyControl {
  readonly useCases: PolicyUseCases;
  /** Serves the newest healthy version, else one that was shipped, else cold weights. */
  start(): Promise<void>;
  /** Makes what the guard took back the registry's and the journal's knowledge too. */
  recordBreach(host: PolicyHost, breach: Breach): Promise<void>;
  /** Writes what the guard found out and could not be written at once. @throws E_DATA_DIRECTORY still not */
  settle(): Promise<void>;
  /** Saves every policy that moved since it was saved. One that cannot be saved is told of, and does not stop the next. */
  saveAll(reason: 'interval' | 'stop', onFailure: (host: PolicyHost, error: unknown) => void): Promise<void>;
}

/** What operators and the guard do with the versions of the policies. */
export function createPolicyControl(core: ServiceCore, openRegistry: OpenRegistry | null): PolicyControl {
  const versions = createPolicyVersions(core, openRegistry);
  /** Of each warehouse, on its own clock. */
  const rollbacks = new Map<string, { readonly count: number; readonly last: RollbackView }>();

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
  /**
   * What was learnt since the last save must not be lost to a change of mind. Where it cannot be saved it is: what is served
   * may be why it has to go. Answers what is to be said of that.
   */
  const saveOrTell = async (host: PolicyHost, needed: string): Promise<string> => {
    const unsaved = host.version();
    try {
      await versions.saveIfMoved(host, 'activation', needed);
      return '';
    } catch (error) {
      if (!isAppError(error)) throw error;
      const detail = `what was learnt up to ${unsaved} was not kept: ${String(error)}`;
      tellUpkeepFailed(core, host, detail);
      return `; ${detail}`;
    }
  };
  /** One use case on the policy of a warehouse: all that it changes, in turn. */
  const changing = <T>(warehouseId: string, change: (host: PolicyHost) => Promise<T>): Promise<T> => {
    assertServing(core);
    const { host } = entryOf(core, warehouseId);
    return versions.inTurn(host, () => change(host));
  };

  const rollBack: PolicyUseCases['rollBack'] = async (warehouseId, expected) =>
    changing(warehouseId, async (host) => {
      const from = host.version();
      if (expected !== undefined && expected !== (host.base() ?? 'cold')) {
        throw new AppError('E_POLICY_CHANGED', { expected, policyVersion: from });
      }
      const servedSeconds = host.guard.servedSeconds();
      const view = await versions.serveEarlier(host);
      tellRollback(host, { cause: 'operator', from, to: host.version() }, servedSeconds);
      return view;
    });
  /** Where nobody drives the guard finds nothing, and who began the drill may be gone. */
  const endInTime = (warehouseId: string, policyVersion: string): void => {
    const end = (): void =>
      void rollBack(warehouseId, policyVersion).catch((error: unknown) => {
        const isOver = isAppError(error) && ['E_POLICY_CHANGED', 'E_SHUTTING_DOWN'].includes(error.code);
        const detail = `a drill could not be ended: ${String(error)}`;
        if (!isOver) core.emit({ kind: 'upkeep.failed', warehouseId, detail });
      });
    setTimeout(end, 1000 * LIMITS.drillSeconds).unref();
  };

  return {
    useCases: {
      policies: () => versions.list(),
      damagedPolicies: () => versions.damages(),
      savePolicy: async (warehouseId) => changing(warehouseId, (host) => versions.save(host, 'request')),
      activatePolicy: async (warehouseId, policyVersion) =>
        changing(warehouseId, async (host) => {
          // An unknown name changes nothing.
          await versions.assertLoads(host, policyVersion);
          const lost = await saveOrTell(host, policyVersion);
          return versions.serve(host, policyVersion, `activated by an operator${lost}`);
        }),
      rollBack,
      async drillPolicy(warehouseId, kind) {
        assertServing(core);
        const entry = entryOf(core, warehouseId);
        if (!servesPolicy(core, entry)) {
          throw new AppError('E_MODE_INVALID', { mode: entry.site.mode, known: 'learn, frozen' });
        }
        const drilled = await changing(warehouseId, (host) => versions.serveSabotaged(host, kind));
        endInTime(warehouseId, drilled.policyVersion);
        return drilled;
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
    start: () => versions.start(),
    async recordBreach(host, { cause, from, fromBase, to, servedSeconds, installation }) {
      tellRollback(host, { cause, from, to: host.version() }, servedSeconds);
      const taken = { from: fromBase, to, cause, installation };
      await versions.inTurn(host, () => versions.recordTakenBack(host, taken));
    },
    settle: () => versions.settle(),
    async saveAll(reason, onFailure) {
      for (const host of hostsOf(core)) {
        await versions
          .inTurn(host, () => versions.saveIfMoved(host, reason))
          .catch((error: unknown) => onFailure(host, error));
      }
    },
  };
}
