import type { NodeIndex } from '../../src/domain/ids.js';
import type { Random } from '../../src/platform/random.js';
import { type LaneGraph, laneBetween } from '../../src/warehouse/laneGraph.js';
import { createCellGraph, type CellGraph } from './cellGraph.js';
import { createDistanceTables } from './distanceTables.js';
import { createFloorState } from './floorState.js';
import { createInvariantCheck } from './invariants.js';
import { createMotion } from './motion.js';
import { createPibt, type Guidance } from './pibt.js';

export interface FloorOptions {
  readonly graph: LaneGraph;
  readonly robots: readonly { readonly robotType: number; readonly start: NodeIndex }[];
  readonly random: Random;
  /** Robots go by it, not by the routes that they are told. */
  readonly guidance?: Guidance;
}

/** A robot arrived at a node of the warehouse other than the one it held last. */
export interface FloorEvent {
  readonly robot: number;
  readonly node: NodeIndex;
  /** Seconds since the floor began: exact, at most a step before the step's end. */
  readonly atSeconds: number;
  /** true: the next node of its route; false: pushed elsewhere, its route is gone. */
  readonly onRoute: boolean;
}

export interface FloorStatistics {
  /** Robots that wanted to leave their cell and could not, summed over the steps. */
  readonly blockedSteps: number;
  /** Steps in a row, up to now, in which robots wanted to move and none drove. Gridlock if it grows. */
  readonly gridlockedSteps: number;
  /** Arrivals off the route. */
  readonly deviations: number;
}

/**
 * Robots on a warehouse floor, moved by PIBT in steps. One robot a cell, no swaps, no jumps, checked in every
 * step. A move takes as many steps as the cell's length, the speed limit, the turn and the robot's own slowness
 * ask for; following into a cell that is being left is allowed if the leaver is gone by then. Broken
 * invariants throw.
 */
export interface Floor {
  readonly stepSeconds: number;
  /** Moves everyone by one step; the arrivals at nodes in it, in order of robot. */
  step(): readonly FloorEvent[];
  /**
   * Replaces a robot's route. `nodes[0]` is the node that it stands on, held last or is arriving at.
   * @throws RangeError where two nodes are not joined by a lane.
   */
  setRoute(robot: number, nodes: ArrayLike<number>): void;
  /** Where it wants to be in the end: what its side steps are ranked by. */
  setGoal(robot: number, node: NodeIndex): void;
  /** Idle: it stays where it is unless it is pushed. */
  clearGoal(robot: number): void;
  /** Lowers its priority: others first now. */
  goalReached(robot: number): void;
  /** It stays where it is, or arrives, for so long, and nobody can push it: handling, a random delay. */
  hold(robot: number, seconds: number): void;
  /** A broken robot comes to the end of its move and stands there until it is repaired. */
  setOutOfOrder(robot: number, broken: boolean): void;
  /** Factor on the seconds of all its moves, 1 or more. */
  setSlowFactor(robot: number, factor: number): void;
  /** Tells the floor that lanes of its graph were closed or opened. */
  lanesChanged(): void;
  /** The node that it held last. */
  nodeOf(robot: number): NodeIndex;
  /** [R] the cell that each robot stands on or is leaving. For displays and fingerprints; read-only. */
  cellsOfRobots(): Int32Array;
  stepCount(): number;
  statistics(): FloorStatistics;
}

/** @throws RangeError for robots that start on one node, and for guidance on a map with cells between its nodes */
export function createFloor({ graph, robots, random, guidance }: FloorOptions): Floor {
  const cells = createCellGraph(graph);
  if (guidance && cells.cellCount > cells.nodeCount)
    throw new RangeError('guidance has no costs for the cells between nodes');
  const state = createFloorState(cells, robots, random.fork('priority'));
  const distances = createDistanceTables(cells, guidance && arcCosts(cells, guidance));
  const pibt = createPibt(cells, state, 1 + random.fork('ties').integer(0xffff_fffe), guidance);
  const checkInvariants = createInvariantCheck(cells, state);
  const motion = createMotion(cells, state, pibt);
  const { robotCount, cell, movingArc, arrival, ready } = state;
  let now = 0;
  let blockedSteps = 0;
  let gridlockedSteps = 0;
  let deviations = 0;

  function reportNode(robot: number, node: NodeIndex): FloorEvent {
    state.node[robot] = node;
    const lanes = state.routeLanes[robot] as Int32Array;
    const at = state.routeAt[robot] as number;
    const onRoute = at < lanes.length && graph.laneTo[lanes[at] as number] === node;
    if (onRoute) state.routeAt[robot] = at + 1;
    else {
      state.routeAt[robot] = lanes.length;
      deviations++;
    }
    return { robot, node, atSeconds: (arrival[robot] as number) * cells.stepSeconds, onRoute };
  }

  function countBlocked(driving: number): void {
    let blocked = 0;
    let moving = driving > 0;
    for (let robot = 0; robot < robotCount; robot++) {
      if (pibt.wantedToMove[robot] === 1 && pibt.chosenArc[robot] === -1) blocked++;
      if ((movingArc[robot] as number) >= 0) moving = true;
    }
    blockedSteps += blocked;
    gridlockedSteps = blocked > 0 && !moving ? gridlockedSteps + 1 : 0;
  }

  function laneOrThrow(robot: number, from: number, to: number): number {
    const lane = laneBetween(graph, from, to);
    if (lane < 0)
      throw new RangeError(`robot ${robot}: no lane from ${graph.nodeIds[from]} to ${graph.nodeIds[to]}`);
    return lane;
  }

  return {
    stepSeconds: cells.stepSeconds,
    step() {
      pibt.decide(now);
      const driving = motion.setOut(now);
      countBlocked(driving);
      const arrivals = motion.arrive(++now);
      const events: FloorEvent[] = [];
      for (let at = 0; at < arrivals; at++) {
        const robot = motion.arrived[at] as number;
        const here = cell[robot] as number;
        // Pushed back to the node that it left: it never held another, so there is nothing to report.
        if (here < cells.nodeCount && here !== state.node[robot])
          events.push(reportNode(robot, here as NodeIndex));
      }
      checkInvariants();
      return events;
    },
    setRoute(robot, nodes) {
      const held = state.node[robot] as number;
      const ahead = nodes.length > 0 && nodes[0] !== held ? 1 : 0;
      const lanes = new Int32Array(Math.max(0, nodes.length - 1 + ahead));
      if (ahead === 1) lanes[0] = laneOrThrow(robot, held, nodes[0] as number);
      for (let at = 1; at < nodes.length; at++) {
        lanes[at - 1 + ahead] = laneOrThrow(robot, nodes[at - 1] as number, nodes[at] as number);
      }
      state.routeLanes[robot] = lanes;
      state.routeAt[robot] = 0;
    },
    setGoal(robot, node) {
      state.goal[robot] = node;
      state.goalDistance[robot] = distances.to(node, state.robotType[robot] as number);
    },
    clearGoal(robot) {
      state.goal[robot] = -1;
      state.goalDistance[robot] = null;
      state.routeAt[robot] = (state.routeLanes[robot] as Int32Array).length;
    },
    goalReached(robot) {
      state.lastGoalStep[robot] = now;
    },
    hold(robot, seconds) {
      const moving = (movingArc[robot] as number) >= 0;
      const readyAt = ready[robot] as number;
      // As when it sets out: who got ready within the last step lost no time.
      const from = moving ? (arrival[robot] as number) : readyAt > now - 1 ? readyAt : now;
      ready[robot] = from + seconds / cells.stepSeconds;
    },
    setOutOfOrder(robot, broken) {
      state.broken[robot] = broken ? 1 : 0;
      if (!broken) ready[robot] = Math.max(now, ready[robot] as number);
    },
    setSlowFactor(robot, factor) {
      if (!(factor >= 1 && factor < Infinity)) throw new RangeError(`slow factor ${factor} is not 1 or more`);
      state.slowFactor[robot] = factor;
    },
    lanesChanged() {
      distances.clear();
      pibt.lanesChanged();
      for (let robot = 0; robot < robotCount; robot++) {
        const goal = state.goal[robot] as number;
        if (goal >= 0) state.goalDistance[robot] = distances.to(goal, state.robotType[robot] as number);
      }
    },
    nodeOf: (robot) => state.node[robot] as NodeIndex,
    cellsOfRobots: () => cell,
    stepCount: () => now,
    statistics: () => ({ blockedSteps, gridlockedSteps, deviations }),
  };
}

/** [T][A] what a move costs, Infinity where a robot type is barred. */
function arcCosts({ arcSteps, arcLane }: CellGraph, { moveCost }: Guidance): readonly Float64Array[] {
  return arcSteps.map((ofArc) =>
    ofArc.map((steps, arc) => (steps === Infinity ? Infinity : (moveCost[arcLane[arc]!] as number))),
  );
}
