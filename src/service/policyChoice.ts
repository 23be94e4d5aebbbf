import { isAppError } from '../domain/errors.js';
import { gatePublication } from '../policy/gates.js';
import type { PolicyRegistry } from '../registry/policyRegistry.js';
import type { PolicyHost } from './policyHost.js';

/** The last good version, unless it is served; else what learning went on from; else the one before. Null where none is. */
export function earlierVersion(host: PolicyHost, registry: PolicyRegistry): string | null {
  const base = host.base();
  const trusted = host.guard.trusted()?.version ?? null;
  const isSound = registry.list().some(({ policyVersion, healthy }) => healthy && policyVersion === base);
  const isGood = isSound && host.guard.isProven();
  if (!isGood && trusted !== null && trusted !== base) return trusted;
  // Made for a drill, or taken back: the version that is active beside it.
  if (!isSound) return registry.newestHealthy();
  return host.updatesSinceSave() > 0 ? base : registry.previous();
}

/**
 * Serves what a server starts from, under watch against the last good version where that is another. Versions that turn out
 * damaged are passed over; the registry lists them with the reason.
 */
export async function installNewest(host: PolicyHost, registry: PolicyRegistry): Promise<void> {
  for (let version = registry.newestHealthy(); version !== null; version = registry.newestHealthy()) {
    try {
      const { weights } = await registry.load(version);
      const gate = gatePublication(weights);
      if (gate === null) {
        const isWatched = await installTrusted(host, registry, version);
        const updates = updatesBehind(registry, version);
        return void host.install(weights, version, updates, isWatched ? undefined : 'trusted');
      }
      await registry.condemn(version, `the gate ${gate} stops it`);
    } catch (error) {
      if (!isAppError(error) || registry.newestHealthy() === version) throw error;
    }
  }
}

/**
 * Makes the last good version the one to come back to; false where it is what is served, or none is known. Where none was
 * ever saved these are the weights that the host has begun with.
 */
async function installTrusted(host: PolicyHost, registry: PolicyRegistry, served: string): Promise<boolean> {
  if (registry.isNoneTrusted()) return host.guard.trusted() !== null;
  const trusted = registry.trusted();
  if (trusted === null || trusted === served) return false;
  try {
    const { weights } = await registry.load(trusted);
    if (gatePublication(weights) !== null) return false;
    host.install(weights, trusted, updatesBehind(registry, trusted), 'trusted');
    return true;
  } catch (error) {
    if (!isAppError(error)) throw error;
    return false;
  }
}

/**
 * Updates that a saved version stands on, back to random weights: a start must not count in full what was saved young (decision
 * 0019). Infinity where it goes back to a shipped one, or to one that is not kept any more.
 */
export function updatesBehind(registry: PolicyRegistry, policyVersion: string): number {
  const unseen = new Map(registry.list().map((view) => [view.policyVersion, view]));
  let updates = 0;
  for (let name: string | null = policyVersion; name !== null;) {
    const view = unseen.get(name);
    if (!view || view.reason === 'shipped') return Infinity;
    unseen.delete(name);
    updates += view.updates;
    name = view.parent;
  }
  return updates;
}

/** What the guard did: saved versions, null where there is none. */
export interface TakenBack {
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
  /** Of what is served since. */
  readonly installation: number;
}

/**
 * What may not be chosen again after the guard took it back, and what a start serves then. An activation that waited
 * meanwhile may have put other weights in place, or the same again: that stays.
 */
export function whatIsTakenBack(
  host: PolicyHost,
  registry: PolicyRegistry,
  { from, to, installation }: TakenBack,
): { readonly condemned: string[]; readonly active: string | null } {
  const served = host.base();
  const isServed = host.installation() === installation;
  const views = registry.list();
  const isDrill = views.some(({ policyVersion, reason }) => policyVersion === from && reason === 'drill');
  const bad = new Set(from === null || from === to ? [] : [from]);
  if (isServed && to === null && !isDrill) {
    // Back to cold weights: none of what was learnt on top of them ever proved itself, and a start would trust the newest.
    for (const { policyVersion, healthy, reason } of views)
      if (healthy && reason !== 'shipped') bad.add(policyVersion);
  }
  if (served !== null) bad.delete(served);
  const active = registry.active();
  const stays = active !== null && bad.has(active) ? null : active;
  return { condemned: [...bad], active: isServed ? (served ?? stays) : stays };
}
