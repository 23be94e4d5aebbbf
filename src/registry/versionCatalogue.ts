import type { SavedPolicy } from '../domain/serviceContract.js';
import type { PolicyManifest } from './policyFormat.js';
import { NO_STATE, type RegistryState } from './registryState.js';

export interface Version {
  readonly directory: string;
  readonly manifest: PolicyManifest;
  /** Came with the program: read only, and chosen last. */
  readonly shipped: boolean;
}

export interface PolicyFault {
  readonly policyVersion: string;
  readonly reason: string;
}

/** What a registry knows of its versions, in memory, and which one it would choose. */
export interface VersionCatalogue {
  state: RegistryState;
  /** In order of age: shipped ones by name, then its own by number. */
  add(version: Version): void;
  /** A directory or file that cannot be used, and why. */
  addFault(name: string, reason: string): void;
  clearFault(name: string): void;
  remove(policyVersion: string): void;
  get(policyVersion: string): Version | undefined;
  faultOf(policyVersion: string): string | undefined;
  /** Why a version is never chosen though it can be read; null where it may be. What was made for a drill never may. */
  condemnation(policyVersion: string): string | null;
  isForDrill(policyVersion: string): boolean;
  /** Without those of its own versions that were dropped, oldest first as they are: what is written must not grow for ever. */
  stillCondemned(condemned: RegistryState['condemned']): RegistryState['condemned'];
  /** Numbers are never used twice, damaged versions' neither. */
  nextVersion(): string;
  /** Its own versions beyond the newest `kept`, oldest first, without the active one, the trusted one and those still needed. */
  spare(kept: number, needed: readonly string[]): string[];

  list(): SavedPolicy[];
  faults(): PolicyFault[];
  damages(): PolicyFault[];
  previous(): string | null;
  newestHealthy(): string | null;
  trusted(): string | null;
}

/** `names` are its own versions' directories on disk, sound or not; those not named prefix + number are left alone. */
export function createVersionCatalogue(prefix: string, names: readonly string[]): VersionCatalogue {
  const numberOf = versionNumber(prefix);
  const versions = new Map<string, Version>();
  const damaged = new Map<string, string>();
  const numbered = names.filter((name) => numberOf(name) > 0).sort((a, b) => numberOf(a) - numberOf(b));
  let lastNumber = numberOf(numbered.at(-1) ?? '');

  const isForDrill = (policyVersion: string): boolean =>
    versions.get(policyVersion)?.manifest.reason === 'drill';
  const condemnation = (policyVersion: string): string | null => {
    const { condemned } = catalogue.state;
    if (Object.hasOwn(condemned, policyVersion)) return condemned[policyVersion]!;
    return isForDrill(policyVersion) ? 'made for a drill' : null;
  };
  const isHealthy = (policyVersion: string): boolean =>
    !damaged.has(policyVersion) && condemnation(policyVersion) === null;

  /** Newest first, its own before the shipped ones. */
  function healthy(): string[] {
    const names = (shipped: boolean) =>
      [...versions.values()]
        .filter((version) => version.shipped === shipped)
        .map(nameOf)
        .reverse();
    return [...names(false), ...names(true)].filter(isHealthy);
  }

  const catalogue: VersionCatalogue = {
    state: NO_STATE,
    add(version) {
      const name = nameOf(version);
      versions.set(name, version);
      if (version.shipped || numberOf(name) <= lastNumber) return;
      lastNumber = numberOf(name);
      numbered.push(name);
    },
    addFault: (name, reason) => void damaged.set(name, reason),
    clearFault: (name) => void damaged.delete(name),
    remove(policyVersion) {
      versions.delete(policyVersion);
      damaged.delete(policyVersion);
      numbered.splice(numbered.indexOf(policyVersion), 1);
    },
    get: (policyVersion) => versions.get(policyVersion),
    faultOf: (policyVersion) => damaged.get(policyVersion),
    condemnation,
    isForDrill,
    stillCondemned(condemned) {
      const oldest = numberOf(numbered[0] ?? '');
      const isKept = ([name]: [string, string]): boolean => numberOf(name) === 0 || numberOf(name) >= oldest;
      return Object.fromEntries(Object.entries(condemned).filter(isKept));
    },
    nextVersion() {
      // One that was found bad and removed by hand would give its successor its name.
      const condemned = Object.keys(catalogue.state.condemned).map(numberOf);
      return `${prefix}${Math.max(lastNumber, ...condemned) + 1}`;
    },
    spare: (kept, needed) =>
      numbered
        .slice(0, Math.max(0, numbered.length - kept))
        .filter(
          (name) => ![catalogue.state.active, catalogue.state.trusted ?? null, ...needed].includes(name),
        ),

    list: () =>
      [...versions.values()].map(({ manifest }) => {
        const { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum } = manifest;
        const known = { policyVersion, parent, savedAt, reason, updates, trainedOn, metrics, checksum };
        return { ...known, healthy: isHealthy(policyVersion) };
      }),
    faults() {
      const condemned = [...versions.keys()].flatMap((policyVersion) => {
        const reason = condemnation(policyVersion);
        return reason === null ? [] : [{ policyVersion, reason }];
      });
      return [...catalogue.damages(), ...condemned];
    },
    damages: () => Array.from(damaged, ([policyVersion, reason]) => ({ policyVersion, reason })),
    previous() {
      const { active } = catalogue.state;
      if (active === null || versions.get(active)?.shipped === true) return null;
      return healthy().find((name) => numberOf(name) < numberOf(active)) ?? null;
    },
    newestHealthy() {
      const candidates = healthy();
      return candidates.find((name) => name === catalogue.state.active) ?? candidates[0] ?? null;
    },
    trusted: () => healthy().find((name) => name === catalogue.state.trusted) ?? null,
  };
  return catalogue;
}

function nameOf(version: Version): string {
  return version.manifest.policyVersion;
}

/** 0 for names that are not prefix + number. */
export function versionNumber(prefix: string): (policyVersion: string) => number {
  return (policyVersion) =>
    policyVersion.startsWith(prefix) ? Number(/^\d+$/.exec(policyVersion.slice(prefix.length))?.[0] ?? 0) : 0;
}
