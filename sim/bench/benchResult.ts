import type { Components } from '../../src/domain/components.js';
import type { ImprovementView } from '../../src/domain/serviceContract.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { Floor } from '../floor/floor.js';
import type { ChangeName } from './changes.js';
import type { ChangeSeries } from './changeRun.js';
import type { DeadlineTally } from './deadlines.js';
import type { PickingTimes } from './goalTimes.js';
import type { GuidanceGraph } from './handMadePrices.js';
import type { BenchMethod } from './methods.js';
import type { VisitOrderName } from './visitOrders.js';

export interface BenchOptions {
  readonly cell: string;
  readonly graph: LaneGraph;
  readonly robots: number;
  readonly method: BenchMethod;
  readonly seed: number;
  readonly steps: number;
  readonly warmUpSteps: number;
  /** Picks of a tour; 0: single goals. */
  readonly picks: number;
  readonly order: VisitOrderName;
  readonly backend: string;
  /** Reward weights other than the defaults, `wait=2,lateness=0`. */
  readonly weights?: string;
  /** Share of the jobs that have a deadline. */
  readonly deadlines?: number;
  /** What happens when the warm-up ends. */
  readonly change?: ChangeName;
  /** What `static` prices by, and `ggo-pibt` goes by. */
  readonly guidance?: GuidanceGraph;
  /** What `learned-shipped` and `frozen` start from. */
  readonly shipped?: Float32Array;
  readonly onStep?: (step: number, floor: Floor) => void;
}

/** One line of the benchmark's raw results. Throughput is goals a step of the floor, drop-offs included. */
export interface BenchResult extends PickingTimes {
  readonly cell: string;
  readonly method: string;
  readonly seed: number;
  readonly picks: number;
  readonly order: string;
  readonly warmUpSteps: number;
  readonly steps: number;
  readonly stepSeconds: number;
  readonly throughput: number;
  readonly throughputFirst: number;
  readonly throughputLast: number;
  /** Throughput of each 100 steps, the warm-up's first. */
  readonly windows: readonly number[];
  /** Throughput if nobody were in anybody's way; the same for every method of a seed. */
  readonly freeFlowBound: number;
  readonly meanSecondsPerGoal: number;
  /**
   * Mean regret of the routes of the first and the last 1,000 steps, as far as it was measured; null where none was. Raw
   * results from before it was measured have neither.
   */
  readonly regretSecondsFirst?: number | null;
  readonly regretSecondsLast?: number | null;
  readonly slowdown: number;
  readonly pressure: number;
  readonly planMsP50: number;
  readonly planMsP99: number;
  /** Plans that gave way to the shortest tour. */
  readonly detoursRefused: number;
  readonly updatesApplied: number;
  readonly updatesRejected: number;
  readonly backend: string;
  /** As in the options, where the run had any. */
  readonly weights?: string;
  readonly deadlines?: number;
  readonly change?: ChangeName;
  /** Of a run with a change. */
  readonly series?: ChangeSeries;
  /** What the service says of its warehouse at the end, where learning started at the change. */
  readonly improvement?: ImprovementView;
  /** Means of the routes scored after the warm-up. Raw results from before they were measured have none. */
  readonly components?: Components;
  /** Where the run had deadlines. */
  readonly deadlineTally?: DeadlineTally;
}

export const WINDOW_STEPS = 100;
