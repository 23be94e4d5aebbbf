import type { LaneGraph } from '../warehouse/laneGraph.js';

/**
 * What the network reads of a lane, F = 10, absolute, counts as log1p: planned flow on the lane,
 * on its reverse, the product of the two (head-on), planned flow into its end node, planned flow that faces
 * it one node further on, occupied neighbours of the end node, end node occupied, lanes that leave the end
 * node, its steps of a second, and how crowded it is there: for each neighbour of the end node the occupied
 * nodes around it, added up.
 */
export const FEATURE_NAMES = [
  'flow',
  'reverseFlow',
  'headOn',
  'flowIntoEnd',
  'facingFlow',
  'occupiedNeighbours',
  'endOccupied',
  'endDegree',
  'laneSeconds',
  'crowd',
] as const;
export const FEATURE_COUNT = FEATURE_NAMES.length;

/** Planned flow and occupancy of one warehouse, and the lane features made of them, kept incrementally. */
export interface Traffic {
  /** [L][F] row-major; rows of lanes into stale nodes are out of date until `refresh`. */
  readonly features: Float32Array;
  /** [L] open routes that have this lane before them, as far as they count. */
  readonly flow: Int32Array;
  /** [N] the same of all lanes into a node. */
  readonly flowInto: Int32Array;
  /** [N] robots that stand on the node or head for it. */
  readonly occupants: Int32Array;
  /** Adds (or with -1 takes away) one route's planned flow on lanes `from..` of a path. */
  addFlow(lanes: ArrayLike<number>, from: number, amount: 1 | -1): void;
  occupy(node: number, amount: 1 | -1): void;
  /**
   * Metres of robot, by the mean of the map's types, for each metre of two-way lane on the way, wherever the robots are; more by the
   * root of how many robots long a lane is, since who meets another there has as far to go back, and turns round for it
   * (`turningRound`). Decision 0013.
   */
  crowding(): number;
  /** Brings the features up to date and hands each changed lane to `changed`; returns how many. */
  refresh(changed: (lane: number) => void): number;
}

/** @param onTheWay [L] 1 where a lane counts in `crowding`; all without it */
export function createTraffic(
  graph: LaneGraph,
  onTheWay: Uint8Array = new Uint8Array(graph.laneCount).fill(1),
): Traffic {
  const { nodeCount, laneCount, laneStart, laneTo, laneFrom, inStart, inLanes, reverseLane, straightLane } =
    graph;
  const features = new Float32Array(laneCount * FEATURE_COUNT);
  const flow = new Int32Array(laneCount);
  const flowInto = new Int32Array(nodeCount);
  const occupants = new Int32Array(nodeCount);
  // [N] occupied nodes one lane away.
  const occupiedAround = new Int32Array(nodeCount);
  let occupiedNodes = 0;
  const { robotTypes } = graph;
  const robotMetres = robotTypes.reduce((sum, { lengthMetres }) => sum + lengthMetres, 0) / robotTypes.length;
  const twoWay = twoWayMetres(graph, onTheWay);
  const wayBack = robotsLong(twoWay, robotMetres) + turningRound(robotTypes);
  const metresForOne = Math.max(1, twoWay.sum) / Math.sqrt(wayBack);
  const stale = new Uint8Array(nodeCount).fill(1);
  const staleNodes = new Int32Array(nodeCount);
  let staleCount = 0;
  for (let node = 0; node < nodeCount; node++) staleNodes[staleCount++] = node;

  const logs = new Float32Array(1024);
  for (let i = 0; i < logs.length; i++) logs[i] = Math.log1p(i);
  const log1p = (count: number): number => (count < logs.length ? logs[count]! : Math.log1p(count));

  // [L] lane whose flow faces this one a node further on: the reverse of the lane straight ahead.
  const facingLane = Int32Array.from(straightLane, (ahead) => (ahead >= 0 ? reverseLane[ahead]! : -1));
  for (let lane = 0; lane < laneCount; lane++) {
    const end = laneTo[lane]!;
    features[lane * FEATURE_COUNT + 7] = log1p(laneStart[end + 1]! - laneStart[end]!);
    features[lane * FEATURE_COUNT + 8] = Math.log1p(graph.steps[lane]!);
  }

  const touch = (node: number): void => {
    if (stale[node] === 1) return;
    stale[node] = 1;
    staleNodes[staleCount++] = node;
  };

  const describe = (lane: number, end: number, crowd: number): void => {
    const row = lane * FEATURE_COUNT;
    const reverse = reverseLane[lane]!;
    const facing = facingLane[lane]!;
    const same = flow[lane]!;
    const against = reverse >= 0 ? flow[reverse]! : 0;
    features[row] = log1p(same);
    features[row + 1] = log1p(against);
    features[row + 2] = log1p(same * against);
    features[row + 3] = log1p(flowInto[end]!);
    features[row + 4] = facing >= 0 ? log1p(flow[facing]!) : 0;
    features[row + 5] = log1p(occupiedAround[end]!);
    features[row + 6] = occupants[end]! > 0 ? 1 : 0;
    features[row + 9] = log1p(crowd);
  };

  return {
    features,
    flow,
    flowInto,
    occupants,
    addFlow(lanes, from, amount) {
      for (let i = from; i < lanes.length; i++) {
        const lane = lanes[i]!;
        flow[lane]! += amount;
        flowInto[laneTo[lane]!]! += amount;
        // All that reads this flow ends at one of the lane's two nodes.
        touch(laneFrom[lane]!);
        touch(laneTo[lane]!);
      }
    },
    occupy(node, amount) {
      const before = occupants[node]! > 0;
      occupants[node]! += amount;
      const after = occupants[node]! > 0;
      if (before === after) return;
      occupiedNodes += after ? 1 : -1;
      touch(node);
      for (let i = inStart[node]!; i < inStart[node + 1]!; i++) {
        const neighbour = laneFrom[inLanes[i]!]!;
        occupiedAround[neighbour]! += after ? 1 : -1;
        touch(neighbour);
        for (let k = inStart[neighbour]!; k < inStart[neighbour + 1]!; k++) touch(laneFrom[inLanes[k]!]!);
      }
    },
    crowding: () => (occupiedNodes * robotMetres) / metresForOne,
    refresh(changed) {
      let count = 0;
      for (let i = 0; i < staleCount; i++) {
        const end = staleNodes[i]!;
        stale[end] = 0;
        let crowd = 0;
        for (let lane = laneStart[end]!; lane < laneStart[end + 1]!; lane++)
          crowd += occupiedAround[laneTo[lane]!]!;
        for (let k = inStart[end]!; k < inStart[end + 1]!; k++) {
          const lane = inLanes[k]!;
          describe(lane, end, crowd);
          changed(lane);
          count++;
        }
      }
      staleCount = 0;
      return count;
    },
  };
}

/** Of the two-way lanes on the way, each once for both ways. */
interface Metres {
  readonly sum: number;
  readonly squares: number;
}

function twoWayMetres({ laneCount, reverseLane, lengthMetres }: LaneGraph, onTheWay: Uint8Array): Metres {
  let sum = 0;
  let squares = 0;
  for (let lane = 0; lane < laneCount; lane++) {
    if (reverseLane[lane]! <= lane || onTheWay[lane] === 0) continue;
    sum += lengthMetres[lane]!;
    squares += lengthMetres[lane]! ** 2;
  }
  return { sum, squares };
}

/** Of the lane that a place on two-way lanes lies on, on average; at least one, also on sites without any. */
function robotsLong({ sum, squares }: Metres, robotMetres: number): number {
  return sum === 0 ? 1 : Math.max(1, squares / sum / robotMetres);
}

/** How many of its own lengths a robot would drive while it turns round, by the mean of the types; 0 where turns take no time. */
function turningRound(robotTypes: LaneGraph['robotTypes']): number {
  const lengths = robotTypes.map(
    (type) => (2 * type.quarterTurnSeconds * type.maximumSpeed) / type.lengthMetres,
  );
  return lengths.reduce((sum, count) => sum + count, 0) / robotTypes.length;
}
