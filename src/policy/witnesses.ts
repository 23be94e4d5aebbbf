/**
 * What the robot that last drove a lane met there, and what the last one before it that was another. One robot's word
 * is then told from what two say: a slow robot, or a liar, is one however often it drives there.
 */
export interface Witnesses {
  /** Seconds of surprise that the last robot on this lane beside `robot` met; 0 where there was none. */
  confirmedSeconds(lane: number, robot: number): number;
  /** `robot` met `surprise` seconds there; what it met there before does not count any more. */
  hear(lane: number, robot: number, surprise: number): void;
}

/** 20 bytes a lane, whatever is reported. */
export function createWitnesses(laneCount: number): Witnesses {
  const last = new Int32Array(laneCount).fill(NOBODY);
  const ofLast = new Float64Array(laneCount);
  const ofOther = new Float64Array(laneCount);
  return {
    confirmedSeconds: (lane, robot) => (last[lane] === robot ? ofOther : ofLast)[lane]!,
    hear(lane, robot, surprise) {
      if (last[lane] !== robot) {
        ofOther[lane] = ofLast[lane]!;
        last[lane] = robot;
      }
      ofLast[lane] = surprise;
    },
  };
}
const NOBODY = -1;
