import type { Components } from '../domain/components.js';
import { zeroComponents } from '../domain/components.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import { firstMoveSeconds, isTurn, moveSeconds, type FreeFlow } from '../planning/freeFlow.js';
import { laneBetween, type LaneGraph } from '../warehouse/laneGraph.js';
import type { IssuedRoute, Revision } from './issuedRoute.js';
import { isWithin, secondsWithin, timesAside } from './timesAside.js';

/** A node held, in compiled indices. */
export interface TraceStep {
  readonly node: number;
  readonly arrivedAt: Instant;
  readonly departedAt: Instant | null;
}

/** One lane that the robot set out on, before it becomes a row of numbers. */
export interface Sample {
  readonly lane: number;
  readonly revision: number;
  readonly position: number;
  /** Seconds beyond free flow, without holds, its own pauses and waits behind stopped robots. */
  readonly waitSeconds: number;
}

/** One lane that the robot passed, planned or not, and what it paid there beyond free flow, holds and pauses. */
export interface DrivenLane {
  readonly lane: number;
  readonly waitSeconds: number;
}

export type Reading =
  | {
      readonly kind: 'scored';
      readonly components: Components;
      readonly samples: readonly Sample[];
      readonly drivenLanes: readonly DrivenLane[];
      /** Seconds on the way to the last stop, handling excluded. */
      readonly travelledSeconds: number;
    }
  | {
      readonly kind: 'refused';
      readonly code: ErrorCode;
      readonly references: Readonly<Record<string, string | number>>;
    };

/** Share of the least driving time that a clock may be off, and milliseconds on top. */
const SPEED_TOLERANCE = 0.05;
const SPEED_TOLERANCE_MILLISECONDS = 50;

/**
 * Reads a trace against the route that was issued: components of the whole route, and one sample for
 * each lane set out on, until it was driven or abandoned. A robot pushed off its route pays
 * the lane it was on: time lost plus the extra free-flow seconds to its next stop. Nothing of it is paid for while it
 * was to wait or could not drive, and where it drives once all stops are made is no part of the route.
 */
export function readTrace(
  graph: LaneGraph,
  freeFlow: FreeFlow,
  route: IssuedRoute,
  trace: readonly TraceStep[],
): Reading {
  const fault = findFault(graph, route, trace);
  if (fault) return fault;
  const reader = createReader(graph, freeFlow, route, trace[0]!);
  for (let i = 1; i < trace.length; i++) reader.move(trace[i]!);
  return reader.finish();
}

function refuse(code: ErrorCode, references: Record<string, string | number> = {}): Reading {
  return { kind: 'refused', code, references };
}

/** Order in time, lanes between neighbours, and the speed that lane and robot allow. */
function findFault(graph: LaneGraph, route: IssuedRoute, trace: readonly TraceStep[]): Reading | null {
  const first = trace[0];
  if (!first || first.node !== route.revisions[0]!.nodes[0]) {
    return refuse('E_TRACE_INCOMPLETE', { detail: 'start where the route starts' });
  }
  const last = trace[trace.length - 1]!;
  if (last.departedAt !== null && last.departedAt < last.arrivedAt) {
    return refuse('E_TRACE_BACKWARDS', { at: trace.length - 1 });
  }
  for (let at = 1; at < trace.length; at++) {
    const before = trace[at - 1]!;
    const step = trace[at]!;
    const left = before.departedAt ?? before.arrivedAt;
    if (left < before.arrivedAt || step.arrivedAt < left) return refuse('E_TRACE_BACKWARDS', { at });
    const lane = laneBetween(graph, before.node, step.node);
    if (lane < 0) return refuse('E_TRACE_GAP', { at });
    const least = 1000 * graph.freeFlowSeconds[route.robotType]![lane]! * (1 - SPEED_TOLERANCE);
    if (step.arrivedAt - before.arrivedAt < least - SPEED_TOLERANCE_MILLISECONDS) {
      return refuse('E_TRACE_TOO_FAST', { at });
    }
  }
  return null;
}

function createReader(graph: LaneGraph, freeFlow: FreeFlow, route: IssuedRoute, first: TraceStep) {
  const { robotType, revisions } = route;
  const stopCount = revisions[0]!.stops.length;
  const aside = timesAside(route);
  const components = zeroComponents();
  /** By revision and place: who was pushed off a lane and sets out on it again pays for both in one, as others do for it. */
  const samples = new Map<string, Sample>();
  const drivenLanes: DrivenLane[] = [];
  let revisionIndex = 0;
  let revision = revisions[0]!;
  let position = 0;
  let node = first.node;
  let previousLane = revision.arrivalLane;
  /** It has to get going: it has not left its start, or handled a stop. */
  let stands = true;
  let stopsDone = 0;
  /** Of the whole tour, wherever a plan has them: what a trace must visit, whatever was assumed meanwhile. */
  let stopsVisited = 0;
  let arrivedAt = Math.max(first.arrivedAt, route.issuedAt);
  let readyAt = arrivedAt;
  let travelledSeconds = 0;

  /** Handles every stop that the current plan has at the current position. */
  const handle = (): void => {
    const doneBefore = stopCount - revision.stops.length;
    while (stopsDone < stopCount && revision.stopIndexes[stopsDone - doneBefore] === position) {
      readyAt += 1000 * revision.stops[stopsDone - doneBefore]!.handlingSeconds;
      stopsDone++;
      stands = true;
    }
  };
  /** What it came to up to here. */
  const here = () => ({
    driven: { ...components },
    travelled: travelledSeconds,
    lanes: drivenLanes.length,
    doneAt: readyAt,
  });
  /** Where all stops were made, unless a plan gives some back since: what is driven on is no part of the route. */
  let end: ReturnType<typeof here> | null = null;
  const endWhereDone = (): void => {
    if (stopsDone === stopCount && stopsVisited >= stopCount) end ??= here();
  };
  /**
   * Goes over to the revision that was in force when the robot left this node. One that begins elsewhere was planned from
   * where the robot was taken to be: it comes there yet, or was given another since.
   */
  const adoptRevision = (leftBefore: Instant): void => {
    for (let index = revisionIndex + 1; index < revisions.length; index++) {
      const next = revisions[index]!;
      if (next.at > leftBefore) return;
      if (next.nodes[0] !== node) continue;
      revisionIndex = index;
      revision = next;
      position = 0;
      // A plan may have been made with other stops before it than the robot had made: what it gives back was not handled.
      const stopsBefore = stopCount - next.stops.length;
      if (stopsBefore < stopsDone) {
        readyAt = arrivedAt;
        end = null;
      }
      stopsDone = stopsBefore;
      handle();
      endWhereDone();
    }
  };
  const sample = (waitSeconds: number): void => {
    const key = `${revisionIndex} ${position}`;
    const before = samples.get(key)?.waitSeconds ?? 0;
    const paid = { revision: revisionIndex, position, waitSeconds: before + waitSeconds };
    samples.set(key, { lane: revision.lanes[position]!, ...paid });
  };
  const excused = (sample: Sample): Sample => {
    const seconds = revisions[sample.revision]!.passages[sample.position]?.excusedSeconds ?? 0;
    return { ...sample, waitSeconds: Math.max(0, sample.waitSeconds - seconds) };
  };
  const visit = (): void => {
    const { stops } = revisions[0]!;
    while (stops[stopsVisited]?.node === node) stopsVisited++;
  };
  visit();
  handle();
  endWhereDone();

  return {
    move(step: TraceStep): void {
      adoptRevision(step.arrivedAt - 1);
      const lane = laneBetween(graph, node, step.node);
      const driving = (stands ? firstMoveSeconds : moveSeconds)(graph, robotType, previousLane, lane);
      // Handled in less time than planned, it set out before: how long it took for the lane nobody knows.
      const least = stands ? driving : 0;
      const clockSeconds = Math.max(least, (step.arrivedAt - readyAt) / 1000);
      const lostSeconds = clockSeconds - secondsWithin(aside, readyAt, step.arrivedAt);
      const planned = position < revision.lanes.length && revision.nodes[position] === node;
      const onRoute = planned && revision.lanes[position] === lane;
      // Not to drive, or not able to, it went on, or was pushed aside: what of the time it could have driven nobody knows.
      const isKnown = planned && !isWithin(aside, step.arrivedAt);
      if (isKnown) sample(lostSeconds + (onRoute ? -driving : detourSeconds(revision, step.node)));
      if (isTurn(graph, previousLane, lane)) components.turns++;
      components.time += driving;
      components.distance += graph.lengthMetres[lane]!;
      travelledSeconds += clockSeconds;
      drivenLanes.push({ lane, waitSeconds: lostSeconds - driving });
      node = step.node;
      visit();
      previousLane = lane;
      stands = false;
      readyAt = arrivedAt = step.arrivedAt;
      if (onRoute) {
        position++;
        handle();
      } else {
        rejoin();
      }
      endWhereDone();
    },
    finish(): Reading {
      adoptRevision(arrivedAt);
      if (stopsVisited < stopCount) {
        return refuse('E_TRACE_INCOMPLETE', { detail: `visit stop ${stopsVisited + 1} of ${stopCount}` });
      }
      const { driven, travelled, lanes, doneAt } = end ?? here();
      const wait = Math.max(0, travelled - driven.time);
      const lateness = route.deadlineAt === null ? 0 : Math.max(0, doneAt - route.deadlineAt) / 1000;
      return {
        kind: 'scored',
        components: { ...driven, wait, lateness, blocking: blockingOf(revisions) },
        samples: [...samples.values()].map(excused),
        drivenLanes: drivenLanes.slice(0, lanes),
        travelledSeconds: travelled,
      };
    },
  };

  /** Extra free-flow seconds from where the robot was pushed to, towards its next stop. */
  function detourSeconds(plan: Revision, pushedTo: number): number {
    const goal = plan.stops[stopsDone - (stopCount - plan.stops.length)]?.node;
    if (goal === undefined) return 0;
    const seconds = freeFlow.secondsTo(robotType, goal, [pushedTo, node]);
    const extra = seconds[pushedTo]! - seconds[node]!;
    return Number.isFinite(extra) ? extra : 0;
  }

  /** A fleet that does not report deviations may come back to its plan by itself, before the next stop. */
  function rejoin(): void {
    const nextStop = revision.stopIndexes[stopsDone - (stopCount - revision.stops.length)] ?? position;
    for (let later = position; later <= nextStop; later++) {
      if (revision.nodes[later] === node) {
        position = later;
        handle();
        return;
      }
    }
  }
}

function blockingOf(revisions: readonly Revision[]): number {
  let seconds = 0;
  for (const revision of revisions)
    for (const passage of revision.passages) seconds += passage?.blockingSeconds ?? 0;
  return seconds;
}
