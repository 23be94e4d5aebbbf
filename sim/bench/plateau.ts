import { WINDOW_STEPS, type BenchResult } from './benchResult.js';

const PLATEAU_SHARE = 0.95;
/** Windows in a row that must hold it on average: one good window is luck. */
const STEADY_WINDOWS = 3;

/** After how many steps and goals a run first makes 95 % of what it makes in the end. */
export function plateauReachedAt({
  windows,
  throughputLast,
}: Pick<BenchResult, 'windows' | 'throughputLast'>): { readonly steps: number; readonly goals: number } {
  const reached = windows.findIndex((_, at) => {
    const steady = windows.slice(at, at + STEADY_WINDOWS);
    return steady.reduce((sum, value) => sum + value, 0) >= PLATEAU_SHARE * throughputLast * steady.length;
  });
  const full = windows.slice(0, reached < 0 ? windows.length : reached);
  return {
    steps: full.length * WINDOW_STEPS,
    goals: full.reduce((sum, value) => sum + value * WINDOW_STEPS, 0),
  };
}
