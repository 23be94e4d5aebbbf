import type { Instant, RobotId, RouteId } from '../domain/ids.js';
import type { PlannedStop } from '../planning/tourTask.js';
import type { Passage } from './passage.js';

/** One plan of a route: the first, or what replaced it when a robot was pushed off or a lane closed. */
export interface Revision {
  readonly at: Instant;
  /** The lane by which its robot came to where it begins, -1 where unknown; whether it drove on from there or stood. */
  readonly arrivalLane: number;
  readonly drives: boolean;
  readonly nodes: Int32Array;
  /** [M - 1] */
  readonly lanes: Int32Array;
  /** The stops still to visit, in order, drop-off last, and where in `nodes` each is reached. */
  readonly stops: readonly PlannedStop[];
  readonly stopIndexes: readonly number[];
  /** The same stops as positions in the request; the drop-off is not among them. */
  readonly stopOrder: readonly number[];
  readonly etaSeconds: Float64Array;
  /** [M - 1][F] features of each lane at planning time. */
  readonly features: Float32Array;
  /** [M - 1] seconds of wait then predicted; null where a restart came since. */
  readonly predictedWait: Float32Array | null;
  /** [M - 1] what others paid for each lane, once the robot set out on it. */
  readonly passages: (Passage | undefined)[];
}

/** A time in which a robot was to wait where it stood, as there was no way for it, or could not drive. */
export interface TimeAside {
  readonly from: Instant;
  /** Infinity while it lasts. */
  readonly until: Instant;
}

/** A route as issued, with all its revisions: what a trace is read against. */
export interface IssuedRoute {
  readonly routeId: RouteId;
  readonly robotId: RobotId;
  readonly robotType: number;
  readonly issuedAt: Instant;
  readonly deadlineAt: Instant | null;
  /** Free-flow seconds of the shortest tour when it was issued, handling excluded. */
  readonly shortestSeconds: number;
  readonly revisions: Revision[];
  /** When its robot was told to wait, in order of time: what it took then says nothing of lanes or prices. */
  readonly holds: readonly TimeAside[];
  /** When its robot said that it could not drive, in order: the same. */
  readonly pauses: readonly TimeAside[];
}

export function latestRevision({ revisions }: Pick<IssuedRoute, 'revisions'>): Revision {
  return revisions[revisions.length - 1]!;
}
