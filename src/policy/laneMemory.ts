import type { LaneGraph } from '../warehouse/laneGraph.js';

/**
 * What each lane remembers of itself beside what the network knows of its traffic (DESIGN 2.1): a
 * pallet in the way, a bad floor. Recent residual (unexplained minus predicted seconds), blended at each
 * observation and fading, so that an avoided lane is tried again. Decision 0010 has the measurements.
 */
export const MEMORY = {
  blend: 0.3,
  /** Blend of a surprise beyond the scatter: it must last until a lane that is hardly driven any more is tried again. */
  newsBlend: 0.6,
  halfLifeSeconds: 60,
  /** Price of a remembered second. */
  factor: 3,
  /** A residual counts as far as it exceeds this many standard deviations of the site's residuals. */
  scatters: 5,
  /** Observations over which the site's scatter is averaged. */
  scatterRows: 2_000,
  /**
   * A surprise adds to the scatter as if it were at most so many scatters large: on a light floor, one slow
   * cell would otherwise set the scatter that it is measured by. On a crowded one nothing is that large.
   */
  surpriseScatters: 10,
  /** The scatter is never less: where all go as predicted, a robot's second behind another is no news. */
  leastScatterSeconds: 0.05,
  forgottenSeconds: 0.05,
} as const;

/** The part of a map that tells which lanes leave the same node. */
export type LanesByStart = Pick<LaneGraph, 'laneCount' | 'laneFrom' | 'laneStart'>;

export interface LaneMemory {
  /**
   * A robot paid `unexplained` seconds beyond free flow that no other robot accounts for, where `predicted` were
   * expected. A surprise beyond the site's scatter counts for every lane out of the same node: whoever is held on a
   * node pays on whichever lane comes next.
   */
  observe(lane: number, unexplained: number, predicted: number): void;
  /** Lets `seconds` pass; hands each lane whose excess moved to `changed`. */
  fade(seconds: number, changed: (lane: number) => void): void;
  /** Seconds beyond the site's scatter that this lane is remembered to cost, >= 0. */
  excessSeconds(lane: number): number;
  /** Standard deviation of residuals on this site, seconds; of large ones only a part. */
  scatterSeconds(): number;
}

export function createLaneMemory({ laneCount, laneFrom, laneStart }: LanesByStart): LaneMemory {
  const residual = new Float64Array(laneCount);
  const active = new Set<number>();
  let scatter = 1;

  const widen = (surprise: number): void => {
    const counted = Math.min(Math.abs(surprise), MEMORY.surpriseScatters * scatter);
    const meanSquare = scatter ** 2 + (counted ** 2 - scatter ** 2) / MEMORY.scatterRows;
    scatter = Math.max(MEMORY.leastScatterSeconds, Math.sqrt(meanSquare));
  };
  const remember = (lane: number, surprise: number, blend: number): void => {
    residual[lane]! += blend * (surprise - residual[lane]!);
    active.add(lane);
  };

  return {
    observe(lane, unexplained, predicted) {
      const surprise = unexplained - predicted;
      const isNews = surprise > MEMORY.scatters * scatter;
      widen(surprise);
      if (!isNews) {
        remember(lane, surprise, MEMORY.blend);
        return;
      }
      const node = laneFrom[lane]!;
      for (let out = laneStart[node]!; out < laneStart[node + 1]!; out++)
        remember(out, surprise, MEMORY.newsBlend);
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
      const excess = residual[lane]! - MEMORY.scatters * scatter;
      return excess > 0 ? excess : 0;
    },
    scatterSeconds: () => scatter,
  };
}
