import createGraph from 'ngraph.graph';
import { nba } from 'ngraph.path';
import { laneBetween, turnSeconds, type LaneGraph } from '../warehouse/laneGraph.js';

export interface FreeFlowPath {
  readonly nodes: readonly number[];
  readonly lanes: readonly number[];
  readonly lengthMetres: number;
  /** Seconds on the lanes, turning between them, and getting going. */
  readonly driveSeconds: number;
  readonly turnSeconds: number;
  readonly startSeconds: number;
}

/**
 * The quickest way with nobody around, or null where there is none: `ngraph.path`'s `nba` (Pijls and Post
 * 2009), over lanes where this type's turns take time and over nodes where not. Shares nothing with the
 * planner's search, so that one can be held against the other.
 */
export function freeFlowPath(
  graph: LaneGraph,
  { robotType, from, to }: { robotType: number; from: number; to: number },
): FreeFlowPath | null {
  // nba answers [] for a search from a node to itself, as it does for no path.
  if (from === to) return measure(graph, robotType, { nodes: [from], lanes: [] });
  const lanes = graph.turnsTakeTime[robotType]
    ? lanesOverLanes(graph, { robotType, from, to })
    : lanesOverNodes(graph, { robotType, from, to });
  if (!lanes) return null;
  return measure(graph, robotType, {
    nodes: [from, ...lanes.map((lane) => graph.laneTo[lane] as number)],
    lanes,
  });
}

interface Search {
  readonly robotType: number;
  readonly from: number;
  readonly to: number;
}

function usableLanes(graph: LaneGraph, robotType: number): number[] {
  const seconds = graph.freeFlowSeconds[robotType] as Float64Array;
  return Array.from({ length: graph.laneCount }, (_, lane) => lane).filter(
    (lane) => graph.open[lane] === 1 && Number.isFinite(seconds[lane]),
  );
}

function lanesOverNodes(graph: LaneGraph, { robotType, from, to }: Search): number[] | null {
  const seconds = graph.freeFlowSeconds[robotType] as Float64Array;
  const roads = createGraph<undefined, number>();
  for (let node = 0; node < graph.nodeCount; node++) roads.addNode(node);
  for (const lane of usableLanes(graph, robotType)) {
    roads.addLink(graph.laneFrom[lane] as number, graph.laneTo[lane] as number, seconds[lane]);
  }
  const nodes = shortest(roads, from, to);
  return nodes && nodes.slice(1).map((node, i) => laneBetween(graph, nodes[i] as number, node));
}

/** A vertex a lane; a link costs the turn between two lanes and the second one. -1 and -2 are the ends. */
function lanesOverLanes(graph: LaneGraph, { robotType, from, to }: Search): number[] | null {
  const seconds = graph.freeFlowSeconds[robotType] as Float64Array;
  const moves = createGraph<undefined, number>();
  moves.addNode(-1);
  moves.addNode(-2);
  const usable = usableLanes(graph, robotType);
  const mayUse = new Set(usable);
  for (const lane of usable) {
    const end = graph.laneTo[lane] as number;
    if (graph.laneFrom[lane] === from) moves.addLink(-1, lane, seconds[lane]);
    if (end === to) moves.addLink(lane, -2, 0);
    for (let next = graph.laneStart[end] as number; next < (graph.laneStart[end + 1] as number); next++) {
      if (!mayUse.has(next)) continue;
      moves.addLink(lane, next, (seconds[next] as number) + turnSeconds(graph, robotType, lane, next));
    }
  }
  return shortest(moves, -1, -2)?.slice(1, -1) ?? null;
}

function shortest(
  graph: ReturnType<typeof createGraph<undefined, number>>,
  from: number,
  to: number,
): number[] | null {
  const finder = nba<undefined, number>(graph, { oriented: true, distance: (_from, _to, link) => link.data });
  const path = finder.find(from, to).map((node) => Number(node.id));
  return path.length === 0 ? null : path.reverse();
}

function measure(
  graph: LaneGraph,
  robotType: number,
  { nodes, lanes }: { nodes: readonly number[]; lanes: readonly number[] },
): FreeFlowPath {
  const sum = (value: (lane: number, i: number) => number): number =>
    lanes.reduce((total, lane, i) => total + value(lane, i), 0);
  return {
    nodes,
    lanes,
    lengthMetres: sum((lane) => graph.lengthMetres[lane] as number),
    driveSeconds: sum((lane) => (graph.freeFlowSeconds[robotType] as Float64Array)[lane] as number),
    turnSeconds: sum((lane, i) =>
      i === 0 ? 0 : turnSeconds(graph, robotType, lanes[i - 1] as number, lane),
    ),
    startSeconds: lanes.length === 0 ? 0 : (graph.robotTypes[robotType]?.startSeconds ?? 0),
  };
}
