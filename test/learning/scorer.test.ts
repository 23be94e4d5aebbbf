import { describe, expect, it } from 'vitest';
import type { RobotId, RouteId } from '../../src/domain/ids.js';
import type { Revision } from '../../src/learning/issuedRoute.js';
import { readTrace } from '../../src/learning/scorer.js';
import { createFreeFlow } from '../../src/planning/freeFlow.js';
import { laneBetween } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

const graph = gridFromText(`
  .....
  .....`);
const node = (digits: string): number => graph.nodeIndexOf.get(`r${digits[0]}c${digits[1]}`)!;

/** A plan to its last node, where the robot stops for nothing. */
function revision(at: number, ...cells: readonly string[]): Revision {
  const nodes = Int32Array.from(cells, node);
  const lanes = Int32Array.from(nodes.subarray(1), (to, i) => laneBetween(graph, nodes[i]!, to));
  const none = new Float32Array(lanes.length);
  return {
    ...{ at, nodes, lanes, stopIndexes: [nodes.length - 1], stopOrder: [0] },
    stops: [{ node: nodes.at(-1)!, handlingSeconds: 0 }],
    etaSeconds: Float64Array.from(nodes, (_, i) => i),
    ...{ features: none, predictedWait: none, passages: new Array<undefined>(lanes.length) },
  };
}

/** Lanes sampled, by the cells they lead to, with the seconds waited. */
function samplesOf(revisions: Revision[], trace: readonly (readonly [string, number])[]) {
  const reading = readTrace(
    graph,
    createFreeFlow(graph, () => 0),
    {
      ...{ routeId: 'r' as RouteId, robotId: 'a' as RobotId, robotType: 0 },
      ...{ issuedAt: 0, deadlineAt: null, shortestSeconds: 4, revisions },
    },
    trace.map(([cell, arrivedAt]) => ({ node: node(cell), arrivedAt, departedAt: null })),
  );
  return reading.kind === 'scored'
    ? reading.samples.map(
        ({ lane, waitSeconds }) => `${graph.nodeIds[graph.laneTo[lane]!]} ${waitSeconds.toFixed(1)}`,
      )
    : reading.code;
}

describe('a trace read against the plans of its route', () => {
  const row = ['00', '01', '02', '03', '04'] as const;
  const driven = [
    ['00', 0],
    ['01', 1_000],
    ['02', 2_000],
  ] as const;

  it('charges each lane that was set out on with what it took beyond free flow', () => {
    expect(samplesOf([revision(0, ...row)], [...driven, ['03', 5_500], ['04', 6_500]])).toEqual([
      'r0c1 0.0',
      'r0c2 0.0',
      'r0c3 2.5',
      'r0c4 0.0',
    ]);
  });

  it('is of the plan that the robot took up, though another was made meanwhile from where it had been', () => {
    const taken = revision(2_600, '02', '12', '13', '14', '04');
    expect(
      samplesOf(
        [revision(0, ...row), revision(2_500, '01', '11', '12', '13', '14', '04'), taken],
        [...driven, ['12', 3_600], ['13', 4_600], ['14', 5_600], ['04', 6_600]],
      ),
    ).toEqual(['r0c1 0.0', 'r0c2 0.0', 'r1c2 0.6', 'r1c3 0.0', 'r1c4 0.0', 'r0c4 0.0']);
  });

  it('goes on by the plan before until the robot comes to where the new one begins', () => {
    expect(
      samplesOf(
        [revision(0, ...row), revision(1_500, '03', '13', '14', '04')],
        [...driven, ['03', 3_000], ['13', 4_000], ['14', 5_000], ['04', 6_000]],
      ),
    ).toEqual(['r0c1 0.0', 'r0c2 0.0', 'r0c3 0.0', 'r1c3 0.0', 'r1c4 0.0', 'r0c4 0.0']);
  });
});
