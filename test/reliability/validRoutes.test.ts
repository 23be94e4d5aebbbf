import { describe, expect, it } from 'vitest';
import { planOnRandomMap } from './support/randomPlans.js';

const MAPS = 2_000;

describe('on random maps with closures between plans', () => {
  it(
    `no route of any kind leaves over a closed lane or one that is not there (${MAPS} maps)`,
    { timeout: 1_200_000 },
    async () => {
      const sums = { assigned: 0, updated: 0, deviated: 0, dryRun: 0, welcome: 0, unreachable: 0, held: 0 };
      for (let seed = 1; seed <= MAPS; seed++) {
        const { served, unreachable, held, faults } = await planOnRandomMap(seed);
        expect(faults, `seed ${seed}`).toEqual([]);
        for (const kind of ['assigned', 'updated', 'deviated', 'dryRun', 'welcome'] as const)
          sums[kind] += served[kind];
        sums.unreachable += unreachable;
        sums.held += held;
      }
      // C3: unreachable stops were met, and each was named as such.
      expect(sums.unreachable).toBeGreaterThan(1_000);
      for (const count of Object.values(sums)) expect(count).toBeGreaterThan(100);
    },
  );
});
