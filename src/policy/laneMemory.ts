/**
 * What each lane remembers of itself beside what the network knows of its traffic (DESIGN 2.1): a
 * pallet in the way, a bad floor. Recent residual (observed minus predicted seconds), blended at each
 * observation and fading, so that an avoided lane is tried again.
 */
export const MEMORY = {
  blend: 0.3,
  halfLifeSeconds: 60,
  /** Price of a remembered second. */
  factor: 3,
  /** A residual counts as far as it exceeds this many standard deviations of the site's residuals. */
  scatters: 5,
  /** Observations over which the site's scatter is averaged. */
  scatterRows: 2_000,
  forgottenSeconds: 0.05,
} as const;

export interface LaneMemory {
  /** A robot paid `observed` seconds beyond free flow where `predicted` were expected. */
  observe(lane: number, observed: number, predicted: number): void;
  /** Lets `seconds` pass; hands each lane whose excess moved to `changed`. */
  fade(seconds: number, changed: (lane: number) => void): void;
  /** Seconds beyond the site's scatter that this lane is remembered to cost, >= 0. */
  excessSeconds(lane: number): number;
  /** Standard deviation of residuals on this site, seconds. */
  scatterSeconds(): number;
}

export function createLaneMemory(laneCount: number): LaneMemory {
  const residual = new Float64Array(laneCount);
  const active = new Set<number>();
  let meanSquare = 1;

  return {
    observe(lane, observed, predicted) {
      const surprise = observed - predicted;
      meanSquare += (surprise * surprise - meanSquare) / MEMORY.scatterRows;
      residual[lane]! += MEMORY.blend * (surprise - residual[lane]!);
      active.add(lane);
    },
    fade(seconds, changed) {
      const kept = 0.5 ** (seconds / MEMORY.halfLifeSeconds);
      for (const lane of active) {
        residual[lane]! *= kept;
        if (Math.abs(residual[lane]!) < MEMORY.forgottenSeconds) {
          residual[lane] = 0;
          active.delete(lane);
        }
        changed(lane);
      }
    },
    excessSeconds(lane) {
      const excess = residual[lane]! - MEMORY.scatters * Math.sqrt(meanSquare);
      return excess > 0 ? excess : 0;
    },
    scatterSeconds: () => Math.sqrt(meanSquare),
  };
}
