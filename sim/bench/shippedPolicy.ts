import { AppError } from '../../src/domain/errors.js';
import { POLICY_SHAPE } from '../../src/policy/network.js';
import { readPolicy, versionNames } from '../../src/registry/policyFiles.js';

/** The policy version that a directory ships, the last by name; null where there is none. */
export async function shippedVersion(directory: string): Promise<string | null> {
  return (await versionNames(directory)).sort().at(-1) ?? null;
}

/** Its weights; null where none is shipped. @throws E_USAGE where it cannot be read */
export async function readShippedWeights(directory: string): Promise<Float32Array | null> {
  const version = await shippedVersion(directory);
  if (version === null) return null;
  const policy = await readPolicy(directory, version, POLICY_SHAPE);
  if (policy.kind === 'fault') throw new AppError('E_USAGE', { detail: `${version}: ${policy.detail}` });
  return policy.value.weights;
}
