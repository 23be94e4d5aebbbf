import { groupMembers, groupOffsets } from './laneArrays.js';

/** A directed graph as two parallel lists of node numbers. */
export interface EdgeList {
  readonly nodeCount: number;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * [N] the strongly connected component of each node: within one, every node reaches every other.
 * Tarjan 1972, with its own stack, because a long aisle is deeper than the call stack.
 */
export function strongComponents(edges: EdgeList): Int32Array {
  const { nodeCount } = edges;
  const start = groupOffsets(edges.from, nodeCount);
  const edgeOf = groupMembers(start, edges.from);
  const component = new Int32Array(nodeCount).fill(-1);
  const order = new Int32Array(nodeCount).fill(-1);
  const low = new Int32Array(nodeCount);
  const nextEdge = start.slice(0, nodeCount);
  const open: number[] = [];
  const path: number[] = [];
  let visited = 0;
  let components = 0;

  const enter = (node: number): void => {
    order[node] = low[node] = visited++;
    open.push(node);
    path.push(node);
  };
  const leave = (node: number): void => {
    path.pop();
    const parent = path.at(-1);
    if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number);
    if (low[node] !== order[node]) return;
    for (let member = -1; member !== node;) {
      member = open.pop() as number;
      component[member] = components;
    }
    components++;
  };

  for (let root = 0; root < nodeCount; root++) {
    if (order[root] === -1) enter(root);
    while (path.length > 0) {
      const node = path.at(-1) as number;
      const edge = nextEdge[node] as number;
      if (edge === (start[node + 1] as number)) {
        leave(node);
        continue;
      }
      nextEdge[node] = edge + 1;
      const target = edges.to[edgeOf[edge] as number] as number;
      if (order[target] === -1) enter(target);
      else if (component[target] === -1) low[node] = Math.min(low[node] as number, order[target] as number);
    }
  }
  return component;
}
