import type { Traffic } from '../../src/traffic/traffic.js';
import { flowPriceSeconds, type HandMadePrice } from '../../src/policy/pricing.js';
import { againstHighways } from '../../src/warehouse/highways.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { cellId } from '../../src/warehouse/movingAi.js';
import type { Guidance } from '../floor/pibt.js';

/** Added for each step against the preferred direction. */
const CRISSCROSS_SECONDS = 4;

/** The planned-flow price of the service. */
export function flowPrice(graph: LaneGraph): HandMadePrice {
  return (lane, traffic) => flowPriceSeconds(graph, traffic, lane);
}

/** A price and 4 s for each step against preferred ways: unless told, the highways that our own rules find in the map. */
export function onHighways(
  graph: LaneGraph,
  price: HandMadePrice,
  against: Readonly<Uint8Array> = againstHighways(graph),
): HandMadePrice {
  return (lane, traffic) => price(lane, traffic) + CRISSCROSS_SECONDS * against[lane]! * graph.steps[lane]!;
}

/**
 * The planned-flow price on highways by number: even rows prefer east, odd ones west; even columns prefer south, odd
 * ones north. One-way lanes have no direction to prefer.
 */
export function crisscrossPrice(graph: LaneGraph): HandMadePrice {
  const row = ranks(graph.y);
  const column = ranks(graph.x);
  const against = Uint8Array.from({ length: graph.laneCount }, (_, lane) => {
    if (graph.reverseLane[lane]! < 0) return 0;
    const from = graph.laneFrom[lane]!;
    const to = graph.laneTo[lane]!;
    const [dx, dy] = [graph.x[to]! - graph.x[from]!, graph.y[to]! - graph.y[from]!];
    const [forward, line] = Math.abs(dx) >= Math.abs(dy) ? [dx > 0, row[from]!] : [dy > 0, column[from]!];
    return forward === (line % 2 === 0) ? 0 : 1;
  });
  return onHighways(graph, flowPrice(graph), against);
}

/** [N] position of each coordinate among all that occur. */
function ranks(coordinates: Float64Array): Int32Array {
  const rankOf = new Map([...new Set(coordinates)].sort((a, b) => a - b).map((value, rank) => [value, rank]));
  return Int32Array.from(coordinates, (value) => rankOf.get(value)!);
}

/**
 * 0.5 * reverse * (1 + same) + 0.1 * into, beyond the lane's own time, for each step of it: with `into` charged once,
 * as `flowPriceSeconds` has it, goals a step on multi-block@200 are 2 % fewer.
 */
export function lightFlowPrice(graph: LaneGraph): HandMadePrice {
  return (lane, { flow, flowInto }: Traffic) => {
    const reverse = graph.reverseLane[lane]!;
    const against = reverse >= 0 ? flow[reverse]! : 0;
    const into = flowInto[graph.laneTo[lane]!]!;
    return graph.steps[lane]! * (0.5 * against * (1 + flow[lane]!) + 0.1 * into);
  };
}

/** A published guidance graph: rows of the map, and its weights: those of waiting cell by cell, then of edges. */
export interface GuidanceGraph {
  readonly layout: readonly string[];
  readonly weights: readonly number[];
}

/** Edges of a cell in the order of the published files (lunjohnzhang/ggo_public): right, up, left, down. */
const GUIDANCE_DIRECTIONS = [
  [0, 1],
  [-1, 0],
  [0, -1],
  [1, 0],
] as const;

/**
 * The published costs of a move along each lane and of a wait on each node, as they stand in the file.
 * @throws RangeError where the file does not fit the map
 */
export function publishedGuidance(graph: LaneGraph, { layout, weights }: GuidanceGraph): Guidance {
  const isFloor = (row: number, column: number): boolean => !'@T'.includes(layout[row]?.[column] ?? '@');
  const nodeAt = (row: number, column: number): number => graph.nodeIndexOf.get(cellId(row, column)) ?? -1;
  const moveCost = new Float64Array(graph.laneCount);
  const waitCost = new Float64Array(graph.nodeCount);
  const cells = layout.join('').replace(/[@T]/g, '').length;
  let cell = 0;
  let edge = cells;
  let lanes = 0;
  layout.forEach((line, row) => {
    for (let column = 0; column < line.length; column++) {
      if (!isFloor(row, column)) continue;
      waitCost[nodeAt(row, column)] = weights[cell++]!;
      for (const [down, right] of GUIDANCE_DIRECTIONS) {
        if (!isFloor(row + down, column + right)) continue;
        const lane = laneBetween(graph, nodeAt(row, column), nodeAt(row + down, column + right));
        if (lane >= 0) lanes++;
        moveCost[lane] = weights[edge++]!;
      }
    }
  });
  if (edge !== weights.length || lanes !== graph.laneCount || cells !== graph.nodeCount)
    throw new RangeError(
      `${weights.length} weights do not fit ${graph.warehouseId}: ${edge} edges and cells`,
    );
  return { moveCost, waitCost };
}

/**
 * Prices in proportion to the published weights of edges, the smallest as free flow; the weights of waiting have
 * no counterpart, since routes do not plan waits.
 * @throws RangeError where the file does not fit the map
 */
export function guidancePrice(graph: LaneGraph, published: GuidanceGraph): HandMadePrice {
  const { moveCost } = publishedGuidance(graph, published);
  const least = moveCost.reduce((a, b) => Math.min(a, b));
  return (lane) => (moveCost[lane]! / least - 1) * graph.steps[lane]!;
}
