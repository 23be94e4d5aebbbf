import { describe, expect, it } from 'vitest';
import { arcTurnSeconds, createCellGraph } from '../../sim/floor/cellGraph.js';
import { drawPicture } from '../../src/cli/mapPicture.js';
import { freeFlowPath } from '../../src/cli/freeFlowPath.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { laneBetween, turnSeconds } from '../../src/warehouse/laneGraph.js';

/** Due west below, up a lift whose ends lie on one point, and due west again above; or back. */
const graph = compileFile({
  ...{ id: 'lift', mapVersion: '1', stations: ['W'], pickFaces: ['E', 'above'] },
  robotTypes: [{ name: 'unit', maximumSpeed: 1, lengthMetres: 1, quarterTurnSeconds: 5 }],
  laneDefaults: { speedLimit: 1, twoWay: true },
  nodes: [
    { id: 'W', x: 10, y: 0 },
    { id: 'below', x: 0, y: 0 },
    { id: 'above', x: 0, y: 0 },
    { id: 'E', x: -10, y: 0 },
  ],
  lanes: [
    { from: 'W', to: 'below' },
    { from: 'below', to: 'above', lengthMetres: 4 },
    { from: 'above', to: 'E' },
  ],
});
const at = (id: string): number => graph.nodeIndexOf.get(id)!;

describe('a lane whose ends lie on one point', () => {
  it('is turned neither into nor out of, whichever way it is taken', () => {
    for (const [from, to] of [
      ['W', 'E'],
      ['E', 'W'],
    ] as const) {
      const way = freeFlowPath(graph, { robotType: 0, from: at(from), to: at(to) });
      expect(way).toMatchObject({ driveSeconds: 24, turnSeconds: 0 });
    }
    const lift = laneBetween(graph, at('below'), at('above'));
    expect(turnSeconds(graph, 0, lift, graph.reverseLane[lift]!)).toBe(0);
  });

  it('costs no turn on the simulated floor either', () => {
    const cells = createCellGraph(graph);
    expect(arcTurnSeconds(cells, 0, Math.PI, NaN)).toBe(0);
    expect(arcTurnSeconds(cells, 0, NaN, Math.PI)).toBe(0);
  });

  it('can be drawn', () => {
    expect(drawPicture(graph, 'lift')).not.toContain('NaN');
  });
});
