import { LIMITS } from '../domain/limits.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';

/** What a route promises, in positions of the compiled graph. */
export interface RouteClaim {
  /** Position in `graph.robotTypes`. */
  readonly robotType: number;
  /** Where the robot stands. */
  readonly from: number;
  /** [S] the stops in the order of visit, drop-off last; at least one. */
  readonly stops: ArrayLike<number>;
  /** [M] the nodes from `from` to the last stop. */
  readonly nodes: ArrayLike<number>;
  /** [S] where in `nodes` each stop is reached. Equal where two stops share a node. */
  readonly stopIndexes: ArrayLike<number>;
  /** [M] seconds from the issue to the arrival at each node. */
  readonly etaSeconds: ArrayLike<number>;
  /** Priced cost of the whole route, in weighted seconds. */
  readonly cost: number;
}

export type RouteFault =
  | 'empty'
  | 'tooLong'
  | 'unknownRobotType'
  | 'unknownNode'
  | 'wrongStart'
  | 'noStops'
  | 'stopCount'
  | 'stopOrder'
  | 'stopMissed'
  | 'wrongEnd'
  | 'noLane'
  | 'laneClosed'
  | 'laneBarred'
  | 'costNotFinite'
  | 'etaCount'
  | 'etaNotFinite'
  | 'etaDecreasing';

/** `at` is the position in `nodes`, or in `stops` for a fault of a stop, where the fault shows. */
export type RouteVerdict =
  { readonly kind: 'valid' } | { readonly kind: 'invalid'; readonly fault: RouteFault; readonly at: number };

const VALID: RouteVerdict = { kind: 'valid' };
const invalid = (fault: RouteFault, at: number): RouteVerdict => ({ kind: 'invalid', fault, at });

/**
 * Checks a route against the graph as it is now. Every route passes here before it leaves, so this file shares
 * no code with the search and trusts none of its inputs but the graph. One pass, O(nodes times degree).
 */
export function verifyRoute(graph: LaneGraph, claim: RouteClaim): RouteVerdict {
  const { nodes, robotType } = claim;
  if (nodes.length === 0) return invalid('empty', 0);
  if (nodes.length > LIMITS.nodesPerRoute) return invalid('tooLong', LIMITS.nodesPerRoute);
  if (!isPosition(robotType, graph.robotTypes.length)) return invalid('unknownRobotType', 0);
  if (nodes[0] !== claim.from) return invalid('wrongStart', 0);
  return verifyLanes(graph, nodes, robotType) ?? verifyStops(claim) ?? verifyCosts(claim) ?? VALID;
}

function verifyLanes(graph: LaneGraph, nodes: ArrayLike<number>, robotType: number): RouteVerdict | null {
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at] as number;
    if (!isPosition(node, graph.nodeCount)) return invalid('unknownNode', at);
    if (at === 0) continue;
    const fault = laneFault(graph, nodes[at - 1] as number, node, robotType);
    if (fault !== null) return invalid(fault, at);
  }
  return null;
}

/** Why no lane leads from one node to the other, or null if one does. */
function laneFault(graph: LaneGraph, from: number, to: number, robotType: number): RouteFault | null {
  let fault: RouteFault = 'noLane';
  const end = graph.laneStart[from + 1] as number;
  for (let lane = graph.laneStart[from] as number; lane < end; lane++) {
    if (graph.laneTo[lane] !== to) continue;
    if (graph.open[lane] !== 1) fault = 'laneClosed';
    else if ((((graph.barredTypes[lane] as number) >>> robotType) & 1) === 1) fault = 'laneBarred';
    else return null;
  }
  return fault;
}

function verifyStops({ stops, stopIndexes, nodes }: RouteClaim): RouteVerdict | null {
  if (stops.length === 0) return invalid('noStops', 0);
  if (stopIndexes.length !== stops.length) return invalid('stopCount', stopIndexes.length);
  let earliest = 0;
  for (let stop = 0; stop < stops.length; stop++) {
    const index = stopIndexes[stop] as number;
    if (!isPosition(index, nodes.length) || index < earliest) return invalid('stopOrder', stop);
    if (nodes[index] !== stops[stop]) return invalid('stopMissed', stop);
    earliest = index;
  }
  return earliest === nodes.length - 1 ? null : invalid('wrongEnd', earliest);
}

function verifyCosts({ nodes, etaSeconds, cost }: RouteClaim): RouteVerdict | null {
  if (!Number.isFinite(cost) || cost < 0) return invalid('costNotFinite', 0);
  if (etaSeconds.length !== nodes.length) return invalid('etaCount', etaSeconds.length);
  let before = 0;
  for (let at = 0; at < nodes.length; at++) {
    const eta = etaSeconds[at] as number;
    if (!Number.isFinite(eta)) return invalid('etaNotFinite', at);
    if (eta < before) return invalid('etaDecreasing', at);
    before = eta;
  }
  return null;
}

function isPosition(value: number, length: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < length;
}
