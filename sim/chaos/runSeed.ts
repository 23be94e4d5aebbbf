import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Violation } from './checks.js';
import type { ChaosEvent, Scenario } from './scenario.js';
import { createWorld, type ChaosCounts } from './world.js';

export type ChaosResult =
  | { readonly kind: 'passed'; readonly counts: ChaosCounts }
  | { readonly kind: 'failed'; readonly promise: string; readonly detail: string };

/** Lives through one scenario. What is neither a promise kept nor one broken is a defect and thrown. */
export async function runScenario(scenario: Scenario): Promise<ChaosResult> {
  const directory = scenario.keepsVersions ? await mkdtemp(join(tmpdir(), 'aisleflow-chaos-')) : '';
  try {
    return { kind: 'passed', counts: await createWorld(scenario, directory).run() };
  } catch (error) {
    if (error instanceof Violation) return { kind: 'failed', promise: error.promise, detail: error.detail };
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'failed', promise: 'S1', detail };
  } finally {
    if (directory !== '') await rm(directory, { recursive: true, force: true });
  }
}

/**
 * The fewest events found that still break the same promise: delta debugging, Zeller and Hildebrandt 2002, over the
 * list of events.
 */
export async function shrink(scenario: Scenario, promise: string): Promise<Scenario> {
  let events = scenario.events;
  const fails = async (some: readonly ChaosEvent[]): Promise<boolean> => {
    const result = await runScenario({ ...scenario, events: some });
    return result.kind === 'failed' && result.promise === promise;
  };
  let parts = 2;
  while (events.length > 0) {
    const size = Math.ceil(events.length / parts);
    let smaller: readonly ChaosEvent[] | null = null;
    for (let from = 0; from < events.length && !smaller; from += size) {
      const rest = [...events.slice(0, from), ...events.slice(from + size)];
      if (await fails(rest)) smaller = rest;
    }
    if (smaller) {
      events = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(events.length, 2 * parts);
  }
  return { ...scenario, events };
}
