import type { MapSize } from '../journal/records.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';

export function mapSizeOf({ nodeCount, laneCount, robotTypes }: LaneGraph): MapSize {
  return { nodes: nodeCount, lanes: laneCount, robotTypes: robotTypes.length };
}

/** Whether a record is of this map, as far as it says. */
export function isOfMap(
  graph: LaneGraph,
  { mapVersion, mapSize }: { readonly mapVersion?: string; readonly mapSize?: MapSize },
): boolean {
  const size = mapSizeOf(graph);
  const { nodes, lanes, robotTypes } = mapSize ?? size;
  const isAsLarge = nodes === size.nodes && lanes === size.lanes && robotTypes === size.robotTypes;
  return isAsLarge && (mapVersion ?? graph.mapVersion) === graph.mapVersion;
}
