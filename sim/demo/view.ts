import { PHASES, type Phase, type PhaseResult, type PhaseView } from './phase.js';
import { WARM_UP_SHARE } from './summary.js';

/** Shows the demo while it runs. */
export interface DemoScreen {
  starting(phase: Phase): void;
  /** @param shareDone of the phase, from 0 to 1 */
  show(view: PhaseView, shareDone: number): void;
  finished(result: PhaseResult): void;
  /** Leaves the cursor below what was drawn. */
  end(): void;
}

const NOW_SECONDS = 60;
const REDRAW_MILLISECONDS = 250;
const LINE_MILLISECONDS = 5000;

/** Everything worth knowing of a phase now, as cells of a row. */
function cells(
  view: PhaseView,
): [floor: string, orders: string, picking: string, policy: string, outcome: string] {
  const { floorSeconds, picking, outcomeToServed } = view;
  const now = picking.between(floorSeconds - NOW_SECONDS, floorSeconds);
  const minutes = Math.min(NOW_SECONDS, Math.max(1, floorSeconds)) / 60;
  const { p50 = null, p99 = null } = outcomeToServed ?? {};
  return [
    `${Math.round(floorSeconds)} s`,
    (now.tours / minutes).toFixed(0),
    Number.isNaN(now.meanSeconds) ? '-' : `${now.meanSeconds.toFixed(0)} s`,
    view.policyVersion,
    p50 === null ? '-' : `${p50.toFixed(0)} / ${(p99 ?? 0).toFixed(0)} ms`,
  ];
}

function measuredIn(picking: PhaseView['picking'], floorSeconds: number): string {
  const { meanSeconds } = picking.between(WARM_UP_SHARE * floorSeconds, floorSeconds);
  return Number.isNaN(meanSeconds) ? '-' : `${meanSeconds.toFixed(0)} s`;
}

/** A line every few seconds, for logs. */
export function createLineScreen(write: (text: string) => void): DemoScreen {
  let phase: Phase = PHASES[0];
  let writtenAt = 0;
  return {
    starting(next) {
      phase = next;
      write(`${phase.title}: starting a server of its own\n`);
    },
    show(view) {
      const now = performance.now();
      if (now - writtenAt < LINE_MILLISECONDS) return;
      writtenAt = now;
      const [floor, orders, picking, policy, outcome] = cells(view);
      write(
        `${phase.title}: ${floor} of the floor, ${orders} orders a minute, picking time now ${picking}, ` +
          `policy ${policy}, outcome to served ${outcome}, speed-up ${view.speedUp.toFixed(1)}\n`,
      );
    },
    finished({ picking, floorSeconds }) {
      write(`${phase.title}: done, picking time ${measuredIn(picking, floorSeconds)} after the warm-up\n`);
    },
    end: () => undefined,
  };
}

const HEAD = ['', 'floor', 'orders/min', 'picking now', 'measured', 'policy version', 'outcome to served'];
const WIDTHS = [18, 8, 12, 13, 10, 16, 17];
const MEASURED = HEAD.indexOf('measured');

export interface LiveScreenOptions {
  readonly intro: readonly string[];
  /** Of the terminal: a line that it broke in two would be drawn below its place the next time. */
  readonly columns: number;
  readonly write: (text: string) => void;
}

/** A table that is drawn anew in its place. */
export function createLiveScreen({ intro, columns, write }: LiveScreenOptions): DemoScreen {
  const rows = PHASES.map((phase): string[] => [phase.title, ...HEAD.slice(1).fill('-')]);
  let current = -1;
  let drawnAt = 0;
  let below = '';
  let lines = 0;

  const row = (parts: readonly string[], mark: string): string =>
    mark + parts.map((part, at) => part.slice(0, WIDTHS[at]).padEnd(WIDTHS[at] as number)).join('');
  const draw = (): void => {
    const text = [
      '',
      ...intro.map((line) => `  ${line}`),
      '',
      row(HEAD, '  '),
      ...rows.map((parts, at) => row(parts, at === current ? '> ' : '  ')),
      '',
      `  ${below}`,
      '',
    ];
    const up = lines > 0 ? `\u001b[${lines}A` : '';
    lines = text.length;
    write(up + text.map((line) => `\u001b[2K${line.slice(0, columns - 1).trimEnd()}\n`).join(''));
  };
  return {
    starting(phase) {
      current = PHASES.indexOf(phase);
      below = 'starting a server of its own ...';
      draw();
    },
    show(view, shareDone) {
      const now = performance.now();
      if (now - drawnAt < REDRAW_MILLISECONDS) return;
      drawnAt = now;
      const [floor, orders, picking, policy, outcome] = cells(view);
      rows[current] = [(PHASES[current] as Phase).title, floor, orders, picking, '-', policy, outcome];
      const done = Math.round(30 * Math.min(1, shareDone));
      below = `${'█'.repeat(done)}${'░'.repeat(30 - done)}  step ${view.step}, speed-up ${view.speedUp.toFixed(1)}`;
      draw();
    },
    finished({ picking, floorSeconds }) {
      (rows[current] as string[])[MEASURED] = measuredIn(picking, floorSeconds);
      draw();
    },
    end() {
      current = -1;
      below = '';
      draw();
    },
  };
}
