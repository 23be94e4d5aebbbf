import { describe, expect, it } from 'vitest';
import { ROW_SIZE } from '../../src/learning/row.js';
import { createRandom } from '../../src/platform/random.js';
import { randomWeights } from '../../src/policy/network.js';
import { createPolicyGuard } from '../../src/service/policyGuard.js';
import type { Site } from '../../src/service/site.js';

const HOUR = 3_600_000;
const weights = randomWeights(createRandom(1));

/** A guard of so many warehouses, under watch with `weights` trusted, on one clock that can be set at will. */
function createWatch(count = 1) {
  const clock = { at: 1e12 };
  const sites = Array.from({ length: count }, () => {
    const site = { clock: { now: () => clock.at }, openRoutes: new Map() };
    return site as unknown as Site;
  });
  const guard = createPolicyGuard(sites);
  guard.trust({ weights, version: 'v1', updates: Infinity });
  guard.watchFrom();
  return { clock, sites, guard };
}

/** A route on which nobody waited. */
const route = (lanes: number) => ({
  rows: { rows: new Float32Array(lanes * ROW_SIZE), rowSize: ROW_SIZE, count: lanes },
  ratio: 1,
});

describe('a clock that is set back by an hour', () => {
  it('holds up no trust: the time since then counts', () => {
    const { clock, sites, guard } = createWatch();
    clock.at -= HOUR;
    for (let routes = 0; routes < 300; routes++, clock.at += 1000) guard.watch(sites[0]!, route(4), weights);
    expect(guard.isProven()).toBe(true);
    expect(guard.servedSeconds().get(sites[0]!)).toBe(300);
  });

  it('holds up no proof behind a pin', () => {
    const { clock, guard } = createWatch();
    guard.pin();
    clock.at -= HOUR;
    let routes = 0;
    for (; routes < 300 && !guard.proves(route(4), weights, weights); routes++) clock.at += 1000;
    expect(routes).toBe(249);
  });
});
