import { AppError } from '../src/domain/errors.js';
import type { NodeIndex } from '../src/domain/ids.js';
import type { CornerCaseDetail } from '../src/domain/serviceContract.js';
import { createFreeFlow, firstMoveSeconds, moveSeconds, type FreeFlow } from '../src/planning/freeFlow.js';
import { createRandom } from '../src/platform/random.js';
import { createLaneClosures } from '../src/warehouse/laneClosures.js';
import { laneBetween, type LaneGraph } from '../src/warehouse/laneGraph.js';
import { createFloor, type Floor } from './floor/floor.js';

/** What came of a corner case when its floor was let run again. */
export interface ReplayResult {
  /** Of the case's own route: seconds on the way beyond free flow, handling excluded; null where it never ended. */
  readonly waitSeconds: number | null;
  readonly steps: number;
  /** How often its robot was pushed off its route. */
  readonly pushedOff: number;
  /** Robots that stood on one node with another: put on the nearest free one, without their routes. */
  readonly displaced: number;
}

const FLOOR_SECONDS = 3600;

/**
 * Puts all robots where they were when the route was planned, closes what was closed, and lets them drive their
 * open routes to the end, moved as all simulated fleets are. Who is pushed off goes the shortest way to its next stop;
 * who is done stands. New orders do not come, so the floor empties: what replays is the traffic that
 * the plan could know of, not what was asked for later.
 *
 * @throws E_USAGE the map is of another version
 */
export function replayCornerCase(graph: LaneGraph, found: CornerCaseDetail, seed: number): ReplayResult {
  if (graph.mapVersion !== found.mapVersion) throw otherMap(graph, found);
  const closures = createLaneClosures(graph);
  const nodeOf = (name: string): NodeIndex => {
    const node = graph.nodeIndexOf.get(name);
    if (node === undefined) throw otherMap(graph, found);
    return node;
  };
  closures.close(found.floor.closedLanes.map(({ from, to }) => laneBetween(graph, nodeOf(from), nodeOf(to))));
  const freeFlow = createFreeFlow(graph, () => closures.epoch);
  const robots = found.floor.robots.map((robot) => ({
    robotType: graph.robotTypeIndexOf.get(robot.robotType) ?? 0,
    node: nodeOf(robot.node),
    path: robot.path.map(nodeOf),
    stopIndexes: robot.stopIndexes,
    handlingSeconds: robot.handlingSeconds,
  }));
  const { starts, displaced } = placeAll(
    graph,
    robots.map(({ node }) => node),
  );
  const floor = createFloor({
    graph,
    robots: robots.map(({ robotType }, robot) => ({ robotType, start: starts[robot]! })),
    random: createRandom(seed),
  });
  const drivers = robots.map((robot, number) =>
    createRobot(number, starts[number] === robot.node ? robot : { ...robot, path: [] }, {
      ...{ graph, floor, freeFlow },
    }),
  );
  const own = drivers[0]!;
  const steps = Math.ceil(FLOOR_SECONDS / floor.stepSeconds);
  while (!own.isDone() && floor.stepCount() < steps) {
    for (const { robot, node, atSeconds, onRoute } of floor.step())
      drivers[robot]!.at(node, atSeconds, onRoute);
  }
  return { waitSeconds: own.waitSeconds(), steps: floor.stepCount(), pushedOff: own.pushedOff(), displaced };
}

interface RobotToReplay {
  readonly robotType: number;
  readonly node: NodeIndex;
  readonly path: readonly NodeIndex[];
  readonly stopIndexes: readonly number[];
  readonly handlingSeconds: readonly number[];
}

/** Drives one robot's path stop by stop, and measures it. */
function createRobot(
  number: number,
  robot: RobotToReplay,
  { graph, floor, freeFlow }: { graph: LaneGraph; floor: Floor; freeFlow: FreeFlow },
) {
  const { robotType, handlingSeconds } = robot;
  let { path, stopIndexes } = robot;
  let position = 0;
  let stop = 0;
  let node: number = robot.node;
  let previousLane = -1;
  let stands = true;
  let drivingSeconds = 0;
  let handledSeconds = 0;
  let arrivedSeconds = 0;
  let pushes = 0;

  const steer = (): void => {
    const goal = path[stopIndexes[stop] ?? -1];
    if (goal === undefined) floor.clearGoal(number);
    else floor.setGoal(number, goal);
  };
  const handle = (): void => {
    while (stop < stopIndexes.length && stopIndexes[stop] === position) {
      // What comes after the last arrival is not on the way.
      if (stopIndexes[stop]! < stopIndexes.at(-1)!) handledSeconds += handlingSeconds[stop]!;
      floor.hold(number, handlingSeconds[stop]!);
      floor.goalReached(number);
      stands = true;
      stop++;
    }
    steer();
  };
  /** The shortest way to the next stop, and from there as planned. */
  const comeBack = (): void => {
    const nextStop = stopIndexes[stop];
    if (nextStop === undefined) return;
    const lanes = freeFlow.fastestLanes(robotType, node, path[nextStop]!);
    if (!lanes) return;
    const back = [node, ...lanes.map((lane) => graph.laneTo[lane]!)] as NodeIndex[];
    const moved = back.length - 1 - nextStop;
    path = [...back, ...path.slice(nextStop + 1)];
    stopIndexes = stopIndexes.map((index) => index + moved);
    position = 0;
    floor.setRoute(number, path);
    handle();
  };

  if (path.length > 0 && path[0] !== node) comeBack();
  else if (path.length > 0) {
    floor.setRoute(number, path);
    handle();
  }
  return {
    at(next: NodeIndex, atSeconds: number, onRoute: boolean): void {
      const isDriving = stop < stopIndexes.length;
      const lane = laneBetween(graph, node, next);
      node = next;
      if (!isDriving) return;
      drivingSeconds += (stands ? firstMoveSeconds : moveSeconds)(graph, robotType, previousLane, lane);
      previousLane = lane;
      stands = false;
      arrivedSeconds = atSeconds;
      if (onRoute) {
        position++;
        handle();
      } else {
        pushes++;
        comeBack();
      }
    },
    isDone: () => stop >= stopIndexes.length,
    pushedOff: () => pushes,
    waitSeconds: () =>
      stop < stopIndexes.length ? null : Math.max(0, arrivedSeconds - handledSeconds - drivingSeconds),
  };
}

/** A node for each, the first come the first served; the others the nearest free one. */
function placeAll(graph: LaneGraph, nodes: readonly NodeIndex[]): { starts: NodeIndex[]; displaced: number } {
  const taken = new Set<number>();
  let displaced = 0;
  const starts = nodes.map((node) => {
    const free = taken.has(node) ? nearestFree(graph, node, taken) : node;
    if (free !== node) displaced++;
    taken.add(free);
    return free;
  });
  return { starts, displaced };
}

function nearestFree(graph: LaneGraph, from: NodeIndex, taken: ReadonlySet<number>): NodeIndex {
  const seen = new Set<number>([from]);
  for (const node of seen) {
    if (!taken.has(node)) return node as NodeIndex;
    for (let lane = graph.laneStart[node]!; lane < graph.laneStart[node + 1]!; lane++)
      seen.add(graph.laneTo[lane]!);
  }
  throw new AppError('E_USAGE', { detail: 'there are more robots than nodes' });
}

function otherMap(graph: LaneGraph, found: CornerCaseDetail): AppError {
  const given = `${graph.warehouseId}, version ${graph.mapVersion}`;
  return new AppError('E_USAGE', {
    detail: `the map given, ${given}, is not that of the case (${found.mapVersion})`,
  });
}
