import type { CellGraph } from './cellGraph.js';

/** Bytes of all cached tables, enough for a thousand goals on 100,000 cells; the one unused for longest goes first. */
const TABLE_BYTES_LIMIT = 512 * 1024 * 1024;

/** Distance of every cell to a goal node over open lanes, one table a goal and robot type. */
export interface DistanceTables {
  /** [C] steps (or other costs), Infinity where the goal cannot be reached. Treat it as read-only. */
  to(goal: number, robotType: number): Float32Array;
  /** Forgets all tables: lanes were closed or opened. */
  clear(): void;
}

/** @param arcCosts [T][A] what a table adds up: steps, unless robots go by something else */
export function createDistanceTables(
  cells: CellGraph,
  arcCosts: readonly Float64Array[] = cells.arcSteps,
): DistanceTables {
  const tableLimit = Math.max(16, Math.floor(TABLE_BYTES_LIMIT / (4 * cells.cellCount)));
  const tables = new Map<number, Float32Array>();
  const types = arcCosts.length;
  return {
    to(goal, robotType) {
      const key = goal * types + robotType;
      let table = tables.get(key);
      // Deleted and set again: a Map iterates in order of insertion, so the first key is the oldest.
      if (table) tables.delete(key);
      else table = distancesTo(cells, goal, arcCosts[robotType] as Float64Array);
      tables.set(key, table);
      if (tables.size > tableLimit) tables.delete(tables.keys().next().value as number);
      return table;
    },
    clear: () => tables.clear(),
  };
}

/** Dijkstra against the arcs, on a binary heap with lazy deletion. */
function distancesTo(cells: CellGraph, goal: number, arcCost: Float64Array): Float32Array {
  const { inStart, inArcs, arcFrom, arcLane, nodeCount } = cells;
  const { open } = cells.graph;
  const distance = new Float32Array(cells.cellCount).fill(Infinity);
  const heap = createHeap();
  distance[goal] = 0;
  heap.push(0, goal);
  for (let cell = heap.pop(); cell >= 0; cell = heap.pop()) {
    const here = distance[cell] as number;
    if (heap.poppedKey() > here) continue;
    const end = inStart[cell + 1] as number;
    for (let slot = inStart[cell] as number; slot < end; slot++) {
      const arc = inArcs[slot] as number;
      const from = arcFrom[arc] as number;
      // A closed lane is not entered; who is inside it drives on.
      if (from < nodeCount && open[arcLane[arc] as number] === 0) continue;
      const there = Math.fround(here + (arcCost[arc] as number));
      if (there < (distance[from] as number)) {
        distance[from] = there;
        heap.push(there, from);
      }
    }
  }
  return distance;
}

function createHeap() {
  const keys: number[] = [];
  const items: number[] = [];
  let poppedKey = 0;
  const put = (slot: number, key: number, item: number) => {
    keys[slot] = key;
    items[slot] = item;
  };
  return {
    poppedKey: () => poppedKey,
    push(key: number, item: number) {
      let slot = keys.length;
      while (slot > 0) {
        const parent = (slot - 1) >> 1;
        if ((keys[parent] as number) <= key) break;
        put(slot, keys[parent] as number, items[parent] as number);
        slot = parent;
      }
      put(slot, key, item);
    },
    /** The item with the smallest key, or -1. */
    pop(): number {
      if (keys.length === 0) return -1;
      poppedKey = keys[0] as number;
      const top = items[0] as number;
      const key = keys.pop() as number;
      const item = items.pop() as number;
      const size = keys.length;
      if (size === 0) return top;
      let slot = 0;
      for (let child = 1; child < size; child = 2 * slot + 1) {
        if (child + 1 < size && (keys[child + 1] as number) < (keys[child] as number)) child++;
        if ((keys[child] as number) >= key) break;
        put(slot, keys[child] as number, items[child] as number);
        slot = child;
      }
      put(slot, key, item);
      return top;
    },
  };
}
