import { describe, expect, it } from 'vitest';
import { lanesOnTheWay } from '../../src/planning/onTheWay.js';
import { createRandom } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { generateWarehouse, LAYOUTS } from '../../src/warehouse/layouts.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { randomFloor } from './support/randomFloor.js';

/** Which lanes do, from nothing but the seconds between all nodes (Floyd 1962). */
function fromScratch(graph: LaneGraph): boolean[] {
  const { nodeCount, laneCount, laneFrom, laneTo, reverseLane, steps, stations, pickFaces } = graph;
  const seconds = Array.from({ length: nodeCount }, (_, a) =>
    Array.from({ length: nodeCount }, (__, b) => (a === b ? 0 : Infinity)),
  );
  for (let lane = 0; lane < laneCount; lane++) seconds[laneFrom[lane]!]![laneTo[lane]!] = steps[lane]!;
  for (let by = 0; by < nodeCount; by++)
    for (let a = 0; a < nodeCount; a++)
      for (let b = 0; b < nodeCount; b++)
        seconds[a]![b] = Math.min(seconds[a]![b]!, seconds[a]![by]! + seconds[by]![b]!);
  const lies = (lane: number): boolean =>
    pickFaces.some((pick) =>
      stations.some((station) => {
        const over = seconds[pick]![laneFrom[lane]!]! + steps[lane]! + seconds[laneTo[lane]!]![station]!;
        return over < Infinity && over <= 1.25 * seconds[pick]![station]!;
      }),
    );
  return Array.from(
    { length: laneCount },
    (_, lane) => lies(lane) || (reverseLane[lane]! >= 0 && lies(reverseLane[lane]!)),
  );
}

describe('the lanes on the way', () => {
  it('lie between a pick face and a station, with a quarter more at most', () => {
    let some = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed);
      const floor = randomFloor(random, 6);
      const nodes = (): number[] => Array.from({ length: 3 }, () => random.integer(floor.nodeCount));
      const graph = { ...floor, stations: nodes(), pickFaces: nodes() } as unknown as LaneGraph;
      const wanted = fromScratch(graph);
      if (!wanted.includes(true)) continue;
      if (wanted.includes(false)) some++;
      expect([...lanesOnTheWay(graph)]).toEqual(wanted.map(Number));
    }
    expect(some).toBeGreaterThan(30);
  });

  it('are none of a yard behind the stations', () => {
    const graph = gridFromText('E...W....\n@@@@.....\n@@@@.....');
    const onTheWay = lanesOnTheWay(graph);
    const columns = Array.from(onTheWay, (isOn, lane) => isOn * graph.x[graph.laneTo[lane]!]!);
    expect(Math.max(...columns)).toBe(4);
    expect(onTheWay.reduce((sum, isOn) => sum + isOn, 0)).toBe(2 * 4);
  });

  it.each(Object.keys(LAYOUTS))(
    'are all two-way lanes of %s, and all of a map without stations or pick faces',
    (layout) => {
      const graph = compileFile(generateWarehouse(layout));
      const twoWay = lanesOnTheWay(graph).filter((_, lane) => graph.reverseLane[lane]! >= 0);
      expect(twoWay).not.toContain(0);
      expect(lanesOnTheWay({ ...graph, pickFaces: [] })).not.toContain(0);
    },
  );
});
