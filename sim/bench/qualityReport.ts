import type { Chart } from './charts.js';
import { fleetSizeChart, freeFlowGapChart, learningCurvesChart } from './qualityCharts.js';
import { BENCH_METHOD_NAMES, HAND_MADE_METHODS, type BenchMethod } from './methods.js';
import {
  describeCheck,
  describeOrigin,
  linesOf,
  present,
  shortLines,
  type ReportInput,
} from './reportParts.js';
import { LARGE_CELLS, SMALL_CELLS, type BenchLine } from './runs.js';
import {
  markdownTable,
  meanOf,
  median,
  pairedDifferences,
  showDifference,
  showInterval,
} from './statistics.js';
import { plateauReachedAt } from './plateau.js';

const CELLS: readonly string[] = [...SMALL_CELLS, ...LARGE_CELLS];
const LEARNED: readonly BenchMethod[] = ['learned-cold', 'learned-shipped', 'frozen'];

interface Part {
  readonly title: string;
  readonly about: string;
  readonly table: string;
}

export function qualityCharts({ lines, lengths }: ReportInput): Chart[] {
  const short = shortLines(lines, lengths);
  const long = longLines({ lines, lengths });
  return [
    learningCurvesChart(long.length > 0 ? long : short),
    fleetSizeChart(short),
    freeFlowGapChart(short),
  ].flatMap((chart) => chart ?? []);
}

/** docs/benchmarks/quality.md: every table with the simulator's check below it. */
export function describeQuality(input: ReportInput, charts: readonly Chart[]): string {
  const { lines, lengths } = input;
  const short = shortLines(lines, lengths);
  const check = describeCheck(lines, lengths);
  const parts = [throughputs(short), differences(short), longRuns(longLines(input)), behaviour(short)].filter(
    ({ table }) => table !== '',
  );
  const scored = `${lengths.shortSteps.toLocaleString('en')} steps after ${lengths.warmUpSteps} of warm-up`;
  return [
    '# Routing quality, single goals',
    describeOrigin('npm run bench:full', { ...input, lines: lines.filter(({ picks }) => picks === 0) }),
    `Goals alternate between pick faces and stations. The same seed gives every method the same starts and the same ` +
      `goals; ${scored} are scored. Every method plans with the same planner in the same simulator, its prices ` +
      'refreshed before each plan. Brackets are 95 % bootstrap intervals over seeds; differences are paired by seed.',
    ...charts.map(({ title, file }) => `![${title}](${file})`),
    ...parts.flatMap(({ title, about, table }) => [`## ${title}`, about, table, check]),
    '',
  ].join('\n\n');
}

const longLines = ({ lines, lengths }: Pick<ReportInput, 'lines' | 'lengths'>): BenchLine[] =>
  lines.filter(({ picks, steps }) => picks === 0 && steps === lengths.longSteps);

function throughputs(lines: readonly BenchLine[]): Part {
  const methods = present(BENCH_METHOD_NAMES, lines, (line) => line.method);
  const rows = present(CELLS, lines, (line) => line.cell).map((cell) => [
    cell,
    showCounts(methods.map((method) => linesOf(lines, cell, method).length)),
    ...methods.map((method) => showInterval(linesOf(lines, cell, method).map((line) => line.throughput))),
  ]);
  return {
    title: 'Throughput',
    about: 'Goals a step.',
    table: rows.length === 0 ? '' : markdownTable(['cell', 'seeds', ...methods], rows),
  };
}

function differences(lines: readonly BenchLine[]): Part {
  const opponents = present(
    ['shortest', ...HAND_MADE_METHODS, 'rules-alone'] as const,
    lines,
    (line) => line.method,
  );
  const rows = present(CELLS, lines, (line) => line.cell).flatMap((cell) => {
    const best = bestHandMade(lines, cell);
    return present(LEARNED, linesOfCell(lines, cell), (line) => line.method).map((method) => {
      const ours = linesOf(lines, cell, method);
      return [
        cell,
        method,
        ...opponents.map((opponent) =>
          showDifference(pairedDifferences(ours, linesOf(lines, cell, opponent), (line) => line.throughput)),
        ),
        best === null ? '' : `${showShare(ours, linesOf(lines, cell, best))} (${best})`,
      ];
    });
  });
  const head = ['cell', 'ours', ...opponents.map((name) => `- ${name}`), 'against the best hand-made, %'];
  return {
    title: 'What learning is worth',
    about:
      'Ours minus theirs, goals a step, seed by seed. The best hand-made price is chosen after the fact, cell by cell: ' +
      'nobody could have known which. `rules-alone` is our own price without its network.',
    table: rows.length === 0 ? '' : markdownTable(head, rows),
  };
}

/** Paired difference in per cent of the opponent's own throughput. */
function showShare(ours: readonly BenchLine[], theirs: readonly BenchLine[]): string {
  const seeds = new Set(ours.map(({ seed }) => seed));
  const mean = meanOf(theirs.filter(({ seed }) => seeds.has(seed)).map((line) => line.throughput));
  return showDifference(
    pairedDifferences(ours, theirs, (line) => (100 * line.throughput) / mean),
    1,
  );
}

function bestHandMade(lines: readonly BenchLine[], cell: string): BenchMethod | null {
  const means = present(HAND_MADE_METHODS, linesOfCell(lines, cell), (line) => line.method).map((method) => ({
    method,
    mean: meanOf(linesOf(lines, cell, method).map((line) => line.throughput)),
  }));
  return means.sort((a, b) => b.mean - a.mean)[0]?.method ?? null;
}

function longRuns(lines: readonly BenchLine[]): Part {
  const rows = present(CELLS, lines, (line) => line.cell).flatMap((cell) =>
    present(LEARNED, linesOfCell(lines, cell), (line) => line.method).map((method) => {
      const ours = linesOf(lines, cell, method);
      const flow = linesOf(lines, cell, 'flow');
      const plateaus = ours.map(plateauReachedAt);
      return [
        cell,
        method,
        showCounts([ours.length]),
        showInterval(ours.map((line) => line.throughputFirst)),
        showInterval(ours.map((line) => line.throughputLast)),
        showInterval(flow.map((line) => line.throughputLast)),
        showDifference(pairedDifferences(ours, flow, (line) => line.throughputLast)),
        `${median(plateaus.map(({ steps }) => steps))} steps, ${Math.round(median(plateaus.map(({ goals }) => goals)))} goals`,
        `${Math.round(meanOf(ours.map((line) => line.updatesApplied)))} / ${Math.round(meanOf(ours.map((line) => line.updatesRejected)))}`,
      ];
    }),
  );
  const head = [
    ...['cell', 'method', 'seeds', 'first 1,000', 'last 1,000', 'flow, last 1,000', 'difference, last 1,000'],
    ...['95 % of plateau within', 'updates / rejected'],
  ];
  return {
    title: 'Learning over a long run',
    about:
      'Goals a step over the first and the last 1,000 of 10,000 scored steps. The plateau is the mean of the last 1,000; it counts ' +
      'as reached with the first of three windows of 100 steps in a row that make 95 % of it on average (median over seeds, ' +
      'warm-up included).',
    table: rows.length === 0 ? '' : markdownTable(head, rows),
  };
}

function behaviour(lines: readonly BenchLine[]): Part {
  const rows = present(CELLS, lines, (line) => line.cell).flatMap((cell) =>
    present(BENCH_METHOD_NAMES, linesOfCell(lines, cell), (line) => line.method).map((method) => {
      const own = linesOf(lines, cell, method);
      const mean = (valueOf: (line: BenchLine) => number, digits: number): string =>
        meanOf(own.map(valueOf)).toFixed(digits);
      return [
        cell,
        method,
        mean((line) => line.freeFlowBound, 2),
        mean((line) => (100 * line.throughput) / line.freeFlowBound, 1),
        mean((line) => line.meanSecondsPerGoal, 1),
        mean((line) => line.p95PickingSeconds, 0),
        Math.max(...own.map((line) => line.longestPickingSeconds)).toFixed(0),
        `${mean((line) => line.planMsP50, 2)} / ${mean((line) => line.planMsP99, 1)}`,
        mean((line) => line.detoursRefused, 0),
      ];
    }),
  );
  const head = [
    ...['cell', 'method', 'free-flow bound', '% of it', 'mean s a goal', 'p95 s', 'longest s'],
    ...['plan p50 / p99 ms', 'detours refused'],
  ];
  return {
    title: 'Free flow, waiting, planning',
    about:
      'The bound is the throughput if every robot were alone on the floor. Longest: over all seeds, goals still open at the ' +
      'end included, so a robot that starves would show. Detours refused: plans a run that gave way to the shortest path.',
    table: rows.length === 0 ? '' : markdownTable(head, rows),
  };
}

const linesOfCell = (lines: readonly BenchLine[], cell: string): BenchLine[] =>
  lines.filter((line) => line.cell === cell);

/** `20`, or `18-20` where methods differ. */
function showCounts(counts: readonly number[]): string {
  const measured = counts.filter((count) => count > 0);
  const [least, most] = [Math.min(...measured), Math.max(...measured)];
  return least === most ? String(most) : `${least}-${most}`;
}
