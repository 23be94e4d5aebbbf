import { SERIES_STEPS, type ChangeSeries } from './changeRun.js';
import type { BenchLine } from './runs.js';
import { meanOf } from './statistics.js';

/**
 * What docs/benchmarks/change.md says of a run with a change, all from its series. The phase before the change is as
 * long as the one after it; a slow cell has a third, from when it clears. Steps of a phase count from its first.
 */
export type ChangeLine = BenchLine & { readonly series: ChangeSeries };

/** A line that its measures can be taken from. */
export function isChangeLine(line: BenchLine): line is ChangeLine {
  return line.series !== undefined;
}

export const PLATEAU_SHARE = 0.95;
/** Goals are counted over so many steps before they are compared with the plateau. */
export const CHANGE_WINDOW_STEPS = 60;
/** Within so many steps of a change a run is to be back, or round a slow cell. */
export const WANTED_STEPS = 120;

/** First and last steps, from and to, of a part of a run. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type Phase = 'before' | 'changed' | 'cleared';

/** `from` and `to` are steps of the phase; without them all of it. */
export function spanOf(
  { warmUpSteps, steps, change }: Pick<BenchLine, 'warmUpSteps' | 'steps' | 'change'>,
  phase: Phase,
  { from = 0, to = Infinity }: Partial<Span> = {},
): Span {
  const changedSteps = change === 'slow-cell' ? steps / 2 : steps;
  const [first, length] = {
    before: [0, warmUpSteps],
    changed: [warmUpSteps, changedSteps],
    cleared: [warmUpSteps + changedSteps, steps - changedSteps],
  }[phase] as [number, number];
  return { from: first + from, to: first + Math.min(to, length) };
}

/** The last half of a phase: what it comes to rest at. */
export function secondHalf(line: Pick<BenchLine, 'warmUpSteps' | 'steps' | 'change'>, phase: Phase): Span {
  const { from, to } = spanOf(line, phase);
  return { from: (from + to) / 2, to };
}

const sumOf = (values: readonly number[], { from, to }: Span): number =>
  values.slice(Math.round(from / SERIES_STEPS), Math.round(to / SERIES_STEPS)).reduce((a, b) => a + b, 0);

/** Goals a step. */
export function throughputIn({ series }: ChangeLine, span: Span): number {
  return sumOf(series.goals, span) / (span.to - span.from);
}

/** Mean score ratio of the routes scored in a span, NaN where there are none. */
export function ratioIn({ series }: ChangeLine, span: Span): number {
  return sumOf(series.ratios ?? [], span) / sumOf(series.scored ?? [], span);
}

/** Mean regret in seconds of the routes whose regret was measured in a span, NaN where there are none. */
export function regretIn({ series }: ChangeLine, span: Span): number {
  return sumOf(series.regretSeconds ?? [], span) / sumOf(series.regrets ?? [], span);
}

/** The new plateau: goals a step over the second half of the changed phase. */
export function plateauOf(line: ChangeLine): number {
  return throughputIn(line, secondHalf(line, 'changed'));
}

/**
 * Steps from the change to the end of the first window of 60 that began after it and made 95 % of the new plateau.
 * So 60 is the least, and says that nothing was lost.
 */
export function regainedAfter(line: ChangeLine): number {
  const { from, to } = spanOf(line, 'changed');
  const wanted = PLATEAU_SHARE * plateauOf(line);
  let end = from + CHANGE_WINDOW_STEPS;
  while (end < to && throughputIn(line, { from: end - CHANGE_WINDOW_STEPS, to: end }) < wanted)
    end += SERIES_STEPS;
  return end - from;
}

/** Of the routes that runs handed out in a span, how many cross the place watched; runs count together. */
export function shareOf(lines: readonly ChangeLine[], spanIn: (line: ChangeLine) => Span): number {
  const count = (of: 'crossings' | 'routes'): number =>
    lines.reduce((sum, line) => sum + sumOf(line.series[of], spanIn(line)), 0);
  return count('crossings') / Math.max(1, count('routes'));
}

/** Seconds beyond free flow that the lanes watched are priced at, on average over a span and over runs. */
export function extraSecondsOf(lines: readonly ChangeLine[], spanIn: (line: ChangeLine) => Span): number {
  return meanOf(
    lines.map((line) => {
      const span = spanIn(line);
      return sumOf(line.series.extraSeconds, span) / ((span.to - span.from) / SERIES_STEPS);
    }),
  );
}
