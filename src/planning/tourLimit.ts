import { LIMITS } from '../domain/limits.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';

/** What searching a lane costs where turns do, in nodes of a search over nodes (measured on grids). */
const NODES_PER_LANE = 2;

/**
 * How many stops a tour may have for a robot type: a plan searches the map once or twice for each. Fewer on large
 * maps, and where turns cost, since searches go over lanes then.
 * @param turnWeight the reward weight of turns
 */
export function stopsAllowed(graph: LaneGraph, robotType: number, turnWeight: number): number {
  const allowed = Math.floor(LIMITS.stopNodesPerTour / nodesPerSearch(graph, robotType, turnWeight));
  return Math.min(LIMITS.stopsPerTour, Math.max(LIMITS.stopsPerTourLeast, allowed));
}

/** The same for whichever type of the map it is asked for. */
export function stopsAllowedForAll(graph: LaneGraph, turnWeight = 0): number {
  return Math.min(...graph.robotTypes.map((_type, index) => stopsAllowed(graph, index, turnWeight)));
}

/** What a plan searches for each stop, in nodes; at least 1. */
export function nodesPerSearch(graph: LaneGraph, robotType: number, turnWeight: number): number {
  const turnsCost = turnWeight > 0 || graph.turnsTakeTime[robotType] === true;
  return Math.max(1, turnsCost ? NODES_PER_LANE * graph.laneCount : graph.nodeCount);
}
