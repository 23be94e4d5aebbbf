import type { Components, RewardWeights } from '../domain/components.js';
import type { Why } from '../domain/messages.js';
import type { Random } from '../platform/random.js';

export interface PlannedStop {
  readonly node: number;
  readonly handlingSeconds: number;
}

/** A tour to plan, in compiled indices. */
export interface TourTask {
  readonly robotType: number;
  readonly from: number;
  /** The lane the robot came by, for its heading; -1 where unknown. */
  readonly arrivalLane: number;
  /** It is on its way, and has not to get going. Left out: it stands. */
  readonly drives?: boolean;
  readonly stops: readonly PlannedStop[];
  readonly dropoff: PlannedStop | null;
  /** True: visit the stops as given (a re-plan keeps the order). */
  readonly fixedOrder: boolean;
  /** Seconds from now until it may set out: it is handling a stop. */
  readonly readyInSeconds: number;
  /** Seconds from now until the deadline, or null. */
  readonly deadlineSeconds: number | null;
}

/** What plans are made under: the prices of now, and how to ask for those of a late plan. */
export interface PriceView {
  readonly prices: Float64Array;
  latePrices(): Float64Array;
  readonly waitHat: Float32Array;
  readonly blockingHat: Float32Array;
  readonly weights: RewardWeights;
  /** Serve a shortest tour, each of those as likely: plain free flow, as published baselines have it. */
  readonly tieBreaks?: Random | null;
}

export interface Plan {
  readonly kind: 'plan';
  /** As the task has them: how its robot sets out. */
  readonly arrivalLane: number;
  readonly drives: boolean;
  readonly nodes: Int32Array;
  readonly lanes: Int32Array;
  /** Positions of the request's stops in the order of visit; drop-off excluded. */
  readonly stopOrder: readonly number[];
  /** [stops + drop-off] where in `nodes` each is reached. */
  readonly stopIndexes: readonly number[];
  /** The stops in the order of visit, drop-off last. */
  readonly stops: readonly PlannedStop[];
  /** [nodes] expected arrival, seconds from now. */
  readonly etaSeconds: Float64Array;
  readonly expected: Components;
  readonly why: Why;
  /** Free-flow seconds of the shortest tour, handling excluded; its order of visit is chosen without turns. */
  readonly shortestSeconds: number;
  /** What is expected to be waited on it. */
  readonly shortestWaitSeconds: number;
}

export type PlanResult = Plan | { readonly kind: 'unreachable'; readonly from: number; readonly to: number };
