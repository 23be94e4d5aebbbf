/**
 * What the journal holds: one kind of record for each fact that must outlive the process.
 * A record's `blob` carries float32 rows, little-endian, row after row; its payload says how long a row is.
 */
import type { RewardWeights } from '../domain/components.js';
import type { Instant } from '../domain/ids.js';
import type {
  Mode,
  RouteAssignedContent,
  RouteHeldMessage,
  RouteRequestContent,
  RouteScoredContent,
  RouteUpdatedMessage,
  Trace,
} from '../domain/messages.js';
import type {
  BadlyPredictedRoute,
  ImprovementSpan,
  ImprovementView,
  LaneName,
  SavedPolicy,
} from '../domain/serviceContract.js';

/** The warehouse of records that concern all of them (a shared policy). Not a valid id, so never a site's. */
export const ALL_WAREHOUSES = '*';

interface BlobShape {
  /** Floats of one row of the blob; the row count is the blob's bytes over 4 over this. 0 without a blob. */
  readonly rowLength: number;
}

interface SettingOut {
  /** The node from which its robot came to where the plan begins. Left out where that is unknown, and by programs that did not say so. */
  readonly cameFrom?: string;
  /** It was on its way there. Left out where it stood. */
  readonly drives?: boolean;
}
/** A route was planned and may now leave. Blob: features of its lanes, in order, as seen when it was planned. */
export interface RouteIssued extends BlobShape, SettingOut {
  readonly routeId: string;
  readonly robotId: string;
  readonly robotType: string;
  readonly requestId: string;
  /** {@link contentHash} of `request`. */
  readonly requestHash: string;
  readonly request: RouteRequestContent;
  readonly answer: RouteAssignedContent;
  /** Free-flow seconds of the shortest tour. Records from before they were kept have none. */
  readonly shortestSeconds?: number;
}
/** What is told of an open route from where its ETAs put its robot, of which nothing has been heard since the plan before. */
interface Assumed {
  readonly assumed?: true;
}
interface Held {
  /** Since when its robot was to wait. Left out where it was not, and by programs that did not say so. */
  readonly heldFrom?: Instant;
}
/** An open route was planned anew from where its robot is. Blob: features of the new lanes. */
export interface RouteRevised extends BlobShape, SettingOut, Assumed, Held {
  readonly routeId: string;
  readonly revision: number;
  readonly answer: Omit<RouteUpdatedMessage, 'type'>;
  /** From when it counts, by the robot that asked for it. Left out where that is when it was made. */
  readonly inForceAt?: Instant;
  /** Seconds from then until its robot is done with a stop that it was handling. Left out where it was not. */
  readonly readyInSeconds?: number;
}
/** An open route has no way now; its robot was told to wait where it is. */
export interface RouteHeld extends Assumed, Held {
  readonly routeId: string;
  readonly revision: number;
  readonly answer: Omit<RouteHeldMessage, 'type'>;
}
/** A trace came and was scored. Blob: the training rows as learnt, empty where nothing was. */
export interface RouteCompleted extends BlobShape {
  readonly routeId: string;
  readonly robotId: string;
  /** {@link contentHash} of `trace`. */
  readonly traceHash: string;
  readonly trace: Trace;
  readonly scored: RouteScoredContent;
  /** Number of the first training row; the others follow. */
  readonly firstRow: number;
}
/** Rows whose blocking label settled or grew after they were learnt, and what it is now. */
export interface RowsCorrected {
  readonly rows: readonly number[];
  readonly blockingSeconds: readonly number[];
}
/** Retention dropped the oldest records. */
export interface RecordsDropped {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  readonly reason: 'age' | 'size';
}

/** Of a map: one that was edited under the version that it had is another one. */
export interface MapSize {
  readonly nodes: number;
  readonly lanes: number;
  readonly robotTypes: number;
}

/** A route that the policy predicted badly is kept. Blob: its floor (`cornerCaseRecord`). */
export interface CornerKept extends BlobShape, BadlyPredictedRoute {
  /** The route that gave way to it. */
  readonly evicted: string | null;
  /** Left out by programs that went by the version alone. */
  readonly mapSize?: MapSize;
}

export interface Mean {
  readonly sum: number;
  readonly count: number;
}

/** How far a warehouse has got towards its improvement (`src/service/improvement.ts`). */
export interface ImprovementState {
  readonly firstRouteAt: Instant | null;
  readonly routes: number;
  readonly freeFlow: Mean;
  readonly shortestTours: Mean;
  readonly baseline: ImprovementView['baseline'];
  readonly block: Mean;
  readonly ratio: number | null;
  readonly servedAfter: ImprovementSpan | null;
  /** Blocks in a row below each share, and when that was enough. */
  readonly below: readonly number[];
  readonly reached: readonly (ImprovementSpan | null)[];
}

/** Ratios on one map, or under one set of weights, say nothing of another. */
export interface ImprovementOnMap extends ImprovementState {
  /** Left out by programs that went on with it on any map. */
  readonly mapVersion?: string;
  /** Left out by programs that went by the version alone. */
  readonly mapSize?: MapSize;
  /** Left out by programs that took it for one under the weights in force where it was written. */
  readonly weights?: RewardWeights;
}

interface Payloads {
  'route.issued': RouteIssued;
  'route.revised': RouteRevised;
  'route.held': RouteHeld;
  'route.completed': RouteCompleted;
  'route.cancelled': { readonly routeId: string; readonly robotId: string; readonly reason: string };
  'route.expired': { readonly routeId: string; readonly robotId: string };
  'rows.corrected': RowsCorrected;
  'corner.kept': CornerKept;
  /** The newest holds. */
  'improvement.set': ImprovementOnMap;
  'weights.set': { readonly weights: RewardWeights };
  'mode.set': { readonly mode: Mode };
  'lanes.set': { readonly lanes: readonly LaneName[]; readonly open: boolean };
  'policy.saved': Omit<SavedPolicy, 'healthy'>;
  'policy.activated': { readonly policyVersion: string; readonly reason: string };
  'records.dropped': RecordsDropped;
  /** Stands where a damaged record stood that could not be read any more. */
  'record.lost': { readonly detail: string };
}
export type JournalKind = keyof Payloads;

interface RecordOf<Kind extends JournalKind> {
  readonly at: Instant;
  readonly warehouseId: string;
  readonly kind: Kind;
  readonly payload: Payloads[Kind];
}
/** What `append` takes. The payload is JSON: finite numbers only. The blob is copied. */
export type NewRecord<Kind extends JournalKind = JournalKind> = Kind extends JournalKind
  ? RecordOf<Kind> & { readonly blob?: Uint8Array | null }
  : never;
/** What `read` gives: a union over `kind`. Sequences start at 1 and have no gaps. */
export type JournalRecord<Kind extends JournalKind = JournalKind> = Kind extends JournalKind
  ? RecordOf<Kind> & { readonly sequence: number; readonly blob: Uint8Array | null }
  : never;

/** Float32 values as a record's blob. A view, not a copy: `append` copies. */
export function blobOfFloats(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The float32 values of a record's blob, copied (a blob read back may lie at any byte offset). */
export function floatsOfBlob(blob: Uint8Array | null): Float32Array {
  if (blob === null) return new Float32Array(0);
  if (blob.byteLength % 4 !== 0)
    throw new RangeError(`a blob of ${blob.byteLength} bytes holds no float32 rows`);
  return new Float32Array(blob.slice().buffer);
}
