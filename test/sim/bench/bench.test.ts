import { describe, expect, it } from 'vitest';
import { runBench } from '../../../sim/bench/bench.js';
import type { BenchOptions } from '../../../sim/bench/benchResult.js';
import { silentWeights } from '../../../sim/bench/benchService.js';
import type { BenchMethod } from '../../../sim/bench/methods.js';
import { createForwardPass } from '../../../src/policy/network.js';
import { FEATURE_COUNT } from '../../../src/traffic/traffic.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

/** Stations left, shelves with pick faces in the middle; 16 robots are many here. */
const MAP = `
  ...........
  W.E@E.E@E..
  W.E@E.E@E..
  ...........
  W.E@E.E@E..
  W.E@E.E@E..
  ...........`;

async function run(method: BenchMethod, seed: number, more: Partial<BenchOptions> = {}) {
  const result = await runBench({
    ...{ cell: 'test@16', graph: gridFromText(MAP), robots: 16, method, seed },
    ...{ steps: 120, warmUpSteps: 20, picks: 0, order: 'exact', backend: 'wasm', ...more },
  });
  // How long the machine took to plan is no part of the run.
  const { planMsP50: _p50, planMsP99: _p99, ...repeatable } = result;
  return JSON.stringify(repeatable);
}

describe('the benchmark in process', () => {
  it.each(['shortest', 'flow', 'learned-cold'] as const)(
    'repeats itself to the byte from the same seed: %s',
    async (method) => {
      expect(await run(method, 5)).toBe(await run(method, 5));
    },
  );

  it('differs with another seed', async () => {
    expect(await run('learned-cold', 5)).not.toBe(await run('learned-cold', 6));
  });

  it('learns on the way, and says what served', async () => {
    const result = JSON.parse(await run('learned-cold', 5)) as Record<string, number | string>;
    expect(result['updatesApplied']).toBeGreaterThan(60);
    expect(result['throughput']).toBeGreaterThan(0.5);
    expect(result['backend']).toBe('wasm');
  });

  it('tells what the price does without its network: it is neither flow nor learnt', async () => {
    const rules = JSON.parse(await run('rules-alone', 5)) as Record<string, number>;
    const flow = JSON.parse(await run('flow', 5)) as Record<string, number>;
    expect(rules['updatesApplied']).toBe(0);
    expect(rules['windows']).not.toEqual(flow['windows']);
    const learned = JSON.parse(await run('learned-cold', 5)) as Record<string, number>;
    expect(rules['components']).not.toEqual(learned['components']);
  });

  it('silences the network: whatever a lane sees, nothing is predicted', () => {
    const pass = createForwardPass(silentWeights());
    for (const seen of [0, 1, 100]) {
      pass.run(new Float32Array(FEATURE_COUNT).fill(seen), 0);
      expect(pass.waitHat + pass.blockingHat).toBeLessThan(1e-9);
    }
  });
});
