import { type CellGraph, arcAlong } from './cellGraph.js';
import { createDeadEndTraffic } from './deadEndTraffic.js';
import type { FloorState } from './floorState.js';

/** Decides who moves where in a step. */
export interface Pibt {
  /** Fills `chosenArc` for every robot that may set out at step `now`. */
  decide(now: number): void;
  /** [R] the arc that a robot sets out on, or -1. */
  readonly chosenArc: Int32Array;
  /** [R] 1 where a robot that may set out wanted to leave its cell. */
  readonly wantedToMove: Uint8Array;
  /** Looks for dead ends again: lanes were closed or opened. */
  lanesChanged(): void;
}

/** What every move and every wait costs. */
export interface Guidance {
  /** [L] above 0 */
  readonly moveCost: Float64Array;
  /** [N] */
  readonly waitCost: Float64Array;
}

const STAY = -1;
/** What the lot counts for at most, and that a cell is occupied: less than what tells two ways apart. */
const TIES = { steps: { lot: 0.49, occupied: 0.5 }, guidance: { lot: 1e-4, occupied: 1e-4 } } as const;

/**
 * Priority Inheritance with Backtracking (Okumura et al., AIJ 2022), on robots whose moves may last several
 * steps. Who drives, handles or is broken keeps its cells; the others choose in order of priority. A robot
 * that wants the cell of another pushes it, which lends it the pusher's priority; where the pushed one finds no
 * place, the pusher tries its next choice. Iterative: a chain may be as long as there are robots.
 *
 * On top of it `DeadEndTraffic` rules the dead ends; floors without any never notice.
 *
 * @param seed of the tie-breaks, an unsigned 32-bit integer above 0.
 * @param guidance where robots go by it instead of their routes (guidance graphs of Zhang et al., IJCAI 2024): each choice
 * ranks by its own cost and that of the cheapest way on; `goalDistance` is in the same costs, and every cell is a node.
 */
export function createPibt(
  cells: CellGraph,
  state: FloorState,
  seed: number,
  guidance: Guidance | null = null,
): Pibt {
  const { arcStart, arcTo, arcLane, arcSteps, nodeCount } = cells;
  const { open } = cells.graph;
  const { robotCount, cell, movingArc, ready, broken, occupant, goalDistance, robotType } = state;
  const width = cells.maximumDegree + 1;
  const chosenArc = new Int32Array(robotCount).fill(STAY);
  const wantedToMove = new Uint8Array(robotCount);
  const decided = new Uint8Array(robotCount);
  const nextCell = new Int32Array(robotCount);
  /** Who holds a cell from the coming arrival on, -1. */
  const reserved = new Int32Array(cells.cellCount);
  const candidateArc = new Int32Array(robotCount * width);
  const candidateCount = new Int32Array(robotCount);
  const candidateAt = new Int32Array(robotCount);
  const rank = new Float64Array(width);
  const stack = new Int32Array(robotCount);
  const order = Int32Array.from({ length: robotCount }, (_, robot) => robot);
  const deadEnds = createDeadEndTraffic(cells, state);
  const { lot, occupied } = TIES[guidance === null ? 'steps' : 'guidance'];
  let bits = seed >>> 0 || 1;

  /** xorshift32: ties are drawn for every candidate of every robot, so this must cost nothing. */
  function nextTie(): number {
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    return (bits >>> 0) / 0x1_0000_0000;
  }

  function goesBefore(a: number, b: number): boolean {
    const difference = (state.lastGoalStep[a] as number) - (state.lastGoalStep[b] as number);
    return difference !== 0 ? difference < 0 : (state.epsilon[a] as number) > (state.epsilon[b] as number);
  }

  /** Who is idle comes last. Insertion sort: from one step to the next only those that reached a goal change places. */
  function sortByPriority(now: number): void {
    for (let robot = 0; robot < robotCount; robot++) {
      if (goalDistance[robot] === null) state.lastGoalStep[robot] = now + 1;
    }
    for (let at = 1; at < robotCount; at++) {
      const robot = order[at] as number;
      let slot = at;
      for (; slot > 0 && goesBefore(robot, order[slot - 1] as number); slot--)
        order[slot] = order[slot - 1] as number;
      order[slot] = robot;
    }
  }

  function insertCandidate(base: number, count: number, arc: number, value: number): void {
    let slot = count;
    for (; slot > 0 && (rank[slot - 1] as number) > value; slot--) {
      rank[slot] = rank[slot - 1] as number;
      candidateArc[base + slot] = candidateArc[base + slot - 1] as number;
    }
    rank[slot] = value;
    candidateArc[base + slot] = arc;
  }

  /**
   * Orders a robot's choices: the next cell of its route, then by distance to its goal, free cells first,
   * the rest by lot. Neighbours differ from each other by whole steps, so the lot never outweighs them.
   * Under guidance there is no route, and what the choice itself costs counts too.
   */
  function rankCandidates(robot: number): void {
    const here = cell[robot] as number;
    const table = goalDistance[robot] as Float32Array | null;
    const steps = arcSteps[robotType[robot] as number] as Float64Array;
    const lanes = state.routeLanes[robot] as Int32Array;
    const at = state.routeAt[robot] as number;
    const routeArc =
      at < lanes.length && guidance === null ? arcAlong(cells, lanes[at] as number, here) : STAY;
    const base = robot * width;
    const idle = table === null;
    const mustLeave = deadEnds.mustLeave(here, idle);
    let count = 0;
    const waiting = guidance === null ? 0 : (guidance.waitCost[here] as number);
    insertCandidate(base, count++, STAY, idle ? -1 : waiting + (table[here] as number) + lot * nextTie());
    for (let arc = arcStart[here] as number, end = arcStart[here + 1] as number; arc < end; arc++) {
      if (here < nodeCount && (open[arcLane[arc] as number] === 0 || steps[arc] === Infinity)) continue;
      const there = arcTo[arc] as number;
      if (deadEnds.forbids(arc, arc === routeArc, table)) continue;
      if (mustLeave) {
        if (deadEnds.leadsOut(arc)) insertCandidate(base, count++, arc, -2);
        continue;
      }
      const moving = guidance === null ? 0 : (guidance.moveCost[arcLane[arc] as number] as number);
      const value = arc === routeArc ? -2 : (idle ? 0 : moving + (table[there] as number)) + lot * nextTie();
      insertCandidate(
        base,
        count++,
        arc,
        occupant[there] === -1 || arc === routeArc ? value : value + occupied,
      );
    }
    candidateCount[robot] = count;
    candidateAt[robot] = 0;
    wantedToMove[robot] = candidateArc[base] === STAY ? 0 : 1;
  }

  function claim(robot: number, arc: number, target: number): void {
    decided[robot] = 1;
    chosenArc[robot] = arc;
    nextCell[robot] = target;
    reserved[target] = robot;
  }

  /** Finds a place for a robot and for all whom it pushes. */
  function settle(root: number): void {
    let depth = 0;
    stack[0] = root;
    rankCandidates(root);
    while (depth >= 0) {
      const robot = stack[depth] as number;
      const here = cell[robot] as number;
      const at = candidateAt[robot] as number;
      if (at === candidateCount[robot]) {
        claim(robot, STAY, here);
        depth--;
        continue;
      }
      candidateAt[robot] = at + 1;
      const arc = candidateArc[robot * width + at] as number;
      const target = arc === STAY ? here : (arcTo[arc] as number);
      if (reserved[target] !== -1) continue;
      const other = occupant[target] as number;
      // A swap: whoever stands there is to come here.
      if (other !== -1 && other !== robot && decided[other] === 1 && nextCell[other] === here) continue;
      claim(robot, arc, target);
      if (other === -1 || other === robot || decided[other] === 1) return;
      rankCandidates(other);
      stack[++depth] = other;
    }
  }

  return {
    chosenArc,
    wantedToMove,
    lanesChanged: () => deadEnds.refresh(),
    decide(now) {
      reserved.fill(-1);
      for (let robot = 0; robot < robotCount; robot++) {
        const arc = movingArc[robot] as number;
        const bound = arc !== STAY || broken[robot] === 1 || (ready[robot] as number) > now;
        decided[robot] = bound ? 1 : 0;
        chosenArc[robot] = STAY;
        wantedToMove[robot] = 0;
        if (!bound) continue;
        nextCell[robot] = arc === STAY ? (cell[robot] as number) : (arcTo[arc] as number);
        reserved[nextCell[robot] as number] = robot;
      }
      sortByPriority(now);
      deadEnds.count();
      for (let robot = 0; robot < robotCount; robot++) {
        if (decided[robot] === 0 && deadEnds.wantsOut(robot)) settle(robot);
      }
      for (let at = 0; at < robotCount; at++) {
        const robot = order[at] as number;
        if (decided[robot] === 0) settle(robot);
      }
    },
  };
}
