import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { CellGraph } from './cellGraph.js';

/**
 * The parts of a floor that robots must leave the way they came, without a ring of lanes to pass each other
 * on: a spur to a station, a corner that one-way aisles only lead into. PIBT moves everyone only where each
 * lane lies on a ring (Okumura et al., theorem 1), so two robots in a dead end could block each other for good.
 */
export interface DeadEnds {
  /** Number of dead ends. */
  readonly count: number;
  /** [C] which dead end a cell is in, or -1. */
  readonly of: Int32Array;
  /** [C] moves to the way out; 0 outside. */
  readonly depth: Int32Array;
}

/** Nodes of the largest dead end that is looked for: a larger part has room, or is hopeless. */
const NODES_LIMIT = 256;

/** Finds the dead ends of what is open now; the outermost where one lies in another. */
export function findDeadEnds(cells: CellGraph): DeadEnds {
  const { graph } = cells;
  const regions: { readonly mouth: number; readonly nodes: Set<number> }[] = [];
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const back = openReverse(graph, lane);
    if (back < 0 || graph.open[lane] === 0) continue;
    const nodes = reachedFrom(graph, graph.laneTo[lane] as number, graph.laneFrom[lane] as number, back);
    if (nodes && 2 * nodes.size <= graph.nodeCount && !hasRing(graph, nodes))
      regions.push({ mouth: lane, nodes });
  }
  regions.sort((a, b) => b.nodes.size - a.nodes.size);
  const of = new Int32Array(cells.cellCount).fill(-1);
  let count = 0;
  for (const { mouth, nodes } of regions) {
    if (of[graph.laneTo[mouth] as number] !== -1) continue;
    for (const node of nodes) of[node] = count;
    markChain(cells, mouth, of, count);
    for (const node of nodes) {
      for (let lane = graph.laneStart[node] as number; lane < (graph.laneStart[node + 1] as number); lane++) {
        if (nodes.has(graph.laneTo[lane] as number)) markChain(cells, lane, of, count);
      }
    }
    count++;
  }
  const outside = new Set<number>();
  for (let node = 0; node < graph.nodeCount; node++) if (of[node] === -1) outside.add(node);
  // A floor without any ring is one dead end: there is no better place to send anybody to.
  if (!hasRing(graph, outside)) return { count: 0, of: of.fill(-1), depth: new Int32Array(cells.cellCount) };
  return { count, of, depth: depthsOf(cells, of) };
}

/** Breadth first from outside, against the arcs. */
function depthsOf(cells: CellGraph, of: Int32Array): Int32Array {
  const depth = new Int32Array(cells.cellCount);
  const queue: number[] = [];
  for (let cell = 0; cell < cells.cellCount; cell++) if (of[cell] === -1) queue.push(cell);
  for (const cell of queue) {
    for (let slot = cells.inStart[cell] as number; slot < (cells.inStart[cell + 1] as number); slot++) {
      const arc = cells.inArcs[slot] as number;
      const from = cells.arcFrom[arc] as number;
      if (of[from] === -1 || depth[from] !== 0) continue;
      if (from < cells.nodeCount && cells.graph.open[cells.arcLane[arc] as number] === 0) continue;
      depth[from] = (depth[cell] as number) + 1;
      queue.push(from);
    }
  }
  return depth;
}

/** The lane back where both may be driven, or -1. */
function openReverse(graph: LaneGraph, lane: number): number {
  const back = graph.reverseLane[lane] as number;
  return back >= 0 && graph.open[back] === 1 ? back : -1;
}

/**
 * Nodes reached from `start` without driving the lane `barred`; null if `goal` is among them or they are too
 * many. `within` limits where to look.
 */
function reachedFrom(
  graph: LaneGraph,
  start: number,
  goal: number,
  barred: number,
  within?: ReadonlySet<number>,
) {
  const reached = new Set([start]);
  for (const node of reached) {
    for (let lane = graph.laneStart[node] as number; lane < (graph.laneStart[node + 1] as number); lane++) {
      const to = graph.laneTo[lane] as number;
      if (lane === barred || graph.open[lane] === 0 || (within && !within.has(to))) continue;
      if (to === goal) return null;
      reached.add(to);
    }
    // A dead end is closed off: what keeps growing is the rest of the floor.
    if (reached.size > NODES_LIMIT) return null;
  }
  return reached;
}

/** Whether robots can pass each other somewhere within these nodes. */
function hasRing(graph: LaneGraph, nodes: ReadonlySet<number>): boolean {
  for (const node of nodes) {
    for (let lane = graph.laneStart[node] as number; lane < (graph.laneStart[node + 1] as number); lane++) {
      const to = graph.laneTo[lane] as number;
      if (graph.open[lane] === 0 || !nodes.has(to)) continue;
      if (reachedFrom(graph, to, node, openReverse(graph, lane), nodes) === null) return true;
    }
  }
  return false;
}

function markChain(cells: CellGraph, lane: number, of: Int32Array, deadEnd: number): void {
  const end = cells.laneArcStart[lane + 1] as number;
  for (let slot = cells.laneArcStart[lane] as number; slot < end - 1; slot++) {
    of[cells.arcTo[cells.laneArcs[slot] as number] as number] = deadEnd;
  }
}
