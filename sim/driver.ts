import type { NodeIndex } from '../src/domain/ids.js';
import type { RouteAssignedContent } from '../src/domain/messages.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import type { Floor } from './floor/floor.js';
import { handlingSeconds, type Job } from './job.js';

/** A node that the floor saw a robot arrive at. */
export interface Move {
  readonly node: NodeIndex;
  readonly at: number;
}

type Plan = Pick<RouteAssignedContent, 'revision' | 'nodes' | 'stopIndexes'>;

/** What one robot knows: the plan it follows, how far it is, and what it has to report. Times are instants. */
export interface Driver {
  readonly robotId: string;
  job: Job | null;
  /** When it asked for the tour of its job. */
  readonly issuedAt: number;
  /** An answer is awaited: what it does meanwhile is kept in `unread`. */
  waiting: boolean;
  readonly unread: Move[];
  /** Moved, on no route, since the service last heard where it is. */
  readonly strayed: boolean;
  told(): void;
  /** Refusals in a row, and when to ask again. */
  refusals: number;
  retryAt: number;
  requests: number;
  readonly routeId: string | null;
  readonly revision: number;
  /** When handling at the last stop ends; Infinity before. */
  readonly doneAt: number;
  /** It stands beside its plan, or has none that leads on. */
  readonly pushedOff: boolean;
  readonly trace: readonly [string, number, number | null][];
  /** The last node that it held. */
  readonly here: Move;
  /** Takes an assigned route. */
  begin(
    answer: Plan & Pick<RouteAssignedContent, 'routeId' | 'stopOrder'>,
    job: Job,
    times: { readonly issuedAt: number; readonly at: number },
  ): void;
  /**
   * Takes a newer revision; older ones are ignored, and all once the last stop is reached. Where the robot went on meanwhile, it finds its place
   * on the plan if it can; one that leaves out stops that it has not made it does not follow.
   */
  revise(plan: Plan, at: number): void;
  /** Arrived somewhere while on a route: `onRoute` says whether as planned. */
  follow(move: Move): 'onRoute' | 'pushedOff';
  /** Drives on along its plan, from where it is by now. */
  steer(): void;
  /** It stands somewhere, on no route's business. */
  stand(move: Move): void;
  /** There is no way now: waits until a new revision comes. */
  hold(): void;
  /** The route is over, or lost; the job stays until the fleet takes it. */
  end(): void;
}

export interface DriverOptions {
  readonly graph: LaneGraph;
  readonly floor: Floor;
  readonly robot: number;
  /** Seconds that the robot's type takes to get going. */
  readonly startSeconds: number;
  readonly startAt: number;
  readonly onGoal: () => void;
}

export function createDriver(options: DriverOptions): Driver {
  const { graph, floor, robot, startSeconds, onGoal } = options;
  let routeId: string | null = null;
  let revision = 0;
  let nodes: readonly NodeIndex[] = [];
  let stopIndexes: readonly number[] = [];
  /** Seconds of the stops of the tour, in the order of visit; those of a plan are the last of them. */
  let handling: readonly number[] = [];
  let leftOut = 0;
  let made = 0;
  let position = 0;
  let nextStop = 0;
  let doneAt = Infinity;
  let pushedOff = false;
  let strayed = false;
  let issuedAt = 0;
  let trace: [string, number, number | null][] = [];
  let here: Move = { node: floor.nodeOf(robot), at: options.startAt };

  /** Handles every stop at the robot's position, then gets going for the next. */
  const reachStops = (at: number): boolean => {
    let seconds = 0;
    const before = nextStop;
    for (; stopIndexes[nextStop] === position; nextStop++) {
      const stop = leftOut + nextStop;
      // A plan may have a stop again that the service did not hear of.
      if (stop < made) continue;
      made = stop + 1;
      seconds += handling[stop] as number;
      onGoal();
      floor.goalReached(robot);
    }
    const goal = stopIndexes[nextStop];
    if (goal === undefined) doneAt = at + 1000 * seconds;
    else floor.setGoal(robot, nodes[goal] as NodeIndex);
    const reached = nextStop > before;
    if (reached && goal !== undefined) seconds += startSeconds;
    if (seconds > 0) floor.hold(robot, seconds);
    return reached;
  };

  const adopt = (plan: Plan): void => {
    revision = plan.revision;
    leftOut = handling.length - plan.stopIndexes.length;
    nodes = plan.nodes.map((node) => graph.nodeIndexOf.get(node) as NodeIndex);
    stopIndexes = plan.stopIndexes;
    position = nextStop = 0;
    pushedOff = false;
  };
  /** The plan leaves out what the robot has not made: it asks for it. */
  const lacksStops = (): boolean => leftOut > made;
  /** As the service follows it: who was pushed off and comes to the next node all the same is on its way again. */
  const advance = (move: Move): boolean => {
    pushedOff = lacksStops() || nodes[position + 1] !== move.node;
    if (pushedOff) return false;
    position++;
    reachStops(move.at);
    return true;
  };

  const hold = (): void => {
    pushedOff = true;
    floor.setRoute(robot, []);
  };
  /** Tells the floor the way, unless the robot left it while the answer was under way. */
  const steer = (): void => {
    if (!pushedOff && floor.nodeOf(robot) === nodes[position]) floor.setRoute(robot, nodes.slice(position));
  };

  return {
    steer,
    robotId: `robot-${robot}`,
    job: null,
    get issuedAt() {
      return issuedAt;
    },
    waiting: false,
    unread: [],
    get strayed() {
      return strayed;
    },
    told: () => void (strayed = false),
    refusals: 0,
    retryAt: 0,
    requests: 0,
    get routeId() {
      return routeId;
    },
    get revision() {
      return revision;
    },
    get doneAt() {
      return doneAt;
    },
    get pushedOff() {
      return pushedOff;
    },
    get trace() {
      return trace;
    },
    get here() {
      return here;
    },
    begin(answer, job, times) {
      const { at } = times;
      issuedAt = times.issuedAt;
      strayed = false;
      routeId = answer.routeId;
      doneAt = Infinity;
      // It arrived before it asked; only a tour without a lane would look as if it ended before its issue.
      trace = [[answer.nodes[0] as string, answer.nodes.length === 1 ? at : here.at, null]];
      const stops = answer.stopOrder.map((index) => job.stops[index] as Job['stops'][number]);
      if (job.dropoff !== null) stops.push(job.dropoff);
      handling = stops.map((stop) => handlingSeconds(graph, stop));
      made = 0;
      adopt(answer);
      steer();
      if (!reachStops(at) && startSeconds > 0) floor.hold(robot, startSeconds);
    },
    revise(plan, at) {
      if (routeId === null || doneAt < Infinity || plan.revision <= revision) return;
      adopt(plan);
      if (lacksStops()) return hold();
      reachStops(at);
      const planned = trace.map(([node]) => node).lastIndexOf(plan.nodes[0] as string);
      for (const [node, arrivedAt] of trace.slice(planned + 1)) {
        advance({ node: graph.nodeIndexOf.get(node) as NodeIndex, at: arrivedAt });
      }
      steer();
    },
    follow(move) {
      here = move;
      trace.push([graph.nodeIds[move.node] as string, move.at, null]);
      return advance(move) ? 'onRoute' : 'pushedOff';
    },
    stand(move) {
      here = move;
      strayed = true;
    },
    hold,
    end() {
      routeId = null;
      doneAt = Infinity;
      floor.clearGoal(robot);
    },
  };
}
