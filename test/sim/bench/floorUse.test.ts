import { describe, expect, it } from 'vitest';
import { createFloorUse } from '../../../sim/bench/floorUse.js';
import type { Floor } from '../../../sim/floor/floor.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

describe('the use of a floor', () => {
  const graph = gridFromText(`
    e...w
    .....`);
  const at = (...ids: string[]): Floor =>
    ({
      nodeOf: (robot: number) => graph.nodeIndexOf.get(ids[robot]!)!,
      cellsOfRobots: () => new Int32Array(ids.length),
    }) as unknown as Floor;

  it('counts steps held once for all robots, and arrivals for each', () => {
    const use = createFloorUse(graph);
    use.count(at('r0c0', 'r0c2'));
    use.count(at('r0c1', 'r0c2'));
    use.count(at('r0c2', 'r0c2'));
    use.count(at('r0c2', 'r0c3'));
    const [first, second, third] = use.busiest();
    expect(first).toEqual({ node: 'r0c1', held: 0.25, arrivals: 0.25 });
    expect(second).toEqual({ node: 'r0c2', held: 1, arrivals: 0.25 });
    expect(third).toEqual({ node: 'r0c3', held: 0.25, arrivals: 0.25 });
  });

  it('leaves places out where robots stop, but draws them', () => {
    const use = createFloorUse(graph);
    use.count(at('r0c3'));
    use.count(at('r0c4'));
    expect(use.busiest().map(({ node }) => node)).not.toContain('r0c4');
    const { values } = use.chart('x.png').spec.data as { readonly values: readonly unknown[] };
    expect(values).toHaveLength(10);
    expect(values).toContainEqual({ node: 'r0c4', held: 0.5, arrivals: 0.5, x: 4, y: 0 });
  });
});
