import type { CellGraph } from './cellGraph.js';
import { findDeadEnds } from './deadEnds.js';
import type { FloorState } from './floorState.js';

/**
 * Who may go into a dead end and who has to come out: one robot at a time goes in, who wants out goes
 * first, and who has no business there comes out. PIBT alone cannot keep dead ends from locking up.
 */
export interface DeadEndTraffic {
  /** Looks for dead ends in what is open now. */
  refresh(): void;
  /** Counts the robots inside; call it once a step, before anybody decides. */
  count(): void;
  /** Whether an arc leads into a dead end that its robot must keep out of. */
  forbids(arc: number, onRoute: boolean, goalDistance: Float32Array | null): boolean;
  /** Whether a robot in a dead end has somewhere else to be: it goes before all others. */
  wantsOut(robot: number): boolean;
  /** Whether a robot on this cell has to leave the dead end that it is in, wherever its goal lies. */
  mustLeave(cell: number, idle: boolean): boolean;
  /** Whether an arc leads towards the way out. */
  leadsOut(arc: number): boolean;
}

export function createDeadEndTraffic(cells: CellGraph, state: FloorState): DeadEndTraffic {
  const { graph, arcFrom, arcTo, arcLane } = cells;
  let deadEnds = findDeadEnds(cells);
  /** Robots in each dead end, or on their way in or out. */
  let inside = new Int32Array(deadEnds.count);

  return {
    refresh() {
      deadEnds = findDeadEnds(cells);
      inside = new Int32Array(deadEnds.count);
    },
    count() {
      if (deadEnds.count === 0) return;
      inside.fill(0);
      for (let robot = 0; robot < state.robotCount; robot++) {
        const arc = state.movingArc[robot] as number;
        const here = deadEnds.of[state.cell[robot] as number] as number;
        const there = arc < 0 ? here : (deadEnds.of[arcTo[arc] as number] as number);
        if (here !== -1) inside[here] = (inside[here] as number) + 1;
        if (there !== -1 && there !== here) inside[there] = (inside[there] as number) + 1;
      }
    },
    forbids(arc, onRoute, goalDistance) {
      const there = arcTo[arc] as number;
      const here = arcFrom[arc] as number;
      const deadEnd = deadEnds.of[there] as number;
      if (deadEnd === -1 || deadEnd === deadEnds.of[here]) return false;
      if ((inside[deadEnd] as number) > 0) return true;
      if (onRoute || (goalDistance && (goalDistance[there] as number) < (goalDistance[here] as number)))
        return false;
      // Pushed into where it must come back from it would only meet its pusher. A one-way entrance is no such trap.
      return graph.reverseLane[arcLane[arc] as number] !== -1;
    },
    wantsOut(robot) {
      const deadEnd = deadEnds.of[state.cell[robot] as number] as number;
      if (deadEnd === -1) return false;
      const goal = state.goal[robot] as number;
      return (inside[deadEnd] as number) > 1 || goal === -1 || deadEnds.of[goal] !== deadEnd;
    },
    mustLeave(cell, idle) {
      const deadEnd = deadEnds.of[cell] as number;
      return deadEnd !== -1 && (idle || (inside[deadEnd] as number) > 1);
    },
    leadsOut: (arc) =>
      (deadEnds.depth[arcTo[arc] as number] as number) < (deadEnds.depth[arcFrom[arc] as number] as number),
  };
}
