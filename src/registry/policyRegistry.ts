import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { SavedPolicy } from '../domain/serviceContract.js';
import { makeDirectory } from '../platform/directories.js';
import { DRAFT_PREFIX, removeDirectory } from './atomicFiles.js';
import { isMissing, readPolicy, versionNames, writePolicy, type LoadedPolicy } from './policyFiles.js';
import {
  bytesOfWeights,
  checksumOf,
  weightCountOf,
  weightFault,
  type PolicyManifest,
  type PolicyShape,
} from './policyFormat.js';
import { readState, writeState, type RegistryState } from './registryState.js';
import {
  createVersionCatalogue,
  versionNumber,
  type PolicyFault,
  type VersionCatalogue,
} from './versionCatalogue.js';
import { withDirectoryErrors } from './directoryErrors.js';
import { holdReserve } from './stateReserve.js';

/** What the caller knows of the weights it saves; the registry gives the version its name. */
export type NewPolicy = Omit<PolicyManifest, 'policyVersion' | 'checksum' | keyof PolicyShape> & {
  /** Layer by layer: kernel [in, out] row by row, then bias [out]. Copied. */
  readonly weights: Float32Array;
  /** Versions that must not be dropped for it. */
  readonly needed?: readonly string[];
};

/**
 * The saved policy versions of one scope (a warehouse, or all that share a policy): `v1`, `v2`, ...
 * in its own directory, and those shipped with the program, which are only read.
 */
export interface PolicyRegistry {
  /** Every version with a readable manifest: shipped ones first, then its own, oldest first. */
  list(): readonly SavedPolicy[];
  /** Versions that cannot be served, and why. They are never chosen, and never removed except by age. */
  faults(): readonly PolicyFault[];
  /** Files and versions that cannot be read, and why: what of `faults` a start tells of. */
  damages(): readonly PolicyFault[];
  /**
   * Writes a version, whole or not at all, which is not the active one before it is activated; then drops the oldest
   * above `LIMITS.policyVersionsKept`, never the active one or the trusted one. Metrics that are not finite are left out.
   * @throws E_POLICY_CORRUPT wrong count of weights, or one that is not finite or out of bounds: nothing is written
   * @throws E_DATA_DIRECTORY it cannot be written
   */
  save(policy: NewPolicy): Promise<PolicyManifest>;
  /** Removes a version that was saved in vain, or condemns it where it cannot be removed. */
  discard(policyVersion: string, reason: string): Promise<void>;
  /**
   * Reads and checks a version anew, to be served.
   * @throws E_UNKNOWN_POLICY
   * @throws E_POLICY_CORRUPT
   * @throws E_POLICY_CONDEMNED it was made for a drill
   */
  load(policyVersion: string): Promise<LoadedPolicy>;
  /**
   * Loads a version and makes it the active one, condemned or not. Where that fails, the one before stays.
   * @throws E_UNKNOWN_POLICY
   * @throws E_POLICY_CORRUPT
   * @throws E_POLICY_CONDEMNED it was made for a drill
   */
  activate(policyVersion: string): Promise<LoadedPolicy>;
  /** The version that was last activated; null before the first. */
  active(): string | null;
  /** Where a roll back leads: the newest healthy version saved before the active one, else a shipped one; null if none. */
  previous(): string | null;
  /**
   * What a server starts from: the active version, else the newest healthy one, else a shipped one;
   * null for free flow. The active one comes first, or a restart would undo a roll back.
   */
  newestHealthy(): string | null;
  /** The last good version, as long as it can be served. A restart must not make good what had no time to prove itself. */
  trusted(): string | null;
  /** The last good weights were never saved: what was saved since has not proved itself. */
  isNoneTrusted(): boolean;

  // What was found out holds for this process whatever the disk says; where it cannot be written, `settle` tries again.

  /** @param policyVersion null: the last good weights were never saved @throws E_DATA_DIRECTORY it could not be written yet */
  trust(policyVersion: string | null): Promise<void>;
  /**
   * Marks a version as bad: it stays for inspection and is not chosen any more, unless an operator activates it.
   * @throws E_DATA_DIRECTORY it could not be written yet
   */
  condemn(policyVersion: string, reason: string): Promise<void>;
  /**
   * Condemns these, and makes another the active one in the same step.
   * @param active null: a start finds none
   * @throws E_DATA_DIRECTORY it could not be written yet
   */
  takeBack(condemned: readonly string[], reason: string, active: string | null): Promise<void>;
  /**
   * Writes what could not be written before; and holds again, where there is space, what was kept for that on a full disk.
   * @throws E_DATA_DIRECTORY
   */
  settle(): Promise<void>;
  isCondemned(policyVersion: string): boolean;
}

export interface PolicyRegistryOptions {
  /** Made where it is missing. */
  readonly directory: string;
  /** Policies that come with the program; may be missing. */
  readonly shippedDirectory: string | null;
  readonly shape: PolicyShape;
  /** Begins the names of its versions; default `v`. */
  readonly prefix?: string;
  /** Default: `LIMITS.policyVersionsKept`. */
  readonly versionsKept?: number;
}

/**
 * Opens a registry and checks every version in it; damaged ones are listed in `faults`.
 * @throws E_DATA_DIRECTORY the directory cannot be made or read
 */
export async function openPolicyRegistry(options: PolicyRegistryOptions): Promise<PolicyRegistry> {
  const { directory, shape, versionsKept = LIMITS.policyVersionsKept } = options;
  const { catalogue, isBehind: isBehindAtFirst } = await withDirectoryErrors(directory, () => scan(options));
  let turn: Promise<unknown> = Promise.resolve();
  /** The file says something else than the memory. */
  let isBehind = isBehindAtFirst;

  /** One writer at a time; a failure does not stop the next. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(() => withDirectoryErrors(directory, work));
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function write(state: RegistryState): Promise<void> {
    isBehind = true;
    await writeState(directory, { ...state, condemned: catalogue.stillCondemned(state.condemned) });
    isBehind = false;
  }

  /** What an operator asks for is done whole or not at all. */
  async function setState(next: RegistryState): Promise<void> {
    await write(next);
    catalogue.state = next;
  }

  /** What is known is not forgotten because it cannot be written. */
  function know(next: RegistryState): Promise<void> {
    catalogue.state = next;
    return write(next);
  }

  async function load(policyVersion: string): Promise<LoadedPolicy> {
    const version = catalogue.get(policyVersion);
    if (version === undefined) {
      const detail = catalogue.faultOf(policyVersion);
      if (detail === undefined) throw new AppError('E_UNKNOWN_POLICY', { policyVersion });
      throw new AppError('E_POLICY_CORRUPT', { policyVersion, detail });
    }
    if (catalogue.isForDrill(policyVersion)) {
      const detail = 'it was made for a drill, and is served in that alone';
      throw new AppError('E_POLICY_CONDEMNED', { policyVersion, detail });
    }
    const read = await readPolicy(version.directory, policyVersion, shape);
    if (read.kind === 'fault') {
      catalogue.addFault(policyVersion, read.detail);
      throw new AppError('E_POLICY_CORRUPT', { policyVersion, detail: read.detail });
    }
    catalogue.clearFault(policyVersion);
    return read.value;
  }

  async function save({ weights, needed = [], ...known }: NewPolicy): Promise<PolicyManifest> {
    const policyVersion = catalogue.nextVersion();
    assertSound(weights, policyVersion, shape);
    const manifest = manifestOf(policyVersion, known, { weights, shape });
    await writePolicy(directory, { manifest, weights });
    catalogue.add({ directory, manifest, shipped: false });
    for (const spare of catalogue.spare(versionsKept, needed)) await drop(spare);
    return manifest;
  }

  /** One that cannot be removed stays, and is tried again by the next: the new version is on the disk all the same. */
  async function drop(spare: string): Promise<void> {
    try {
      await removeDirectory(join(directory, spare));
    } catch (error) {
      if (!isMissing(error)) return;
    }
    catalogue.remove(spare);
  }

  async function activate(policyVersion: string): Promise<LoadedPolicy> {
    const policy = await load(policyVersion);
    const condemned = { ...catalogue.state.condemned };
    delete condemned[policyVersion];
    await setState({ ...catalogue.state, active: policyVersion, condemned });
    return policy;
  }

  async function discard(policyVersion: string, reason: string): Promise<void> {
    try {
      await removeDirectory(join(directory, policyVersion));
      catalogue.remove(policyVersion);
    } catch {
      await condemn(policyVersion, reason);
    }
  }

  async function takeBack(names: readonly string[], reason: string, active: string | null): Promise<void> {
    const { state } = catalogue;
    const bad = Object.fromEntries(names.map((name) => [name, reason]));
    await know({ ...state, active, condemned: { ...state.condemned, ...bad } });
  }

  const condemn = (policyVersion: string, reason: string): Promise<void> =>
    takeBack([policyVersion], reason, catalogue.state.active);

  async function trust(policyVersion: string | null): Promise<void> {
    if (policyVersion !== catalogue.state.trusted) await know({ ...catalogue.state, trusted: policyVersion });
  }

  async function settle(): Promise<void> {
    if (isBehind) await write(catalogue.state);
    await holdReserve(directory);
  }

  return {
    list: () => catalogue.list(),
    faults: () => catalogue.faults(),
    damages: () => catalogue.damages(),
    save: (policy) => inTurn(() => save(policy)),
    discard: (policyVersion, reason) => inTurn(() => discard(policyVersion, reason)),
    load,
    activate: (policyVersion) => inTurn(() => activate(policyVersion)),
    active: () => catalogue.state.active,
    previous: () => catalogue.previous(),
    newestHealthy: () => catalogue.newestHealthy(),
    trusted: () => catalogue.trusted(),
    isNoneTrusted: () => catalogue.state.trusted === null,
    trust: (policyVersion) => inTurn(() => trust(policyVersion)),
    condemn: (policyVersion, reason) => inTurn(() => condemn(policyVersion, reason)),
    takeBack: (condemned, reason, active) => inTurn(() => takeBack(condemned, reason, active)),
    settle: () => inTurn(settle),
    isCondemned: (policyVersion) => catalogue.condemnation(policyVersion) !== null,
  };
}

async function scan({
  directory,
  shippedDirectory,
  shape,
  prefix = 'v',
}: PolicyRegistryOptions): Promise<{ catalogue: VersionCatalogue; isBehind: boolean }> {
  makeDirectory(directory);
  await removeDrafts(directory);
  const own = await versionNames(directory);
  const catalogue = createVersionCatalogue(prefix, own);
  const numberOf = versionNumber(prefix);

  async function read(from: string, names: readonly string[], shipped: boolean): Promise<void> {
    for (const name of names) {
      const policy = await readPolicy(from, name, shape);
      if (policy.kind === 'fault') catalogue.addFault(name, policy.detail);
      else catalogue.add({ directory: from, manifest: policy.value.manifest, shipped });
    }
  }
  if (shippedDirectory !== null)
    await read(shippedDirectory, (await versionNames(shippedDirectory)).sort(), true);
  await read(
    directory,
    own.sort((a, b) => numberOf(a) - numberOf(b)),
    false,
  );

  await holdReserve(directory);
  const { state, fault, isBehind } = await readState(directory);
  catalogue.state = state;
  if (fault !== null) catalogue.addFault(fault.file, fault.detail);
  return { catalogue, isBehind };
}

function manifestOf(
  policyVersion: string,
  known: Omit<NewPolicy, 'weights' | 'needed'>,
  { weights, shape }: { readonly weights: Float32Array; readonly shape: PolicyShape },
): PolicyManifest {
  return {
    policyVersion,
    ...known,
    metrics: Object.fromEntries(Object.entries(known.metrics).filter(([, value]) => Number.isFinite(value))),
    checksum: checksumOf(bytesOfWeights(weights)),
    layerSizes: [...shape.layerSizes],
    activations: [...shape.activations],
    features: [...shape.features],
  };
}

/** @throws E_POLICY_CORRUPT */
function assertSound(weights: Float32Array, policyVersion: string, shape: PolicyShape): void {
  const wanted = weightCountOf(shape);
  const detail =
    weights.length === wanted ? weightFault(weights) : `it has ${weights.length} weights, not ${wanted}`;
  if (detail !== null) throw new AppError('E_POLICY_CORRUPT', { policyVersion, detail });
}

/** What a process that was killed while writing or removing left behind. */
async function removeDrafts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(DRAFT_PREFIX)) await rm(join(directory, name), { recursive: true });
  }
}
