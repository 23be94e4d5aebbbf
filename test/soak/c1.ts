/** C1 and C3: what leaves is drivable, and what cannot be reached is said to be so. */
import { planOnRandomMap } from '../reliability/support/randomPlans.js';
import { runSoak } from './support/soak.js';

/** Enough to see what is wrong. */
const MOST_FAILURES = 10;

await runSoak({
  name: 'soak-c1',
  description: 'plan on random maps with closures between plans, and check every route that leaves',
  unit: 'maps',
  count: 1_000_000,
  async run({ count, seed, progress }) {
    const sums = { routes: 0, unreachable: 0, held: 0 };
    const failed: { readonly seed: number; readonly faults: readonly string[] }[] = [];
    for (let map = 0; map < count && failed.length < MOST_FAILURES; map++) {
      const { served, unreachable, held, faults } = await planOnRandomMap(seed + map);
      sums.routes += Object.values(served).reduce((sum, kind) => sum + kind, 0);
      sums.unreachable += unreachable;
      sums.held += held;
      if (faults.length > 0) failed.push({ seed: seed + map, faults });
      progress(map + 1);
    }
    return { ...sums, failed, passed: failed.length === 0 };
  },
});
