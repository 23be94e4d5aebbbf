import type { Random } from '../../src/platform/random.js';
import type { CellGraph } from './cellGraph.js';

/** Where R robots stand on C cells, and what they are up to. Times are steps with fractions. */
export interface FloorState {
  readonly robotCount: number;
  readonly robotType: Uint8Array;
  /** [R] the cell that a robot stands on, or is leaving. */
  readonly cell: Int32Array;
  /** [R] the arc that it drives, or -1 where it stands. */
  readonly movingArc: Int32Array;
  /** [R] when it arrives, where it drives. */
  readonly arrival: Float64Array;
  /** [R] from when on it may set out. */
  readonly ready: Float64Array;
  readonly broken: Uint8Array;
  /** [R] factor on its driving times, 1 or more. */
  readonly slowFactor: Float64Array;
  /** [R] radians, NaN before its first move. */
  readonly heading: Float64Array;
  /** [R] the last node that it held. */
  readonly node: Int32Array;
  /** [R] priority: who reached its last goal earlier goes first, ties by the larger epsilon. */
  readonly lastGoalStep: Int32Array;
  readonly epsilon: Float64Array;
  /** [R] distance table to its goal; null: idle. */
  readonly goalDistance: (Float32Array | null)[];
  readonly goal: Int32Array;
  /** [R] lanes of its route and how many of them lie behind it. */
  readonly routeLanes: Int32Array[];
  readonly routeAt: Int32Array;
  /** [C] the robot that stands on a cell or is leaving it, -1. */
  readonly occupant: Int32Array;
}

export interface RobotOnFloor {
  /** Position in the map's robot types. */
  readonly robotType: number;
  readonly start: number;
}

/** @throws RangeError if two robots start on one node. */
export function createFloorState(
  cells: CellGraph,
  robots: readonly RobotOnFloor[],
  random: Random,
): FloorState {
  const count = robots.length;
  const occupant = new Int32Array(cells.cellCount).fill(-1);
  robots.forEach(({ start, robotType }, robot) => {
    if (!(start >= 0 && start < cells.nodeCount)) throw new RangeError(`robot ${robot} starts off the floor`);
    if (!(robotType in cells.arcSteps))
      throw new RangeError(`robot ${robot} is of unknown type ${robotType}`);
    if (occupant[start] !== -1)
      throw new RangeError(`robots ${occupant[start]} and ${robot} start on one node`);
    occupant[start] = robot;
  });
  const nothing = new Int32Array(0);
  return {
    robotCount: count,
    robotType: Uint8Array.from(robots, (robot) => robot.robotType),
    cell: Int32Array.from(robots, (robot) => robot.start),
    movingArc: new Int32Array(count).fill(-1),
    arrival: new Float64Array(count),
    ready: new Float64Array(count),
    broken: new Uint8Array(count),
    slowFactor: new Float64Array(count).fill(1),
    heading: new Float64Array(count).fill(NaN),
    node: Int32Array.from(robots, (robot) => robot.start),
    lastGoalStep: new Int32Array(count),
    epsilon: Float64Array.from({ length: count }, () => random.next()),
    goalDistance: new Array<Float32Array | null>(count).fill(null),
    goal: new Int32Array(count).fill(-1),
    routeLanes: new Array<Int32Array>(count).fill(nothing),
    routeAt: new Int32Array(count),
    occupant,
  };
}
