import { AssertionError } from 'node:assert';
import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import { contentHash } from './canonical.js';
import type { JournalRecord } from './records.js';
import {
  closedRoute,
  entryOfRecords,
  issuedEntry,
  isRouteRecord,
  revisedEntry,
  type ClosedRoute,
  type RouteEntry,
} from './routeEntry.js';

export interface KnownRequest {
  readonly routeId: string;
  readonly requestHash: string;
}

/** What a ledger holds, for a checkpoint. Plans and requests of open routes stay in their records. */
export interface LedgerSnapshot {
  /** Open routes in order, with the sequences of those of their records that are read again: not of holds that are over. */
  readonly open: readonly (readonly [routeId: string, sequences: readonly number[]])[];
  readonly closed: readonly ClosedRoute[];
  readonly requests: readonly (readonly [key: string, request: KnownRequest])[];
}

export interface LedgerLimits {
  readonly closedRoutesKept: number;
  readonly requestsKept: number;
  readonly openRoutesPerWarehouse: number;
}

/**
 * The routes of one warehouse, in memory: a fold over its records in the order of their sequences,
 * and nothing else, so that a ledger rebuilt from the journal is the live one. What memory forgets
 * depends on that order alone, too.
 */
export interface LedgerState {
  readonly open: ReadonlyMap<string, RouteEntry>;
  /** The newest closed routes, oldest first. */
  readonly closed: ReadonlyMap<string, ClosedRoute>;
  openOf(robotId: string): RouteEntry | undefined;
  /** The route that this request made; forgotten after `requestsKept` newer ones, but never while it is open. */
  request(robotId: string, requestId: string): KnownRequest | undefined;
  /**
   * A lost record may be of any warehouse, so each ledger is told of all of them.
   * @throws Error for a record that cannot follow: a broken invariant, not an outcome
   */
  apply(record: JournalRecord): void;
  /** Of now; its entries do not change any more. */
  snapshot(): LedgerSnapshot;
  /** Takes a part of a snapshot over, in the order in which it was given out. */
  load(part: Omit<LedgerSnapshot, 'open'>, openRoutes: readonly (readonly JournalRecord[])[]): void;
  /** SHA-256 of all of the above. */
  hash(): string;
}

export function createLedgerState(limits: LedgerLimits = LIMITS): LedgerState {
  const open = new Map<string, RouteEntry>();
  const openByRobot = new Map<string, RouteEntry>();
  const closed = new Map<string, ClosedRoute>();
  const requests = new Map<string, KnownRequest>();
  const sequences = new Map<string, number[]>();
  let last = 0;
  let lost = 0;

  function setOpen(entry: RouteEntry): void {
    open.set(entry.routeId, entry);
    openByRobot.set(entry.robotId, entry);
  }

  function issue(record: JournalRecord<'route.issued'>): void {
    const entry = issuedEntry(record);
    assert(!open.has(entry.routeId) && !closed.has(entry.routeId), record, 'the route was issued before');
    expireIfEndIsLost(openByRobot.get(entry.robotId), record.at);
    assert(!openByRobot.has(entry.robotId), record, 'the robot already has an open route');
    setOpen(entry);
    sequences.set(entry.routeId, [record.sequence]);
    const { routeId, requestHash } = entry;
    requests.set(requestKey(entry.robotId, record.payload.requestId), { routeId, requestHash });
    forgetRequests();
  }

  /** A robot gets a new route only after the end of the one before, so that is what the lost record told. */
  function expireIfEndIsLost(route: RouteEntry | undefined, closedAt: Instant): void {
    if (route === undefined || (sequences.get(route.routeId)?.at(-1) ?? lost) >= lost) return;
    const { routeId, robotId } = route;
    close({ routeId, robotId, state: 'expired', closedAt, traceHash: null, scored: null });
  }

  function forgetRequests(): void {
    while (requests.size > limits.requestsKept && requests.size > open.size) {
      const [key, oldest] = requests.entries().next().value as [string, KnownRequest];
      requests.delete(key);
      // An open route's request goes to the end of the line, so that it is not met again at each step.
      if (open.has(oldest.routeId)) requests.set(key, oldest);
    }
  }

  function close(route: ClosedRoute): void {
    const wasOpen = open.get(route.routeId);
    if (wasOpen !== undefined) {
      open.delete(route.routeId);
      sequences.delete(route.routeId);
      openByRobot.delete(wasOpen.robotId);
    }
    closed.delete(route.routeId);
    closed.set(route.routeId, route);
    if (closed.size > limits.closedRoutesKept) closed.delete(closed.keys().next().value as string);
  }

  function apply(record: JournalRecord): void {
    if (record.kind === 'record.lost') lost = record.sequence;
    if (!isRouteRecord(record)) return;
    assert(record.sequence > last, record, `it comes after ${last}`);
    last = record.sequence;
    if (record.kind === 'route.issued') issue(record);
    else if (record.kind === 'route.revised' || record.kind === 'route.held') {
      const entry = open.get(record.payload.routeId);
      assert(entry !== undefined, record, 'the route is not open');
      assert(record.payload.revision > entry.revision, record, `the route is at revision ${entry.revision}`);
      setOpen(revisedEntry(entry, record));
      const its = sequences.get(entry.routeId) as number[];
      // A trace is read by all plans; a hold is over with whatever comes after it.
      if (entry.heldAt !== null) its.pop();
      its.push(record.sequence);
    } else close(closedRoute(record));
  }

  return {
    open,
    closed,
    openOf: (robotId) => openByRobot.get(robotId),
    request: (robotId, requestId) => requests.get(requestKey(robotId, requestId)),
    apply,
    snapshot: () => ({
      open: [...open.keys()].map((routeId) => [routeId, [...(sequences.get(routeId) ?? [])]]),
      closed: [...closed.values()],
      requests: [...requests],
    }),
    load(part, openRoutes) {
      for (const route of part.closed) closed.set(route.routeId, route);
      for (const [key, request] of part.requests) requests.set(key, request);
      for (const records of openRoutes) {
        const entry = entryOfRecords(records);
        if (entry === null) throw new Error('a checkpoint names an open route without its issue');
        setOpen(entry);
        // Older checkpoints name holds that are over, too.
        const read = records.filter(({ kind }, i) => kind !== 'route.held' || i === records.length - 1);
        sequences.set(
          entry.routeId,
          read.map(({ sequence }) => sequence),
        );
      }
    },
    hash: () => contentHash([[...open.values()], [...closed.values()], [...requests]]),
  };
}

/** Ids hold no blanks, so no two pairs share a key. */
function requestKey(robotId: string, requestId: string): string {
  return `${robotId} ${requestId}`;
}

function assert(holds: boolean, record: JournalRecord, detail: string): asserts holds {
  if (holds) return;
  const message = `journal record ${record.sequence} (${record.kind}) cannot be applied: ${detail}`;
  throw new AssertionError({ message });
}
