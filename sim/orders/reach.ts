import { AppError } from '../../src/domain/errors.js';
import type { NodeIndex } from '../../src/domain/ids.js';
import type { Random } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { strongComponents } from '../../src/warehouse/strongComponents.js';

/** The part of a warehouse that robots of one type can go round in. */
export interface Reach {
  readonly nodes: readonly NodeIndex[];
  readonly pickFaces: readonly NodeIndex[];
  readonly stations: readonly NodeIndex[];
  has(node: number): boolean;
}

/** The largest set of nodes that reach each other on open lanes that do not bar the type. */
export function reachOf(graph: LaneGraph, robotType: number): Reach {
  const seconds = graph.freeFlowSeconds[robotType];
  if (!seconds) throw new RangeError(`robot type ${robotType} is not on the map`);
  const from: number[] = [];
  const to: number[] = [];
  for (let lane = 0; lane < graph.laneCount; lane++) {
    if (graph.open[lane] === 0 || seconds[lane] === Infinity) continue;
    from.push(graph.laneFrom[lane] as number);
    to.push(graph.laneTo[lane] as number);
  }
  const component = strongComponents({ nodeCount: graph.nodeCount, from, to });
  const sizes = new Map<number, number>();
  for (const name of component) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  const largest = [...sizes].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [-1, 0])[0];
  const has = (node: number): boolean => component[node] === largest;
  const all = Array.from({ length: graph.nodeCount }, (_, node) => node as NodeIndex);
  return {
    nodes: all.filter(has),
    pickFaces: graph.pickFaces.filter(has),
    stations: graph.stations.filter(has),
    has,
  };
}

/**
 * A different node for each robot, where its type can get away from, by lot. Types that reach least choose
 * first, so that no one takes the only places that another has.
 * @throws E_USAGE where there are more robots than places
 */
export function randomStarts(graph: LaneGraph, robotTypes: readonly number[], random: Random): NodeIndex[] {
  const starts = new Array<NodeIndex>(robotTypes.length);
  const taken = new Set<NodeIndex>();
  const reaches = [...new Set(robotTypes)].map((type) => ({ type, nodes: reachOf(graph, type).nodes }));
  reaches.sort((a, b) => a.nodes.length - b.nodes.length);
  for (const { type, nodes } of reaches) {
    const free = random.shuffle(nodes.filter((node) => !taken.has(node)));
    robotTypes.forEach((own, robot) => {
      if (own !== type) return;
      const start = free.pop();
      if (start === undefined)
        throw new AppError('E_USAGE', {
          detail: `${robotTypes.length} robots do not fit on ${graph.warehouseId}`,
        });
      starts[robot] = start;
      taken.add(start);
    });
  }
  return starts;
}
