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
    const site = { clock: { now: () => clock.at }, openRoutes: new Map(), mode: 'learn' };
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
  route: { ratio: 1, shortestSeconds: lanes },
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

describe('a warehouse with evidence against what all share', () => {
  /** Expects waits where there are none, and breaks nothing yet. */
  const worse = weights.map((weight, i) => (i === weights.length - 2 ? 1.5 : weight));
  const createDoubt = (minutesBefore = 0) => {
    const { clock, sites, guard } = createWatch(2);
    const [doubting, sound] = sites as [Site, Site];
    const drive = (minutes: number, site = sound): void => {
      for (let second = 0; second < 60 * minutes; second += 2, clock.at += 2000)
        guard.watch(site, route(4), weights);
    };
    clock.at += 120_000;
    drive(minutesBefore, doubting);
    for (let routes = 0; routes < 30; routes++) guard.watch(doubting, route(1), worse);
    return { clock, guard, doubting, drive };
  };

  it('holds up the others as long as it is driven in, and ten minutes more', () => {
    const { guard, drive } = createDoubt();
    drive(9);
    expect(guard.isProven()).toBe(false);
    drive(2);
    expect(guard.isProven()).toBe(true);
  });

  it('holds up nobody once it serves no policy', () => {
    const { guard, drive, doubting } = createDoubt();
    drive(9);
    Object.assign(doubting, { mode: 'observe' });
    expect(guard.isProven()).toBe(true);
  });

  it('is heard where all stand still', () => {
    const { clock, guard, drive } = createDoubt();
    drive(9);
    clock.at += HOUR;
    expect(guard.isProven()).toBe(false);
  });

  it('says nothing for it either, once it stands still', () => {
    const { clock, guard, drive } = createDoubt(9);
    clock.at += HOUR;
    drive(1);
    expect(guard.isProven()).toBe(false);
    drive(9);
    expect(guard.isProven()).toBe(true);
  });
});

it('what was proved in one warehouse stays so where another begins to drive', () => {
  const { clock, sites, guard } = createWatch(2);
  for (let routes = 0; routes < 300; routes++, clock.at += 1000) guard.watch(sites[0]!, route(4), weights);
  clock.at += HOUR;
  guard.watch(sites[1]!, route(4), weights);
  expect(guard.isProven()).toBe(true);
});
