import type { Passage } from './passage.js';

/**
 * Who held which node when, from progress reports or traces, and who pays for the waits that it caused.
 * A robot holds the node it stands on and, from setting out, the one it goes to. The newest holder of a
 * wanted node pays, on the lane it was then on (DESIGN 2.2). Robots are numbers; seconds are the site's.
 */
export interface Holdings {
  /**
   * A robot arrived at a node. `setOutSeconds` is when it set out for it; `by` and `next` are the passages
   * into the node and on from it, where the robot is on a route.
   */
  arrive(robot: number, node: number, arrival: Arrival): void;
  /** The robot is re-planned where it stands: from now on this passage pays. */
  depart(robot: number, next: Passage | null): void;
  /** A stopped robot is an obstacle: waits for it are nobody's fault. */
  setObstacle(robot: number, obstacle: boolean): void;
  /**
   * Charges the holders of `node` for a wait of `robot` from one instant to another, and returns the
   * seconds of it that were spent behind obstacles.
   */
  charge(robot: number, node: number, fromSeconds: number, toSeconds: number): number;
  forget(robot: number): void;
}

export interface Arrival {
  readonly atSeconds: number;
  readonly setOutSeconds: number;
  /** When handling at the node ends and the next lane's clock starts. */
  readonly readySeconds: number;
  readonly by: Passage | null;
  readonly next: Passage | null;
}

interface Hold {
  readonly robot: number;
  readonly fromSeconds: number;
  readonly arrivedSeconds: number;
  readonly readySeconds: number;
  untilSeconds: number;
  readonly by: Passage | null;
  next: Passage | null;
  obstacle: boolean;
}

const HOLDS_KEPT_PER_NODE = 32;

/** @param onCharge told of each passage whose blocking grew after its row was made */
export function createHoldings(nodeCount: number, onCharge: (passage: Passage) => void): Holdings {
  const holdsOf: (Hold[] | undefined)[] = new Array<Hold[] | undefined>(nodeCount);
  const current = new Map<number, Hold>();
  const obstacles = new Set<number>();

  const pay = (passage: Passage | null, seconds: number): void => {
    if (!passage || seconds <= 0) return;
    passage.blockingSeconds += seconds;
    if (passage.row >= 0) onCharge(passage);
  };

  /** Splits [from, to] of one hold: before arrival, handling (nobody pays), after. */
  const payHold = (hold: Hold, from: number, to: number): number => {
    if (hold.obstacle) return to - from;
    pay(hold.by, Math.min(to, hold.arrivedSeconds) - from);
    pay(hold.next, to - Math.max(from, hold.readySeconds));
    return 0;
  };

  return {
    arrive(robot, node, { atSeconds, setOutSeconds, readySeconds, by, next }) {
      const before = current.get(robot);
      if (before) before.untilSeconds = atSeconds;
      const hold: Hold = {
        robot,
        fromSeconds: setOutSeconds,
        arrivedSeconds: atSeconds,
        readySeconds,
        untilSeconds: Infinity,
        by,
        next,
        obstacle: obstacles.has(robot),
      };
      current.set(robot, hold);
      const holds = (holdsOf[node] ??= []);
      holds.push(hold);
      if (holds.length > HOLDS_KEPT_PER_NODE) holds.shift();
    },
    depart(robot, next) {
      const hold = current.get(robot);
      if (hold) hold.next = next;
    },
    setObstacle(robot, obstacle) {
      if (obstacle) obstacles.add(robot);
      else obstacles.delete(robot);
      const hold = current.get(robot);
      if (hold) hold.obstacle = obstacle;
    },
    charge(robot, node, fromSeconds, toSeconds) {
      const holds = holdsOf[node];
      if (!holds) return 0;
      let behindObstacles = 0;
      let end = toSeconds;
      // Newest first: each hold pays for what no newer one covers.
      for (let i = holds.length - 1; i >= 0 && end > fromSeconds; i--) {
        const hold = holds[i]!;
        if (hold.robot === robot || hold.fromSeconds >= end) continue;
        const until = Math.min(end, hold.untilSeconds);
        const from = Math.max(fromSeconds, hold.fromSeconds);
        if (until > from) behindObstacles += payHold(hold, from, until);
        end = Math.min(end, from);
      }
      return behindObstacles;
    },
    forget(robot) {
      const hold = current.get(robot);
      if (hold) hold.untilSeconds = hold.arrivedSeconds;
      current.delete(robot);
      obstacles.delete(robot);
    },
  };
}
