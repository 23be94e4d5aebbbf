import { existsSync } from 'node:fs';
import type { BenchResult } from './benchResult.js';
import type { ChangeName } from './changes.js';
import { QUALITY_METHODS, specOf, type BenchMethod } from './methods.js';
import { guidanceFile, siteMissing, splitCell } from './sites.js';
import type { VisitOrderName } from './visitOrders.js';
import { sweepRuns } from './weightSweep.js';

/** One run of the benchmark, and what names it in the raw results. */
export interface BenchRun {
  readonly cell: string;
  readonly method: BenchMethod;
  readonly picks: number;
  readonly order: VisitOrderName;
  readonly warmUpSteps: number;
  readonly steps: number;
  readonly seed: number;
  /** Reward weights other than the defaults, as `--weights` has them. */
  readonly weights?: string;
  /** Share of the jobs with a deadline. */
  readonly deadlines?: number;
  /** What happens when the warm-up ends. */
  readonly change?: ChangeName;
}

/** A raw result, and where and when it was measured. */
export interface BenchLine extends BenchResult {
  /** Day, UTC. */
  readonly measuredOn: string;
  readonly machine: string;
  /** Commit of the project; `+` where files differed from it. */
  readonly revision: string;
}

/** The plain shortest path that the published code was measured by: whether this simulator moves as theirs. */
export const SIMULATOR_CHECK = { cell: 'kiva-33x36@400', method: 'shortest', published: 5.22 } as const;

export const SMALL_CELLS = [
  'kiva-33x36@150',
  'kiva-33x36@220',
  'kiva-33x36@400',
  'narrow-33x57@200',
  'narrow-33x57@400',
  'narrow-33x57@600',
  'sortation-33x57@200',
  'sortation-33x57@400',
  'sortation-33x57@800',
  'multi-block@200',
] as const;
export const LARGE_CELLS = ['hall-21k@1000', 'warehouse-large@1000'] as const;
const NIGHTLY_CELLS = ['kiva-33x36@150', 'kiva-33x36@400', 'narrow-33x57@600', 'sortation-33x57@800'];
/** What is only put together of others has no time in half an hour. */
const NIGHTLY_METHODS = QUALITY_METHODS.filter((method) => !method.endsWith('+highways'));
const LOOP_CELLS = [
  'kiva-33x36@400',
  'narrow-33x57@400',
  'narrow-33x57@600',
  'sortation-33x57@800',
  'multi-block@200',
];
/** How many picks where. */
export const TOURS = [
  { cell: 'kiva-33x36@220', allPicks: [1, 4, 8, 12, 30] },
  { cell: 'multi-block@100', allPicks: [1, 4, 8, 12, 30] },
  { cell: 'kiva-33x36@250', allPicks: [6] },
] as const;
export const TOUR_METHODS: readonly BenchMethod[] = ['shortest', 'flow', 'learned-cold'];
export const TOUR_ORDERS: readonly VisitOrderName[] = ['s-shape', 'nearest', 'exact'];
/** What is measured over the long runs too: all that learn, and the hand-made price that they are held against. */
const LONG_METHODS: readonly BenchMethod[] = ['flow', 'learned-cold', 'learned-shipped'];

/** Steps of the quality runs: those that count of a short run, of a long one, and before them. */
export interface RunLengths {
  readonly warmUpSteps: number;
  readonly shortSteps: number;
  readonly longSteps: number;
}
export const RUN_LENGTHS: RunLengths = { warmUpSteps: 100, shortSteps: 1000, longSteps: 10_000 };

/** What changes where, and who is measured: against the hand-made price, or against who knows. */
export const CHANGE_CELLS: readonly {
  readonly change: ChangeName;
  readonly cells: readonly string[];
  readonly methods: readonly BenchMethod[];
}[] = [
  ...(['aisle-closes', 'hot-zone-moves', 'robots-slow', 'fleet-doubles'] as const).map((change) => ({
    ...{ change, cells: ['kiva-33x36@300'] },
    methods: ['flow', 'learned-cold', 'frozen-at-change'] as const,
  })),
  {
    ...{ change: 'slow-cell', cells: ['kiva-33x36@200', 'kiva-33x36@30'] },
    methods: ['learned-cold', 'oracle', 'frozen-at-change'],
  },
  ...(['no-slow-robot', 'slow-robot', 'slow-robot-type'] as const).map((change) => ({
    ...{ change, cells: ['kiva-33x36@30'], methods: ['learned-cold'] as const },
  })),
];

/** Crowded floors that learning starts on. */
export const IMPROVEMENT_CELLS = [
  'kiva-33x36@400',
  'narrow-33x57@400',
  'narrow-33x57@600',
  'sortation-33x57@800',
];
export const IMPROVEMENT_METHODS: readonly BenchMethod[] = ['learned-cold', 'rules-alone'];

export const SUITE_NAMES = ['loop', 'quality', 'full', 'tours', 'change', 'improvement', 'weights'] as const;
export type SuiteName = (typeof SUITE_NAMES)[number];

/** Every run of a suite, the most telling first: a table is whole, with few seeds, early on. */
export function runsOf(suite: SuiteName, lengths: RunLengths, seeds: number | null): readonly BenchRun[] {
  const { warmUpSteps, shortSteps, longSteps } = lengths;
  const single = { picks: 0, order: 'exact' as const };
  const short = { ...single, warmUpSteps, steps: shortSteps };
  const long = { ...single, warmUpSteps, steps: longSteps };
  switch (suite) {
    case 'loop': {
      const loop = { ...single, warmUpSteps: 0, steps: 2 * shortSteps };
      return seeded(seeds ?? 5, [
        { ...loop, cell: SIMULATOR_CHECK.cell, method: SIMULATOR_CHECK.method },
        ...product(LOOP_CELLS, ['flow', 'learned-cold']).map((pair) => ({ ...loop, ...pair })),
      ]);
    }
    case 'quality':
      return seeded(
        seeds ?? 4,
        product(NIGHTLY_CELLS, NIGHTLY_METHODS).map((pair) => ({ ...short, ...pair })),
      );
    case 'full':
      return [
        ...seeded(
          seeds ?? 20,
          product(SMALL_CELLS, QUALITY_METHODS).map((pair) => ({ ...short, ...pair })),
        ),
        ...seeded(
          Math.min(seeds ?? 3, 3),
          product(LARGE_CELLS, QUALITY_METHODS).map((pair) => ({ ...short, ...pair })),
        ),
        ...seeded(
          Math.min(seeds ?? 8, 8),
          product(SMALL_CELLS, LONG_METHODS).map((pair) => ({ ...long, ...pair })),
        ),
      ];
    case 'weights':
      return seeded(
        seeds ?? 5,
        sweepRuns().map((run) => ({ ...single, ...run, method: 'learned-cold' as const })),
      );
    case 'tours':
      return seeded(seeds ?? 20, [
        { ...short, cell: SIMULATOR_CHECK.cell, method: SIMULATOR_CHECK.method },
        ...TOURS.flatMap(({ cell, allPicks }) =>
          product([cell], TOUR_METHODS).flatMap((pair) =>
            allPicks.flatMap((picks) =>
              // The order of a single stop is no choice.
              (picks === 1 ? (['exact'] as const) : TOUR_ORDERS).map((order) => ({
                ...{ ...pair, picks, order, warmUpSteps: 3 * warmUpSteps, steps: 2 * shortSteps },
              })),
            ),
          ),
        ),
      ]);
    case 'improvement':
      return seeded(
        seeds ?? 3,
        product(IMPROVEMENT_CELLS, IMPROVEMENT_METHODS).map((pair) => ({
          ...{ ...single, ...pair, change: 'learning-starts' as const },
          ...{ warmUpSteps: Math.round(0.3 * shortSteps), steps: shortSteps },
        })),
      );
    case 'change': {
      const phase = Math.round(0.6 * shortSteps);
      return seeded(
        seeds ?? 3,
        CHANGE_CELLS.flatMap(({ change, cells, methods }) =>
          product(cells, methods).map((pair) => ({
            ...{ ...single, ...pair, change, warmUpSteps: phase },
            // A cell that was slow is watched for another phase after it cleared.
            steps: change === 'slow-cell' ? 2 * phase : phase,
          })),
        ),
      );
    }
  }
}

/** Those of any seed of its runs. Runs of other lengths are no more seeds of these; a nightly has the lines of the full benchmark. */
export function linesOfSuite(
  suite: SuiteName,
  lengths: RunLengths,
  lines: readonly BenchLine[],
): readonly BenchLine[] {
  const withoutSeed = (run: BenchRun | BenchLine): string => nameOf({ ...run, seed: 0 });
  const names = new Set(runsOf(suite === 'quality' ? 'full' : suite, lengths, 1).map(withoutSeed));
  return lines.filter((line) => names.has(withoutSeed(line)));
}

function seeded(seeds: number, runs: readonly Omit<BenchRun, 'seed'>[]): BenchRun[] {
  return Array.from({ length: seeds }, (_, i) => runs.map((run) => ({ ...run, seed: i + 1 }))).flat();
}

function product(
  cells: readonly string[],
  methods: readonly BenchMethod[],
): { readonly cell: string; readonly method: BenchMethod }[] {
  return cells.flatMap((cell) => methods.map((method) => ({ cell, method })));
}

/** Raw results of before orders and warm-up were named had the planner's order, single goals and none. */
export function nameOf(run: BenchRun | BenchLine): string {
  const { cell, method, picks = 0, order = 'exact', warmUpSteps = 0, steps, seed } = run;
  const special = [run.weights, run.deadlines, run.change].filter((value) => value !== undefined);
  return [cell, method, picks, order, warmUpSteps, steps, seed, ...special].join('/');
}

export interface Inputs {
  readonly dataDirectory: string;
  readonly policiesDirectory: string;
}

/** Why a run cannot be made here; null where it can. */
export function whyMissing({ cell, method }: BenchRun, inputs: Inputs): string | null {
  const { weights, price } = specOf(method);
  if (price === 'static' && guidanceFile(cell, inputs.dataDirectory) === null)
    return 'no published lane weights for this cell in the data directory (--data)';
  if (weights === 'shipped' && !existsSync(inputs.policiesDirectory))
    return 'no policy is shipped (--policies)';
  return siteMissing(splitCell(cell).site, inputs.dataDirectory);
}

/** Runs by the parts of their names, each empty or left out for all; a cell may be named without its robots. */
export function matches(run: BenchRun, filter: string): boolean {
  const parts = nameOf(run).split('/');
  const fits = (wanted: string, index: number): boolean =>
    wanted === '' || wanted === parts[index] || (index === 0 && wanted === splitCell(run.cell).site);
  return filter.split('/').every(fits);
}
