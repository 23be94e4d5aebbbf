import type { LaneGraph } from './laneGraph.js';

/** A graph does not change; its highways are asked for whenever its lanes are priced anew from nothing. */
const known = new WeakMap<LaneGraph, Uint8Array>();

/** Rows whose axes differ by no more than half of this are parallel. */
const AXIS_RADIANS = Math.PI / 4;

/** A straight chain of two-way lanes: an aisle, or a row of cells on open floor. */
interface Row {
  /** Lanes of one way, in driving order. */
  readonly lanes: readonly number[];
  /** Which axis it lies along, in units of `AXIS_RADIANS`; whether its lanes are driven along the axis or against it. */
  readonly axis: number;
  readonly alongAxis: boolean;
  /** Metres: where it lies beside the axis, and from where to where along it. */
  readonly offset: number;
  readonly from: number;
  readonly to: number;
}

/** Two rows that face each other, and over how many metres. */
interface Facing {
  readonly a: number;
  readonly b: number;
  readonly metres: number;
}

/**
 * Highways by rule: every row of two-way lanes prefers one way, and the rows beside it the other ("crisscross",
 * Cohen et al., SoCS 2015; there by row and column numbers, which gives all aisles the same way where their pitch
 * is even). Where three rows face each other in a ring, the pairs that do so over most metres get their will.
 *
 * @returns [L] 1 where a lane runs against its row's preferred way; 0 along it, and on one-way lanes
 */
export function againstHighways(graph: LaneGraph): Readonly<Uint8Array> {
  let against = known.get(graph);
  if (!against) known.set(graph, (against = findHighways(graph)));
  return against;
}

function findHighways(graph: LaneGraph): Uint8Array {
  const rows = straightRows(graph);
  const prefersAxis = alternate(rows.length, facingRows(rows));
  const against = new Uint8Array(graph.laneCount);
  rows.forEach(({ lanes, alongAxis }, row) => {
    const preferred = alongAxis === prefersAxis(row);
    for (const lane of lanes) against[preferred ? graph.reverseLane[lane]! : lane] = 1;
  });
  return against;
}

function straightRows(graph: LaneGraph): Row[] {
  const { laneCount, reverseLane } = graph;
  const taken = new Uint8Array(laneCount);
  const rows: Row[] = [];
  for (let lane = 0; lane < laneCount; lane++) {
    if (reverseLane[lane]! < 0 || taken[lane] === 1) continue;
    take(graph, lane, taken);
    const lanes = [lane, ...straightOn(graph, lane, taken)];
    const back = straightOn(graph, reverseLane[lane]!, taken).map((other) => reverseLane[other]!);
    rows.push(describe(graph, [...back.reverse(), ...lanes]));
  }
  return rows;
}

/** The two-way lanes that follow a lane straight on, as far as no row has them. */
function straightOn(graph: LaneGraph, lane: number, taken: Uint8Array): number[] {
  const lanes: number[] = [];
  let next = graph.straightLane[lane]!;
  while (next >= 0 && graph.reverseLane[next]! >= 0 && taken[next] === 0) {
    take(graph, next, taken);
    lanes.push(next);
    next = graph.straightLane[next]!;
  }
  return lanes;
}

function take(graph: LaneGraph, lane: number, taken: Uint8Array): void {
  taken[lane] = taken[graph.reverseLane[lane]!] = 1;
}

function describe(graph: LaneGraph, lanes: readonly number[]): Row {
  const { x, y, laneFrom, laneTo } = graph;
  const nodes = [laneFrom[lanes[0]!]!, ...lanes.map((lane) => laneTo[lane]!)];
  const [first, last] = [nodes[0]!, nodes.at(-1)!];
  const heading = Math.atan2(y[last]! - y[first]!, x[last]! - x[first]!);
  const axes = Math.PI / AXIS_RADIANS;
  const turns = Math.round(heading / AXIS_RADIANS);
  const axis = ((turns % axes) + axes) % axes;
  const [alongX, alongY] = [Math.cos(axis * AXIS_RADIANS), Math.sin(axis * AXIS_RADIANS)];
  const along = nodes.map((node) => x[node]! * alongX + y[node]! * alongY);
  const beside = nodes.map((node) => y[node]! * alongX - x[node]! * alongY);
  return {
    ...{ lanes, axis, alongAxis: along.at(-1)! > along[0]! },
    offset: beside.reduce((sum, metres) => sum + metres, 0) / nodes.length,
    from: along.reduce((least, metres) => Math.min(least, metres)),
    to: along.reduce((most, metres) => Math.max(most, metres)),
  };
}

/** A stretch of the axis and the row that is seen there. */
interface Part {
  readonly row: number;
  readonly from: number;
  readonly to: number;
}

/** The first part that reaches beyond `metres`; their count where none does. */
function firstAfter(parts: readonly Part[], metres: number): number {
  let [low, high] = [0, parts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (parts[middle]!.to > metres) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Which parallel rows see each other: row after row is laid over what is visible of those before it. */
function facingRows(rows: readonly Row[]): Facing[] {
  const facing: Facing[] = [];
  for (const axis of new Set(rows.map((row) => row.axis))) {
    const inOrder = [...rows.keys()].filter((row) => rows[row]!.axis === axis);
    inOrder.sort((a, b) => rows[a]!.offset - rows[b]!.offset);
    // What is visible of the rows so far, along the axis; no two parts overlap.
    const visible: Part[] = [];
    for (const row of inOrder) {
      const { from, to } = rows[row]!;
      const start = firstAfter(visible, from);
      let end = start;
      for (; end < visible.length && visible[end]!.from < to; end++) {
        const part = visible[end]!;
        facing.push({ a: part.row, b: row, metres: Math.min(part.to, to) - Math.max(part.from, from) });
      }
      const [left, right] = [visible[start], visible[end - 1]];
      const still: Part[] = [{ row, from, to }];
      if (end > start && left!.from < from) still.unshift({ ...left!, to: from });
      if (end > start && right!.to > to) still.push({ ...right!, from: to });
      visible.splice(start, end - start, ...still);
    }
  }
  return facing;
}

/**
 * Gives neighbours different ways, those that face each other longest first (a maximum spanning forest).
 * @returns whether a row prefers the way along its axis
 */
function alternate(rowCount: number, facing: readonly Facing[]): (row: number) => boolean {
  const parent = Int32Array.from({ length: rowCount }, (_, row) => row);
  const differs = new Uint8Array(rowCount);
  /** The root of a row's tree, and whether their ways differ; rows on the way are hung below the root. */
  const find = (row: number): { readonly root: number; readonly other: number } => {
    let [root, other] = [row, 0];
    for (; parent[root] !== root; root = parent[root]!) other ^= differs[root]!;
    for (let [at, way] = [row, other]; at !== root;) {
      const [next, step] = [parent[at]!, differs[at]!];
      parent[at] = root;
      differs[at] = way;
      way ^= step;
      at = next;
    }
    return { root, other };
  };
  for (const { a, b } of [...facing].sort((one, two) => two.metres - one.metres)) {
    const [left, right] = [find(a), find(b)];
    if (left.root === right.root) continue;
    parent[right.root] = left.root;
    differs[right.root] = 1 ^ left.other ^ right.other;
  }
  return (row) => find(row).other === 0;
}
