import type { Instant } from '../domain/ids.js';
import type {
  RouteAssignedContent,
  RouteRequestContent,
  RouteScoredContent,
  Trace,
} from '../domain/messages.js';
import type { JournalKind, JournalRecord } from './records.js';

export type RouteState = 'issued' | 'completed' | 'cancelled' | 'expired';

/** The part of an answer that a revision replaces. */
export type RoutePlan = Pick<
  RouteAssignedContent,
  'revision' | 'policyVersion' | 'stopOrder' | 'stopIndexes' | 'nodes' | 'etaSeconds' | 'expected' | 'why'
>;

/** All that the journal knows of a route. */
export interface RouteEntry {
  readonly routeId: string;
  readonly robotId: string;
  readonly robotType: string;
  readonly request: RouteRequestContent;
  readonly requestHash: string;
  /** The answer to the request, revision 0. */
  readonly answer: RouteAssignedContent;
  readonly issuedAt: Instant;
  /** Free-flow seconds of the shortest tour when it was issued. */
  readonly shortestSeconds: number;
  /** What the robot drives now: the answer, or the newest revision of it. `etaSeconds` count from its `inForceAt`, else from `plannedAt`. */
  readonly plan: RoutePlan;
  readonly plannedAt: Instant;
  /** Of the newest thing that the robot was told: above the plan's while it is held. */
  readonly revision: number;
  /** Where the robot was told to wait, until the next plan. */
  readonly heldAt: string | null;
  /** Since when it waits there or elsewhere. */
  readonly heldFrom: Instant | null;
  /** The newest thing that the robot was told is from where its ETAs put it. */
  readonly assumed: boolean;
  readonly state: RouteState;
  readonly closedAt: Instant | null;
  readonly traceHash: string | null;
  readonly trace: Trace | null;
  readonly scored: RouteScoredContent | null;
}

/** What is kept of a closed route in memory: enough to answer a repeated report. */
export type ClosedRoute = Pick<RouteEntry, 'routeId' | 'robotId' | 'traceHash' | 'scored'> & {
  readonly state: Exclude<RouteState, 'issued'>;
  readonly closedAt: Instant;
};

const CLOSING = {
  'route.completed': 'completed',
  'route.cancelled': 'cancelled',
  'route.expired': 'expired',
} as const;
export type RouteKind = 'route.issued' | 'route.revised' | 'route.held' | keyof typeof CLOSING;

export function isRouteRecord(record: JournalRecord): record is JournalRecord<RouteKind> {
  const kinds: readonly JournalKind[] = ['route.issued', 'route.revised', 'route.held'];
  return record.kind in CLOSING || kinds.includes(record.kind);
}

export function issuedEntry(record: JournalRecord<'route.issued'>): RouteEntry {
  const { routeId, robotId, robotType, request, requestHash, answer, shortestSeconds } = record.payload;
  return {
    ...{ routeId, robotId, robotType, request, requestHash, answer },
    issuedAt: record.at,
    shortestSeconds: shortestSeconds ?? answer.why.freeFlowSeconds,
    plan: answer,
    plannedAt: record.at,
    revision: answer.revision,
    ...{ heldAt: null, heldFrom: null },
    assumed: false,
    state: 'issued',
    ...{ closedAt: null, traceHash: null, trace: null, scored: null },
  };
}

export function revisedEntry(
  entry: RouteEntry,
  record: JournalRecord<'route.revised'> | JournalRecord<'route.held'>,
): RouteEntry {
  const { revision } = record.payload;
  const assumed = record.payload.assumed === true;
  if (record.kind === 'route.held') {
    const { answer, heldFrom = record.at } = record.payload;
    return { ...entry, revision, heldAt: answer.node, heldFrom, assumed };
  }
  const plan = { plan: record.payload.answer, plannedAt: record.at };
  return { ...entry, ...plan, revision, heldAt: null, heldFrom: null, assumed };
}

/** From the record alone: a late completion may close a route that memory no longer holds. */
export function closedRoute(record: JournalRecord<keyof typeof CLOSING>): ClosedRoute {
  const completed = record.kind === 'route.completed' ? record.payload : null;
  return {
    routeId: record.payload.routeId,
    robotId: record.payload.robotId,
    state: CLOSING[record.kind],
    closedAt: record.at,
    traceHash: completed?.traceHash ?? null,
    scored: completed?.scored ?? null,
  };
}

/** The route that its own records tell, in order; null where its issue is not among them. */
export function entryOfRecords(records: readonly JournalRecord[]): RouteEntry | null {
  return records.reduce<RouteEntry | null>(nextEntry, null);
}

function nextEntry(entry: RouteEntry | null, record: JournalRecord): RouteEntry | null {
  if (!isRouteRecord(record)) return entry;
  if (record.kind === 'route.issued') return issuedEntry(record);
  if (entry === null) return null;
  if (record.kind === 'route.revised' || record.kind === 'route.held') return revisedEntry(entry, record);
  return {
    ...entry,
    ...closedRoute(record),
    trace: record.kind === 'route.completed' ? record.payload.trace : null,
  };
}
