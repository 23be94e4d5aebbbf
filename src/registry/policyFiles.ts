import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DRAFT_PREFIX, writeDirectory } from './atomicFiles.js';
import {
  bytesOfWeights,
  MANIFEST_FILE,
  MODEL_FILE,
  modelFault,
  modelJson,
  parseManifest,
  parseWeights,
  WEIGHTS_FILE,
  type Parsed,
  type PolicyManifest,
  type PolicyShape,
} from './policyFormat.js';

export interface LoadedPolicy {
  readonly manifest: PolicyManifest;
  /** Layer by layer: kernel [in, out] row by row, then bias [out]. */
  readonly weights: Float32Array;
}

/** Names of the versions in a directory, in no order; none where it is missing. */
export async function versionNames(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(DRAFT_PREFIX))
      .map(({ name }) => name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Reads and checks a version: manifest, model, size, checksum, every weight. */
export async function readPolicy(
  directory: string,
  policyVersion: string,
  shape: PolicyShape,
): Promise<Parsed<LoadedPolicy>> {
  const read = (name: string) => readFile(join(directory, policyVersion, name));
  try {
    const manifest = parseManifest((await read(MANIFEST_FILE)).toString(), policyVersion, shape);
    if (manifest.kind === 'fault') return manifest;
    const detail = modelFault((await read(MODEL_FILE)).toString(), shape);
    if (detail !== null) return { kind: 'fault', detail };
    const weights = parseWeights(await read(WEIGHTS_FILE), manifest.value.checksum, shape);
    if (weights.kind === 'fault') return weights;
    return { kind: 'valid', value: { manifest: manifest.value, weights: weights.value } };
  } catch (error) {
    return { kind: 'fault', detail: error instanceof Error ? error.message : String(error) };
  }
}

export async function writePolicy(directory: string, { manifest, weights }: LoadedPolicy): Promise<void> {
  await writeDirectory(join(directory, manifest.policyVersion), {
    [MODEL_FILE]: JSON.stringify(modelJson(manifest), null, 2),
    [WEIGHTS_FILE]: bytesOfWeights(weights),
    [MANIFEST_FILE]: JSON.stringify(manifest, null, 2),
  });
}

export function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ENOENT';
}
