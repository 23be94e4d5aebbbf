import { HYPERPARAMETERS } from './hyperparameters.js';

/** Whose rows are in a replay, and how many of a batch each robot has had: no robot alone steers the fleet. */
export interface RobotShares {
  stored(robot: number): void;
  overwritten(robot: number): void;
  /** A batch of so many rows begins. */
  begin(batchRows: number): void;
  /** True, and counted, where the batch may still take a row of this robot. */
  take(robot: number): boolean;
}

/** A robot may have `robotShareLimit` times its fair share of a batch, and always two rows. */
export function createRobotShares(): RobotShares {
  const rowsOf = new Map<number, number>();
  const taken = new Map<number, number>();
  let limit = Infinity;
  return {
    stored: (robot) => void rowsOf.set(robot, (rowsOf.get(robot) ?? 0) + 1),
    overwritten(robot) {
      const left = rowsOf.get(robot)! - 1;
      if (left > 0) rowsOf.set(robot, left);
      else rowsOf.delete(robot);
    },
    begin(batchRows) {
      taken.clear();
      limit = Math.max(
        2,
        Math.ceil((HYPERPARAMETERS.robotShareLimit * batchRows) / Math.max(1, rowsOf.size)),
      );
    },
    take(robot) {
      const count = taken.get(robot) ?? 0;
      if (count >= limit) return false;
      taken.set(robot, count + 1);
      return true;
    },
  };
}
