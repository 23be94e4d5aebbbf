import { SIMULATOR_CHECK, type BenchLine, type RunLengths } from './runs.js';
import { bootstrapInterval, showInterval } from './statistics.js';

export interface ReportInput {
  readonly lines: readonly BenchLine[];
  readonly lengths: RunLengths;
  /** Cell and method of what cannot be measured here, and why. */
  readonly skipped: ReadonlyMap<string, string>;
}

/** The lines of one cell and method, by seed. */
export function linesOf<Line extends BenchLine>(
  lines: readonly Line[],
  cell: string,
  method: string,
): Line[] {
  return lines.filter((line) => line.cell === cell && line.method === method).sort((a, b) => a.seed - b.seed);
}

/** Single goals over the short runs. */
export function shortLines(lines: readonly BenchLine[], lengths: RunLengths): BenchLine[] {
  return lines.filter(
    ({ picks, warmUpSteps, steps }) =>
      picks === 0 && warmUpSteps === lengths.warmUpSteps && steps === lengths.shortSteps,
  );
}

/** Names in the order of `known`, those that have lines alone. */
export function present<Name extends string>(
  known: readonly Name[],
  lines: readonly BenchLine[],
  nameOf: (line: BenchLine) => string,
): Name[] {
  const found = new Set(lines.map(nameOf));
  return known.filter((name) => found.has(name));
}

/** Whether this simulator moves robots as the published one: stands beside every table. */
export function describeCheck(lines: readonly BenchLine[], lengths: RunLengths): string {
  const { cell, method, published } = SIMULATOR_CHECK;
  const values = linesOf(shortLines(lines, lengths), cell, method).map((line) => line.throughput);
  if (values.length === 0) return `*Simulator check: \`${method}\` on ${cell} was not measured.*`;
  const { mean } = bootstrapInterval(values);
  const off = 100 * (mean / published - 1);
  const verdict = Math.abs(off) <= 5 ? 'within 5 %' : '**not within 5 %: published figures do not compare**';
  return (
    `*Simulator check: \`${method}\` on ${cell} makes ${showInterval(values)} goals a step (${seedsOf(values.length)}), ` +
    `published ${published} (Zhang et al., IJCAI 2024): ${off >= 0 ? '+' : ''}${off.toFixed(1)} %, ${verdict}.*`
  );
}

export const seedsOf = (count: number): string => (count === 1 ? '1 seed' : `${count} seeds`);

/** Where, when and from which sources the lines were measured, and what is missing. */
export function describeOrigin(command: string, { lines, skipped }: ReportInput): string {
  const distinct = (valueOf: (line: BenchLine) => string): string =>
    [...new Set(lines.map((line) => valueOf(line) ?? 'unknown'))].sort().join(', ');
  const revisions = distinct((line) => line.revision);
  const mixed = revisions.includes(',')
    ? ' **More than one revision: differences between methods hold only within one.**'
    : '';
  const reasons = new Map<string, string[]>();
  for (const [what, reason] of skipped) reasons.set(reason, [...(reasons.get(reason) ?? []), what]);
  return [
    `Written by \`${command}\` from ${lines.length} runs. Machine: ${distinct((line) => line.machine)}. Measured on ` +
      `${distinct((line) => line.measuredOn)}, revision ${revisions}.${mixed}`,
    ...[...reasons].map(([reason, whats]) => `Not measured (${reason}): ${whats.join(', ')}.`),
  ].join('\n\n');
}
