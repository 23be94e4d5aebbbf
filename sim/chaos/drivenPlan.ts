/** A plan as its robot was told it. */
export interface Plan {
  readonly revision: number;
  readonly nodes: readonly string[];
  readonly stopIndexes: readonly number[];
}
export type RobotTrace = readonly [string, number, number | null][];

/** How many stops of a tour are made at each node of a plan that leaves out the first of them. */
export function madeAlong({ nodes, stopIndexes }: Plan, leftOut: number): number[] {
  return nodes.map((_node, position) => leftOut + stopIndexes.filter((index) => index <= position).length);
}

/**
 * Lanes at the beginning of a plan that a robot has behind it when the plan comes: it was made from where the robot
 * had been, and whoever made it has heard, or will hear, of the lanes driven since, also where it has left the plan again.
 */
export function drivenOf(nodes: readonly string[], trace: RobotTrace): number {
  const drivenFrom = (from: number): number => {
    let lanes = 0;
    while (lanes + 1 < nodes.length && nodes[lanes + 1] === trace[from + lanes + 1]?.[0]) lanes++;
    return lanes;
  };
  return Math.max(0, ...trace.flatMap(([node], from) => (node === nodes[0] ? [drivenFrom(from)] : [])));
}
