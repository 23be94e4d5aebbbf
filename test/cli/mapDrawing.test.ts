import { describe, expect, it } from 'vitest';
import { drawMap } from '../../src/cli/mapDrawing.js';
import { drawPicture } from '../../src/cli/mapPicture.js';
import { LIMITS } from '../../src/domain/limits.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

type Place = readonly [x: number, y: number];

/** A path through the places, both ways, and nodes that no lane leads to. */
function path(places: readonly Place[], unused: readonly Place[] = []): LaneGraph {
  const nodes = [...places, ...unused].map(([x, y], i) => ({ id: `n${i}`, x, y }));
  return compileFile({
    ...{ id: 'path', mapVersion: '1', stations: ['n0'], pickFaces: ['n1'], nodes },
    robotTypes: [{ name: 'unit', maximumSpeed: 1, lengthMetres: 1 }],
    laneDefaults: { speedLimit: 1, twoWay: true },
    lanes: places.slice(1).map((_place, i) => ({ from: `n${i}`, to: `n${i + 1}` })),
  });
}

describe('a map in letters', () => {
  it('shows long lanes between whole metres as floor', () => {
    const graph = path([
      [0, 0],
      [12, 0],
      [12, 6],
    ]);
    const { rows, exact } = drawMap(graph, 160);
    expect(exact).toBe(false);
    expect(rows[0]).toMatch(/^W\.+E$/);
  });

  it('is an overview where a grid has more rows than are drawn', () => {
    const [near, far] = [LIMITS.drawnRows - 1, LIMITS.drawnRows].map((row) =>
      drawMap(
        path(
          [
            [0, 0],
            [1, 0],
          ],
          [[0, row]],
        ),
        160,
      ),
    );
    expect([near!.exact, near!.rows.length]).toEqual([true, LIMITS.drawnRows]);
    expect(far!.exact).toBe(false);
    expect(far!.rows.length).toBeLessThan(200);
  });
});

describe('a picture of a map', () => {
  it('has the shelves of a grid, and none where a node far off would make them of all that lies between', () => {
    const shelves = (graph: LaneGraph): number => drawPicture(graph, 'x').split('height="0.94"').length - 1;
    expect(shelves(gridFromText('W.\n.@\nE.'))).toBe(1);
    const far = path(
      [
        [0, 0],
        [1, 0],
      ],
      [[300, 300]],
    );
    expect(shelves(far)).toBe(0);
  });

  it('has each of 150,000 lanes that look alike', () => {
    const laneCount = 150_000;
    const graph = {
      ...path([
        [0, 0],
        [1, 0],
      ]),
      ...{ laneCount, laneFrom: new Int32Array(laneCount), laneTo: new Int32Array(laneCount).fill(1) },
      ...{ reverseLane: new Int32Array(laneCount).fill(-1), barredTypes: new Uint32Array(laneCount) },
      ...{ speedLimit: new Float64Array(laneCount).fill(1), open: new Uint8Array(laneCount).fill(1) },
    };
    expect(drawPicture(graph, 'long').split('M0 0L1 0')).toHaveLength(laneCount + 1);
  });
});
