import type { BenchLine } from './runs.js';
import { markdownTable, meanOf, pairedDifferences, showDifference } from './statistics.js';

export interface LoopCell {
  readonly cell: string;
  /** Goals a step that learned-cold is to reach; null where only the difference to `flow` counts. */
  readonly wantedFirst: number | null;
  readonly wantedLast: number | null;
}

const HEAD = [
  'cell',
  'shortest',
  'flow 1-1,000',
  'flow last 1,000',
  'learned-cold 1-1,000',
  'wanted',
  'learned-cold last 1,000',
  'wanted',
  'learned - flow, last 1,000, paired, 95 %',
  'plan p50 / p99 ms',
];

/** The table in Markdown: throughput of each method and what learning is worth against the hand-made price. */
export function describeLoop(cells: readonly LoopCell[], lines: readonly BenchLine[]): string {
  const of = (cell: string, method: string): BenchLine[] =>
    lines.filter((line) => line.cell === cell && line.method === method).sort((a, b) => a.seed - b.seed);
  const rows = cells.map(({ cell, wantedFirst, wantedLast }) => {
    const [shortest, flow, learned] = [of(cell, 'shortest'), of(cell, 'flow'), of(cell, 'learned-cold')];
    const milliseconds = (value: (line: BenchLine) => number, digits: number): string =>
      learned.length === 0 ? '' : meanOf(learned.map(value)).toFixed(digits);
    return [
      cell,
      show(shortest.map((line) => line.throughputFirst)),
      show(flow.map((line) => line.throughputFirst)),
      show(flow.map((line) => line.throughputLast)),
      show(learned.map((line) => line.throughputFirst)),
      wantedFirst === null ? '' : `>= ${wantedFirst}`,
      show(learned.map((line) => line.throughputLast)),
      wantedLast === null ? '' : `>= ${wantedLast}`,
      showDifference(pairedDifferences(learned, flow, (line) => line.throughputLast)),
      `${milliseconds((line) => line.planMsP50, 2)} / ${milliseconds((line) => line.planMsP99, 1)}`,
    ];
  });
  return markdownTable(HEAD, rows) + '\n';
}

function show(values: readonly number[]): string {
  if (values.length === 0) return '';
  const spread = `${Math.min(...values).toFixed(2)}-${Math.max(...values).toFixed(2)}`;
  return `${meanOf(values).toFixed(2)} (${spread}, n=${values.length})`;
}
