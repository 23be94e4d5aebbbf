import type { LaneGraph } from '../warehouse/laneGraph.js';

/** Seconds of a lane, Infinity while it is closed. */
export function secondsNow(graph: LaneGraph, robotType: number, lane: number): number {
  return graph.open[lane] === 1 ? graph.freeFlowSeconds[robotType]![lane]! : Infinity;
}

interface SecondsChange {
  readonly lane: number;
  readonly before: number;
  readonly now: number;
}

/** @param seconds [L], lane i is `graph.inLanes[i]`; overwritten where they are out of date */
export function updateSeconds(graph: LaneGraph, robotType: number, seconds: Float64Array): SecondsChange[] {
  const changes: SecondsChange[] = [];
  for (let at = 0; at < seconds.length; at++) {
    const lane = graph.inLanes[at]!;
    const before = seconds[at]!;
    const now = secondsNow(graph, robotType, lane);
    if (now === before) continue;
    changes.push({ lane, before, now });
    seconds[at] = now;
  }
  return changes;
}

/**
 * Whether a table of seconds to a goal is, to the last bit, what a search would find again: no lane that became faster
 * shortens the way from its start, and where one that became slower lay on a fastest way, another one starts a way as
 * fast. It leads nearer to the goal, so nobody is sent in a circle.
 *
 * @param seconds [N], which may be too large for nodes far away: so may they be afterwards
 */
export function outlasts(
  graph: LaneGraph,
  { robotType, seconds }: { readonly robotType: number; readonly seconds: Float64Array },
  changes: readonly SecondsChange[],
): boolean {
  return changes.every(({ lane, before, now }) => {
    const from = graph.laneFrom[lane]!;
    const ahead = seconds[graph.laneTo[lane]!]!;
    const known = seconds[from]!;
    if (now < before) return known <= ahead + now;
    if (known === Infinity || ahead + before > known) return true;
    for (let other = graph.laneStart[from]!; other < graph.laneStart[from + 1]!; other++) {
      const rest = seconds[graph.laneTo[other]!]!;
      if (rest < known && rest + secondsNow(graph, robotType, other) === known) return true;
    }
    return false;
  });
}
