import { boundedRatio, weightedCost, zeroComponents } from '../domain/components.js';
import { AppError, type ErrorCode } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { Mode, RouteScoredContent, Trace } from '../domain/messages.js';
import { HYPERPARAMETERS } from '../learning/hyperparameters.js';
import { areLearnable, ROW_BLOCKING, ROW_BLOCKING_KNOWN, ROW_SIZE, ROW_WAIT } from '../learning/row.js';
import { readTrace, type Reading, type Sample, type TraceStep } from '../learning/scorer.js';
import { wasAside } from '../learning/timesAside.js';
import { FEATURE_COUNT } from '../traffic/traffic.js';
import type { NodeIndex } from '../domain/ids.js';
import { latestRevision } from '../learning/issuedRoute.js';
import { learnsIn } from './modes.js';
import { arrive } from './tracking.js';
import type { OpenRoute, Site } from './site.js';

/** What a trace came to: the answer, and the rows to learn from (empty where nothing is). */
export interface Outcome {
  readonly scored: RouteScoredContent;
  /** [n][ROW_SIZE] of every lane that was set out on, whatever the mode: what the live guards see. */
  readonly observed: Float32Array;
  /** [n][ROW_SIZE] of those to learn from. */
  readonly rows: Float32Array;
  readonly firstRow: number;
  readonly travelledSeconds: number;
  /** The score's ratio without its lateness: an order may have been late before it was asked for, whoever plans. */
  readonly drivenRatio: number;
  /** See `FinishedRoute`. */
  readonly shortestRatio: number | null;
}

const NO_ROWS = new Float32Array(0);

/** An outcome from which nothing is learnt, with the reason in the catalogue's words. */
export function unlearntOutcome(
  routeId: string,
  code: ErrorCode,
  references: Readonly<Record<string, string | number>>,
): Outcome {
  return {
    scored: {
      routeId,
      score: 0,
      ratio: 1,
      components: zeroComponents(),
      regretSeconds: null,
      learnt: false,
      reason: `${code}: ${new AppError(code, references).message}`,
    },
    observed: NO_ROWS,
    rows: NO_ROWS,
    firstRow: 0,
    travelledSeconds: 0,
    drivenRatio: 1,
    shortestRatio: null,
  };
}

/** Scores a trace against its route. Changes the site only by what the trace says of the robot's way. */
export function scoreTrace(site: Site, route: OpenRoute, trace: Trace): Outcome {
  const { routeId } = route;
  const steps = stepsOf(site, trace);
  if ('unknownNode' in steps) {
    return unlearntOutcome(routeId, 'E_UNKNOWN_NODE', {
      nodeId: steps.unknownNode,
      warehouseId: site.warehouseId,
    });
  }
  if (isOutOfTime(site, route, steps.list)) return unlearntOutcome(routeId, 'E_TRACE_FUTURE', {});
  // A fleet that sends no progress tells with the trace what the others told on the way.
  const silent = !route.progressSeen;
  const first = readTrace(site.graph, site.freeFlow, route, steps.list);
  if (first.kind === 'refused') return unlearntOutcome(routeId, first.code, first.references);
  if (silent) followTrace(site, route, steps.list);
  const reading = silent ? readTrace(site.graph, site.freeFlow, route, steps.list) : first;
  if (reading.kind === 'refused') return unlearntOutcome(routeId, reading.code, reading.references);
  return describeOutcome(site, route, reading, !silent);
}

function describeOutcome(
  site: Site,
  route: OpenRoute,
  reading: Extract<Reading, { kind: 'scored' }>,
  blockingKnown: boolean,
): Outcome {
  const cost = weightedCost(reading.components, site.weights);
  const drivenCost = weightedCost({ ...reading.components, lateness: 0 }, site.weights);
  const freeFlowCost = site.weights.time * route.shortestSeconds;
  const { drivenLanes, travelledSeconds } = reading;
  const driven = { route, firstPassage: route.firstPassage, drivenLanes, travelledSeconds };
  const hindsight = wasAside(route) ? null : site.hindsight.regret.measure(driven, site.clock.now() / 1000);
  const firstRow = site.rowsMade;
  const rows = rowsOf(route, reading.samples, firstRow, blockingKnown);
  site.rowsMade += reading.samples.length;
  const reason = reasonNotLearnt(site.mode, rows);
  return {
    scored: {
      routeId: route.routeId,
      score: -cost,
      ratio: freeFlowCost > 0 ? cost / freeFlowCost : 1,
      components: reading.components,
      regretSeconds: hindsight?.regretSeconds ?? null,
      learnt: reason === null,
      ...(reason === null ? {} : { reason }),
    },
    observed: rows,
    rows: reason === null ? rows : NO_ROWS,
    firstRow,
    travelledSeconds,
    drivenRatio: freeFlowCost > 0 ? drivenCost / freeFlowCost : 1,
    shortestRatio: hindsight ? shortestRatio(site, route, hindsight.shortestTourSeconds) : null,
  };
}

/** Why nothing is learnt from a trace that could be scored; null where something is. */
export function reasonNotLearnt(mode: Mode, rows: Float32Array): string | null {
  if (!learnsIn(mode)) return `nothing is learnt in mode ${mode}`;
  if (rows.length === 0) return 'no lane was driven';
  return areLearnable(rows) ? null : 'the lanes have values that are no numbers or far too large';
}

/** What the shortest tour would have scored: its time and wait, weighted; whom it would have blocked nobody knows. */
function shortestRatio({ weights }: Site, { shortestSeconds }: OpenRoute, inHindsight: number): number {
  if (shortestSeconds === 0) return 1;
  const waitSeconds = Math.max(0, inHindsight - shortestSeconds);
  return 1 + (weights.wait * waitSeconds) / (weights.time * shortestSeconds);
}

function stepsOf(site: Site, trace: Trace): { list: TraceStep[] } | { unknownNode: string } {
  const list: TraceStep[] = [];
  for (const [nodeId, arrivedAt, departedAt] of trace) {
    const node = site.graph.nodeIndexOf.get(nodeId);
    if (node === undefined) return { unknownNode: nodeId };
    list.push({ node, arrivedAt, departedAt });
  }
  return { list };
}

/** The service's own clock bounds every trace: none ends in the future or begins long before its issue. */
function isOutOfTime(site: Site, route: OpenRoute, steps: readonly TraceStep[]): boolean {
  const skew = 1000 * LIMITS.traceClockSkewSeconds;
  const last = steps[steps.length - 1]!.arrivedAt;
  // The robot may have stood at its start long before; what it drove for this route it drove after the issue.
  const setOut = steps[1]?.arrivedAt ?? route.issuedAt;
  return last > site.clock.now() + skew || setOut < route.issuedAt - skew;
}

/** From where it took up its newest plan: what older plans say of who waited for whom is not asked any more. */
function followTrace(site: Site, route: OpenRoute, steps: readonly TraceStep[]): void {
  // It was taken for further on, and told to wait there: what it did meanwhile nobody asked of it.
  if (route.position > 0) return;
  const start = route.revisions.length === 1 ? 0 : startOfLatest(route, steps);
  if (start < 0) return;
  // It may have come to its start after the issue.
  if (route.revisions.length === 1)
    route.readySeconds += Math.max(0, steps[0]!.arrivedAt - route.issuedAt) / 1000;
  for (const step of steps.slice(start + 1))
    arrive(site, route, { node: step.node as NodeIndex, at: step.arrivedAt });
}

/** Where in its trace a silent robot, re-planned from where its ETAs put it, went over to that plan; -1: never. */
function startOfLatest(route: OpenRoute, steps: readonly TraceStep[]): number {
  const { nodes, at, stops, stopIndexes } = latestRevision(route);
  const [whole] = route.revisions;
  const start = steps.findIndex(
    ({ node }, i) => node === nodes[0] && (steps[i + 1]?.arrivedAt ?? Infinity) > at,
  );
  if (start < 0) return start;
  // What the plan before had it do there it leaves out, and its robot may have been at it yet.
  const done = whole!.stops.slice(0, whole!.stops.length - stops.length);
  const handled = done.slice(done.findLastIndex(({ node }) => node !== nodes[0]) + 1);
  const handling = [...handled, ...stops.filter((_, i) => stopIndexes[i] === 0)].reduce(
    (sum, { handlingSeconds }) => sum + handlingSeconds,
    0,
  );
  route.readySeconds = Math.max(
    Math.max(steps[start]!.arrivedAt, route.issuedAt) / 1000 + handling,
    at / 1000,
  );
  return start;
}

function rowsOf(
  route: OpenRoute,
  samples: readonly Sample[],
  firstRow: number,
  blockingKnown: boolean,
): Float32Array {
  const rows = new Float32Array(samples.length * ROW_SIZE);
  samples.forEach((sample, i) => {
    const revision = route.revisions[sample.revision]!;
    const passage = revision.passages[sample.position];
    const row = i * ROW_SIZE;
    const from = sample.position * FEATURE_COUNT;
    rows.set(revision.features.subarray(from, from + FEATURE_COUNT), row);
    rows[row + ROW_WAIT] = Math.min(HYPERPARAMETERS.labelLimitSeconds, sample.waitSeconds);
    rows[row + ROW_BLOCKING] = Math.min(HYPERPARAMETERS.labelLimitSeconds, passage?.blockingSeconds ?? 0);
    rows[row + ROW_BLOCKING_KNOWN] = blockingKnown && passage ? 1 : 0;
    if (passage) passage.row = firstRow + i;
  });
  return rows;
}

export function updateScoreRatio(site: Site, ratio: number): void {
  const weight = weightOfNewest(++site.scoredRoutes, site.robotsOnFloor);
  site.scoreRatio += weight * (boundedRatio(ratio) - site.scoreRatio);
}

/**
 * In an exponential mean over about as many routes as there are robots: the mean of all until they are as many as it is
 * to remember, or the first, which are short, would count for most of it.
 */
export function weightOfNewest(count: number, robots: number): number {
  return 1 / Math.min(count, Math.max(20, robots));
}
