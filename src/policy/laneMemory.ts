import type { LaneGraph } from '../warehouse/laneGraph.js';
import { createWitnesses } from './witnesses.js';

/**
 * What each lane remembers of itself beside what the network knows of its traffic (decisions 0010 and 0015): a
 * pallet in the way, a bad floor. Recent residual (unexplained minus predicted seconds), blended at each
 * observation and fading, so that an avoided lane is tried again. Decisions 0010 and 0015 have the measurements.
 */
export const MEMORY = {
  blend: 0.3,
  /** Blend of a surprise beyond the scatter: it must last until a lane that is hardly driven any more is tried again. */
  newsBlend: 0.6,
  halfLifeSeconds: 120,
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

/** What a robot paid on a lane beyond free flow. */
export interface Delay {
  /** Its index in the site. */
  readonly robot: number;
  /** Seconds that no other robot accounts for. */
  readonly unexplained: number;
  /** Seconds that were expected. */
  readonly predicted: number;
}

export interface LaneMemory {
  /**
   * A surprise beyond the site's scatter counts for every lane out of the same node: whoever is held on a node pays on
   * whichever lane comes next. It counts as far as the last other robot there met it too; a robot that nobody confirms
   * may be slow itself, or lie.
   */
  observe(lane: number, delay: Delay): void;
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
  const witnesses = createWitnesses(laneCount);
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
  /** What counts of a robot's news: as much as another confirms, or the lane remembers already. */
  const believed = (lane: number, robot: number, surprise: number): number =>
    Math.min(surprise, Math.max(residual[lane]!, witnesses.confirmedSeconds(lane, robot)));

  return {
    observe(lane, { robot, unexplained, predicted }) {
      const surprise = unexplained - predicted;
      const isNews = surprise > MEMORY.scatters * scatter;
      widen(surprise);
      if (!isNews) {
        remember(lane, surprise, MEMORY.blend);
        witnesses.hear(lane, robot, surprise);
        return;
      }
      const node = laneFrom[lane]!;
      for (let out = laneStart[node]!; out < laneStart[node + 1]!; out++) {
        remember(out, believed(out, robot, surprise), MEMORY.newsBlend);
        witnesses.hear(out, robot, surprise);
      }
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
