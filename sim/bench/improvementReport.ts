import type { ImprovementSpan, ImprovementView } from '../../src/domain/serviceContract.js';
import { changeChart } from './changeCharts.js';
import {
  CHANGE_WINDOW_STEPS,
  isChangeLine,
  ratioIn,
  regretIn,
  secondHalf,
  spanOf,
  type ChangeLine,
  type Span,
} from './changeMeasures.js';
import { SERIES_STEPS } from './changeRun.js';
import type { Chart } from './charts.js';
import { describeOrigin, linesOf, type ReportInput } from './reportParts.js';
import { IMPROVEMENT_CELLS, IMPROVEMENT_METHODS } from './runs.js';
import { markdownTable, meanOf, showInterval, signed } from './statistics.js';

type ImprovementLine = ChangeLine & { readonly improvement: ImprovementView };

/** What is wanted from cold on a crowded floor: minutes of its clock, and routes. */
const WANTED = { tenPercentMinutes: 5, quarterMinutes: 15, halfGainRoutes: 500 } as const;
/** Score ratios are averaged over so many completed routes before they are compared. */
const BLOCK_ROUTES = 100;
/** The end of a run, that its gain is measured by. */
const FINAL_STEPS = 300;
const FINAL_HEAD = `last ${FINAL_STEPS} steps`;

const isImprovementLine = (line: ChangeLine): line is ImprovementLine => line.improvement !== undefined;

export function improvementCharts(input: Pick<ReportInput, 'lines'>): Chart[] {
  const lines = input.lines.filter(isChangeLine);
  return [
    changeChart(lines, {
      ...{ file: 'improvement.png', axis: 'score ratio' },
      title: `Score ratio over the ${CHANGE_WINDOW_STEPS} steps before; shortest ways until 0`,
      valueAt: (own, span) => meanOf(own.map((line) => ratioIn(line, span))),
    }),
    changeChart(lines, {
      ...{ file: 'regret.png', axis: 'regret, s' },
      title: `Regret of a route, mean over the ${CHANGE_WINDOW_STEPS} steps before; shortest ways until 0`,
      valueAt: (own, span) => meanOf(own.map((line) => regretIn(line, span))),
    }),
  ].flatMap((chart) => chart ?? []);
}

/** docs/benchmarks/improvement.md: how soon a site is better than it was, and what hindsight says of its routes. */
export function describeImprovement(input: ReportInput, charts: readonly Chart[]): string {
  const lines = input.lines.filter(isChangeLine).filter(isImprovementLine);
  return [
    '# Time to improvement, and regret',
    describeOrigin('npm run bench:improvement', input),
    'A site that was served shortest ways (mode `off`) for 300 steps, and fills with jams, is switched to the method: ' +
      '`learned-cold` from random weights and without a row, or `rules-alone`, its price with a silent network. Score ' +
      'ratio: weighted cost of a completed route over its free-flow cost. Baseline: its mean over the free-flow phase, as ' +
      'the service itself counts it. Brackets are 95 % bootstrap intervals over seeds.',
    ...charts.map(({ title, file }) => `![${title}](${file})`),
    '## Time to improvement',
    'Minutes of the floor’s clock from the switch until the service says that 10 % and 25 % are reached (`GET ' +
      '/v1/warehouses/{warehouseId}`): at the end of the second block of routes in a row below, each as large as the fleet. ' +
      'Half of the gain: routes completed after the switch, by whomever they were planned, until ' +
      `${BLOCK_ROUTES} in a row lie half-way between the baseline and the last ${FINAL_STEPS} steps.`,
    table(lines, improvementRow, [
      ...['baseline', FINAL_HEAD, 'change, %'],
      `10 %, minutes (wanted ${WANTED.tenPercentMinutes})`,
      `25 %, minutes (wanted ${WANTED.quarterMinutes})`,
      `half of the gain, routes (wanted ${WANTED.halfGainRoutes})`,
    ]),
    '## Regret',
    'Seconds that a route took beyond the cheapest tour of its stops under what each lane really cost meanwhile. It is an upper ' +
      'bound: nobody knew those costs, and the cheapest of many noisy ways looks cheaper than it is.',
    table(lines, regretRow, ['free-flow phase', 'first 100 steps', 'steps 101-300', FINAL_HEAD]),
    '',
  ].join('\n\n');
}

function table(
  lines: readonly ImprovementLine[],
  rowOf: (own: readonly ImprovementLine[]) => string[],
  head: readonly string[],
): string {
  const rows = IMPROVEMENT_CELLS.flatMap((cell) =>
    IMPROVEMENT_METHODS.map((method) => ({
      cell,
      method,
      own: linesOf(lines, cell, method),
    })),
  ).filter(({ own }) => own.length > 0);
  return markdownTable(
    ['cell', 'method', 'seeds', ...head],
    rows.map(({ cell, method, own }) => [cell, method, String(own.length), ...rowOf(own)]),
  );
}

const baselineOf = ({ improvement }: ImprovementLine): number => improvement.baseline?.ratio ?? NaN;
const finalSpan = (line: ImprovementLine): Span => {
  const { to } = spanOf(line, 'changed');
  return { from: to - FINAL_STEPS, to };
};
const finalOf = (line: ImprovementLine): number => ratioIn(line, finalSpan(line));

function improvementRow(own: readonly ImprovementLine[]): string[] {
  const minutes = (of: (view: ImprovementView) => ImprovementSpan | null, wanted: number): string =>
    judged(
      own.map((line) => {
        const span = of(line.improvement);
        return span === null ? Infinity : (span.seconds - line.warmUpSteps * line.stepSeconds) / 60;
      }),
      wanted,
      1,
    );
  return [
    showInterval(own.map(baselineOf)),
    showInterval(own.map(finalOf)),
    signed(meanOf(own.map((line) => 100 * (finalOf(line) / baselineOf(line) - 1))), 0),
    minutes(({ tenPercentAfter }) => tenPercentAfter, WANTED.tenPercentMinutes),
    minutes(({ quarterAfter }) => quarterAfter, WANTED.quarterMinutes),
    judged(own.map(halfGainAfter), WANTED.halfGainRoutes, 0),
  ];
}

/** Routes completed after the switch, up to the end of the first block that has half of the gain. */
export function halfGainAfter(line: ImprovementLine): number {
  const { series, warmUpSteps } = line;
  const half = (baselineOf(line) + finalOf(line)) / 2;
  let routes = 0;
  const block = { ratios: 0, count: 0 };
  for (let at = warmUpSteps / SERIES_STEPS; at < series.scored!.length; at++) {
    routes += series.scored![at]!;
    block.count += series.scored![at]!;
    block.ratios += series.ratios![at]!;
    if (block.count < BLOCK_ROUTES) continue;
    if (block.ratios / block.count <= half) return routes;
    block.count = block.ratios = 0;
  }
  return Infinity;
}

/** The value of each seed, and whether the worst is within what is wanted. */
function judged(values: readonly number[], wanted: number, digits: number): string {
  const shown = values.map((value) => (value === Infinity ? 'never' : value.toFixed(digits))).join(', ');
  return `${shown}: ${values.every((value) => value <= wanted) ? 'met' : '**not met**'}`;
}

function regretRow(own: readonly ImprovementLine[]): string[] {
  const regrets = (spanIn: (line: ImprovementLine) => Span): string =>
    showInterval(own.map((line) => regretIn(line, spanIn(line))));
  return [
    regrets((line) => secondHalf(line, 'before')),
    regrets((line) => spanOf(line, 'changed', { to: 100 })),
    regrets((line) => spanOf(line, 'changed', { from: 100, to: 300 })),
    regrets(finalSpan),
  ];
}
