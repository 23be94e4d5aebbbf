import type { Chart } from './charts.js';
import { tourChart } from './qualityCharts.js';
import { describeCheck, describeOrigin, linesOf, type ReportInput } from './reportParts.js';
import { TOUR_METHODS, TOUR_ORDERS, TOURS, type BenchLine } from './runs.js';
import { markdownTable, meanOf, pairedDifferences, showDifference, showInterval } from './statistics.js';

export function tourCharts({ lines }: ReportInput): Chart[] {
  const chart = tourChart(lines.filter(({ picks }) => picks > 0));
  return chart ? [chart] : [];
}

/** docs/benchmarks/tours.md: what the order of visit is worth, and apart from it what prices are. */
export function describeTours(input: ReportInput, charts: readonly Chart[]): string {
  const tours = input.lines.filter(({ picks }) => picks > 0);
  const check = describeCheck(input.lines, input.lengths);
  // A mean of nothing is written as 0.
  const finished = tours.filter(({ meanPickingSeconds }) => meanPickingSeconds > 0);
  return [
    '# Routing quality, pick tours',
    describeOrigin('npm run bench:tours', input),
    'Each tour has so many random picks and a station at its end; the same seed gives every method the same starts and ' +
      'tours. 2,000 steps after 300 of warm-up are scored. Brackets are 95 % bootstrap intervals over seeds; differences ' +
      'are paired by seed, in per cent of the goals a step of what is compared with. `exact` is the service’s own order: ' +
      'exact up to 12 stops, at 30 a local search.',
    ...charts.map(({ title, file }) => `![${title}](${file})`),
    '## Goals a step, drop-offs included',
    throughputTable(tours),
    check,
    '## What the order is worth, and what the prices are',
    'The first columns change the order alone, on shortest paths; the last change the prices alone, in the exact order.',
    shareTable(tours, (line) => line.throughput),
    check,
    '## Picking time',
    'Mean seconds from a tour’s issue to its last hand-over, of the tours that finished in the steps scored; where none ' +
      'did, there is no row.',
    timeTable(finished),
    'The same comparisons, in per cent of the picking time of what is compared with: less is better.',
    shareTable(finished, (line) => line.meanPickingSeconds),
    check,
    '',
  ].join('\n\n');
}

const groups = (lines: readonly BenchLine[]): { cell: string; picks: number; own: BenchLine[] }[] =>
  TOURS.flatMap(({ cell, allPicks }) =>
    allPicks.map((picks) => ({
      cell,
      picks,
      own: lines.filter((line) => line.cell === cell && line.picks === picks),
    })),
  ).filter(({ own }) => own.length > 0);

const pairs = TOUR_METHODS.flatMap((method) => TOUR_ORDERS.map((order) => ({ method, order })));

function pick(group: { cell: string; own: BenchLine[] }, method: string, order: string): BenchLine[] {
  return linesOf(group.own, group.cell, method).filter((line) => line.order === order);
}

function wideTable(lines: readonly BenchLine[], show: (own: readonly BenchLine[]) => string): string {
  return markdownTable(
    ['cell', 'picks', 'seeds', ...pairs.map(({ method, order }) => `${method}, ${order}`)],
    groups(lines).map((group) => [
      group.cell,
      String(group.picks),
      String(Math.max(...pairs.map(({ method, order }) => pick(group, method, order).length))),
      ...pairs.map(({ method, order }) => show(pick(group, method, order))),
    ]),
  );
}

const throughputTable = (lines: readonly BenchLine[]): string =>
  wideTable(lines, (own) => showInterval(own.map((line) => line.throughput)));

const timeTable = (lines: readonly BenchLine[]): string =>
  wideTable(lines, (own) =>
    showInterval(
      own.map((line) => line.meanPickingSeconds),
      0,
    ),
  );

/** Method and order. */
type Compared = readonly [string, string];

const COMPARISONS: readonly (readonly [string, Compared, Compared])[] = [
  ['exact against s-shape', ['shortest', 'exact'], ['shortest', 's-shape']],
  ['exact against nearest', ['shortest', 'exact'], ['shortest', 'nearest']],
  ['flow against shortest', ['flow', 'exact'], ['shortest', 'exact']],
  ['learned-cold against shortest', ['learned-cold', 'exact'], ['shortest', 'exact']],
  ['learned-cold against flow', ['learned-cold', 'exact'], ['flow', 'exact']],
];

function shareTable(lines: readonly BenchLine[], valueOf: (line: BenchLine) => number): string {
  return markdownTable(
    ['cell', 'picks', ...COMPARISONS.map(([name]) => `${name}, %`)],
    groups(lines).map((group) => [
      group.cell,
      String(group.picks),
      ...COMPARISONS.map(([, ours, theirs]) => {
        const base = pick(group, ...theirs);
        const mean = meanOf(base.map(valueOf));
        return showDifference(
          pairedDifferences(pick(group, ...ours), base, (line) => (100 * valueOf(line)) / mean),
          1,
        );
      }),
    ]),
  );
}
