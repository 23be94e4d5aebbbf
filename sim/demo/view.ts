import { PHASES, type Phase, type PhaseResult, type PhaseView } from './phase.js';
import { WARM_UP_SHARE } from './summary.js';

/** Shows the demo while it runs. */
export interface DemoScreen {
  starting(phase: Phase): void;
  show(view: PhaseView, steps: number): void;
  finished(result: PhaseResult): void;
  /** Leaves the cursor below what was drawn. */
  end(): void;
}

const NOW_SECONDS = 60;
const REDRAW_MILLISECONDS = 250;
const LINE_MILLISECONDS = 5000;

/** Everything worth knowing of a phase now, as cells of a row. */
function cells(view: PhaseView): string[] {
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

const HEAD = ['', 'floor', 'orders/min', 'picking now', 'policy version', 'outcome to served', 'measured'];
const WIDTHS = [20, 9, 12, 13, 17, 19, 10];

/** A table that is drawn anew in its place. */
export function createLiveScreen(title: string, write: (text: string) => void): DemoScreen {
  const rows = PHASES.map((phase): string[] => [phase.title, '-', '-', '-', '-', '-', '-']);
  let current = -1;
  let drawnAt = 0;
  let below = '';
  let lines = 0;

  const row = (parts: readonly string[], mark: string): string =>
    mark + parts.map((part, at) => part.slice(0, WIDTHS[at]).padEnd(WIDTHS[at] as number)).join('');
  const draw = (): void => {
    const text = [
      '',
      `  ${title}`,
      '',
      row(HEAD, '  '),
      ...rows.map((parts, at) => row(parts, at === current ? '> ' : '  ')),
      '',
      `  ${below}`,
      '',
    ];
    const up = lines > 0 ? `\u001b[${lines}A` : '';
    lines = text.length;
    write(up + text.map((line) => `\u001b[2K${line}\n`).join(''));
  };
  return {
    starting(phase) {
      current = PHASES.indexOf(phase);
      below = 'starting a server of its own ...';
      draw();
    },
    show(view, steps) {
      const now = performance.now();
      if (now - drawnAt < REDRAW_MILLISECONDS) return;
      drawnAt = now;
      (rows[current] as string[]).splice(1, 5, ...cells(view));
      const done = Math.round((30 * view.step) / steps);
      below = `${'█'.repeat(done)}${'░'.repeat(30 - done)}  step ${view.step}, speed-up ${view.speedUp.toFixed(1)}`;
      draw();
    },
    finished({ picking, floorSeconds }) {
      (rows[current] as string[])[6] = measuredIn(picking, floorSeconds);
      draw();
    },
    end() {
      current = -1;
      below = '';
      draw();
    },
  };
}
