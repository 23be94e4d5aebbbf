import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createRandom } from '../../../src/platform/random.js';
import { weightCountOf, type PolicyShape } from '../../../src/registry/policyFormat.js';
import {
  openPolicyRegistry,
  type NewPolicy,
  type PolicyRegistry,
} from '../../../src/registry/policyRegistry.js';

export const SHAPE: PolicyShape = {
  layerSizes: [3, 4, 5, 2],
  activations: ['relu', 'relu', 'softplus'],
  features: ['flow', 'reverseFlow', 'degree'],
};

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-registry-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function weights(seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: weightCountOf(SHAPE) }, () => random.normal());
}

export function policy(seed: number, more: Partial<NewPolicy> = {}): NewPolicy {
  return {
    weights: weights(seed),
    parent: null,
    savedAt: 1_000 + seed,
    reason: 'interval',
    updates: seed,
    trainedOn: { from: 1, to: seed },
    metrics: { loss: 0.5 },
    ...more,
  };
}

export async function saveActive(registry: PolicyRegistry, saved: NewPolicy): Promise<void> {
  await registry.activate((await registry.save(saved)).policyVersion);
}

export interface Places {
  readonly directory: string;
  readonly shippedDirectory: string;
}
export function places(): Places {
  const root = temporaryDirectory();
  return { directory: join(root, 'policies'), shippedDirectory: join(root, 'shipped') };
}
export const open = (
  where: Places,
  more: { versionsKept?: number; shape?: PolicyShape } = {},
): Promise<PolicyRegistry> => openPolicyRegistry({ ...where, shape: SHAPE, ...more });

/** A registry whose versions v1, v2, ... have the seeds 1, 2, ... */
export async function filled(where: Places, count: number): Promise<PolicyRegistry> {
  const registry = await open(where);
  for (let seed = 1; seed <= count; seed++) await saveActive(registry, policy(seed));
  return registry;
}

export const code = (expected: string) => expect.objectContaining({ code: expected }) as unknown;
