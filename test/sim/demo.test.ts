import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import type { PhaseResult, PhaseView } from '../../sim/demo/phase.js';
import { PHASES } from '../../sim/demo/phase.js';
import { createPickingTimes } from '../../sim/demo/pickingTimes.js';
import { createLiveScreen } from '../../sim/demo/view.js';

describe('the demo', () => {
  it('ends with 130 soon after Ctrl-C, which its server gets as well', async () => {
    const args = ['--import', 'tsx', 'src/main.ts', 'demo', '--robots', '20', '--minutes', '5'];
    // In a process group of its own, as a terminal gives it, with the server that it starts.
    const demo = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const ended = new Promise<number | null>((resolve) => demo.once('close', resolve));
    for await (const line of createInterface({ input: demo.stdout })) if (/ of the floor, /.test(line)) break;
    process.kill(-demo.pid!, 'SIGINT');
    const interruptedAt = performance.now();
    expect(await ended).toBe(130);
    // The link alone would wait for its server for a minute.
    expect(performance.now() - interruptedAt).toBeLessThan(30_000);
    expect(() => process.kill(-demo.pid!, 0)).toThrow('ESRCH');
  }, 120_000);
});

describe('the screen of the demo', () => {
  const picking = createPickingTimes();
  const outcomeToServed = { p50: 1236, p99: 2918 };
  const view = { floorSeconds: 1466, speedUp: 7.4, step: 1466, policyVersion: 'planned-flow', picking };

  it('draws no line that the terminal would break, and each time over what it drew before', () => {
    for (const columns of [60, 80, 200]) {
      let drawn: string[] = [];
      const intro = ['Some robots on a floor.'];
      const screen = createLiveScreen({ intro, columns, write: (text) => drawn.push(text) });
      for (const phase of PHASES) {
        screen.starting(phase);
        screen.finished({ picking, floorSeconds: 1466 } as unknown as PhaseResult);
      }
      screen.end();
      const lines = drawn.map((text) =>
        text
          .split('\n')
          .slice(0, -1)
          .map((line) => line.split('\u001b[2K')[1]!),
      );
      expect(Math.max(...lines.flat().map((line) => line.length))).toBeLessThan(columns);
      const ups = drawn.slice(1).map((text) => Number(/^\u001b\[(\d+)A/.exec(text)?.[1]));
      expect(ups).toEqual(lines.slice(0, -1).map(({ length }) => length));
      drawn = [];
    }
  });

  it('shows all of a phase within 80 columns but how soon outcomes are served', () => {
    let drawn = '';
    const screen = createLiveScreen({ intro: [], columns: 80, write: (text) => (drawn = text) });
    screen.starting(PHASES[1]);
    screen.show({ ...view, outcomeToServed } as unknown as PhaseView, 1.2);
    expect(drawn).toMatch(/> hand-made price +1466 s +0 +- +- +planned-flow$/m);
    expect(drawn).toContain(`${'█'.repeat(30)}  step 1466, speed-up 7.4`);
  });
});
