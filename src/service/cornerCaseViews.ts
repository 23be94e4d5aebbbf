import type { CornerCaseDetail, CornerCaseView } from '../domain/serviceContract.js';
import { laneBetween, laneName, type LaneGraph } from '../warehouse/laneGraph.js';
import { errorSecondsOf, type CornerCase } from './cornerCases.js';

/** A case in a list: all but its floor. */
export function viewOfCase(found: CornerCase): CornerCaseView {
  const { robots, closedLanes, ...head } = found;
  return {
    ...head,
    errorSeconds: errorSecondsOf(found),
    robots: robots.length,
    openRoutes: robots.filter(({ path }) => path.length > 0).length,
    closedLanes: closedLanes.length,
  };
}

/** A case with its floor, in names. Planned flow as it was before the route itself was planned. */
export function detailOfCase(graph: LaneGraph, found: CornerCase): CornerCaseDetail {
  const name = (node: number): string => graph.nodeIds[node]!;
  return {
    ...viewOfCase(found),
    floor: {
      closedLanes: found.closedLanes.map((lane) => laneName(graph, lane)),
      plannedFlow: [...plannedFlow(graph, found)].map(([lane, routes]) => ({
        ...laneName(graph, lane),
        routes,
      })),
      robots: found.robots.map(({ robotType, node, path, stopIndexes, handlingSeconds }) => ({
        robotType: graph.robotTypes[robotType]!.name,
        node: name(node),
        path: path.map(name),
        stopIndexes: [...stopIndexes],
        handlingSeconds: [...handlingSeconds],
      })),
    },
  };
}

function plannedFlow(graph: LaneGraph, { robots }: CornerCase): Map<number, number> {
  const flow = new Map<number, number>();
  for (const { path } of robots.slice(1)) {
    path.slice(1).forEach((node, i) => {
      const lane = laneBetween(graph, path[i]!, node);
      flow.set(lane, (flow.get(lane) ?? 0) + 1);
    });
  }
  return flow;
}
