/** What follows from where lanes start, end and head: typed arrays over nodes and lanes. */

/** [N + 1] where each node's group begins, when items are sorted by node. */
export function groupOffsets(nodeOf: ArrayLike<number>, nodeCount: number): Int32Array {
  const start = new Int32Array(nodeCount + 1);
  for (let item = 0; item < nodeOf.length; item++) {
    const next = (nodeOf[item] as number) + 1;
    start[next] = (start[next] as number) + 1;
  }
  for (let node = 0; node < nodeCount; node++) {
    start[node + 1] = (start[node + 1] as number) + (start[node] as number);
  }
  return start;
}

/** [items] the items themselves, sorted by node, in their own order within a group. */
export function groupMembers(start: Int32Array, nodeOf: ArrayLike<number>): Int32Array {
  const next = start.slice();
  const members = new Int32Array(nodeOf.length);
  for (let item = 0; item < nodeOf.length; item++) {
    const node = nodeOf[item] as number;
    const slot = next[node] as number;
    members[slot] = item;
    next[node] = slot + 1;
  }
  return members;
}

/** [L] the lane the other way, or -1. */
export function reverseLanes(laneStart: Int32Array, laneFrom: Int32Array, laneTo: Int32Array): Int32Array {
  return laneTo.map((end, lane) => {
    for (let back = laneStart[end] as number; back < (laneStart[end + 1] as number); back++) {
      if (laneTo[back] === laneFrom[lane]) return back;
    }
    return -1;
  });
}

/** [L] the lane that goes on from the end with the smallest turn, if that is under 45 degrees, or -1. */
export function straightLanes(laneStart: Int32Array, laneTo: Int32Array, heading: Float64Array): Int32Array {
  return laneTo.map((end, lane) => {
    let best = -1;
    // Just under 45 degrees, so that rounding does not let an exact diagonal pass.
    let bestTurn = Math.PI / 4 - 1e-9;
    for (let next = laneStart[end] as number; next < (laneStart[end + 1] as number); next++) {
      const change = Math.abs((heading[next] as number) - (heading[lane] as number));
      const turn = Math.min(change, 2 * Math.PI - change);
      if (turn < bestTurn) {
        best = next;
        bestTurn = turn;
      }
    }
    return best;
  });
}
