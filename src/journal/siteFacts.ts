import { COMPONENTS, type RewardWeights } from '../domain/components.js';
import type { Instant } from '../domain/ids.js';
import type { Mode } from '../domain/messages.js';
import type { LaneName } from '../domain/serviceContract.js';
import type { ImprovementOnMap, JournalRecord, NewRecord } from './records.js';

/** What of one warehouse outlives the process beside its routes. */
export interface SiteFacts {
  /** What the operators decided, and the mode that it began in. Null: nothing yet, what the server was started with holds. */
  readonly weights: RewardWeights | null;
  readonly mode: Mode | null;
  readonly closedLanes: readonly LaneName[];
  /** Opened by an operator, whatever the map says of them. Left out by checkpoints that knew only closed ones. */
  readonly openedLanes?: readonly LaneName[];
  /** The latest instant that was written down; 0 before the first. */
  readonly latestAt: Instant;
  /** Training rows have the numbers below this. */
  readonly rowsMade: number;
  /** Null before the first, and after a change of the reward weights. */
  readonly improvement: ImprovementOnMap | null;
  /** Routes that are kept as corner cases, and the records that hold them. */
  readonly cornerCases: readonly (readonly [routeId: string, sequence: number])[];
}

/** A fold over the warehouse's records, in their order. */
export interface SiteFactsState {
  apply(record: JournalRecord | NewRecord, sequence: number): void;
  load(facts: SiteFacts): void;
  /** Forgets others: of another map, damaged, or evicted by a case whose record was refused. */
  keepCornerCases(isHeld: (routeId: string) => boolean): void;
  snapshot(): SiteFacts;
}

export function createSiteFacts(): SiteFactsState {
  let weights: RewardWeights | null = null;
  let mode: Mode | null = null;
  let latestAt = 0;
  let rowsMade = 0;
  let improvement: ImprovementOnMap | null = null;
  const lanes = new Map<string, { readonly lane: LaneName; readonly open: boolean }>();
  const setLanes = (changed: readonly LaneName[], open: boolean): void => {
    for (const lane of changed) lanes.set(laneKey(lane), { lane, open });
  };
  const lanesThatAre = (wanted: boolean): LaneName[] =>
    [...lanes.values()].flatMap(({ lane, open }) => (open === wanted ? [lane] : []));
  const cornerCases = new Map<string, number>();
  return {
    apply(record, sequence) {
      latestAt = Math.max(latestAt, record.at);
      if (record.kind === 'weights.set') {
        weights = record.payload.weights;
        improvement = null;
      } else if (record.kind === 'improvement.set') {
        if (isUnder(record.payload, weights)) improvement = record.payload;
      } else if (record.kind === 'corner.kept') {
        const { evicted, routeId } = record.payload;
        if (evicted !== null) cornerCases.delete(evicted);
        cornerCases.set(routeId, sequence);
      } else if (record.kind === 'mode.set') mode = record.payload.mode;
      else if (record.kind === 'route.completed') {
        const { firstRow, rowLength } = record.payload;
        if (rowLength > 0) {
          rowsMade = Math.max(rowsMade, firstRow + (record.blob?.byteLength ?? 0) / 4 / rowLength);
        }
      } else if (record.kind === 'lanes.set') setLanes(record.payload.lanes, record.payload.open);
    },
    load(facts) {
      ({ weights, mode, latestAt, rowsMade, improvement } = facts);
      for (const [routeId, sequence] of facts.cornerCases) cornerCases.set(routeId, sequence);
      setLanes(facts.closedLanes, false);
      setLanes(facts.openedLanes ?? [], true);
    },
    keepCornerCases(isHeld) {
      for (const routeId of cornerCases.keys()) if (!isHeld(routeId)) cornerCases.delete(routeId);
    },
    snapshot: () => ({
      ...{ weights, mode, latestAt, rowsMade, improvement },
      ...{ closedLanes: lanesThatAre(false), openedLanes: lanesThatAre(true) },
      cornerCases: [...cornerCases],
    }),
  };
}

/** One that was begun under other weights may be written while these are. */
function isUnder({ weights }: ImprovementOnMap, now: RewardWeights | null): boolean {
  return !weights || !now || COMPONENTS.every((name) => weights[name] === now[name]);
}

/** Ids hold no blanks, so no two lanes share a key. */
export function laneKey({ from, to }: LaneName): string {
  return `${from} ${to}`;
}
