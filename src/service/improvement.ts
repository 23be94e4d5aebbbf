import { boundedRatio } from '../domain/components.js';
import type { ImprovementSpan, ImprovementView } from '../domain/serviceContract.js';
import type { Instant } from '../domain/ids.js';
import type { ImprovementState, Mean } from '../journal/records.js';

/**
 * How long a warehouse took to get better: seconds of its clock and completed routes from its first route to a
 * score ratio 10 % and 25 % below its baseline.
 *
 * The baseline is the mean score ratio of the routes that were planned under free flow before the policy's first
 * route (modes `off` and `observe`, or no weights yet), if there were at least `ROUTES_AT_LEAST` of them: `freeFlow`.
 * A site that began in mode `learn` has no such phase. Its baseline is then what the shortest tours of its first
 * routes would have cost one robot under what the lanes really cost (see `RegretMeter`): `shortestTours`. That says
 * less improvement than there is: on a floor where everyone drove so, the lanes would have cost more; and it leaves
 * out the weights of distance and turns, which the ratio counts. No ratio counts lateness: orders that came late stay late.
 *
 * The ratio now is the mean over a block of routes that the policy planned, as many as there are robots and
 * at least `ROUTES_AT_LEAST`. A share counts as reached at the end of the second block in a row below it. As many
 * routes at the very beginning count for nothing but the clock: the floor is still filling, and what finishes
 * first was short. Other reward weights make other ratios: a change of them starts all of this anew.
 */
export interface Improvement {
  /** @returns whether the state is to be written down now */
  completed(route: CompletedRoute): boolean;
  view(): ImprovementView;
  /** It has a first route. */
  hasBegun(): boolean;
  /** A copy, for the journal. */
  state(): ImprovementState;
  restore(state: ImprovementState): void;
  /** The reward weights changed. */
  restart(): void;
}

export interface CompletedRoute {
  readonly issuedAt: Instant;
  readonly at: Instant;
  readonly ratio: number;
  /** Whether its first plan was free flow, or was the policy's. */
  readonly plannedBy: 'freeFlow' | 'policy';
  /** Ratio of the shortest tour in hindsight, where it is known. */
  readonly shortestRatio: number | null;
  readonly robots: number;
}

export const ROUTES_AT_LEAST = 100;
const SHARES = [0.1, 0.25] as const;
const BLOCKS_BELOW = 2;
/** The journal is told after so many routes, and at a stop: as much is lost of the mean under way when a process is killed. */
const ROUTES_BETWEEN_RECORDS = 100;

const NONE: Mean = { sum: 0, count: 0 };
const FRESH: ImprovementState = {
  firstRouteAt: null,
  routes: 0,
  freeFlow: NONE,
  shortestTours: NONE,
  baseline: null,
  block: NONE,
  ratio: null,
  servedAfter: null,
  below: SHARES.map(() => 0),
  reached: SHARES.map(() => null),
};

export function createImprovement(): Improvement {
  let state = FRESH;
  return {
    completed(route) {
      const before = state;
      state = next(state, route);
      const isDone = before.reached.every((span) => span !== null);
      const isNews =
        before.firstRouteAt === null ||
        before.servedAfter !== state.servedAfter ||
        before.reached.some((span, i) => span !== state.reached[i]);
      return isNews || (!isDone && state.routes % ROUTES_BETWEEN_RECORDS === 0);
    },
    view: () => ({
      baseline: state.baseline,
      ratio: state.ratio,
      policyServedAfter: state.servedAfter,
      tenPercentAfter: state.reached[0] ?? null,
      quarterAfter: state.reached[1] ?? null,
    }),
    hasBegun: () => state.firstRouteAt !== null,
    state: () => structuredClone(state),
    restore: (known) => void (state = known),
    restart: () => void (state = FRESH),
  };
}

function next(before: ImprovementState, route: CompletedRoute): ImprovementState {
  const firstRouteAt = before.firstRouteAt ?? route.issuedAt;
  const state = { ...before, firstRouteAt, routes: before.routes + 1 };
  const blockRoutes = Math.max(ROUTES_AT_LEAST, route.robots);
  if (state.routes <= blockRoutes) return state;
  if (route.plannedBy === 'freeFlow') {
    return state.servedAfter ? state : { ...state, freeFlow: add(state.freeFlow, route.ratio) };
  }
  const span = { seconds: Math.max(0, route.at - firstRouteAt) / 1000, routes: state.routes };
  const served = { ...state, servedAfter: state.servedAfter ?? span };
  const based = served.baseline ? served : withBaseline(served, route.shortestRatio);
  const block = add(based.block, route.ratio);
  return block.count < blockRoutes ? { ...based, block } : closeBlock({ ...based, block }, span);
}

function withBaseline(state: ImprovementState, shortestRatio: number | null): ImprovementState {
  const { freeFlow } = state;
  if (freeFlow.count >= ROUTES_AT_LEAST) return { ...state, baseline: baselineOf('freeFlow', freeFlow) };
  if (shortestRatio === null) return state;
  const shortestTours = add(state.shortestTours, shortestRatio);
  const baseline = shortestTours.count < ROUTES_AT_LEAST ? null : baselineOf('shortestTours', shortestTours);
  return { ...state, shortestTours, baseline };
}

function closeBlock(state: ImprovementState, span: ImprovementSpan): ImprovementState {
  const { baseline } = state;
  const ratio = state.block.sum / state.block.count;
  const below = SHARES.map((share, i) =>
    baseline && ratio <= (1 - share) * baseline.ratio ? state.below[i]! + 1 : 0,
  );
  const reached = below.map((count, i) => state.reached[i] ?? (count >= BLOCKS_BELOW ? span : null));
  return { ...state, block: NONE, ratio, below, reached };
}

function baselineOf(kind: 'freeFlow' | 'shortestTours', { sum, count }: Mean) {
  return { kind, ratio: sum / count, routes: count };
}

function add({ sum, count }: Mean, ratio: number): Mean {
  return { sum: sum + boundedRatio(ratio), count: count + 1 };
}
