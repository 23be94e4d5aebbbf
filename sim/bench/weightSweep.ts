import { DEFAULT_REWARD_WEIGHTS, type Component } from '../../src/domain/components.js';

/** One weight swept while the others stay: what is compared with what. */
export interface Sweep {
  readonly weight: Component;
  readonly levels: readonly number[];
  /** Weights that are not the defaults, the swept one left out. */
  readonly given: string;
  /** Share of the jobs with a deadline. */
  readonly deadlines?: number;
}

/** A floor of grid cells and one of metres, where turns take time and aisles have speed limits. */
export const WEIGHT_CELLS = [
  { cell: 'kiva-33x36@220', warmUpSteps: 100, steps: 400 },
  { cell: 'multi-block@100', warmUpSteps: 300, steps: 1000 },
] as const;

const LEVELS = [0, 0.5, 1, 2, 4];
const DEADLINES = 0.3;

/**
 * `lateness` twice: with a price on metres the cheap way is often not the fast one; under the defaults a late robot can
 * only stop sparing others. The service takes no `time` of 0.
 */
export const SWEEPS: readonly Sweep[] = [
  { weight: 'time', levels: [0.25, 0.5, 1, 2, 4], given: '' },
  { weight: 'wait', levels: LEVELS, given: '' },
  { weight: 'blocking', levels: LEVELS, given: '' },
  { weight: 'distance', levels: LEVELS, given: '' },
  { weight: 'turns', levels: LEVELS, given: '' },
  { weight: 'lateness', levels: LEVELS, given: 'distance=4', deadlines: DEADLINES },
  { weight: 'lateness', levels: [0, 4], given: '', deadlines: DEADLINES },
];

/** The reward weights of one level, as `--weights` has them; the defaults are one run for all sweeps. */
export function weightsAt({ weight, given }: Sweep, level: number): string | undefined {
  const parts = given === '' ? [] : [given];
  if (level !== DEFAULT_REWARD_WEIGHTS[weight]) parts.push(`${weight}=${level}`);
  return parts.length === 0 ? undefined : parts.join(',');
}

/** What is added to a run of the suite `weights`, each once. */
export function sweepRuns(): readonly {
  readonly cell: string;
  readonly warmUpSteps: number;
  readonly steps: number;
  readonly weights?: string;
  readonly deadlines?: number;
}[] {
  const settings = new Map<string, { weights?: string; deadlines?: number }>();
  for (const sweep of SWEEPS) {
    for (const level of sweep.levels) {
      const weights = weightsAt(sweep, level);
      const setting = {
        ...(weights === undefined ? {} : { weights }),
        ...(sweep.deadlines === undefined ? {} : { deadlines: sweep.deadlines }),
      };
      settings.set(JSON.stringify(setting), setting);
    }
  }
  return WEIGHT_CELLS.flatMap((cell) => [...settings.values()].map((setting) => ({ ...cell, ...setting })));
}
