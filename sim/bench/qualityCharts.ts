import type { TopLevelSpec } from 'vega-lite';
import { WINDOW_STEPS } from './benchResult.js';
import type { Chart } from './charts.js';
import { BENCH_METHOD_NAMES } from './methods.js';
import type { BenchLine } from './runs.js';
import { splitCell } from './sites.js';
import { bootstrapInterval, meanOf } from './statistics.js';

const SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json';
/** Resamples behind each point of a band: there are hundreds of points. */
const BAND_RESAMPLES = 1000;
const CONFIG = { font: 'DejaVu Sans', axis: { labelFontSize: 11, titleFontSize: 12 } } as const;
export const CHART_BASE = { $schema: SCHEMA, config: CONFIG } as const;
/** Okabe and Ito's colours and one of Tol's, told apart by colour-blind readers too; ours are the strong ones. */
const COLOURS: Readonly<Record<string, string>> = {
  shortest: '#999999',
  flow: '#56B4E9',
  'flow+crisscross': '#0072B2',
  'flow+highways': '#332288',
  'flow-light': '#009E73',
  'flow-light+highways': '#117733',
  static: '#F0E442',
  'ggo-pibt': '#999933',
  'observed-delay': '#CC79A7',
  'rules-alone': '#882255',
  'learned-cold': '#D55E00',
  'learned-shipped': '#000000',
  frozen: '#E69F00',
  'frozen-at-change': '#E69F00',
  oracle: '#000000',
};

/** One colour a method, in every chart. */
export function methodColour(lines: readonly BenchLine[]) {
  const found = new Set(lines.map(({ method }) => method));
  const domain = BENCH_METHOD_NAMES.filter((method) => found.has(method));
  return {
    field: 'method',
    type: 'nominal',
    title: null,
    scale: { domain: [...domain], range: domain.map((method) => COLOURS[method]!) },
  } as const;
}

/** Lines by a name, in the order in which the names first occur. */
export function grouped<Line extends BenchLine>(
  lines: readonly Line[],
  nameOf: (line: Line) => string,
): [string, Line[]][] {
  const groups = new Map<string, Line[]>();
  for (const line of lines) groups.set(nameOf(line), [...(groups.get(nameOf(line)) ?? []), line]);
  return [...groups];
}

const METHOD_IN_CELL = ({ cell, method }: BenchLine): string => `${cell} ${method}`;

/** Throughput by step, a band for the interval over seeds, one panel a cell. */
export function learningCurvesChart(lines: readonly BenchLine[]): Chart | null {
  const values = grouped(lines, METHOD_IN_CELL).flatMap(([, own]) => {
    const windows = Math.min(...own.map((line) => line.windows.length));
    return Array.from({ length: windows }, (_, at) => {
      const interval = bootstrapInterval(
        own.map((line) => line.windows[at]!),
        BAND_RESAMPLES,
      );
      const { cell, method } = own[0]!;
      return { cell, method, step: (at + 1) * WINDOW_STEPS, ...interval };
    });
  });
  if (values.length === 0) return null;
  const x = { field: 'step', type: 'quantitative', title: 'step' } as const;
  const color = methodColour(lines);
  const spec: TopLevelSpec = {
    ...CHART_BASE,
    data: { values },
    facet: { field: 'cell', type: 'nominal', title: null, sort: cellsOf(lines) },
    columns: 2,
    resolve: { scale: { y: 'independent' } },
    spec: {
      width: 360,
      height: 200,
      layer: [
        {
          mark: { type: 'area', opacity: 0.2 },
          encoding: {
            ...{ x, color },
            y: { field: 'low', type: 'quantitative', title: 'goals a step', scale: { zero: false } },
            y2: { field: 'high' },
          },
        },
        {
          mark: { type: 'line', strokeWidth: 1.5 },
          encoding: { x, color, y: { field: 'mean', type: 'quantitative' } },
        },
      ],
    },
  };
  return { title: 'Goals a step in each 100 steps', file: 'learning-curves.png', spec };
}

/** Throughput against the number of robots, one panel a site that was measured with several. */
export function fleetSizeChart(lines: readonly BenchLine[]): Chart | null {
  const sizes = new Map<string, Set<number>>();
  for (const { cell } of lines) {
    const { site, robots } = splitCell(cell);
    sizes.set(site, (sizes.get(site) ?? new Set()).add(robots));
  }
  const varied = lines.filter(({ cell }) => sizes.get(splitCell(cell).site)!.size > 1);
  const values = grouped(varied, METHOD_IN_CELL).map(([, own]) => {
    const { cell, method } = own[0]!;
    return { ...splitCell(cell), method, ...bootstrapInterval(own.map((line) => line.throughput)) };
  });
  if (values.length === 0) return null;
  const x = { field: 'robots', type: 'quantitative', title: 'robots' } as const;
  const color = methodColour(varied);
  const spec: TopLevelSpec = {
    ...CHART_BASE,
    data: { values },
    facet: { field: 'site', type: 'nominal', title: null },
    columns: 3,
    resolve: { scale: { x: 'independent', y: 'independent' } },
    spec: {
      width: 260,
      height: 260,
      layer: [
        {
          mark: { type: 'line', point: true, strokeWidth: 1.5 },
          encoding: { x, color, y: { field: 'mean', type: 'quantitative', title: 'goals a step' } },
        },
        {
          mark: { type: 'rule' },
          encoding: { x, color, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
        },
      ],
    },
  };
  return { title: 'Throughput against fleet size', file: 'fleet-size.png', spec };
}

/** What each method leaves of the throughput that free flow would have. */
export function freeFlowGapChart(lines: readonly BenchLine[]): Chart | null {
  if (lines.length === 0) return null;
  const values = grouped(lines, METHOD_IN_CELL).map(([, own]) => {
    const { cell, method } = own[0]!;
    return {
      cell,
      method,
      gap: 100 - meanOf(own.map((line) => (100 * line.throughput) / line.freeFlowBound)),
    };
  });
  const spec: TopLevelSpec = {
    ...CHART_BASE,
    data: { values },
    width: { step: 10 },
    height: 280,
    mark: 'bar',
    encoding: {
      x: { field: 'cell', type: 'nominal', title: null, sort: cellsOf(lines), axis: { labelAngle: -30 } },
      xOffset: { field: 'method', sort: [...BENCH_METHOD_NAMES] },
      y: { field: 'gap', type: 'quantitative', title: 'below the free-flow bound, %' },
      color: methodColour(lines),
    },
  };
  return { title: 'Gap to free flow', file: 'free-flow-gap.png', spec };
}

/** Goals a step by order and price against the stops of a tour, as multiples of s-shape on shortest paths. */
export function tourChart(lines: readonly BenchLine[]): Chart | null {
  const values = grouped(
    lines.filter(({ picks }) => picks > 1),
    (line) => `${METHOD_IN_CELL(line)} ${line.order} ${line.picks}`,
  ).map(([, own]) => {
    const { cell, method, order, picks } = own[0]!;
    return {
      cell,
      method,
      order,
      picks: `${picks} picks`,
      throughput: meanOf(own.map((line) => line.throughput)),
    };
  });
  if (values.length === 0) return null;
  const spec: TopLevelSpec = {
    ...CHART_BASE,
    data: { values },
    facet: {
      row: { field: 'cell', type: 'nominal', title: null },
      column: {
        field: 'picks',
        type: 'ordinal',
        title: null,
        sort: ['4 picks', '8 picks', '12 picks', '30 picks'],
      },
    },
    resolve: { scale: { y: 'independent' } },
    spec: {
      width: { step: 16 },
      height: 180,
      mark: 'bar',
      encoding: {
        x: { field: 'order', type: 'nominal', title: null, sort: ['s-shape', 'nearest', 'exact'] },
        xOffset: { field: 'method', sort: [...BENCH_METHOD_NAMES] },
        y: { field: 'throughput', type: 'quantitative', title: 'goals a step' },
        color: methodColour(lines),
      },
    },
  };
  return { title: 'Order of visit and prices', file: 'tours.png', spec };
}

const cellsOf = (lines: readonly BenchLine[]): string[] => [...new Set(lines.map(({ cell }) => cell))];
