import type { LaneGraph } from '../warehouse/laneGraph.js';

/**
 * What a robot loses on a lane behind another, where the other is slower: on average over all pairs of types that may
 * drive it, as nobody knows who will.
 * @returns [L] seconds; 0 where all are as fast
 */
export function secondsBehindSlower({
  laneCount,
  robotTypes,
  freeFlowSeconds,
  barredTypes,
}: LaneGraph): Float64Array {
  const lost = new Float64Array(laneCount);
  if (robotTypes.length === 1) return lost;
  for (let lane = 0; lane < laneCount; lane++) {
    const seconds = freeFlowSeconds
      .filter((_, type) => (barredTypes[lane]! & ((1 << type) >>> 0)) === 0)
      .map((ofType) => ofType[lane]!)
      .sort((a, b) => a - b);
    // Sorted, each is the slower of so many pairs and the faster of the others: the sum over pairs, in one turn.
    const sum = seconds.reduce((total, each, rank) => total + each * (2 * rank - seconds.length + 1), 0);
    lost[lane] = seconds.length > 0 ? sum / seconds.length ** 2 : 0;
  }
  return lost;
}
