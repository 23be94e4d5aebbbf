import { blobOfFloats, floatsOfBlob, type JournalRecord, type NewRecord } from '../journal/records.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import type { CornerCase, PlacedRobot } from './cornerCases.js';
import { isOfMap, mapSizeOf } from './mapSize.js';

/**
 * A corner case in the journal. Its blob holds, all as floats (indexes are far below 2^24): how many lanes were
 * closed, those lanes; then for each robot its type, node, path length and number of stops, the path, and for
 * each stop its place in the path and its handling seconds.
 */
export function cornerCaseRecord(
  graph: LaneGraph,
  found: CornerCase,
  evicted: string | null,
): NewRecord<'corner.kept'> {
  const { robots, closedLanes, ...payload } = found;
  const numbers = [closedLanes.length, ...closedLanes];
  for (const { robotType, node, path, stopIndexes, handlingSeconds } of robots) {
    numbers.push(robotType, node, path.length, stopIndexes.length);
    for (const step of path) numbers.push(step);
    stopIndexes.forEach((index, i) => numbers.push(index, handlingSeconds[i]!));
  }
  return {
    at: found.completedAt,
    warehouseId: graph.warehouseId,
    kind: 'corner.kept',
    payload: { ...payload, mapSize: mapSizeOf(graph), evicted, rowLength: 1 },
    blob: blobOfFloats(Float32Array.from(numbers)),
  };
}

/** Null where the map has changed since: its indexes mean other places now. */
export function cornerCaseOf(
  graph: LaneGraph,
  { payload, blob }: JournalRecord<'corner.kept'>,
): CornerCase | null {
  if (!isOfMap(graph, payload)) return null;
  const numbers = floatsOfBlob(blob);
  let at = 0;
  const take = (count: number): number[] => Array.from(numbers.subarray(at, (at += count)));
  const closedLanes = take(take(1)[0]!);
  const robots: PlacedRobot[] = [];
  while (at < numbers.length) {
    const [robotType, node, pathLength, stopCount] = take(4) as [number, number, number, number];
    const path = take(pathLength);
    const stops = take(2 * stopCount);
    robots.push({
      ...{ robotType, node, path },
      stopIndexes: stops.filter((_, i) => i % 2 === 0),
      handlingSeconds: stops.filter((_, i) => i % 2 === 1),
    });
  }
  const { rowLength: _rowLength, evicted: _evicted, mapSize: _mapSize, ...known } = payload;
  return { ...known, closedLanes, robots };
}
