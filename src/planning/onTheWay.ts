import type { LaneGraph } from '../warehouse/laneGraph.js';
import { createHeap } from './heap.js';

/** A lane is on the way where the way over it is at most so much longer than the fastest. */
const LONGER = 1.25;
/** Of more stations, so many by even steps of their list: on the sites tried, what one more adds is not seen. */
const STATIONS_TRIED = 4;

/**
 * Which lanes robots drive that bring picks to stations: those on a way from a pick face to a station that is at most a
 * quarter longer than the fastest, either way round. What lies aside, a hall for goods that wait or a yard, says nothing of how
 * crowded the rest is (decision 0013).
 *
 * @returns [L] 1 where it is one; on a map without stations or pick faces, and where none leads to any, all are
 */
export function lanesOnTheWay(graph: LaneGraph): Uint8Array {
  const { laneCount, laneFrom, laneTo, reverseLane, steps, stations, pickFaces } = graph;
  const onTheWay = new Uint8Array(laneCount);
  for (const station of evenly(stations, STATIONS_TRIED)) {
    const left = secondsFrom(graph, [[station, 0]], 'backwards');
    // Below 0 by what a robot that left some pick face may still lose on its way to the station.
    const begun = pickFaces
      .filter((pick) => left[pick]! < Infinity)
      .map((pick): Begun => [pick, -LONGER * left[pick]!]);
    const lost = secondsFrom(graph, begun, 'forwards');
    for (let lane = 0; lane < laneCount; lane++) {
      if (lost[laneFrom[lane]!]! + steps[lane]! + left[laneTo[lane]!]! > 0) continue;
      onTheWay[lane] = 1;
      if (reverseLane[lane]! >= 0) onTheWay[reverseLane[lane]!] = 1;
    }
  }
  return onTheWay.includes(1) ? onTheWay : onTheWay.fill(1);
}

type Begun = readonly [node: number, seconds: number];

/** [N] seconds of the fastest robot from or to the nearest of these, counted from theirs. Dijkstra 1959. */
function secondsFrom(graph: LaneGraph, begun: readonly Begun[], way: 'forwards' | 'backwards'): Float64Array {
  const { nodeCount, laneFrom, laneTo, laneStart, inStart, inLanes, steps } = graph;
  const seconds = new Float64Array(nodeCount).fill(Infinity);
  const heap = createHeap(nodeCount);
  const reach = (node: number, total: number): void => {
    if (total >= seconds[node]!) return;
    seconds[node] = total;
    heap.push(node, total);
  };
  for (const [node, total] of begun) reach(node, total);
  for (let node = heap.pop(); node >= 0; node = heap.pop()) {
    const at = seconds[node]!;
    if (way === 'forwards') {
      for (let lane = laneStart[node]!; lane < laneStart[node + 1]!; lane++)
        reach(laneTo[lane]!, at + steps[lane]!);
    } else {
      for (let i = inStart[node]!; i < inStart[node + 1]!; i++)
        reach(laneFrom[inLanes[i]!]!, at + steps[inLanes[i]!]!);
    }
  }
  return seconds;
}

function evenly<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / count)]!);
}
