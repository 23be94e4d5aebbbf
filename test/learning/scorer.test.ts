import { describe, expect, it } from 'vitest';
import type { RobotId, RouteId } from '../../src/domain/ids.js';
import type { Revision, TimeAside } from '../../src/learning/issuedRoute.js';
import { readTrace, type Reading } from '../../src/learning/scorer.js';
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
    ...{ at, arrivalLane: -1, drives: false, nodes, lanes },
    ...{ stopIndexes: [nodes.length - 1], stopOrder: [0] },
    stops: [{ node: nodes.at(-1)!, handlingSeconds: 0 }],
    etaSeconds: Float64Array.from(nodes, (_, i) => i),
    ...{ features: none, predictedWait: none, passages: new Array<undefined>(lanes.length) },
  };
}

type Trace = readonly (readonly [string, number])[];

function read(revisions: Revision[], trace: Trace, holds: readonly TimeAside[] = []): Reading {
  return readTrace(
    graph,
    createFreeFlow(graph, () => 0),
    {
      ...{ routeId: 'r' as RouteId, robotId: 'a' as RobotId, robotType: 0 },
      ...{ issuedAt: 0, deadlineAt: 1000, shortestSeconds: 4, revisions, holds, pauses: [] },
    },
    trace.map(([cell, arrivedAt]) => ({ node: node(cell), arrivedAt, departedAt: null })),
  );
}

/** Lanes sampled, by the cells they lead to, with the seconds waited. */
function samplesOf(revisions: Revision[], trace: Trace, holds: readonly TimeAside[] = []) {
  const reading = read(revisions, trace, holds);
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

  it('charges a lane once that a robot was pushed off, and set out on again by itself', () => {
    const plan = revision(0, ...row);
    // Of the six seconds that it lost the first time two were behind a stopped robot, and it went back for one.
    plan.passages[1] = { toNode: node('02'), blockingSeconds: 5, excusedSeconds: 2, row: -1 };
    const pushed = [...driven.slice(0, 2), ['00', 7_000], ['01', 8_000], ['02', 9_500]] as const;
    expect(samplesOf([plan], [...pushed, ['03', 10_500], ['04', 11_500]])).toEqual([
      'r0c1 0.0',
      'r0c2 5.5',
      'r0c3 0.0',
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

  it('counts no wait as its robot was told to, on the way it had before, beside it or behind it', () => {
    const before = [revision(0, ...row), revision(30_000, '02', '03', '04')];
    const holds = [{ from: 2_500, until: 30_000 }];
    const after = (waited: number): Trace => [...driven, ['03', 31_000 + waited], ['04', 32_000 + waited]];
    expect(samplesOf(before, after(2_000), holds)).toEqual(['r0c1 0.0', 'r0c2 0.0', 'r0c3 2.5', 'r0c4 0.0']);
    // Let by while it waited: the lane that it was to take before is not slow, and none that it took is.
    const aside = [revision(0, ...row), revision(30_000, '12', '13', '14', '04')];
    const pushed: Trace = [...driven, ['12', 20_000], ['13', 31_000], ['14', 32_000], ['04', 33_000]];
    expect(samplesOf(aside, pushed, holds)).toEqual([
      'r0c1 0.0',
      'r0c2 0.0',
      'r1c3 0.0',
      'r1c4 0.0',
      'r0c4 0.0',
    ]);
    const reading = read(aside, pushed, holds) as Extract<Reading, { kind: 'scored' }>;
    expect(Math.max(...reading.drivenLanes.map(({ waitSeconds }) => waitSeconds))).toBeCloseTo(0);
    // That it took long all the same is so.
    expect(reading.components.wait).toBeCloseTo(27);
  });

  it('ends where the last stop is made, wherever its robot drives then', () => {
    const scored = (trace: Trace) =>
      read([revision(0, ...row)], trace) as Extract<Reading, { kind: 'scored' }>;
    const made: Trace = [...driven, ['03', 3_000], ['04', 4_000]];
    expect(scored([...made, ['14', 50_000], ['13', 90_000]])).toEqual(scored(made));
  });

  it('hides no wait behind a stop that was handled sooner than planned', () => {
    const plan: Revision = {
      ...revision(0, ...row),
      ...{ stopIndexes: [1, 4], stopOrder: [0, 1] },
      stops: [
        { node: node('01'), handlingSeconds: 60 },
        { node: node('04'), handlingSeconds: 0 },
      ],
    };
    const reading = read(
      [plan],
      [
        ['00', 0],
        ['01', 1_000],
        ['02', 12_000],
        ['03', 33_000],
        ['04', 34_000],
      ],
    ) as Extract<Reading, { kind: 'scored' }>;
    expect(reading.components).toMatchObject({ time: 4, wait: 20 });
  });

  it('handles once a stop that is given back where its robot stands', () => {
    const stops = [
      { node: node('02'), handlingSeconds: 10 },
      { node: node('04'), handlingSeconds: 0 },
    ];
    const first: Revision = { ...revision(0, ...row), stops, stopIndexes: [2, 4], stopOrder: [0, 1] };
    const again: Revision = {
      ...revision(5_000, '02', '03', '04'),
      stops,
      stopIndexes: [0, 2],
      stopOrder: [0, 1],
    };
    expect(samplesOf([first, again], [...driven, ['03', 20_000], ['04', 21_000]])).toEqual([
      'r0c1 0.0',
      'r0c2 0.0',
      'r0c3 7.0',
      'r0c4 0.0',
    ]);
  });
});
