import { createCornerCases, type CornerCases } from './cornerCases.js';
import { createSnapshots, type FloorSnapshot, type SnapshotSource } from './floorSnapshot.js';
import { createImprovement, type Improvement } from './improvement.js';
import { createRealisedWaits, type RealisedWaits } from './realisedWaits.js';
import { createRegretMeter, type RegretMeter } from './regret.js';
import type { Planner } from '../planning/planner.js';

/** What a warehouse knows of its routes once they are driven. */
export interface SiteHindsight {
  readonly waits: RealisedWaits;
  readonly regret: RegretMeter;
  readonly improvement: Improvement;
  readonly cornerCases: CornerCases;
  readonly snapshot: () => FloorSnapshot;
  /** Exponential mean, null before the first. */
  regretSeconds: number | null;
  regretsMeasured: number;
}

export function createSiteHindsight(site: SnapshotSource, planner: Planner): SiteHindsight {
  const waits = createRealisedWaits(site.graph.laneCount);
  return {
    waits,
    regret: createRegretMeter(site.graph, planner, waits),
    improvement: createImprovement(),
    cornerCases: createCornerCases(),
    snapshot: createSnapshots(site),
    regretSeconds: null,
    regretsMeasured: 0,
  };
}
