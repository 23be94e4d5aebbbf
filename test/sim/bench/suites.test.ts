import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeChange } from '../../../sim/bench/changeReport.js';
import type { ChangeSeries } from '../../../sim/bench/changeRun.js';
import { describeImprovement } from '../../../sim/bench/improvementReport.js';
import { openRawResults } from '../../../sim/bench/rawResults.js';
import { writeReport } from '../../../sim/bench/reports.js';
import { describeQuality } from '../../../sim/bench/qualityReport.js';
import {
  linesOfSuite,
  matches,
  nameOf,
  RUN_LENGTHS,
  runsOf,
  SUITE_NAMES,
  whyMissing,
  type BenchLine,
  type BenchRun,
} from '../../../sim/bench/runs.js';
import { showDifference, showInterval } from '../../../sim/bench/statistics.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'bench-'))));
afterEach(() => rmSync(directory, { recursive: true }));

/** What a run would have measured, without running it: `learned` makes 1 goal more than `flow`, seed by seed. */
function lineOf(run: BenchRun): BenchLine {
  const { seed, method, warmUpSteps, steps } = run;
  const throughput = 5 + seed / 100 + (method.startsWith('learned') ? 1 : 0);
  return {
    ...run,
    ...{ throughput, throughputFirst: throughput - 0.5, throughputLast: throughput, stepSeconds: 1 },
    windows: Array.from({ length: (warmUpSteps + steps) / 100 }, () => throughput),
    ...{ freeFlowBound: 10, meanSecondsPerGoal: 40, meanPickingSeconds: 39, p95PickingSeconds: 60 },
    ...{
      longestPickingSeconds: 90 + seed,
      jobsFinished: 1000,
      slowdown: 1.5,
      pressure: 6,
      detoursRefused: 0,
    },
    ...{ planMsP50: 0.1, planMsP99: 1, updatesApplied: 10, updatesRejected: 1, backend: 'cpu' },
    ...{ measuredOn: '2026-01-02', machine: 'a machine', revision: 'abc1234' },
    ...(run.change === undefined ? {} : { series: seriesOf(run) }),
    ...(run.change === 'learning-starts' ? { improvement: IMPROVEMENT } : {}),
  };
}

const IMPROVEMENT = {
  baseline: { kind: 'freeFlow' as const, ratio: 2, routes: 1000 },
  ratio: 1,
  policyServedAfter: { seconds: 310, routes: 1000 },
  tenPercentAfter: { seconds: 420, routes: 1500 },
  quarterAfter: null,
};

/** A fifth of the routes cross the place; of those planned by the oracle, after the change, one in a hundred. */
function seriesOf({ warmUpSteps, steps, method }: BenchRun): ChangeSeries {
  const entries = Array.from({ length: (warmUpSteps + steps) / 10 }, (_, at) => at >= warmUpSteps / 10);
  return {
    goals: entries.map(() => 50),
    routes: entries.map(() => 100),
    crossings: entries.map((isAfter) => (isAfter && method === 'oracle' ? 1 : 20)),
    extraSeconds: entries.map(() => 0.5),
    // 50 routes each, as dear as before for 30 steps more; then at half the ratio and a quarter of the regret.
    scored: entries.map(() => 50),
    ratios: entries.map((_, at) => (at < warmUpSteps / 10 + 3 ? 100 : 50)),
    regrets: entries.map(() => 10),
    regretSeconds: entries.map((isAfter) => (isAfter ? 50 : 200)),
  };
}

const nothing = { dataDirectory: '', policiesDirectory: join('no', 'such', 'directory') };

describe('the suites of the benchmark', () => {
  it.each(SUITE_NAMES)('name each run of %s once', (suite) => {
    const names = runsOf(suite, RUN_LENGTHS, null).map(nameOf);
    expect(new Set(names).size).toBe(names.length);
  });

  it('let the full benchmark go on from where a nightly got', () => {
    const full = new Set(runsOf('full', RUN_LENGTHS, null).map(nameOf));
    expect(runsOf('quality', RUN_LENGTHS, null).filter((run) => !full.has(nameOf(run)))).toEqual([]);
  });

  it('have 20 paired seeds in every cell, 8 long ones, 3 on large sites', () => {
    const runs = runsOf('full', RUN_LENGTHS, null);
    const count = (filter: string, steps: number): number =>
      runs.filter((run) => matches(run, filter) && run.steps === steps).length;
    expect(count('narrow-33x57@600/learned-cold', 1000)).toBe(20);
    expect(count('narrow-33x57@600/learned-cold', 10_000)).toBe(8);
    expect(count('warehouse-large/shortest', 1000)).toBe(3);
  });

  it('say why a run cannot be made where its data is absent', () => {
    const run = runsOf('full', RUN_LENGTHS, 1)[0]!;
    const reason = (cell: string, method: BenchRun['method']): string | null =>
      whyMissing({ ...run, cell, method }, nothing);
    expect(reason('kiva-33x36@400', 'flow')).toBeNull();
    expect(reason('kiva-33x36@400', 'static')).toMatch('lane weights');
    expect(reason('kiva-33x36@400', 'ggo-pibt')).toMatch('lane weights');
    expect(reason('kiva-33x36@400', 'frozen')).toMatch('policy');
    expect(reason('warehouse-large@1000', 'flow')).toMatch('warehouse_large.map');
  });

  it('take the parts of their names, or some of them alone, as filters', () => {
    const what = { cell: 'kiva-33x36@400', method: 'flow', picks: 6, order: 'exact' } as const;
    const run: BenchRun = { ...what, warmUpSteps: 300, steps: 2000, seed: 1 };
    const fits = (filter: string): boolean => matches(run, filter);
    expect(['kiva-33x36@400/flow', 'kiva-33x36', '/flow', 'kiva-33x36/flow'].every(fits)).toBe(true);
    expect(
      ['kiva-33x36@400/flow/6/exact/300/2000/1', '/flow/6', '//6', '///exact', '/////2000'].every(fits),
    ).toBe(true);
    expect(['kiva-33x36@150', '/flow-light', 'kiva-33x36/shortest'].some(fits)).toBe(false);
    expect(['kiva-33x36/flow/12', '//6/s-shape', '/////1000'].some(fits)).toBe(false);
  });
});

describe('raw results', () => {
  const [first, second] = runsOf('quality', RUN_LENGTHS, 1).map(lineOf) as [BenchLine, BenchLine];
  const open = () => openRawResults(join(directory, 'raw', 'quality.jsonl'));

  it('survive a start that was cut off while it wrote', () => {
    open().append(first);
    appendFileSync(join(directory, 'raw', 'quality.jsonl'), JSON.stringify(second).slice(0, 50));
    expect(open().lines()).toEqual([first]);
    open().append(second);
    expect(open().lines()).toEqual([first, second]);
  });

  it('forget what is to be measured again', () => {
    open().append(first);
    open().append(second);
    open().drop(new Set([nameOf(first)]));
    expect(open().lines()).toEqual([second]);
  });

  it('know runs from before orders and warm-up were written down', () => {
    const old = { cell: 'kiva-33x36@400', method: 'flow', seed: 1, steps: 2000 } as BenchLine;
    expect(runsOf('loop', RUN_LENGTHS, null).map(nameOf)).toContain(nameOf(old));
  });
});

describe('the reports', () => {
  it.each(['tours', 'quality'] as const)('of %s have no runs of other lengths for seeds', (suite) => {
    const trial = runsOf(suite, { warmUpSteps: 10, shortSteps: 100, longSteps: 1000 }, 2).map(lineOf);
    const more = runsOf(suite, RUN_LENGTHS, 3).map(lineOf);
    expect(linesOfSuite(suite, RUN_LENGTHS, [...trial, ...more])).toEqual(more);
  });

  const lines = runsOf('full', RUN_LENGTHS, 4).map(lineOf);
  const text = describeQuality({ lines, lengths: RUN_LENGTHS, skipped: new Map() }, []);

  it('pair ours with theirs, and give no interval for few seeds', () => {
    const row = text.split('\n').find((line) => line.startsWith('| narrow-33x57@600 | learned-cold |'));
    expect(row).toContain('| +1.00 |');
    expect(row).toMatch(/\+19\.9 \(/);
    expect([showInterval([1, 2, 3, 4]), showDifference([1, 1, 1, 1])]).toEqual(['2.50', '+1.00']);
    expect(showDifference([1, 1, 1, 1, 1])).toBe('+1.00 [+1.00, +1.00]');
    expect(showInterval([1, 2, 3, 4, 5])).toMatch(/^3\.00 \[1\.\d\d, 4\.\d\d\]$/);
  });

  it('set the simulator check beside every table, and say when figures do not compare', () => {
    const tables = text
      .split('\n')
      .filter((line, i, all) => line.startsWith('|') && !all[i - 1]?.startsWith('|'));
    const checks = text.split('\n').filter((line) => line.startsWith('*Simulator check'));
    expect(tables.length).toBeGreaterThan(3);
    expect(checks).toHaveLength(tables.length);
    expect(checks[0]).toMatch(/makes 5\.0\d .* published 5\.22 .* -3\.\d %, within 5 %/);
    const slow = lines.map((line) => ({ ...line, throughput: 0.9 * line.throughput }));
    expect(describeQuality({ lines: slow, lengths: RUN_LENGTHS, skipped: new Map() }, [])).toMatch(
      'not within 5 %',
    );
  });

  it('judge a change by its targets: what goes over a slow cell as before is not met', () => {
    const measured = runsOf('change', RUN_LENGTHS, 2).map(lineOf);
    const rows = describeChange({ lines: measured, lengths: RUN_LENGTHS, skipped: new Map() }, []).split(
      '\n',
    );
    const row = (start: string): string => rows.find((line) => line.startsWith(start))!;
    expect(row('| robots-slow | kiva-33x36@300 | learned-cold')).toMatch('| 60, 60: met |');
    const unaware = row('| kiva-33x36@200 | learned-cold');
    expect(unaware).toMatch(/20\.00 %: \*\*not met\*\* .* \+0\.0: met .* 100 %: met/);
    expect(row('| kiva-33x36@200 | oracle')).toMatch(/\| 1\.00 % .* 5 %: \*\*not met\*\*/);
    expect(row('| slow-robot | kiva-33x36@30')).toMatch('| 100 %: met |');
  });

  it('tell how soon a site improved: by the service’s own clock, and by the routes until half of the gain', () => {
    const measured = runsOf('improvement', RUN_LENGTHS, 1).map(lineOf);
    const rows = describeImprovement({ lines: measured, lengths: RUN_LENGTHS, skipped: new Map() }, []).split(
      '\n',
    );
    const [improved, regret] = rows.filter((line) => line.startsWith('| narrow-33x57@600 | learned-cold'));
    expect(improved).toMatch('| -50 | 2.0: met | never: **not met** | 200: met |');
    expect(regret).toMatch(/20\.00 .* 5\.00 .* 5\.00 .* 5\.00/);
  });

  it('warn when the lines were measured at different revisions, and list what was skipped', () => {
    const mixed = lines.map((line, i) => (i === 0 ? { ...line, revision: 'fff0000' } : line));
    const skipped = new Map([['warehouse-large@1000 flow', 'no map']]);
    const other = describeQuality({ lines: mixed, lengths: RUN_LENGTHS, skipped }, []);
    expect(other).toMatch('More than one revision');
    expect(other).toMatch('Not measured (no map): warehouse-large@1000 flow.');
    expect(text).not.toMatch('More than one revision');
  });

  it.each(['quality', 'tours', 'change', 'improvement'] as const)(
    'write %s with charts that are pictures',
    async (suite) => {
      const measured = runsOf(suite === 'quality' ? 'full' : suite, RUN_LENGTHS, 2).map(lineOf);
      const input = { lines: measured, lengths: RUN_LENGTHS, skipped: new Map<string, string>() };
      const files = await writeReport(suite, { ...input, directory });
      const pictures = files.filter((file) => file.endsWith('.png'));
      expect(pictures.length).toBe({ quality: 3, tours: 1, change: 2, improvement: 2 }[suite]);
      for (const file of pictures) {
        const bytes = readFileSync(file);
        expect(bytes.subarray(1, 4).toString()).toBe('PNG');
        // Width and height in the header: a picture of nothing is small.
        expect(bytes.readUInt32BE(16)).toBeGreaterThan(600);
        expect(bytes.readUInt32BE(20)).toBeGreaterThan(400);
      }
      const written = readFileSync(files[0]!, 'utf8');
      for (const file of pictures) expect(written).toMatch(file.slice(directory.length + 1));
      for (const cell of written.split('\n').filter((line) => line.startsWith('|')))
        expect(cell).not.toMatch(/NaN|undefined|Infinity/);
    },
  );
});
