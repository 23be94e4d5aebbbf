import { createRandom } from '../../src/platform/random.js';

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** How many values. */
  readonly count: number;
}

const RESAMPLES = 10_000;
/** Of fewer values the bootstrap says too little: its 95 % are 50 of two, 75 of three, 81 of four, 89 of eight. */
export const FEWEST_FOR_INTERVAL = 5;

/** Mean and its 95 % bootstrap interval (percentile, 10,000 resamples, the same ones each time). */
export function bootstrapInterval(values: readonly number[], resamples = RESAMPLES): Interval {
  const random = createRandom(1);
  const count = values.length;
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[random.integer(count)]!;
    return sum / count;
  }).sort();
  const at = (share: number): number => means[Math.floor(share * resamples)]!;
  return { mean: meanOf(values), low: at(0.025), high: at(0.975), count };
}

interface Seeded {
  readonly seed: number;
}

/** Ours minus theirs, seed by seed, for the seeds that both have. */
export function pairedDifferences<Line extends Seeded>(
  ours: readonly Line[],
  theirs: readonly Line[],
  valueOf: (line: Line) => number,
): number[] {
  return ours.flatMap((line) => {
    const other = theirs.find(({ seed }) => seed === line.seed);
    return other ? [valueOf(line) - valueOf(other)] : [];
  });
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** `5.03 [4.98, 5.08]`, of few values `5.03`; empty without values. */
export function showInterval(values: readonly number[], digits = 2): string {
  if (values.length === 0) return '';
  if (values.length < FEWEST_FOR_INTERVAL) return meanOf(values).toFixed(digits);
  const { mean, low, high } = bootstrapInterval(values);
  return `${mean.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** `+0.70 [+0.64, +0.76]`, of few values `+0.70`; empty without values. */
export function showDifference(values: readonly number[], digits = 2): string {
  if (values.length === 0) return '';
  if (values.length < FEWEST_FOR_INTERVAL) return signed(meanOf(values), digits);
  const { mean, low, high } = bootstrapInterval(values);
  return `${signed(mean, digits)} [${signed(low, digits)}, ${signed(high, digits)}]`;
}

export function signed(value: number, digits = 2): string {
  return `${value >= 0 ? '+' : ''}${value.toFixed(digits)}`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
