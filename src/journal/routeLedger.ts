import { AppError, busy } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type {
  RouteAssignedContent,
  RouteCompletedContent,
  RouteRequestContent,
  RouteScoredContent,
} from '../domain/messages.js';
import { contentHash } from './canonical.js';
import type { Journal } from './journal.js';
import {
  createLedgerState,
  type LedgerLimits,
  type LedgerSnapshot,
  type LedgerState,
} from './ledgerState.js';
import type { JournalRecord, NewRecord } from './records.js';
import { entryOfRecords, type ClosedRoute, type RouteEntry, type RouteState } from './routeEntry.js';
import { createTurns } from './turns.js';

export interface ClosedContent {
  readonly routeId: string;
  readonly state: Exclude<RouteState, 'issued'>;
}

/**
 * Every route that one warehouse issued, to whom, and its state: issued -> completed | cancelled | expired,
 * and expired -> completed when the report comes late after all.
 *
 * It appends to the journal itself: nothing is answered before its commit, and a commit that failed
 * leaves it as it was. What a caller plans or scores in a `make` runs at most once per stored record;
 * its own effects must be undone by the caller when the returned promise rejects. All that concerns
 * one robot's requests, and all that concerns one route, runs one after the other.
 */
export interface RouteLedger {
  /**
   * Issues a route, or gives the first answer again for a request that was sent before and whose route is open.
   *
   * @param make plans and describes the route; its record must carry the given hash
   * @throws E_REQUEST_CONFLICT same robot and request id, other content
   * @throws E_ROUTE_OPEN the robot has another open route
   * @throws E_BUSY the warehouse has its limit of open routes
   * @throws E_ROUTE_CLOSED a repeated request whose route is over: nobody is to drive it again
   */
  issue(
    request: RouteRequestContent,
    make: (requestHash: string) => MaybePromise<NewRecord<'route.issued'>>,
  ): Promise<RouteAssignedContent>;
  /**
   * Gives an open route a new plan, or tells its robot to hold.
   * @throws E_UNKNOWN_ROUTE @throws E_ROUTE_CLOSED
   */
  revise(
    routeId: string,
    make: (entry: RouteEntry) => MaybePromise<NewRecord<'route.revised'> | NewRecord<'route.held'>>,
  ): Promise<RouteEntry>;
  /**
   * Scores a route once. The same trace again gives the first answer with `duplicate: true`.
   *
   * @param make scores; for a late report `entry.state` is 'expired', and nothing may be learnt from it
   * @throws E_UNKNOWN_ROUTE
   * @throws E_COMPLETION_CONFLICT it was completed with another trace
   * @throws E_ROUTE_CLOSED it was cancelled
   * @throws E_BUSY too many look-ups wait in the journal: nothing of it was stored, it may be sent again
   */
  complete(
    report: RouteCompletedContent,
    make: (entry: RouteEntry, traceHash: string) => MaybePromise<NewRecord<'route.completed'>>,
  ): Promise<RouteScoredContent>;
  /**
   * Cancelling twice is answered like the first time.
   * @throws E_UNKNOWN_ROUTE @throws E_ROUTE_CLOSED it is completed or expired
   */
  cancel(report: { readonly routeId: string; readonly reason: string }, at: Instant): Promise<ClosedContent>;
  /** Ends an open route; resolves with false where it was closed meanwhile. */
  expire(routeId: string, at: Instant): Promise<boolean>;

  /** An open route, without waiting. */
  open(routeId: string): RouteEntry | undefined;
  openOf(robotId: string): RouteEntry | undefined;
  openRoutes(): ReadonlyMap<string, RouteEntry>;
  /** Open, or closed and still in memory. */
  find(routeId: string): RouteEntry | ClosedRoute | undefined;
  /** Any route ever issued, from memory or the journal, with plan and trace; null if there was none. */
  lookUp(routeId: string): Promise<RouteEntry | null>;

  /**
   * Rebuilds: feed all records of this warehouse and each `record.lost` in order, before anything else. Ignores other kinds
   * without a route.
   */
  apply(record: JournalRecord): void;
  /** Takes a part of a checkpoint over, before any record after it is applied. */
  load(part: Omit<LedgerSnapshot, 'open'>, openRoutes: readonly (readonly JournalRecord[])[]): void;
  /** As of the last record whose promise has settled. */
  snapshot(): LedgerSnapshot;
  /** Equal for a live ledger and for one rebuilt from its journal. */
  hash(): string;
}

type MaybePromise<T> = T | Promise<T>;

export interface RouteLedgerOptions {
  readonly warehouseId: string;
  readonly journal: Pick<Journal, 'append' | 'routeRecords'>;
  readonly limits?: LedgerLimits;
}

export function createRouteLedger({
  warehouseId,
  journal,
  limits = LIMITS,
}: RouteLedgerOptions): RouteLedger {
  const state = createLedgerState(limits);
  const robotTurns = createTurns();
  const routeTurns = createTurns();
  let issuing = 0;

  /**
   * The only way into the state. Appends settle in the order of their sequences, and so do these:
   * the live state has seen the same records in the same order as one rebuilt from the journal.
   */
  async function commit(record: NewRecord): Promise<void> {
    const sequence = await journal.append(record);
    state.apply({ ...record, sequence, blob: null });
  }

  async function lookUp(routeId: string): Promise<RouteEntry | null> {
    const open = state.open.get(routeId);
    if (open !== undefined) return open;
    const entry = entryOfRecords(await journal.routeRecords(warehouseId, routeId));
    if (entry?.state !== 'issued' || state.open.has(routeId)) return entry;
    // Its end is lost (`LedgerState`).
    return { ...entry, state: 'expired', closedAt: state.closed.get(routeId)?.closedAt ?? null };
  }

  /** @throws E_UNKNOWN_ROUTE */
  async function known(routeId: string): Promise<RouteEntry | ClosedRoute> {
    const route = state.open.get(routeId) ?? state.closed.get(routeId) ?? (await lookUp(routeId));
    if (route === null) throw new AppError('E_UNKNOWN_ROUTE', { routeId });
    return route;
  }

  /** From memory alone, which holds every open route. @throws E_REQUEST_CONFLICT @throws E_ROUTE_CLOSED */
  function firstAnswer(request: RouteRequestContent, hash: string): RouteAssignedContent | null {
    const before = state.request(request.robotId, request.requestId);
    if (before === undefined) return null;
    if (before.requestHash !== hash)
      throw new AppError('E_REQUEST_CONFLICT', { requestId: request.requestId });
    const { routeId } = before;
    const open = state.open.get(routeId);
    if (open !== undefined) return open.answer;
    throw new AppError('E_ROUTE_CLOSED', { routeId, state: state.closed.get(routeId)?.state ?? 'closed' });
  }

  /** A gateway may send a completion and the next request in one breath: the first is let finish. */
  async function closingOf(robotId: string): Promise<void> {
    const open = state.openOf(robotId);
    if (open !== undefined) await routeTurns.run(open.routeId, () => Promise.resolve());
  }

  function assertMayIssue(robotId: string): void {
    const open = state.openOf(robotId);
    if (open !== undefined) {
      const detail = 'another request opened it; complete or cancel it first';
      throw new AppError('E_ROUTE_OPEN', { robotId, routeId: open.routeId, detail });
    }
    if (state.open.size + issuing >= limits.openRoutesPerWarehouse) {
      throw busy(limits.openRoutesPerWarehouse, 'open routes');
    }
  }

  const issue: RouteLedger['issue'] = (request, make) =>
    robotTurns.run(request.robotId, async () => {
      const hash = contentHash(request);
      const answered = firstAnswer(request, hash);
      if (answered !== null) return answered;
      await closingOf(request.robotId);
      assertMayIssue(request.robotId);
      issuing++;
      try {
        const record = await make(hash);
        await commit(record);
        return record.payload.answer;
      } finally {
        issuing--;
      }
    });

  const revise: RouteLedger['revise'] = (routeId, make) =>
    routeTurns.run(routeId, async () => {
      const entry = state.open.get(routeId);
      if (entry === undefined) throw closedError(await known(routeId));
      await commit(await make(entry));
      return state.open.get(routeId) as RouteEntry;
    });

  const complete: RouteLedger['complete'] = (report, make) =>
    routeTurns.run(report.routeId, async () => {
      const { routeId } = report;
      const route = await known(routeId);
      const traceHash = contentHash(report.trace);
      if (route.scored !== null) {
        if (route.traceHash !== traceHash) throw new AppError('E_COMPLETION_CONFLICT', { routeId });
        return { ...route.scored, duplicate: true as const };
      }
      // Memory keeps of an expired route only that it was; its plan stands in the journal.
      const entry = route.state === 'cancelled' ? null : await lookUp(routeId);
      if (entry === null) throw closedError(route);
      const record = await make(entry, traceHash);
      await commit(record);
      return record.payload.scored;
    });

  const cancel: RouteLedger['cancel'] = (report, at) =>
    routeTurns.run(report.routeId, async () => {
      const { routeId, reason } = report;
      const { robotId, ...route } = await known(routeId);
      if (route.state === 'completed' || route.state === 'expired') throw closedError(route);
      if (route.state === 'issued') {
        await commit({ at, warehouseId, kind: 'route.cancelled', payload: { routeId, robotId, reason } });
      }
      return { routeId, state: 'cancelled' };
    });

  const expire: RouteLedger['expire'] = (routeId, at) =>
    routeTurns.run(routeId, async () => {
      const entry = state.open.get(routeId);
      if (entry === undefined) return false;
      await commit({ at, warehouseId, kind: 'route.expired', payload: { routeId, robotId: entry.robotId } });
      return true;
    });

  return {
    ...{ issue, revise, complete, cancel, expire, lookUp },
    ...readers(state),
    apply: (record) => state.apply(record),
    load: (part, openRoutes) => state.load(part, openRoutes),
    snapshot: () => state.snapshot(),
    hash: () => state.hash(),
  };
}

function readers(state: LedgerState): Pick<RouteLedger, 'open' | 'openOf' | 'openRoutes' | 'find'> {
  return {
    open: (routeId) => state.open.get(routeId),
    openOf: (robotId) => state.openOf(robotId),
    openRoutes: () => state.open,
    find: (routeId) => state.open.get(routeId) ?? state.closed.get(routeId),
  };
}

function closedError({ routeId, state }: { readonly routeId: string; readonly state: RouteState }): AppError {
  return new AppError('E_ROUTE_CLOSED', { routeId, state });
}
