import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rewardWeights } from '../../../sim/arguments.js';
import { runBench } from '../../../sim/bench/bench.js';
import { createDeadlines } from '../../../sim/bench/deadlines.js';
import { writeReport } from '../../../sim/bench/reports.js';
import { RUN_LENGTHS, runsOf, type BenchLine, type BenchRun } from '../../../sim/bench/runs.js';
import { judge, rankCorrelation } from '../../../sim/bench/weightsReport.js';
import type { FinishedJob } from '../../../sim/job.js';
import { DEFAULT_REWARD_WEIGHTS } from '../../../src/domain/components.js';
import { createRandom } from '../../../src/platform/random.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

const HALL = `
  W.......
  ........
  .......E`;

describe('reward weights of a run', () => {
  it('are the defaults but for those named', () => {
    expect(rewardWeights('')).toEqual(DEFAULT_REWARD_WEIGHTS);
    expect(rewardWeights('wait=0,turns=2.5e0')).toEqual({ ...DEFAULT_REWARD_WEIGHTS, wait: 0, turns: 2.5 });
    for (const text of ['speed=1', 'wait', 'wait=-1', 'wait=101', 'wait=0x10', 'wait=1,wait=2'])
      expect(() => rewardWeights(text)).toThrow();
  });

  it('reach the service: a price on turns saves turns', async () => {
    const turns = async (weights: string): Promise<number> => {
      const { components } = await runBench({
        ...{ cell: 'hall@8', graph: gridFromText(HALL), robots: 8, method: 'flow', seed: 1, weights },
        ...{ steps: 150, warmUpSteps: 0, picks: 0, order: 'exact', backend: '' },
      });
      return components!.turns;
    };
    expect(await turns('turns=4')).toBeLessThan(0.7 * (await turns('turns=0')));
  });
});

describe('deadlines', () => {
  const graph = gridFromText(HALL);
  const job = { jobId: 'j', stops: ['r2c7'], dropoff: null };
  const open = (share: number) =>
    createDeadlines({
      ...{ graph, robotTypes: [0], starts: [graph.nodeIndexOf.get('r0c0')!], share, countsFrom: 0 },
      random: createRandom(1),
    });
  const finish = (finishedAt: number): FinishedJob => ({
    ...{ robot: 0, job, issuedAt: 0, finishedAt, ratio: 1, learnt: true },
  });

  it('leave one to one and a half times the fastest way, nine steps here', () => {
    const { deadlineAt } = open(1)
      .watch({ next: () => job })
      .next(0, 500)!;
    expect(deadlineAt).toBeGreaterThanOrEqual(500 + 9_000);
    expect(deadlineAt).toBeLessThan(500 + 13_500);
    expect(
      open(0)
        .watch({ next: () => job })
        .next(0, 500),
    ).toEqual(job);
  });

  it('are met or missed, by jobs that never finish too', () => {
    const tally = (finishedAfter: number | null, at: number) => {
      const deadlines = open(1);
      const { deadlineAt } = deadlines.watch({ next: () => job }).next(0, 0)!;
      if (finishedAfter !== null) deadlines.finished(finish(deadlineAt! + finishedAfter));
      return deadlines.summary(deadlineAt! + at);
    };
    expect(tally(0, 9_000)).toEqual({ due: 1, met: 1, meanLatenessSeconds: 0 });
    expect(tally(2_000, 9_000)).toEqual({ due: 1, met: 0, meanLatenessSeconds: 2 });
    expect(tally(null, 9_000)).toEqual({ due: 1, met: 0, meanLatenessSeconds: 9 });
    expect(tally(null, -1)).toEqual({ due: 0, met: 0, meanLatenessSeconds: 0 });
  });
});

describe('the verdict on a weight', () => {
  it('needs the whole sweep on the wanted side beyond noise, and no step back beyond it', () => {
    const far = [3, 4, 5, 4, 3];
    expect(judge([far, [2, 2, 2, 2, 2], [1, 2, 3, 2, 1]])).toBe('monotone');
    expect(judge([far, [5, 6, 7, 6, 5], [-2, 1, -2, 1, -2]])).toBe('monotone');
    expect(judge([far, [5, 6, 7, 6, 5], [-2, -2, -2, -2, -2]])).toBe('right way, not monotone');
    expect(judge([[3, -1, 1, -1, 2], far])).toBe('no effect');
    expect(judge([[-3, -1, -1, -2, -1], far])).toBe('wrong way');
    expect(judge([far.slice(1), far.slice(1)])).toBe('too few seeds');
  });

  it('has the rank correlation of level and component beside it', () => {
    expect(rankCorrelation([9, 7, 5, 1])).toBeCloseTo(-1);
    expect(rankCorrelation([1, 2, 3])).toBeCloseTo(1);
    expect(rankCorrelation([2, 2, 2])).toBe(0);
  });

  it('stands in the report for every sweep, with a picture', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'weights-'));
    // A weight halves its component with each unit, whatever the weight.
    const lineOf = (run: BenchRun): BenchLine => {
      const weights = rewardWeights(run.weights ?? '');
      const components = { ...weights };
      for (const name of Object.keys(weights) as (keyof typeof weights)[])
        components[name] = (100 + run.seed) / 2 ** weights[name];
      const met = Math.round(50 + 5 * weights.lateness);
      const deadlineTally = { due: 100, met, meanLatenessSeconds: components.lateness };
      return { ...run, components, deadlineTally, throughput: 5 } as BenchLine;
    };
    const lines = runsOf('weights', RUN_LENGTHS, null).map(lineOf);
    const files = await writeReport('weights', {
      ...{ lines, lengths: RUN_LENGTHS, skipped: new Map<string, string>(), directory },
    });
    const text = readFileSync(files[0]!, 'utf8');
    const png = readFileSync(files[1]!);
    rmSync(directory, { recursive: true });
    const verdicts = text.split('\n').filter((row) => / \| monotone \|$/.test(row));
    // Five weights, and lateness twice with two measures each, in two cells.
    expect(verdicts).toHaveLength(2 * (5 + 2 * 2));
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
    expect(text).toContain(files[1]!.slice(directory.length + 1));
    expect(png.readUInt32BE(16)).toBeGreaterThan(600);
  });
});
