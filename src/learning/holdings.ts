import { LIMITS } from '../domain/limits.js';
import type { Passage } from './passage.js';

/**
 * Who held which node when, from progress reports or traces, and who pays for the waits that it caused.
 * A robot holds the node it stands on and, from setting out, the one it goes to. The newest holder of a
 * wanted node pays, on the lane it was then on; where it stands in a queue, the head of that pays for all
 * behind it (decision 0017). Robots are numbers; seconds are the site's.
 */
export interface Holdings {
  /**
   * A robot arrived at a node. `setOutSeconds` is when it set out for it; `by` and `next` are the passages
   * into the node and on from it, where the robot is on a route.
   */
  arrive(robot: number, node: number, arrival: Arrival): void;
  /** The robot is planned anew where it stands: this passage pays for all waits from when it is ready to set out. */
  depart(robot: number, next: Passage | null, readySeconds: number): void;
  /** While it is stopped a robot is an obstacle: waits for it in that time are nobody's fault. */
  setObstacle(robot: number, obstacle: boolean, atSeconds: number): void;
  /**
   * Charges the holders of the node for a wait, and tells what of it they explain. A wait is charged when it
   * is over.
   */
  charge(wait: Wait): WaitShares;
  /** What they explain; nobody pays. */
  explain(wait: Wait): WaitShares;
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

/** A robot wanted a node, and did not set out for it till `toSeconds`. */
export interface Wait {
  readonly robot: number;
  readonly node: number;
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** Seconds of a wait while another robot held the wanted node, and those of them while it was an obstacle. */
export interface WaitShares {
  readonly otherSeconds: number;
  readonly obstacleSeconds: number;
}

interface Span {
  readonly fromSeconds: number;
  untilSeconds: number;
}

interface Hold {
  readonly robot: number;
  readonly fromSeconds: number;
  readonly arrivedSeconds: number;
  readySeconds: number;
  /** When the robot set out for the next node; it holds this one until it has arrived there. */
  leavesSeconds: number;
  untilSeconds: number;
  readonly by: Passage | null;
  next: Passage | null;
  /** When the robot stood still here as an obstacle. */
  readonly stops: Span[];
}

const STOPS_KEPT_PER_HOLD = 16;

/** So often is blame passed on: robots that wait for each other in a circle have no head. Decision 0017. */
const QUEUE_LIMIT = 8;

/**
 * @param onCharge told of each passage whose blocking grew after its row was made
 * @param limit holds of all nodes
 */
export function createHoldings(
  nodeCount: number,
  onCharge: (passage: Passage) => void,
  limit: number = LIMITS.holdsKept,
): Holdings {
  const holdsOf: (Hold[] | undefined)[] = new Array<Hold[] | undefined>(nodeCount);
  /** The nodes of the newest holds, a ring, and how often each is in it: it has no more holds than that. */
  const newest: number[] = [];
  const inNewest = new Uint32Array(nodeCount);
  let oldestAt = 0;
  const current = new Map<number, Hold>();
  const obstacles = new Set<number>();

  /** One came to this node. */
  const forgetOldest = (node: number): void => {
    if (holdsOf[node]!.length > LIMITS.holdsKeptPerNode) holdsOf[node]!.shift();
    const oldest = newest[oldestAt];
    newest[oldestAt] = node;
    oldestAt = (oldestAt + 1) % limit;
    inNewest[node]!++;
    if (oldest !== undefined && --inNewest[oldest]! < holdsOf[oldest]!.length) holdsOf[oldest]!.shift();
  };
  /** Returns the seconds paid. */
  const pay = (passage: Passage | null, seconds: number): number => {
    if (!passage || seconds <= 0) return 0;
    passage.blockingSeconds += seconds;
    if (passage.row >= 0) onCharge(passage);
    return seconds;
  };

  /** Who but `robot` held a node in [from, to], newest first: each for what no newer one covers. */
  const eachHold = (
    { robot, node, fromSeconds, toSeconds }: Wait,
    visit: (hold: Hold, from: number, until: number) => void,
  ): void => {
    const holds = holdsOf[node] ?? [];
    let end = toSeconds;
    for (let i = holds.length - 1; i >= 0 && end > fromSeconds; i--) {
      const hold = holds[i]!;
      if (hold.robot === robot || hold.fromSeconds >= end) continue;
      const until = Math.min(end, hold.untilSeconds);
      const from = Math.max(fromSeconds, hold.fromSeconds);
      if (until > from) visit(hold, from, until);
      end = Math.min(end, from);
    }
  };

  /**
   * Splits [from, to] of one hold: before arrival, handling (nobody pays), after. Who then waits for another itself
   * leaves it to that one to pay, and so on to the head of the queue; what nobody there pays for stays with it. Returns
   * the seconds paid.
   */
  const payHold = (hold: Hold, from: number, to: number, passedOn = 0): number => {
    const moving = pay(hold.by, movingSeconds(hold, from, Math.min(to, hold.arrivedSeconds)));
    const fromSeconds = Math.max(from, hold.readySeconds);
    const standing = movingSeconds(hold, fromSeconds, to);
    let ahead = 0;
    // A stopped robot does not wait for anybody.
    if (hold.next && standing === to - fromSeconds && passedOn < QUEUE_LIMIT) {
      const toSeconds = Math.min(to, hold.leavesSeconds);
      const wait = { robot: hold.robot, node: hold.next.toNode, fromSeconds, toSeconds };
      eachHold(wait, (holder, since, until) => (ahead += payHold(holder, since, until, passedOn + 1)));
    }
    return moving + ahead + pay(hold.next, standing - ahead);
  };

  const walk = (wait: Wait, paying: boolean): WaitShares => {
    let obstacleSeconds = 0;
    let otherSeconds = 0;
    eachHold(wait, (hold, from, until) => {
      obstacleSeconds += stoppedSeconds(hold, from, until);
      otherSeconds += until - from;
      if (paying) payHold(hold, from, until);
    });
    return { obstacleSeconds, otherSeconds };
  };

  return {
    arrive(robot, node, { atSeconds, setOutSeconds, readySeconds, by, next }) {
      const before = current.get(robot);
      if (before) Object.assign(before, { leavesSeconds: setOutSeconds, untilSeconds: atSeconds });
      const hold: Hold = {
        robot,
        fromSeconds: setOutSeconds,
        arrivedSeconds: atSeconds,
        readySeconds,
        leavesSeconds: Infinity,
        untilSeconds: Infinity,
        by,
        next,
        stops: obstacles.has(robot) ? [{ fromSeconds: setOutSeconds, untilSeconds: Infinity }] : [],
      };
      current.set(robot, hold);
      const holds = (holdsOf[node] ??= []);
      // Traces of silent fleets come in the order of their ends; the newest hold must stay the last.
      let slot = holds.length;
      while (slot > 0 && holds[slot - 1]!.fromSeconds > setOutSeconds) slot--;
      holds.splice(slot, 0, hold);
      forgetOldest(node);
    },
    depart(robot, next, readySeconds) {
      const hold = current.get(robot);
      if (hold) Object.assign(hold, { next, readySeconds });
    },
    setObstacle(robot, obstacle, atSeconds) {
      if (obstacle === obstacles.has(robot)) return;
      if (obstacle) obstacles.add(robot);
      else obstacles.delete(robot);
      const stops = current.get(robot)?.stops;
      const last = stops?.at(-1);
      if (!obstacle) {
        if (last) last.untilSeconds = atSeconds;
      } else if (last && stops!.length >= STOPS_KEPT_PER_HOLD) {
        // One that stops and goes without end counts as stopped in between: each wait for it reads all its stops.
        last.untilSeconds = Infinity;
      } else stops?.push({ fromSeconds: atSeconds, untilSeconds: Infinity });
    },
    charge: (wait) => walk(wait, true),
    explain: (wait) => walk(wait, false),
    forget(robot) {
      const hold = current.get(robot);
      if (hold) hold.untilSeconds = hold.arrivedSeconds;
      current.delete(robot);
      obstacles.delete(robot);
    },
  };
}

function stoppedSeconds({ stops }: Hold, from: number, to: number): number {
  let seconds = 0;
  for (const stop of stops) {
    seconds += Math.max(0, Math.min(to, stop.untilSeconds) - Math.max(from, stop.fromSeconds));
  }
  return seconds;
}

function movingSeconds(hold: Hold, from: number, to: number): number {
  return to > from ? to - from - stoppedSeconds(hold, from, to) : 0;
}
