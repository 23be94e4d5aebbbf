import type { LaneGraph } from '../../src/warehouse/laneGraph.js';

/** A path of fewest lanes, both ends included: independent of the planner under test elsewhere. */
export function shortestNodes(graph: LaneGraph, from: number, to: number): number[] {
  const previous = new Map([[from, -1]]);
  for (const [node] of previous) {
    if (node === to) break;
    for (let lane = graph.laneStart[node] as number; lane < (graph.laneStart[node + 1] as number); lane++) {
      const next = graph.laneTo[lane] as number;
      if (graph.open[lane] === 1 && !previous.has(next)) previous.set(next, node);
    }
  }
  if (!previous.has(to)) throw new Error(`no way from ${from} to ${to}`);
  const path: number[] = [];
  for (let node = to; node !== -1; node = previous.get(node) as number) path.unshift(node);
  return path;
}
