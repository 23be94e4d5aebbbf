import { createRandom } from '../src/platform/random.js';
import type { BenchResult } from './bench.js';

export interface TableCell {
  readonly cell: string;
  /** Goals a step that learned-cold is to reach; null where only the difference to `flow` counts. */
  readonly wantedFirst: number | null;
  readonly wantedLast: number | null;
}

/** Mean and 95 % bootstrap interval (10,000 resamples, percentile) of the mean. */
export function bootstrapInterval(values: readonly number[]): { mean: number; low: number; high: number } {
  const mean = meanOf(values);
  const random = createRandom(1);
  const means = Array.from({ length: 10_000 }, () =>
    meanOf(values.map(() => values[random.integer(values.length)]!)),
  );
  means.sort((a, b) => a - b);
  return {
    mean,
    low: means[Math.floor(0.025 * means.length)]!,
    high: means[Math.floor(0.975 * means.length)]!,
  };
}

/** The table in Markdown: throughput of each method and what learning is worth against the hand-made price. */
export function describeTable(cells: readonly TableCell[], results: readonly BenchResult[]): string {
  const of = (cell: string, method: string): BenchResult[] =>
    results
      .filter((result) => result.cell === cell && result.method === method)
      .sort((a, b) => a.seed - b.seed);
  const head = [
    '| cell | shortest | flow 1-1,000 | flow last 1,000 | learned-cold 1-1,000 | wanted | learned-cold last 1,000 | wanted | learned - flow, last 1,000, paired, 95 % | plan p50 / p99 ms |',
    '|---|---|---|---|---|---|---|---|---|---|',
  ];
  const rows = cells.map(({ cell, wantedFirst, wantedLast }) => {
    const [shortest, flow, learned] = [of(cell, 'shortest'), of(cell, 'flow'), of(cell, 'learned-cold')];
    const columns = [
      cell,
      show(shortest.map((result) => result.throughputFirst)),
      show(flow.map((result) => result.throughputFirst)),
      show(flow.map((result) => result.throughputLast)),
      show(learned.map((result) => result.throughputFirst)),
      wantedFirst === null ? '' : `>= ${wantedFirst}`,
      show(learned.map((result) => result.throughputLast)),
      wantedLast === null ? '' : `>= ${wantedLast}`,
      paired(learned, flow),
      `${meanOf(learned.map((result) => result.planMsP50)).toFixed(2)} / ${meanOf(learned.map((result) => result.planMsP99)).toFixed(1)}`,
    ];
    return `| ${columns.join(' | ')} |`;
  });
  return [...head, ...rows, ''].join('\n');
}

function paired(ours: readonly BenchResult[], theirs: readonly BenchResult[]): string {
  const differences = ours.flatMap((result) => {
    const other = theirs.find((candidate) => candidate.seed === result.seed);
    return other ? [result.throughputLast - other.throughputLast] : [];
  });
  if (differences.length === 0) return '';
  const { mean, low, high } = bootstrapInterval(differences);
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}

function show(values: readonly number[]): string {
  if (values.length === 0) return '';
  const spread = `${Math.min(...values).toFixed(2)}-${Math.max(...values).toFixed(2)}`;
  return `${meanOf(values).toFixed(2)} (${spread}, n=${values.length})`;
}

function signed(value: number): string {
  return `${value >= 0 ? '+' : ''}${value.toFixed(2)}`;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
