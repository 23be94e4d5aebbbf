/** What a search pays: a price for each lane, and for turning where that costs anything. */
export interface SearchCosts {
  /** [L] weighted seconds, finite and >= 0; Infinity bars a lane. */
  readonly prices: Float64Array;
  readonly robotType: number;
  /** Weighted seconds for each second of turning, and for each change of heading over 45 degrees. */
  readonly turnTimeWeight: number;
  readonly turnWeight: number;
  /**
   * [N] what the way on to the one target costs at least, for nodes no farther from it than the start: a search over
   * lanes looks there first (Hart, Nilsson and Raphael 1968).
   */
  readonly ahead?: Float64Array;
}

/**
 * One-to-all shortest paths (Dijkstra 1959) under given prices, on typed arrays that are reused:
 * a result is valid until the next `run`. Searches run over nodes; over lanes where turns cost.
 */
export interface Search {
  /**
   * @param start node to leave from
   * @param arrivalLane the lane the robot came by (its heading), or -1
   * @param targets search ends when all of these nodes are settled; empty: settle everything
   */
  run(costs: SearchCosts, start: number, arrivalLane: number, targets: ArrayLike<number>): void;
  /** Price of the cheapest path to a node, Infinity where there is none. */
  costTo(node: number): number;
  /** Lanes of that path in driving order; empty for the start itself; null where there is none. */
  lanesTo(node: number): number[] | null;
}

/** Marks targets, returns how many different ones there are (Infinity for none: never done). */
export function markWanted(wanted: Uint8Array, targets: ArrayLike<number>): number {
  if (targets.length === 0) return Infinity;
  let count = 0;
  for (let i = 0; i < targets.length; i++) {
    if (wanted[targets[i]!] === 0) count++;
    wanted[targets[i]!] = 1;
  }
  return count;
}
