import { describe, expect, it } from 'vitest';
import { DEFAULT_REWARD_WEIGHTS, type Component, type RewardWeights } from '../../src/domain/components.js';
import type { LearnerPort } from '../../src/learning/learnerPort.js';
import { HEAD_COUNT, HIDDEN_UNITS, WEIGHT_COUNT } from '../../src/policy/network.js';
import { FEATURE_COUNT, FEATURE_NAMES } from '../../src/traffic/traffic.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { SITE, START, startService } from './support/startService.js';

/** Metres and metres per second of one way, half of it before its middle node and half after. */
interface Way {
  readonly metres: number;
  readonly speed: number;
}

/** From s to g straight by way of `plain`, or round the corner by way of `other`. */
function twoWays(plain: Way, other: Way): LaneGraph {
  const lanes = (middle: string, { metres, speed }: Way) =>
    [
      ['s', middle],
      [middle, 'g'],
    ].map(([from, to]) => ({ from: from!, to: to!, lengthMetres: metres / 2, speedLimit: speed }));
  return compileFile({
    ...{ id: SITE, mapVersion: '1', stations: ['s'], pickFaces: ['g'] },
    robotTypes: [{ name: 'unit', maximumSpeed: 10, lengthMetres: 1 }],
    nodes: [
      { id: 's', x: 0, y: 0 },
      { id: 'plain', x: 5, y: 0 },
      { id: 'other', x: 5, y: 5 },
      { id: 'g', x: 10, y: 0 },
    ],
    lanes: [
      ...lanes('plain', plain),
      ...lanes('other', other),
      { from: 'g', to: 's', lengthMetres: 10, speedLimit: 1 },
    ],
  });
}

/** A network whose one head says 3 s for a lane into an occupied node, and else nothing. */
function expecting(head: 'wait' | 'blocking' | 'nothing'): Float32Array {
  const weights = new Float32Array(WEIGHT_COUNT);
  const biases = WEIGHT_COUNT - HEAD_COUNT;
  const secondLayer = (FEATURE_COUNT + 1) * HIDDEN_UNITS;
  weights[FEATURE_NAMES.indexOf('endOccupied') * HIDDEN_UNITS] = 1;
  weights[secondLayer] = 1;
  weights.fill(-30, biases);
  if (head !== 'nothing')
    weights[biases - HIDDEN_UNITS * HEAD_COUNT + ['wait', 'blocking'].indexOf(head)] = 33;
  return weights;
}

const nothing = (): void => undefined;
const learnsNothing: LearnerPort = {
  ...{ backend: 'none', offer: nothing, correct: nothing, tick: nothing, reset: nothing },
  ...{ onUpdate: nothing, onFailure: nothing, onRestart: nothing, close: () => Promise.resolve() },
};

/** The real service on the two ways; a robot stands in the middle of `other`. */
async function serve(graph: LaneGraph, head: Parameters<typeof expecting>[0], weights: RewardWeights) {
  const running = await startService({
    ...{ graphs: [graph], mode: 'frozen', weights, robots: ['a'] },
    startLearner: async () => learnsNothing,
    coldWeights: () => expecting(head),
    areColdWeightsTrained: true,
  });
  const other = { robotId: 'standing', robotType: 'unit', node: 'other' };
  running.service.hello({ type: 'hello', warehouseId: SITE, robots: [other] });
  return running;
}

interface Case {
  readonly weight: Component;
  readonly ways: readonly [plain: Way, other: Way];
  readonly head?: 'wait' | 'blocking';
  readonly given?: Partial<RewardWeights>;
  readonly from: number;
  readonly to: number;
  readonly deadlineSeconds?: number;
  /** The middle nodes before and after. */
  readonly middles: readonly [string, string];
}

const slowAndShort = { metres: 10, speed: 1 };
const fastAndLong = { metres: 14, speed: 2 };
const eightSeconds = { metres: 8, speed: 1 };
const tenSeconds = { metres: 10, speed: 1 };

/** Where waits or blocking are expected they are 3 s, at a pressure of 2. */
const CASES: readonly Case[] = [
  {
    ...{ weight: 'time', from: 0.5, to: 4, given: { distance: 1 } },
    ...{ ways: [slowAndShort, fastAndLong], middles: ['plain', 'other'] },
  },
  {
    ...{ weight: 'distance', from: 0, to: 4 },
    ...{ ways: [slowAndShort, fastAndLong], middles: ['other', 'plain'] },
  },
  {
    ...{ weight: 'turns', from: 0, to: 5 },
    ...{ ways: [tenSeconds, eightSeconds], middles: ['other', 'plain'] },
  },
  {
    ...{ weight: 'wait', from: 0, to: 1, head: 'wait' },
    ...{ ways: [tenSeconds, eightSeconds], middles: ['other', 'plain'] },
  },
  {
    ...{ weight: 'blocking', from: 0, to: 1, head: 'blocking' },
    ...{ ways: [tenSeconds, eightSeconds], middles: ['other', 'plain'] },
  },
  {
    ...{ weight: 'lateness', from: 0, to: 4, head: 'blocking', deadlineSeconds: 9 },
    ...{ ways: [tenSeconds, eightSeconds], middles: ['plain', 'other'] },
  },
];

describe('a change of a reward weight', () => {
  it.each(CASES)('takes effect on the next plan, and lowers what it weighs: $weight', async (example) => {
    const { weight, ways, head, given, from, to, deadlineSeconds, middles } = example;
    const before = { ...DEFAULT_REWARD_WEIGHTS, ...given, [weight]: from };
    const { service } = await serve(twoWays(...ways), head ?? 'nothing', before);
    const request = {
      ...{ requestId: 'q', robotId: 'a', from: 's', stops: ['g'] },
      ...(deadlineSeconds === undefined ? {} : { deadlineAt: START + 1000 * deadlineSeconds }),
    };
    const planned = await service.dryRun(SITE, request);
    await service.setWeights(SITE, { ...before, [weight]: to });
    const issued = await service.requestRoute(SITE, request);
    expect([planned.nodes[1], issued.nodes[1]]).toEqual(middles);
    expect(issued.expected[weight]).toBeLessThan(planned.expected[weight]);
    await service.close();
  });
});
