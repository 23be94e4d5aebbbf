import type { Instant } from '../domain/ids.js';
import { ALL_WAREHOUSES } from '../journal/records.js';
import { wallClock } from '../platform/clock.js';
import type { PolicyManifest } from '../registry/policyFormat.js';
import type { PolicyHost } from './policyHost.js';
import { applySource, entryOf, tellUpkeepFailed, type ServiceCore } from './serviceCore.js';

/** What the journal, and whoever listens, is told of a host's policy. */
export interface PolicyRecords {
  scopeOf(host: PolicyHost): string;
  /** Settles once it is stored. @throws E_JOURNAL_FULL and whatever else a journal may throw */
  saved(host: PolicyHost, manifest: PolicyManifest): Promise<void>;
  /** The same, of what is to be served, or is. */
  activated(host: PolicyHost, policyVersion: string, reason: string): Promise<void>;
  /** Other weights are served since a moment ago. */
  served(host: PolicyHost): void;
  /** Something went wrong that changes nothing of what is served. */
  failed(host: PolicyHost, detail: string): void;
}

export function createPolicyRecords(core: ServiceCore): PolicyRecords {
  const scopeOf = (host: PolicyHost): string =>
    core.policies === 'shared' ? ALL_WAREHOUSES : host.sites[0]!.warehouseId;

  /** A warehouse's records bear its own clock, which goes on from there after a restart. */
  const stampOf = (host: PolicyHost): { at: Instant; warehouseId: string } => {
    const warehouseId = scopeOf(host);
    const clock = warehouseId === ALL_WAREHOUSES ? wallClock : host.sites[0]!.clock;
    return { at: clock.now(), warehouseId };
  };

  return {
    scopeOf,
    async saved(host, manifest) {
      const { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum } = manifest;
      const payload = { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum };
      await core.journal.append({ ...stampOf(host), kind: 'policy.saved', payload });
    },
    async activated(host, policyVersion, reason) {
      const payload = { policyVersion, reason };
      await core.journal.append({ ...stampOf(host), kind: 'policy.activated', payload });
    },
    served(host) {
      for (const { warehouseId } of host.sites) {
        applySource(core, entryOf(core, warehouseId));
        core.emit({ kind: 'policy.updated', warehouseId, policyVersion: host.version() });
      }
    },
    failed: (host, detail) => tellUpkeepFailed(core, host, detail),
  };
}
