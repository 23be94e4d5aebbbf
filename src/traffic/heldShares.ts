import type { LaneGraph } from '../warehouse/laneGraph.js';
import type { Traffic } from './traffic.js';

/** Seconds after which a held share has come half of the way to what it is now. */
const HALF_LIFE_SECONDS = 60;
/** Smaller changes wait until they have added up. */
const NOTICEABLE_SHARE = 0.01;

/**
 * For what share of the last minutes each node was held by a robot. Planned flow tells who will come; this tells where
 * those who came got stuck: a place that is held nearly always lets nobody through, whatever is planned over it.
 */
export interface HeldShares {
  /** [N] 0 to 1. */
  readonly share: Readonly<Float32Array>;
  /** Lets `seconds` pass with robots where they are now; hands each node whose share moved to `changed`. */
  drift(seconds: number, changed: (node: number) => void): void;
}

export function createHeldShares({ nodeCount }: LaneGraph, { occupants }: Traffic): HeldShares {
  const exact = new Float32Array(nodeCount);
  const share = new Float32Array(nodeCount);
  return {
    share,
    drift(seconds, changed) {
      const part = 1 - 0.5 ** (seconds / HALF_LIFE_SECONDS);
      for (let node = 0; node < nodeCount; node++) {
        exact[node]! += part * ((occupants[node]! > 0 ? 1 : 0) - exact[node]!);
        if (Math.abs(exact[node]! - share[node]!) < NOTICEABLE_SHARE) continue;
        share[node] = exact[node]!;
        changed(node);
      }
    },
  };
}
