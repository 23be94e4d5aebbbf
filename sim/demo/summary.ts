import asciichart from 'asciichart';
import { PHASES, type Phase, type PhaseResult } from './phase.js';

/** Share of the floor's time that fills the floor and, in the last phase, learns; what comes after it counts. */
export const WARM_UP_SHARE = 0.6;
/** What a person must see: less than two thirds of the shortest path's picking time. */
const WANTED_FALL = 1 / 3;

export interface DemoSummary {
  readonly warehouseId: string;
  readonly robots: number;
  readonly seed: number;
  readonly backend: string;
  readonly wallSeconds: number;
  /** The floor's seconds that count in each phase. */
  readonly measured: { readonly from: number; readonly to: number };
  readonly phases: readonly PhaseSummary[];
  /** Shares by which picking time fell, negative where it rose. */
  readonly fallAgainstShortest: number;
  readonly fallAgainstFlow: number;
  readonly targetReached: boolean;
}

export interface PhaseSummary {
  readonly name: Phase['name'];
  readonly meanPickingSeconds: number;
  readonly tours: number;
  readonly ordersPerMinute: number;
  readonly floorSeconds: number;
  readonly speedUp: number;
  readonly policyVersion: string;
  readonly updatesApplied: number;
  readonly outcomeToServedMs: { readonly p50: number | null; readonly p99: number | null };
  readonly planMs: { readonly p50: number | null; readonly p99: number | null };
  readonly routes: number;
  readonly invalidRoutes: number;
  /** The first fault that was found, empty where there is none. */
  readonly firstFault: string;
  readonly lostCompletions: number;
}

export type DemoHead = Pick<DemoSummary, 'warehouseId' | 'robots' | 'seed' | 'backend' | 'wallSeconds'>;

/** The three phases over the same window of the floor's time. */
export function summarise(head: DemoHead, results: readonly PhaseResult[]): DemoSummary {
  const to = Math.min(...results.map(({ floorSeconds }) => floorSeconds));
  const from = Math.floor(WARM_UP_SHARE * to);
  const phases = results.map((result, at): PhaseSummary => {
    const { tours, meanSeconds } = result.picking.between(from, to);
    const { link, floorSeconds, speedUp, policyVersion, updatesApplied } = result;
    return {
      name: (PHASES[at] as Phase).name,
      meanPickingSeconds: meanSeconds,
      tours,
      ordersPerMinute: (60 * tours) / Math.max(1, to - from),
      ...{ floorSeconds, speedUp, policyVersion, updatesApplied },
      outcomeToServedMs: { p50: result.outcomeToServed.p50, p99: result.outcomeToServed.p99 },
      planMs: { p50: result.plan.p50, p99: result.plan.p99 },
      routes: link.routes,
      invalidRoutes: link.invalidRoutes,
      firstFault: link.firstFault,
      lostCompletions: link.lostCompletions,
    };
  });
  const mean = (name: Phase['name']): number =>
    phases.find((phase) => phase.name === name)?.meanPickingSeconds ?? NaN;
  const fallAgainstShortest = 1 - mean('learned') / mean('shortest');
  const fallAgainstFlow = 1 - mean('learned') / mean('flow');
  return {
    ...head,
    measured: { from, to },
    phases,
    fallAgainstShortest,
    fallAgainstFlow,
    targetReached: fallAgainstShortest >= WANTED_FALL && fallAgainstFlow > 0,
  };
}

export function summaryAsText(
  summary: DemoSummary,
  results: readonly PhaseResult[],
  colours: boolean,
): string {
  const { measured, fallAgainstShortest, fallAgainstFlow, phases } = summary;
  const lines = [
    '',
    `Mean picking time of the tours finished from second ${measured.from} to ${measured.to} of each phase:`,
    '',
    ...phases.map((phase, at) => phaseLine(PHASES[at] as Phase, phase)),
    '',
    ...chart(summary, results, colours),
    '',
    `Learned from nothing, picking time is ${change(fallAgainstShortest)} the shortest path's`,
    `and ${change(fallAgainstFlow)} the hand-made price's.`,
  ];
  if (!summary.targetReached) lines.push(shortfall(summary));
  const sum = (of: (phase: PhaseSummary) => number): number =>
    phases.reduce((all, phase) => all + of(phase), 0);
  const learned = phases.at(-1) as PhaseSummary;
  lines.push(
    '',
    `${sum(({ routes }) => routes)} routes and new ways, ${sum(({ invalidRoutes }) => invalidRoutes)} invalid; ` +
      `${sum(({ lostCompletions }) => lostCompletions)} completions lost. ` +
      `Outcome to served: p50 ${shown(learned.outcomeToServedMs.p50)}, p99 ${shown(learned.outcomeToServedMs.p99)}; ` +
      `planning p99 ${shown(learned.planMs.p99)}.`,
    `${Math.round(summary.wallSeconds)} s in all, TF.js on ${summary.backend}.`,
    '',
  );
  return lines.join('\n');
}

function phaseLine(phase: Phase, summary: PhaseSummary): string {
  const { meanPickingSeconds, ordersPerMinute, speedUp } = summary;
  const seconds = Number.isNaN(meanPickingSeconds) ? 'none' : `${meanPickingSeconds.toFixed(0)} s`;
  return (
    `  ${phase.title.padEnd(20)}${seconds.padStart(7)}   ${ordersPerMinute.toFixed(0).padStart(4)} orders a minute` +
    `   speed-up ${speedUp.toFixed(1)}   ${summary.policyVersion}`
  );
}

function change(fall: number): string {
  if (Number.isNaN(fall)) return 'not comparable with';
  return `${Math.abs(100 * fall).toFixed(0)} % ${fall >= 0 ? 'below' : 'above'}`;
}

function shortfall({ measured, fallAgainstShortest, fallAgainstFlow }: DemoSummary): string {
  const missed = [
    fallAgainstShortest >= WANTED_FALL ? '' : 'a third below the shortest path',
    fallAgainstFlow > 0 ? '' : 'below the hand-made price',
  ].filter((text) => text !== '');
  return (
    `It should be ${missed.join(' and ')}. The floor got through ${measured.to} s ` +
    `of each phase; with more (--minutes) there is more to learn from.`
  );
}

function shown(milliseconds: number | null): string {
  return milliseconds === null ? 'unknown' : `${milliseconds} ms`;
}

const COLUMNS = 60;

/** Picking time over the floor's time, one line a phase, each point the mean of what was finished around it. */
function chart({ measured }: DemoSummary, results: readonly PhaseResult[], colours: boolean): string[] {
  const width = measured.to / COLUMNS;
  const first = Math.ceil(COLUMNS / 5);
  const series = results.map(({ picking }) =>
    Array.from({ length: COLUMNS - first }, (_, at) => {
      const middle = (first + at + 0.5) * width;
      return picking.between(middle - 2 * width, middle + 2 * width).meanSeconds;
    }),
  );
  if (series.some((values) => values.some((value) => Number.isNaN(value)))) return [];
  const { red, yellow, green, reset } = asciichart;
  const palette = [red, yellow, green];
  const plot = asciichart.plot(series, {
    height: 10,
    ...(colours ? { colors: palette } : {}),
    format: (value: number) => `${value.toFixed(0)} s`.padStart(8),
  });
  const names = PHASES.map(({ title }, at) => (colours ? `${palette[at]}${title}${reset}` : title));
  const from = Math.round(first * width);
  return [
    plot,
    `${' '.repeat(10)}second ${from}${' '.repeat(28)}second ${Math.round(measured.to)}`,
    `${' '.repeat(10)}${colours ? names.join(', ') : `from above at the end: ${byLastValue(series, names)}`}`,
  ];
}

function byLastValue(series: readonly (readonly number[])[], names: readonly string[]): string {
  return names
    .map((name, at) => ({ name, last: series[at]?.at(-1) ?? 0 }))
    .sort((a, b) => b.last - a.last)
    .map(({ name }) => name)
    .join(', ');
}
