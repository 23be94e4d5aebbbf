import { orderTour, type VisitOrder } from '../../src/planning/tourOrder.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';

export const VISIT_ORDERS = ['exact', 'nearest', 's-shape'] as const;
export type VisitOrderName = (typeof VISIT_ORDERS)[number];

/** Orders of visit to compare: the planner's own (exact up to 12 stops) and two that warehouses use. */
export function visitOrder(name: VisitOrderName, graph: LaneGraph): VisitOrder {
  switch (name) {
    case 'exact':
      return orderTour;
    case 'nearest':
      return nearestNeighbour;
    case 's-shape':
      return sShape(graph);
  }
}

/** Always the cheapest next stop, by the prices that the legs are planned under. */
const nearestNeighbour: VisitOrder = (matrix, { stops }, { length: width }) => {
  const left = new Set(Array.from({ length: stops }, (_, stop) => stop));
  const order: number[] = [];
  for (let place = 0; left.size > 0;) {
    let nearest = -1;
    for (const stop of left) {
      const cost = matrix[place * width + stop + 1]!;
      if (nearest < 0 || cost < matrix[place * width + nearest + 1]!) nearest = stop;
    }
    left.delete(nearest);
    order.push(nearest);
    place = nearest + 1;
  }
  return { order };
};

/**
 * Aisle by aisle from the side where the tour begins, every other aisle backwards (de Koster et al., 2007): looks
 * at no cost at all.
 */
function sShape(graph: LaneGraph): VisitOrder {
  const aisles = findAisles(graph);
  return (_matrix, { stops }, places) => {
    const start = places[0]!;
    const byAisle = new Map<number, number[]>();
    for (let stop = 0; stop < stops; stop++) {
      const aisle = aisles.aisleOf(places[stop + 1]!);
      byAisle.set(aisle, [...(byAisle.get(aisle) ?? []), stop]);
    }
    const visited = [...byAisle.keys()].sort((a, b) => a - b);
    const own = aisles.aisleOf(start);
    if (Math.abs(own - visited[0]!) > Math.abs(own - visited.at(-1)!)) visited.reverse();
    const along = (stop: number): number => aisles.along[places[stop + 1]!]!;
    const order: number[] = [];
    let forward: boolean | null = null;
    for (const aisle of visited) {
      const inAisle = byAisle.get(aisle)!.sort((a, b) => along(a) - along(b));
      const from = aisles.along[start]!;
      forward =
        forward === null
          ? Math.abs(from - along(inAisle[0]!)) <= Math.abs(from - along(inAisle.at(-1)!))
          : !forward;
      order.push(...(forward ? inAisle : inAisle.reverse()));
    }
    return { order };
  };
}

interface Aisles {
  /** [N] metres along the aisles. */
  readonly along: Float64Array;
  aisleOf(node: number): number;
}

/**
 * Aisles run where pick faces follow each other; lines of pick faces that look at each other over nothing but open
 * floor are one aisle.
 */
function findAisles(graph: LaneGraph): Aisles {
  let [horizontal, vertical] = [0, 0];
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const [from, to] = [graph.laneFrom[lane]!, graph.laneTo[lane]!];
    if (graph.isPickFace[from] === 0 || graph.isPickFace[to] === 0) continue;
    if (graph.y[from] === graph.y[to]) horizontal++;
    else if (graph.x[from] === graph.x[to]) vertical++;
  }
  const [across, along] = vertical > horizontal ? [graph.x, graph.y] : [graph.y, graph.x];
  const nodesOn = new Map<number, number>();
  for (const line of across) nodesOn.set(line, (nodesOn.get(line) ?? 0) + 1);
  const all = [...nodesOn.keys()].sort((a, b) => a - b);
  const most = Math.max(...nodesOn.values());
  const faces = [...new Set(graph.pickFaces.map((face) => across[face]!))].sort((a, b) => a - b);
  const aisleOfLine = new Map<number, number>();
  let aisle = 0;
  faces.forEach((line, i) => {
    const before = all.slice(all.indexOf(faces[i - 1] ?? line) + 1, all.indexOf(line));
    const isOpen = before.length === 1 && nodesOn.get(before[0]!)! >= OPEN_SHARE * most;
    if (i > 0 && !isOpen) aisle++;
    aisleOfLine.set(line, aisle);
  });
  const nearestLine = (value: number): number =>
    faces.reduce((best, line) => (Math.abs(line - value) < Math.abs(best - value) ? line : best));
  return { along, aisleOf: (node) => aisleOfLine.get(nearestLine(across[node]!))! };
}
/** A line with so many of the longest line's nodes is floor, not shelves. */
const OPEN_SHARE = 0.9;
