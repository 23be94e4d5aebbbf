import { COMPONENTS } from '../../src/domain/components.js';
import type { TopLevelSpec } from 'vega-lite';
import type { Chart } from './charts.js';
import { describeOrigin, type ReportInput } from './reportParts.js';
import type { BenchLine } from './runs.js';
import {
  bootstrapInterval,
  FEWEST_FOR_INTERVAL,
  markdownTable,
  meanOf,
  pairedDifferences,
  showDifference,
} from './statistics.js';
import { SWEEPS, WEIGHT_CELLS, weightsAt, type Sweep } from './weightSweep.js';

/** The runs of one sweep in one cell, level by level; levels without runs are left out. */
interface Swept {
  readonly cell: string;
  readonly sweep: Sweep;
  readonly levels: readonly { readonly level: number; readonly lines: readonly BenchLine[] }[];
}

/** What a weight is to move, and which way. */
interface Aim {
  readonly what: string;
  readonly digits: number;
  readonly wanted: 'down' | 'up';
  readonly valueOf: (line: BenchLine) => number;
}

/** docs/benchmarks/weights.md: what each reward weight does to the components of a route. */
export function describeWeights(input: ReportInput, charts: readonly Chart[]): string {
  const swept = sweptIn(input.lines);
  return [
    '# Reward weights',
    describeOrigin('npm run bench:weights', input),
    'One weight at a time is swept, the others stay at their defaults (`time`, `wait`, `blocking` and `lateness` 1, ' +
      '`distance` and `turns` 0) unless the row says otherwise. Method `learned-cold`, single goals; components are means ' +
      'a route, of the routes completed after the warm-up, then over seeds. For `lateness`, 30 % of the jobs have a ' +
      'deadline of one to one and a half times their free-flow seconds; lateness is the mean of those jobs.',
    '## Whether the component goes the way its weight says',
    '`moved`: the last level less the first, paired by seed, with its 95 % bootstrap interval over seeds. `Spearman`: rank ' +
      'correlation of level and component, mean over seeds. The verdict is `monotone` where the interval lies on ' +
      'the wanted side of zero and no single step goes the other way beyond its own interval; `no effect` where ' +
      'the interval holds zero.',
    verdictTable(swept),
    notMeasured(swept),
    ...charts.map(({ title, file }) => `![${title}](${file})`),
    '## All components',
    ...WEIGHT_CELLS.map(
      ({ cell }) => `### ${cell}\n\n${componentTable(swept.filter((one) => one.cell === cell))}`,
    ),
    '',
  ].join('\n\n');
}

function sweptIn(lines: readonly BenchLine[]): Swept[] {
  return WEIGHT_CELLS.flatMap(({ cell }) =>
    SWEEPS.map((sweep) => ({
      ...{ cell, sweep },
      levels: sweep.levels
        .map((level) => ({
          level,
          lines: lines.filter(
            (line) =>
              line.cell === cell &&
              line.weights === weightsAt(sweep, level) &&
              line.deadlines === sweep.deadlines,
          ),
        }))
        .filter((one) => one.lines.length > 0),
    })),
  ).filter(({ levels }) => levels.length > 1);
}

function notMeasured(swept: readonly Swept[]): string {
  const missing = WEIGHT_CELLS.flatMap(({ cell }) =>
    SWEEPS.filter(
      (sweep) =>
        !swept.some(
          (one) => one.cell === cell && one.sweep === sweep && one.levels.length === sweep.levels.length,
        ),
    ).map(({ weight, given }) => `${cell} ${weight}${given === '' ? '' : ` (${given})`}`),
  );
  return missing.length === 0
    ? 'All levels are measured.'
    : `Not measured yet, or not at every level: ${missing.join(', ')}.`;
}

function aimsOf({ weight }: Sweep): readonly Aim[] {
  if (weight !== 'lateness') {
    const valueOf = (line: BenchLine): number => line.components![weight];
    return [{ what: weight, digits: 2, wanted: 'down', valueOf }];
  }
  return [
    {
      ...{ what: 'lateness', digits: 2, wanted: 'down' },
      valueOf: (line) => line.deadlineTally!.meanLatenessSeconds,
    },
    { what: 'deadlines met, %', digits: 1, wanted: 'up', valueOf: percentMet },
  ];
}

function percentMet({ deadlineTally }: BenchLine): number {
  return (100 * deadlineTally!.met) / Math.max(1, deadlineTally!.due);
}

function verdictTable(swept: readonly Swept[]): string {
  const rows = swept.flatMap((one) =>
    aimsOf(one.sweep).map((aim) => {
      const { levels, sweep, cell } = one;
      return [
        cell,
        sweep.given === '' ? sweep.weight : `${sweep.weight} (${sweep.given})`,
        aim.what,
        levels
          .map(({ level, lines }) => `${level}: ${meanOf(lines.map(aim.valueOf)).toFixed(aim.digits)}`)
          .join(', '),
        showDifference(steps(one, aim).whole, aim.digits),
        spearman(one, aim).toFixed(2),
        verdict(one, aim),
      ];
    }),
  );
  return markdownTable(['cell', 'weight', 'moves', 'at each level', 'moved', 'Spearman', 'verdict'], rows);
}

function steps(
  { levels }: Swept,
  { valueOf }: Aim,
): { readonly whole: number[]; readonly single: number[][] } {
  const between = (from: number, to: number): number[] =>
    pairedDifferences(levels[to]!.lines, levels[from]!.lines, valueOf);
  return {
    whole: between(0, levels.length - 1),
    single: levels.slice(1).map((_level, i) => between(i, i + 1)),
  };
}

type Verdict = 'monotone' | 'right way, not monotone' | 'no effect' | 'wrong way' | 'too few seeds';

function verdict(swept: Swept, aim: Aim): Verdict {
  const { whole, single } = steps(swept, aim);
  return judge(
    aim.wanted === 'down' ? [whole, ...single].map((step) => step.map((by) => -by)) : [whole, ...single],
  );
}

/** @param gains the whole sweep first, then each step; seeds of each, positive where it went the way it should */
export function judge([whole = [], ...single]: readonly (readonly number[])[]): Verdict {
  if (whole.length < FEWEST_FOR_INTERVAL) return 'too few seeds';
  const { low, high } = bootstrapInterval(whole);
  if (high < 0) return 'wrong way';
  if (low <= 0) return 'no effect';
  return single.some((step) => bootstrapInterval(step).high < 0) ? 'right way, not monotone' : 'monotone';
}

/** Mean over the seeds that ran at every level. */
function spearman({ levels }: Swept, { valueOf }: Aim): number {
  const seeds = levels[0]!.lines.map(({ seed }) => seed);
  const whole = seeds.flatMap((seed) => {
    const values = levels.map(({ lines }) => lines.find((line) => line.seed === seed));
    return values.every((line) => line !== undefined) ? [rankCorrelation(values.map(valueOf))] : [];
  });
  return meanOf(whole);
}

/** Of values with their positions. */
export function rankCorrelation(values: readonly number[]): number {
  const ranks = values.map(
    (value) =>
      values.filter((other) => other < value).length +
      (values.filter((other) => other === value).length - 1) / 2,
  );
  const middle = (values.length - 1) / 2;
  let [product, spread, positions] = [0, 0, 0];
  ranks.forEach((rank, i) => {
    product += (rank - middle) * (i - middle);
    spread += (rank - middle) ** 2;
    positions += (i - middle) ** 2;
  });
  return spread === 0 ? 0 : product / Math.sqrt(spread * positions);
}

function componentTable(swept: readonly Swept[]): string {
  const shown = COMPONENTS.filter((component) => component !== 'lateness');
  const rows = swept.flatMap(({ sweep, levels }) =>
    levels.map(({ level, lines }) => [
      [sweep.given, `${sweep.weight}=${level}`].filter((part) => part !== '').join(', '),
      String(lines.length),
      ...shown.map((component) => meanOf(lines.map((line) => line.components![component])).toFixed(2)),
      meanOf(lines.map((line) => line.throughput)).toFixed(3),
      ...(sweep.deadlines === undefined
        ? ['', '']
        : [
            meanOf(lines.map((line) => line.deadlineTally!.meanLatenessSeconds)).toFixed(2),
            meanOf(lines.map(percentMet)).toFixed(1),
          ]),
    ]),
  );
  return markdownTable(
    ['weights', 'seeds', ...shown, 'goals a step', 'lateness of due jobs', 'deadlines met, %'],
    rows,
  );
}

/** What a weight buys and what it costs: seconds of waiting against seconds of driving. */
export function weightsCharts({ lines }: ReportInput): Chart[] {
  const values = sweptIn(lines)
    .filter(({ sweep }) => sweep.deadlines === undefined)
    .flatMap(({ cell, sweep, levels }) =>
      levels.map(({ level, lines: own }) => ({
        ...{ cell, weight: sweep.weight, level },
        driving: meanOf(own.map((line) => line.components!.time)),
        waiting: meanOf(own.map((line) => line.components!.wait)),
      })),
    );
  if (values.length === 0) return [];
  const encoding = {
    x: {
      field: 'driving',
      type: 'quantitative',
      title: 'free-flow seconds of a route',
      scale: { zero: false },
    },
    y: {
      field: 'waiting',
      type: 'quantitative',
      title: 'seconds it waited',
      scale: { type: 'log', nice: false, padding: 20 },
    },
    color: { field: 'weight', type: 'nominal', title: 'weight', sort: [...COMPONENTS] },
  } as const;
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    config: {
      font: 'DejaVu Sans',
      range: { category: ['#000000', '#D55E00', '#009E73', '#0072B2', '#CC79A7'] },
    },
    data: { values },
    facet: { field: 'cell', type: 'nominal', title: null },
    columns: 2,
    resolve: { scale: { x: 'independent', y: 'independent' } },
    spec: {
      width: 400,
      height: 320,
      layer: [
        {
          mark: { type: 'line', point: true, strokeWidth: 1.5 },
          encoding: { ...encoding, order: { field: 'level', type: 'quantitative' } },
        },
        {
          mark: { type: 'text', dx: 8, dy: -6, fontSize: 10 },
          encoding: { ...encoding, text: { field: 'level', type: 'quantitative' } },
        },
      ],
    },
  };
  return [
    {
      title: 'Waiting against driving as each weight moves, its level beside each point',
      file: 'weights.png',
      spec,
    },
  ];
}
