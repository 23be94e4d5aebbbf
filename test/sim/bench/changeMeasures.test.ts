import { describe, expect, it } from 'vitest';
import {
  extraSecondsOf,
  plateauOf,
  regainedAfter,
  secondHalf,
  shareOf,
  spanOf,
  type ChangeLine,
} from '../../../sim/bench/changeMeasures.js';
import { halfGainAfter } from '../../../sim/bench/improvementReport.js';
import type { ImprovementView } from '../../../src/domain/serviceContract.js';

/** Goals of each ten steps: 20 entries before the change, 20 after it. */
function lineOf(after: readonly number[], more: Partial<ChangeLine> = {}): ChangeLine {
  const goals = [...new Array<number>(20).fill(50), ...after];
  const none = goals.map(() => 0);
  return {
    ...({ warmUpSteps: 200, steps: 200, change: 'robots-slow' } as ChangeLine),
    series: { goals, routes: none, crossings: none, extraSeconds: none },
    ...more,
  };
}
const times = (count: number, value: number): number[] => new Array<number>(count).fill(value);

describe('what is measured of a change', () => {
  it('takes the last half of the changed phase for its plateau', () => {
    expect(plateauOf(lineOf([...times(10, 10), ...times(10, 40)]))).toBe(4);
  });

  it('calls a plateau regained at the end of the first window that makes 95 % of it', () => {
    // Windows end with 210, then 240 goals; 230 after 210; 228 are wanted.
    expect(regainedAfter(lineOf([...times(4, 10), ...times(16, 40)]))).toBe(100);
    expect(regainedAfter(lineOf([...times(4, 30), 40, ...times(4, 50), ...times(11, 40)]))).toBe(70);
  });

  it('counts nothing of before the change: 60 steps are the least', () => {
    expect(regainedAfter(lineOf(times(20, 40)))).toBe(60);
    expect(regainedAfter(lineOf([...times(5, 0), ...times(15, 40)]))).toBe(110);
  });

  it('splits what follows a slow cell at its clearing', () => {
    const slow = { warmUpSteps: 600, steps: 1200, change: 'slow-cell' } as const;
    expect(spanOf(slow, 'changed')).toEqual({ from: 600, to: 1200 });
    expect(spanOf(slow, 'changed', { from: 120 })).toEqual({ from: 720, to: 1200 });
    expect(spanOf(slow, 'cleared', { from: 300 })).toEqual({ from: 1500, to: 1800 });
    expect(secondHalf(slow, 'before')).toEqual({ from: 300, to: 600 });
    expect(spanOf({ ...slow, change: 'robots-slow' }, 'changed')).toEqual({ from: 600, to: 1800 });
  });

  it('counts the routes of all runs together, and averages prices', () => {
    const line = (crossings: number, routes: number, extra: number): ChangeLine =>
      lineOf(times(20, 0), {
        series: {
          goals: times(40, 0),
          routes: times(40, routes),
          crossings: [...times(20, 9), ...times(20, crossings)],
          extraSeconds: [...times(20, 0), ...times(20, extra)],
        },
      });
    const lines = [line(1, 10, 2), line(0, 30, 4)];
    expect(shareOf(lines, (each) => spanOf(each, 'changed'))).toBe(1 / 40);
    expect(extraSecondsOf(lines, (each) => spanOf(each, 'changed', { to: 100 }))).toBe(3);
  });
});

describe('half of the gain', () => {
  /** Ratios of 40 routes in each ten steps: 300 steps of 2, then what is given, then 300 steps of 1. */
  const gainOf = (between: readonly number[]): number => {
    const ratios = [...times(30, 2), ...between, ...times(30, 1)];
    const line = lineOf([], {
      warmUpSteps: 300,
      steps: 10 * (between.length + 30),
      change: 'learning-starts',
    });
    return halfGainAfter({
      ...line,
      series: { ...line.series, scored: ratios.map(() => 40), ratios: ratios.map((ratio) => 40 * ratio) },
      improvement: { baseline: { ratio: 2 } } as ImprovementView,
    });
  };

  it('is reached at the end of the first block of a hundred routes that has it', () => {
    expect(gainOf([])).toBe(120);
    expect(gainOf([2, 2, 2])).toBe(240);
    // A block that is only half-way through does not count, nor do good routes of the block before.
    expect(gainOf([1, 2, 2, 2, 2, 2])).toBe(360);
  });

  it('is never reached where the end is no better than the beginning', () => {
    const line = lineOf([], { warmUpSteps: 300, steps: 300, change: 'learning-starts' });
    const scored = times(60, 40);
    const ratios = [...times(30, 40), ...times(30, 80)];
    const improvement = { baseline: { ratio: 1 } } as ImprovementView;
    expect(halfGainAfter({ ...line, series: { ...line.series, scored, ratios }, improvement })).toBe(
      Infinity,
    );
  });
});
