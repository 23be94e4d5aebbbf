/**
 * What the service offers to the server, the simulation and the tests: its use cases.
 * Methods throw `AppError` for operational failures; a promise settles after its journal commit.
 */
import type { RewardWeights } from './components.js';
import type { Instant } from './ids.js';
import type {
  HelloMessage,
  Mode,
  RobotStateMessage,
  RouteAssignedContent,
  RouteCancelledMessage,
  RouteClosedMessage,
  RouteCompletedContent,
  RouteDeviatedMessage,
  RouteHeldMessage,
  RouteProgressMessage,
  RouteRequestContent,
  RouteScoredContent,
  RouteUpdatedMessage,
  Trace,
  WelcomeMessage,
} from './messages.js';

export interface LaneName {
  readonly from: string;
  readonly to: string;
}

export interface WarehouseSummary {
  readonly warehouseId: string;
  readonly mapVersion: string;
  readonly nodes: number;
  readonly lanes: number;
  readonly stations: number;
  readonly pickFaces: number;
  readonly robotTypes: readonly string[];
  readonly mode: Mode;
  readonly clock: 'wall' | 'driven';
  readonly policyVersion: string;
  readonly weights: RewardWeights;
  /** Updates served since the server started. */
  readonly updatesApplied: number;
  readonly openRoutes: number;
  /** Routes whose robots were told to wait, those whose map has changed under them included. */
  readonly heldRoutes: number;
  readonly robots: number;
  readonly closedLanes: number;
  readonly pressure: number;
  readonly slowdown: number;
  /** Exponential mean of weighted cost over free-flow cost of completed routes; null before the first that could be scored. */
  readonly scoreRatio: number | null;
  readonly completedRoutes: number;
  /** Exponential mean of the regrets measured; null before the first. */
  readonly regretSeconds: number | null;
  readonly improvement: ImprovementView;
  /** Milliseconds since an update was last served; null before the first. An activation or roll back is none. */
  readonly stalenessMilliseconds: number | null;
}

/** Since a warehouse's first route. */
export interface ImprovementSpan {
  /** Of the warehouse's clock. */
  readonly seconds: number;
  /** Completed by then. */
  readonly routes: number;
}

/** How long a warehouse took to get better than its baseline (`src/service/improvement.ts` defines both). */
export interface ImprovementView {
  readonly baseline: {
    readonly kind: 'freeFlow' | 'shortestTours';
    readonly ratio: number;
    readonly routes: number;
  } | null;
  /** Score ratio of the newest whole block of routes that the policy planned. */
  readonly ratio: number | null;
  /** When the first route that the policy planned was completed. */
  readonly policyServedAfter: ImprovementSpan | null;
  readonly tenPercentAfter: ImprovementSpan | null;
  readonly quarterAfter: ImprovementSpan | null;
}

/** A route whose wait the policy predicted badly. */
export interface BadlyPredictedRoute {
  readonly routeId: string;
  readonly robotId: string;
  readonly plannedAt: Instant;
  readonly completedAt: Instant;
  readonly policyVersion: string;
  readonly mapVersion: string;
  /** Of the whole route: as told when it was issued, and as its trace has it. */
  readonly predictedWaitSeconds: number;
  readonly observedWaitSeconds: number;
}

/** The same, listed. */
export interface CornerCaseView extends BadlyPredictedRoute {
  readonly errorSeconds: number;
  /** Of the floor that it was planned on: robots, open routes, closed lanes. */
  readonly robots: number;
  readonly openRoutes: number;
  readonly closedLanes: number;
}

/** The same with its floor. The first robot is the route's own, and has all of it before it. */
export interface CornerCaseDetail extends CornerCaseView {
  readonly floor: {
    readonly closedLanes: readonly LaneName[];
    /** Lanes that open routes had still before them, without the route itself. */
    readonly plannedFlow: readonly (LaneName & { readonly routes: number })[];
    readonly robots: readonly {
      readonly robotType: string;
      readonly node: string;
      readonly path: readonly string[];
      readonly stopIndexes: readonly number[];
      readonly handlingSeconds: readonly number[];
    }[];
  };
}

export interface LaneView extends LaneName {
  readonly lengthMetres: number;
  readonly speedLimit: number;
  readonly open: boolean;
  readonly plannedFlow: number;
  readonly price: number;
  /** Of a closed lane: whether somebody closed it, or the map has it closed. */
  readonly closedBy?: 'closure' | 'map';
  /** Robot types that may not drive here, open or closed; left out where all may. */
  readonly barredTo?: readonly string[];
}

export interface LaneFilter {
  readonly closed?: boolean;
}

export interface RouteView {
  readonly routeId: string;
  readonly robotId: string;
  readonly state: 'issued' | 'completed' | 'cancelled' | 'expired';
  readonly revision: number;
  readonly policyVersion: string;
  readonly issuedAt: Instant;
  readonly closedAt: Instant | null;
  /** Open, and its robot was told to wait: then `nodes` is the place, empty where the map has changed under the route. */
  readonly held: boolean;
  readonly nodes: readonly string[];
  readonly stopIndexes: readonly number[];
  readonly trace: Trace | null;
  readonly scored: RouteScoredContent | null;
}

/**
 * Why a robot waits: no open way, or none short enough for a route; its next plan comes with the next tick; or its
 * route is of another map.
 */
export const HOLD_CAUSES = ['noOpenWay', 'wayTooLong', 'planDue', 'otherMap'] as const;
export type HoldCause = (typeof HOLD_CAUSES)[number];

/** An open route, and how its robot gets on. */
export interface OpenRouteView {
  readonly routeId: string;
  readonly robotId: string;
  /** As its robot said last. */
  readonly robotType: string;
  /** Of the newest thing that the robot was told. */
  readonly revision: number;
  /** Where its robot is known to be, or taken to be by its ETAs; null where the map has changed under the route. */
  readonly node: string | null;
  /** Nothing was reported: the place is by its ETAs. */
  readonly assumed: boolean;
  readonly issuedAt: Instant;
  readonly deadlineAt: Instant | null;
  /** When its robot last said hello, where it is, or reported on its route, or the server started since; null where it is not known. */
  readonly heardAt: Instant | null;
  /** Since it could go on from the node, handling done: what it waits, and what it drives till its next report. */
  readonly waitingSeconds: number;
  /**
   * How much later than planned it reached the node, or is yet to reach the next one; below 0 where it is early. By its
   * newest plan; null where its place is not known to be on it.
   */
  readonly lateSeconds: number | null;
  readonly held: boolean;
  /** Null where it is not held. */
  readonly heldBecause: HoldCause | null;
}

export interface OpenRouteFilter {
  readonly held?: boolean;
  readonly robotId?: string;
}

/** Who waits longest comes first. */
export interface OpenRouteList {
  /** All that fit the filter; at most `LIMITS.routesListed` of them are listed. */
  readonly total: number;
  readonly routes: readonly OpenRouteView[];
}

/** A saved version of a policy. */
export interface SavedPolicy {
  readonly policyVersion: string;
  readonly parent: string | null;
  readonly savedAt: Instant;
  readonly reason: 'shipped' | 'interval' | 'activation' | 'stop' | 'request' | 'drill';
  readonly updates: number;
  readonly trainedOn: { readonly from: number; readonly to: number } | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly checksum: string;
  readonly healthy: boolean;
}

export interface PolicyView extends SavedPolicy {
  /** Whose it is; null: all warehouses share it. */
  readonly warehouseId: string | null;
  /** It is served, alone or with what was learnt since. */
  readonly active: boolean;
}

/** Who took weights back: the guard by the error on arriving rows or by the score ratio, or an operator. */
export type RollbackCause = 'rowError' | 'scoreRatio' | 'operator';

/** A version made worse on purpose, for a drill: weights shuffled, signs flipped, or as bad as the gates let pass. */
export const SABOTAGES = ['shuffled', 'flipped', 'passing'] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** One roll back. Versions as served, such as `v3+128`. */
export interface RollbackView {
  readonly cause: RollbackCause;
  readonly from: string;
  readonly to: string;
  /** On the warehouse's clock. */
  readonly at: Instant;
  /** Seconds of that clock that the bad weights were served. */
  readonly servedSeconds: number;
}

/** What the live guards know of a warehouse's policy. */
export interface GuardView {
  readonly warehouseId: string;
  readonly policyVersion: string;
  /** The last good version, which a breach puts back; null for cold weights. */
  readonly trusted: string | null;
  /** What is served stays until learning has proved itself in shadow. */
  readonly pinned: boolean;
  /** Since the server started. */
  readonly rollbacks: number;
  readonly last: RollbackView | null;
}

/** What a candidate policy would have done where something else is served. Counts since the mode began. */
export interface ShadowReport {
  readonly warehouseId: string;
  readonly mode: Mode;
  /** The candidate's version. */
  readonly candidate: string;
  readonly plans: number;
  /** Plans that would have taken another way. */
  readonly different: number;
  /** Means over all plans: weighted seconds that the candidate expects to save, free-flow seconds that its way takes longer. */
  readonly expectedSaving: number;
  readonly extraFreeFlowSeconds: number;
  /** Root of the mean squared error of the wait on arriving lanes, seconds: the candidate's, and that of expecting none. */
  readonly lanes: number;
  readonly waitError: number;
  readonly freeFlowError: number;
}

/** What the service tells whoever listens: pushes to robots and the event stream. */
export type ServiceEvent =
  | { readonly kind: 'route.updated'; readonly warehouseId: string; readonly message: RouteUpdatedMessage }
  | { readonly kind: 'route.held'; readonly warehouseId: string; readonly message: RouteHeldMessage }
  | {
      readonly kind: 'route.expired';
      readonly warehouseId: string;
      readonly message: RouteClosedMessage & { readonly robotId: string };
    }
  | { readonly kind: 'route.scored'; readonly warehouseId: string; readonly message: RouteScoredContent }
  | { readonly kind: 'policy.updated'; readonly warehouseId: string; readonly policyVersion: string }
  | ({ readonly kind: 'policy.rolledBack'; readonly warehouseId: string } & RollbackView)
  | { readonly kind: 'policy.resumed'; readonly warehouseId: string; readonly policyVersion: string }
  | { readonly kind: 'learner.restarted'; readonly warehouseId: string }
  | { readonly kind: 'weights.updated'; readonly warehouseId: string; readonly weights: RewardWeights }
  | { readonly kind: 'mode.updated'; readonly warehouseId: string; readonly mode: Mode }
  | {
      readonly kind: 'lane.updated';
      readonly warehouseId: string;
      readonly lanes: readonly LaneName[];
      readonly open: boolean;
    }
  | { readonly kind: 'learner.failed'; readonly warehouseId: string; readonly detail: string }
  /** Something that nobody waits for could not be done or stored: a tick, a policy's save, a record of hindsight. */
  | { readonly kind: 'upkeep.failed'; readonly warehouseId: string; readonly detail: string };

/** Latencies and counts, for metrics. Milliseconds of the wall. */
export interface ServiceObserver {
  planned(warehouseId: string, planMilliseconds: number, served: 'priced' | 'shortest'): void;
  outcomeServed(warehouseId: string, milliseconds: number): void;
  scored(warehouseId: string, scored: RouteScoredContent): void;
  updateApplied(warehouseId: string): void;
  updateRejected(warehouseId: string, gate: string): void;
  rolledBack(warehouseId: string, cause: RollbackCause): void;
  learnerRestarted(warehouseId: string): void;
}

export interface RoutingService {
  warehouses(): readonly WarehouseSummary[];
  warehouse(warehouseId: string): WarehouseSummary;
  lanes(warehouseId: string, filter?: LaneFilter): readonly LaneView[];
  /** The same, each made when it is asked for: on the largest maps all at once take seconds. */
  eachLane(warehouseId: string, filter?: LaneFilter): Iterable<LaneView>;
  /** What waits in the service's own queues, by the queue's name. */
  queueDepths(): Readonly<Record<string, number>>;
  /** Warehouses that the data has and the server does not serve, with their routes that nobody ended. */
  dormantWarehouses(): readonly { readonly warehouseId: string; readonly openRoutes: number }[];
  /** Policy versions that cannot be read, and files beside them, and why. */
  damagedPolicies(): readonly { readonly policyVersion: string; readonly reason: string }[];

  hello(message: HelloMessage): WelcomeMessage;
  robotState(warehouseId: string, message: RobotStateMessage): void;
  requestRoute(warehouseId: string, request: RouteRequestContent): Promise<RouteAssignedContent>;
  /** Plans and prices like requestRoute, issues nothing, changes nothing. */
  dryRun(warehouseId: string, request: RouteRequestContent): Promise<RouteAssignedContent>;
  /** Whether a request is planned in turns, with other plans in between. */
  takesTurns(warehouseId: string, request: RouteRequestContent): boolean;
  routeProgress(warehouseId: string, message: RouteProgressMessage): void;
  routeDeviated(warehouseId: string, message: RouteDeviatedMessage): Promise<RouteUpdatedMessage>;
  completeRoute(warehouseId: string, report: RouteCompletedContent): Promise<RouteScoredContent>;
  cancelRoute(warehouseId: string, message: RouteCancelledMessage): Promise<RouteClosedMessage>;
  route(warehouseId: string, routeId: string): Promise<RouteView>;
  openRoutes(warehouseId: string, filter?: OpenRouteFilter): OpenRouteList;
  /** The robot that a route was issued to. @throws E_UNKNOWN_ROUTE */
  robotOf(warehouseId: string, routeId: string): string;

  /** The routes that the policy predicted worst, worst first. */
  cornerCases(warehouseId: string): readonly CornerCaseView[];
  /** @throws E_UNKNOWN_CORNER_CASE */
  cornerCase(warehouseId: string, routeId: string): CornerCaseDetail;

  closeLanes(warehouseId: string, lanes: readonly LaneName[]): Promise<void>;
  openLanes(warehouseId: string, lanes: readonly LaneName[]): Promise<void>;
  weights(warehouseId: string): RewardWeights;
  /** Those that are left out stay. @returns all that are in force now @throws E_WEIGHTS_INVALID */
  setWeights(warehouseId: string, weights: Partial<RewardWeights>): Promise<RewardWeights>;
  setMode(warehouseId: string, mode: Mode): Promise<void>;
  policies(): readonly PolicyView[];
  /** Saves what is served now as a new version. */
  savePolicy(warehouseId: string): Promise<PolicyView>;
  activatePolicy(warehouseId: string, policyVersion: string): Promise<PolicyView>;
  /**
   * Back to the last good version, as the guard would; without one, to the version saved before the active one. It counts
   * as the last good one from then on: what an operator took back, the guard does not bring back.
   * @param from the saved version that is to be taken back: nothing happens where another is served by then
   * @throws E_POLICY_CHANGED
   * @throws E_NO_EARLIER_POLICY
   */
  rollBack(warehouseId: string, from?: string): Promise<PolicyView>;
  /** Serves a version made worse on purpose, under watch. It bears that from the first byte on, so no restart serves it. */
  drillPolicy(warehouseId: string, sabotage: Sabotage): Promise<PolicyView>;
  guard(warehouseId: string): GuardView;
  /** @throws E_MODE_INVALID where the warehouse is not in mode shadow */
  shadow(warehouseId: string): ShadowReport;

  /** Drives a simulated clock; refused on the wall's. Runs what is due (expiry, fading, learning). */
  advanceClock(warehouseId: string, at: Instant): Promise<void>;
  subscribe(listener: (event: ServiceEvent) => void): () => void;
  /** Refuses new work, finishes what is under way, saves the policy, syncs the journal. */
  close(): Promise<void>;
}
