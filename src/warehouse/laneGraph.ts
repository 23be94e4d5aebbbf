import type { LaneIndex, NodeId, NodeIndex, WarehouseId } from '../domain/ids.js';
import type { LaneName } from '../domain/serviceContract.js';

/** How a kind of robot moves. Free flow is per type. */
export interface RobotType {
  readonly name: string;
  /** Metres per second. */
  readonly maximumSpeed: number;
  /** Seconds for a change of heading by pi/2; other angles in proportion. 0: turns on the way. */
  readonly quarterTurnSeconds: number;
  /** Seconds to get going after each stop of a tour. */
  readonly startSeconds: number;
  /** Metres of floor that the robot holds; a longer lane is driven in cells of this length. */
  readonly lengthMetres: number;
}

/**
 * A warehouse compiled for the hot path. Lanes are grouped by start node (CSR): those that leave
 * node `n` are `laneStart[n] .. laneStart[n + 1] - 1`. N nodes, L lanes, T robot types.
 * Everything is immutable but `open`, which only `LaneClosures` writes.
 */
export interface LaneGraph {
  readonly warehouseId: WarehouseId;
  readonly mapVersion: string;
  readonly nodeCount: number;
  readonly laneCount: number;

  /** [N] names, and the way back. */
  readonly nodeIds: readonly NodeId[];
  readonly nodeIndexOf: ReadonlyMap<string, NodeIndex>;
  /** [N] metres; y grows downwards, as rows do. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** [N] 1 where goods are handed over / picked. */
  readonly isStation: Uint8Array;
  readonly isPickFace: Uint8Array;
  /** [N] seconds that a stop takes here unless the order says otherwise. */
  readonly handlingSeconds: Float64Array;
  readonly stations: readonly NodeIndex[];
  readonly pickFaces: readonly NodeIndex[];

  /** [N + 1] CSR offsets into the lane arrays. */
  readonly laneStart: Int32Array;
  /** [L] */
  readonly laneFrom: Int32Array;
  readonly laneTo: Int32Array;
  /** [L] the lane the other way, or -1. */
  readonly reverseLane: Int32Array;
  /** [L] the lane that goes straight on from the end (turn under 45 degrees, smallest first), or -1. */
  readonly straightLane: Int32Array;
  /** [N + 1] and [L]: lanes that arrive at node n are `inLanes[inStart[n] .. inStart[n + 1] - 1]`. */
  readonly inStart: Int32Array;
  readonly inLanes: Int32Array;
  /** [L] metres, metres per second, radians. A lane whose ends lie on one point, as a lift's do, has no heading (NaN). */
  readonly lengthMetres: Float64Array;
  readonly speedLimit: Float64Array;
  readonly heading: Float64Array;
  /** [L] bit t set: robot type t may not drive here. */
  readonly barredTypes: Uint32Array;
  /** [L] 1 open, 0 closed. */
  readonly open: Uint8Array;

  readonly robotTypes: readonly RobotType[];
  readonly robotTypeIndexOf: ReadonlyMap<string, number>;
  /** [T][L] seconds to drive the lane with nobody in the way, without turning; Infinity where barred. */
  readonly freeFlowSeconds: readonly Float64Array[];
  /**
   * [L] grid steps of one second that it counts as where traffic is priced: its seconds for the fastest type that may drive
   * it. A limit that no robot reaches makes nobody faster.
   */
  readonly steps: Float64Array;
  /** [T] true where a turn takes time, so that searches run over lanes instead of nodes. */
  readonly turnsTakeTime: readonly boolean[];
}

/** The lane from one node to another, or -1. */
export function laneBetween(graph: LaneGraph, from: number, to: number): LaneIndex {
  const end = graph.laneStart[from + 1] ?? 0;
  for (let lane = graph.laneStart[from] ?? 0; lane < end; lane++) {
    if (graph.laneTo[lane] === to) return lane as LaneIndex;
  }
  return -1 as LaneIndex;
}

/** Its two nodes, as the wire names it. */
export function laneName(graph: LaneGraph, lane: number): LaneName {
  return { from: graph.nodeIds[graph.laneFrom[lane]!]!, to: graph.nodeIds[graph.laneTo[lane]!]! };
}

/** Absolute change of heading from one lane to the next, radians in [0, pi]; none into and out of a lane without one. */
export function turnRadians(graph: LaneGraph, lane: number, next: number): number {
  // At most 2 pi, as headings are of `atan2`: a modulo would make plans where turns cost take a third longer.
  const change = Math.abs((graph.heading[next] ?? 0) - (graph.heading[lane] ?? 0));
  return change > Math.PI ? 2 * Math.PI - change : change || 0;
}

/** Seconds that this robot type turns between two lanes. */
export function turnSeconds(graph: LaneGraph, robotType: number, lane: number, next: number): number {
  const type = graph.robotTypes[robotType];
  if (!type || type.quarterTurnSeconds === 0) return 0;
  return (turnRadians(graph, lane, next) / (Math.PI / 2)) * type.quarterTurnSeconds;
}
