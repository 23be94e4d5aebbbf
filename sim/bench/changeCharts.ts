import type { TopLevelSpec } from 'vega-lite';
import {
  CHANGE_WINDOW_STEPS,
  isChangeLine,
  throughputIn,
  type ChangeLine,
  type Span,
} from './changeMeasures.js';
import { SERIES_STEPS } from './changeRun.js';
import type { Chart } from './charts.js';
import { CHART_BASE, grouped, methodColour } from './qualityCharts.js';
import type { ReportInput } from './reportParts.js';
import { meanOf } from './statistics.js';

interface Point {
  readonly panel: string;
  readonly method: string;
  readonly step: number;
  readonly value: number;
}

/** Goals a step round each change; routes over the slow cell. */
export function changeCharts(input: Pick<ReportInput, 'lines'>): Chart[] {
  const lines = input.lines.filter(isChangeLine);
  const floors = lines.filter(
    ({ change }) => !change!.endsWith('slow-robot') && change !== 'slow-robot-type',
  );
  const cells = floors.filter(({ change }) => change === 'slow-cell');
  return [
    changeChart(floors, {
      ...{ file: 'change.png', axis: 'goals a step' },
      title: `Goals a step over the ${CHANGE_WINDOW_STEPS} steps before; the change is at 0`,
      valueAt: (own, span) => meanOf(own.map((line) => throughputIn(line, span))),
    }),
    changeChart(cells, {
      ...{ file: 'slow-cell.png', axis: '% of routes' },
      title: 'Routes over the slow cell, in per cent; it is slow from 0 to 600',
      valueAt: (own, span) => 100 * crossingShare(own, span),
    }),
  ].flatMap((chart) => chart ?? []);
}

function crossingShare(own: readonly ChangeLine[], { from, to }: Span): number {
  const count = (of: 'crossings' | 'routes'): number =>
    own.reduce(
      (sum, { series }) =>
        sum + series[of].slice(from / SERIES_STEPS, to / SERIES_STEPS).reduce((a, b) => a + b, 0),
      0,
    );
  return count('crossings') / Math.max(1, count('routes'));
}

interface Drawing {
  readonly title: string;
  readonly file: string;
  readonly axis: string;
  readonly valueAt: (own: readonly ChangeLine[], span: Span) => number;
}

/** A line a method over the steps since the change, a panel for each change and cell; null without lines. */
export function changeChart(
  lines: readonly ChangeLine[],
  { title, file, axis, valueAt }: Drawing,
): Chart | null {
  if (lines.length === 0) return null;
  const values = grouped(lines, ({ change, cell, method }) => `${change} ${cell} ${method}`).flatMap(
    ([, own]): Point[] => {
      const { change, cell, method, warmUpSteps, steps } = own[0]!;
      const points: Point[] = [];
      for (let to = CHANGE_WINDOW_STEPS; to <= warmUpSteps + steps; to += SERIES_STEPS) {
        const value = valueAt(own, { from: to - CHANGE_WINDOW_STEPS, to });
        points.push({ panel: `${change}, ${cell}`, method, step: to - warmUpSteps, value });
      }
      return points;
    },
  );
  const spec: TopLevelSpec = {
    ...CHART_BASE,
    data: { values: values.map((value) => ({ ...value })) },
    facet: {
      field: 'panel',
      type: 'nominal',
      title: null,
      sort: [...new Set(values.map(({ panel }) => panel))],
    },
    columns: 2,
    resolve: { scale: { x: 'independent', y: 'independent' } },
    spec: {
      width: 360,
      height: 200,
      mark: { type: 'line', strokeWidth: 1.5 },
      encoding: {
        x: { field: 'step', type: 'quantitative', title: 'steps since the change' },
        y: { field: 'value', type: 'quantitative', title: axis, scale: { zero: false } },
        color: methodColour(lines),
      },
    },
  };
  return { title, file, spec };
}
