import type { Random } from '../src/platform/random.js';
import type { Floor } from './floor/floor.js';

/** What goes wrong on a floor. Shares from 0 to 1. */
export interface DisturbanceOptions {
  /** Share of the robots that drive 1.5 to 3 times as long as their type should. */
  readonly slowShare: number;
  /** Share of the robots that are out of order at any time, two minutes each on average. */
  readonly brokenShare: number;
  /** Share of their time that robots lose to delays of four seconds on average. */
  readonly delayShare: number;
}

export const NO_DISTURBANCES: DisturbanceOptions = { slowShare: 0, brokenShare: 0, delayShare: 0 };
const REPAIR_SECONDS = 120;
const DELAY_SECONDS = 4;
const SLOW_FACTOR = { least: 1.5, most: 3 } as const;

export interface Disturbances {
  /** Lets happen what happens before the floor's next step. */
  step(): void;
  /** Robots that are out of order now. */
  broken(): number;
}

export interface DisturbanceWiring {
  readonly floor: Floor;
  readonly robots: number;
  readonly random: Random;
  /** A robot broke (with the reason) or was repaired (null). */
  readonly onPause: (robot: number, reason: string | null) => void;
}

/** Same random numbers, same disturbances, whatever the robots do. */
export function createDisturbances(options: DisturbanceOptions, wiring: DisturbanceWiring): Disturbances {
  const { floor, robots, onPause } = wiring;
  const slow = wiring.random.fork('slow');
  const breaking = wiring.random.fork('broken');
  const delays = wiring.random.fork('delays');
  for (let robot = 0; robot < robots; robot++) {
    const isSlow = slow.next() < options.slowShare;
    const factor = SLOW_FACTOR.least + (SLOW_FACTOR.most - SLOW_FACTOR.least) * slow.next();
    if (isSlow) floor.setSlowFactor(robot, factor);
  }
  const seconds = floor.stepSeconds;
  // Of a share s out of order, 1 / REPAIR_SECONDS is repaired in a second, and as many must break.
  const breakChance = (options.brokenShare / (1 - options.brokenShare) / REPAIR_SECONDS) * seconds;
  const delayChance = (options.delayShare / (1 - options.delayShare) / DELAY_SECONDS) * seconds;
  const repairAt = new Float64Array(robots);

  return {
    step() {
      const now = floor.stepCount() * seconds;
      for (let robot = 0; robot < robots; robot++) {
        const breaks = breaking.next() < breakChance;
        const repairSeconds = breaking.exponential(REPAIR_SECONDS);
        const isDelayed = delays.next() < delayChance;
        const delaySeconds = delays.exponential(DELAY_SECONDS);
        const until = repairAt[robot] as number;
        if (until === 0 && breaks) {
          repairAt[robot] = now + Math.max(seconds, repairSeconds);
          floor.setOutOfOrder(robot, true);
          onPause(robot, 'out of order');
        } else if (until > 0 && now >= until) {
          repairAt[robot] = 0;
          floor.setOutOfOrder(robot, false);
          onPause(robot, null);
        }
        if (isDelayed) floor.hold(robot, delaySeconds);
      }
    },
    broken: () => repairAt.reduce((count, until) => count + (until > 0 ? 1 : 0), 0),
  };
}
