import type { RewardWeights } from '../domain/components.js';
import type { Mode } from '../domain/messages.js';
import type { LaneName } from '../domain/serviceContract.js';
import type { JournalRecord, NewRecord } from './records.js';

/** What the operators of one warehouse decided. Null: nothing yet, what the server was started with holds. */
export interface SiteControls {
  readonly weights: RewardWeights | null;
  readonly mode: Mode | null;
  readonly closedLanes: readonly LaneName[];
}

/** A fold over the warehouse's records, in their order. */
export interface ControlState {
  apply(record: JournalRecord | NewRecord): void;
  load(controls: SiteControls): void;
  snapshot(): SiteControls;
}

export function createControlState(): ControlState {
  let weights: RewardWeights | null = null;
  let mode: Mode | null = null;
  const closed = new Map<string, LaneName>();
  return {
    apply(record) {
      if (record.kind === 'weights.set') weights = record.payload.weights;
      else if (record.kind === 'mode.set') mode = record.payload.mode;
      else if (record.kind === 'lanes.set') {
        for (const lane of record.payload.lanes) {
          if (record.payload.open) closed.delete(laneKey(lane));
          else closed.set(laneKey(lane), lane);
        }
      }
    },
    load(controls) {
      weights = controls.weights;
      mode = controls.mode;
      for (const lane of controls.closedLanes) closed.set(laneKey(lane), lane);
    },
    snapshot: () => ({ weights, mode, closedLanes: [...closed.values()] }),
  };
}

/** Ids hold no blanks. */
function laneKey({ from, to }: LaneName): string {
  return `${from} ${to}`;
}
