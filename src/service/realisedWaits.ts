import { LIMITS } from '../domain/limits.js';

/**
 * What lanes lately cost beyond free flow, passage by passage, as robots reported it: the newest
 * `LIMITS.passagesKept` of one warehouse.
 */
export interface RealisedWaits {
  /** Passages recorded since the start: what a route that is issued now looks back to. */
  recorded(): number;
  record(lane: number, atSeconds: number, waitSeconds: number): void;
  /**
   * [L] mean wait of each lane over the passages recorded from number `from` on and ended since `sinceSeconds`;
   * 0 where nobody drove. Of a route that began before the oldest passage kept, what is kept. Valid until the next call.
   */
  meansSince(from: number, sinceSeconds: number): Float32Array;
}

export function createRealisedWaits(
  laneCount: number,
  capacity: number = LIMITS.passagesKept,
): RealisedWaits {
  const means = new Float32Array(laneCount);
  const counts = new Int32Array(laneCount);
  let lanes = new Int32Array(0);
  let ends = new Float64Array(0);
  let waits = new Float32Array(0);
  let recorded = 0;

  /** Doubled as it fills: most warehouses never need it all. */
  const grow = (): void => {
    const size = Math.min(capacity, Math.max(1024, 2 * lanes.length));
    const [oldLanes, oldEnds, oldWaits] = [lanes, ends, waits];
    lanes = new Int32Array(size);
    ends = new Float64Array(size);
    waits = new Float32Array(size);
    lanes.set(oldLanes);
    ends.set(oldEnds);
    waits.set(oldWaits);
  };

  return {
    recorded: () => recorded,
    record(lane, atSeconds, waitSeconds) {
      if (recorded >= lanes.length && lanes.length < capacity) grow();
      const slot = recorded++ % capacity;
      lanes[slot] = lane;
      ends[slot] = atSeconds;
      waits[slot] = Math.max(0, waitSeconds);
    },
    meansSince(from, sinceSeconds) {
      means.fill(0);
      counts.fill(0);
      for (let number = Math.max(from, recorded - capacity); number < recorded; number++) {
        const slot = number % capacity;
        if (ends[slot]! < sinceSeconds) continue;
        const lane = lanes[slot]!;
        means[lane]! += (waits[slot]! - means[lane]!) / ++counts[lane]!;
      }
      return means;
    },
  };
}
