import type { LaneIndex } from '../domain/ids.js';
import type { LaneGraph } from './laneGraph.js';

export interface LaneClosures {
  /** Counts the changes: whoever planned under another epoch verifies again. */
  readonly epoch: number;
  /** Counts those that opened lanes: whoever found no way under another one may find one now. */
  readonly openedEpoch: number;
  /** Closes the lanes and answers those that were open till now. */
  readonly close: (lanes: readonly LaneIndex[]) => LaneIndex[];
  /** Opens the lanes and answers those that were closed till now. */
  readonly open: (lanes: readonly LaneIndex[]) => LaneIndex[];
  readonly closedLanes: () => LaneIndex[];
}

/**
 * The only writer of `graph.open`. It does not ask whether what stays open is connected: a closed lane is
 * closed, and the planner says what cannot be reached.
 */
export function createLaneClosures(graph: LaneGraph): LaneClosures {
  let epoch = 0;
  let openedEpoch = 0;
  const set = (lanes: readonly LaneIndex[], value: 0 | 1): LaneIndex[] => {
    const stray = lanes.find((lane) => !Number.isInteger(lane) || lane < 0 || lane >= graph.laneCount);
    if (stray !== undefined) throw new RangeError(`lane ${stray} of ${graph.laneCount}`);
    const changed = [...new Set(lanes)].filter((lane) => graph.open[lane] !== value);
    for (const lane of changed) graph.open[lane] = value;
    if (changed.length > 0) {
      epoch++;
      openedEpoch += value;
    }
    return changed;
  };
  return {
    get epoch() {
      return epoch;
    },
    get openedEpoch() {
      return openedEpoch;
    },
    close: (lanes) => set(lanes, 0),
    open: (lanes) => set(lanes, 1),
    closedLanes() {
      const closed: LaneIndex[] = [];
      for (let lane = 0; lane < graph.laneCount; lane++)
        if (graph.open[lane] === 0) closed.push(lane as LaneIndex);
      return closed;
    },
  };
}
