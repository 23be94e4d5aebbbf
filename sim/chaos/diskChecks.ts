import type {
  RouteAssignedContent,
  RouteRequestContent,
  RouteScoredContent,
} from '../../src/domain/messages.js';
import type { JournalKind, JournalRecord } from '../../src/journal/records.js';
import { nodeOf } from '../job.js';

/** What the disk holds of each route: nothing leaves before it is there, and nothing is scored twice. */
export function createDiskChecks(options: {
  readonly durable: readonly JournalRecord[];
  readonly fail: (promise: string, detail: string) => never;
}) {
  const { durable, fail } = options;
  const completions = new Map<string, string>();
  /** The stops of each route, in the order of visit. */
  const stopsOf = new Map<string, readonly string[]>();
  /** When each record of a route was written, by kind and revision. */
  const recordsOfRoute = new Map<string, Map<string, number>>();
  const newestOf = new Map<string, number>();
  let read = 0;

  /** Takes in what was committed since; X1 is asked of the records themselves. */
  const readDisk = (): void => {
    for (; read < durable.length; read++) {
      const record = durable[read]!;
      const { payload, kind } = record;
      if (!('routeId' in payload) || payload.routeId === null) continue;
      const { routeId } = payload;
      const revision = 'revision' in payload ? payload.revision : 0;
      const records = recordsOfRoute.get(routeId) ?? new Map<string, number>();
      recordsOfRoute.set(routeId, records.set(`${kind} ${revision}`, record.at));
      newestOf.set(routeId, Math.max(revision, newestOf.get(routeId) ?? 0));
      if (record.kind === 'route.issued') {
        const { request, answer } = record.payload;
        stopsOf.set(routeId, stopsAsked(request, answer));
      }
      if (record.kind !== 'route.completed') continue;
      if (completions.has(routeId)) fail('X1', `${routeId} was scored twice`);
      completions.set(routeId, scoreOf(record.payload.scored, record.payload.trace));
    }
  };
  /** Answers when it was planned. */
  const mustBeStored = (routeId: string, kind: JournalKind, revision = 0): number => {
    readDisk();
    const at = recordsOfRoute.get(routeId)?.get(`${kind} ${revision}`);
    return at ?? fail('D2', `${kind} ${revision} of ${routeId} left before it was stored`);
  };
  /** Its robot cancelled or completed it, whether or not it got the answer: nobody tells it of lanes any more. */
  const isOver = (routeId: string): boolean => {
    const records = recordsOfRoute.get(routeId);
    return records !== undefined && (records.has('route.cancelled 0') || records.has('route.completed 0'));
  };
  const leftOutBy = (plan: { readonly routeId: string; readonly stopIndexes: readonly number[] }): number => {
    readDisk();
    return stopsOf.get(plan.routeId)!.length - plan.stopIndexes.length;
  };

  return {
    read: readDisk,
    mustBeStored,
    isOver,
    leftOutBy,
    stopsOf: (routeId: string): readonly string[] => stopsOf.get(routeId)!,
    /** The score and the trace as stored. */
    completionOf: (routeId: string): string | undefined => completions.get(routeId),
    newestOf: (routeId: string): number => newestOf.get(routeId) ?? 0,
  };
}

export function stopsAsked(
  request: RouteRequestContent,
  { stopOrder, stopIndexes }: RouteAssignedContent,
): string[] {
  const stops = stopOrder.map((index) => nodeOf(request.stops[index]!));
  if (request.dropoff !== undefined && stops.length < stopIndexes.length) stops.push(nodeOf(request.dropoff));
  return stops;
}

export function scoreOf(scored: RouteScoredContent, trace: unknown): string {
  return JSON.stringify([scored.score, scored.ratio, scored.learnt, trace]);
}
