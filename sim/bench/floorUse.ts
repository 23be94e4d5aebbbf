import type { TopLevelSpec } from 'vega-lite';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { Floor } from '../floor/floor.js';
import type { Chart } from './charts.js';
import { CHART_BASE } from './qualityCharts.js';

/** How much one node was used. */
export interface NodeUse {
  readonly node: string;
  /** Share of the steps in which it was the last node that some robot had reached: on a grid, in which one stood there. */
  readonly held: number;
  /** Robots that arrived, a step. */
  readonly arrivals: number;
}

/** What carries a run's traffic, and what bounds it. */
export interface FloorUse {
  /** A step has passed. */
  count(floor: Floor): void;
  /** The nodes that most robots came through, stations and pick faces left out: robots stop there. */
  busiest(): readonly NodeUse[];
  chart(file: string): Chart;
}

const BUSIEST_NODES = 12;
/** Pixels of the longer side of each panel. */
const PANEL_PIXELS = 420;

export function createFloorUse(graph: LaneGraph): FloorUse {
  const { nodeCount, nodeIds } = graph;
  const held = new Uint32Array(nodeCount);
  const arrivals = new Uint32Array(nodeCount);
  const nodeOf: number[] = [];
  const heldAt = new Int32Array(nodeCount);
  let steps = 0;

  const useOf = (node: number): NodeUse => ({
    node: nodeIds[node]!,
    held: held[node]! / Math.max(1, steps),
    arrivals: arrivals[node]! / Math.max(1, steps),
  });

  return {
    count(floor) {
      steps++;
      for (let robot = 0; robot < floor.cellsOfRobots().length; robot++) {
        const node = floor.nodeOf(robot);
        if (heldAt[node] !== steps) held[node]!++;
        heldAt[node] = steps;
        if (node !== (nodeOf[robot] ?? node)) arrivals[node]!++;
        nodeOf[robot] = node;
      }
    },
    busiest: () =>
      Array.from({ length: nodeCount }, (_, node) => node)
        .filter((node) => graph.isStation[node] === 0 && graph.isPickFace[node] === 0)
        .sort((a, b) => arrivals[b]! - arrivals[a]! || a - b)
        .slice(0, BUSIEST_NODES)
        .map(useOf),
    chart: (file) => ({
      title: 'Use of the floor',
      file,
      spec: useSpec(
        graph,
        Array.from({ length: nodeCount }, (_, node) => useOf(node)),
      ),
    }),
  };
}

/** One panel for how long nodes are held, one for how many robots come through. */
function useSpec({ x, y }: LaneGraph, uses: readonly NodeUse[]): TopLevelSpec {
  const spanX = 1 + Math.max(...x) - Math.min(...x);
  const spanY = 1 + Math.max(...y) - Math.min(...y);
  const scale = PANEL_PIXELS / Math.max(spanX, spanY);
  const panel = (field: 'held' | 'arrivals', title: string) => ({
    title,
    ...{ width: scale * spanX, height: scale * spanY },
    mark: { type: 'square' as const, size: Math.max(4, scale ** 2), opacity: 1 },
    encoding: {
      x: { field: 'x', type: 'quantitative' as const, axis: null, scale: { zero: false, nice: false } },
      y: {
        ...{ field: 'y', type: 'quantitative' as const, axis: null },
        scale: { zero: false, nice: false, reverse: true },
      },
      color: {
        ...{ field, type: 'quantitative' as const, title: null },
        scale: { scheme: 'viridis' as const, domainMin: 0 },
      },
    },
  });
  return {
    ...CHART_BASE,
    data: { values: uses.map((use, node) => ({ ...use, x: x[node], y: y[node] })) },
    resolve: { scale: { color: 'independent' } },
    hconcat: [panel('held', 'share of the steps held'), panel('arrivals', 'robots arriving, a step')],
  };
}
