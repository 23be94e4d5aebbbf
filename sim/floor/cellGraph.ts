import type { LaneGraph } from '../../src/warehouse/laneGraph.js';

/**
 * The floor in cells that one robot can hold. Cells `0 .. nodeCount - 1` are the warehouse's nodes; a
 * lane longer than a robot is a chain of further cells, and a lane and its reverse share one chain: two
 * robots cannot pass in it. C cells, A arcs (moves from one cell to the next, grouped by start cell as CSR).
 */
export interface CellGraph {
  readonly graph: LaneGraph;
  readonly nodeCount: number;
  readonly cellCount: number;
  /** Seconds of one step: the fastest cell takes at least one. */
  readonly stepSeconds: number;
  readonly maximumDegree: number;
  /** [C + 1], [A] */
  readonly arcStart: Int32Array;
  readonly arcFrom: Int32Array;
  readonly arcTo: Int32Array;
  readonly arcLane: Int32Array;
  /** [T][A] steps, with fractions, that a robot type takes; Infinity where it is barred. */
  readonly arcSteps: readonly Float64Array[];
  /** [C + 1], [A] arcs by the cell that they lead to. */
  readonly inStart: Int32Array;
  readonly inArcs: Int32Array;
  /** [L + 1], [A] the arcs of each lane in driving order. */
  readonly laneArcStart: Int32Array;
  readonly laneArcs: Int32Array;
  /** [C] the lane whose chain a cell belongs to (of a lane and its reverse the lower one), -1 at nodes. */
  readonly chainLane: Int32Array;
  /** [C] 0-based position in that chain. */
  readonly chainPosition: Int32Array;
}

const STEP_SECONDS = [1, 0.5, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01] as const;

/** Lays cells along the lanes. The longest robot type of the map sets the length of a cell. */
export function createCellGraph(graph: LaneGraph): CellGraph {
  const cellLength = Math.max(...graph.robotTypes.map((type) => type.lengthMetres));
  const laneArcStart = new Int32Array(graph.laneCount + 1);
  const firstChainCell = new Int32Array(graph.laneCount).fill(-1);
  let cellCount = graph.nodeCount;
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const chain = chainOf(graph, lane);
    const arcs = Math.max(1, Math.floor((graph.lengthMetres[chain] as number) / cellLength + 1e-9));
    laneArcStart[lane + 1] = (laneArcStart[lane] as number) + arcs;
    if (chain !== lane) continue;
    firstChainCell[lane] = cellCount;
    cellCount += arcs - 1;
  }
  const arcCount = laneArcStart[graph.laneCount] as number;
  const chainLane = new Int32Array(cellCount).fill(-1);
  const chainPosition = new Int32Array(cellCount);
  const rawFrom = new Int32Array(arcCount);
  const rawTo = new Int32Array(arcCount);
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const first = laneArcStart[lane] as number;
    const arcs = (laneArcStart[lane + 1] as number) - first;
    const chain = chainOf(graph, lane);
    let cell = graph.laneFrom[lane] as number;
    for (let move = 0; move < arcs; move++) {
      const position = chain === lane ? move : arcs - 2 - move;
      const next =
        move === arcs - 1 ? (graph.laneTo[lane] as number) : (firstChainCell[chain] as number) + position;
      rawFrom[first + move] = cell;
      rawTo[first + move] = next;
      if (move < arcs - 1) {
        chainLane[next] = chain;
        chainPosition[next] = position;
      }
      cell = next;
    }
  }
  const out = groupBy(rawFrom, cellCount);
  const arcFrom = out.items.map((raw) => rawFrom[raw] as number);
  const arcTo = out.items.map((raw) => rawTo[raw] as number);
  const laneOfRaw = new Int32Array(arcCount);
  for (let lane = 0; lane < graph.laneCount; lane++) {
    laneOfRaw.fill(lane, laneArcStart[lane], laneArcStart[lane + 1]);
  }
  const arcLane = out.items.map((raw) => laneOfRaw[raw] as number);
  const laneArcs = new Int32Array(arcCount);
  out.items.forEach((raw, arc) => (laneArcs[raw] = arc));
  const arrivals = groupBy(arcTo, cellCount);
  const { stepSeconds, arcSteps } = stepsOfArcs(graph, laneArcStart, arcLane);
  let maximumDegree = 0;
  for (let cell = 0; cell < cellCount; cell++) {
    maximumDegree = Math.max(maximumDegree, (out.start[cell + 1] as number) - (out.start[cell] as number));
  }
  return {
    graph,
    nodeCount: graph.nodeCount,
    cellCount,
    stepSeconds,
    maximumDegree,
    arcStart: out.start,
    arcFrom,
    arcTo,
    arcLane,
    arcSteps,
    inStart: arrivals.start,
    inArcs: arrivals.items,
    laneArcStart,
    laneArcs,
    chainLane,
    chainPosition,
  };
}

/** The arc by which a robot on this cell drives on along this lane, or -1 if the cell is not on the lane. */
export function arcAlong(cells: CellGraph, lane: number, cell: number): number {
  const { graph, laneArcs, laneArcStart } = cells;
  const first = laneArcStart[lane] as number;
  if (cell < cells.nodeCount) return graph.laneFrom[lane] === cell ? (laneArcs[first] as number) : -1;
  const chain = cells.chainLane[cell] as number;
  const position = cells.chainPosition[cell] as number;
  if (chain === lane) return laneArcs[first + position + 1] as number;
  if (chain !== graph.reverseLane[lane]) return -1;
  return laneArcs[(laneArcStart[lane + 1] as number) - 1 - position] as number;
}

/** Seconds that a robot type turns from one heading to the next; none before its first move, and in a lift (NaN). */
export function arcTurnSeconds(cells: CellGraph, robotType: number, before: number, next: number): number {
  const quarterTurnSeconds = cells.graph.robotTypes[robotType]?.quarterTurnSeconds ?? 0;
  if (quarterTurnSeconds === 0 || Number.isNaN(next - before)) return 0;
  const change = Math.abs(next - before) % (2 * Math.PI);
  return (Math.min(change, 2 * Math.PI - change) / (Math.PI / 2)) * quarterTurnSeconds;
}

function chainOf(graph: LaneGraph, lane: number): number {
  const reverse = graph.reverseLane[lane] as number;
  return reverse >= 0 && reverse < lane ? reverse : lane;
}

/** Counting sort: `items[start[k] .. start[k + 1] - 1]` are the positions whose key is k, in order. */
function groupBy(keys: Int32Array, keyCount: number): { start: Int32Array; items: Int32Array } {
  const start = new Int32Array(keyCount + 1);
  for (const key of keys) start[key + 1] = (start[key + 1] as number) + 1;
  for (let key = 0; key < keyCount; key++)
    start[key + 1] = (start[key + 1] as number) + (start[key] as number);
  const next = start.slice();
  const items = new Int32Array(keys.length);
  keys.forEach((key, position) => {
    items[next[key] as number] = position;
    next[key] = (next[key] as number) + 1;
  });
  return { start, items };
}

function stepsOfArcs(graph: LaneGraph, laneArcStart: Int32Array, arcLane: Int32Array) {
  const seconds = graph.freeFlowSeconds.map((ofLane) =>
    Float64Array.from(arcLane, (lane) => {
      const arcs = (laneArcStart[lane + 1] as number) - (laneArcStart[lane] as number);
      return (ofLane[lane] as number) / arcs;
    }),
  );
  let fastest = Infinity;
  for (const ofArc of seconds) for (const value of ofArc) fastest = Math.min(fastest, value);
  const stepSeconds = STEP_SECONDS.find((step) => step <= fastest + 1e-9);
  if (stepSeconds === undefined)
    throw new RangeError(`a cell is crossed in ${fastest} s: too fast to simulate`);
  return { stepSeconds, arcSteps: seconds.map((ofArc) => ofArc.map((value) => value / stepSeconds)) };
}
