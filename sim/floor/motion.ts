import { arcTurnSeconds, type CellGraph } from './cellGraph.js';
import type { FloorState } from './floorState.js';
import type { Pibt } from './pibt.js';

/** Carries out what PIBT decided: moves that last as long as cell, turn and robot ask for. */
export interface Motion {
  /** Starts the chosen moves at step `now`; how many. */
  setOut(now: number): number;
  /** Ends the moves that are over by step `now`; `arrived[0 .. count - 1]` are their robots, ascending. */
  arrive(now: number): number;
  readonly arrived: Int32Array;
}

/** Rounding of sums of fractional steps. */
const EPSILON_STEPS = 1e-6;

export function createMotion(cells: CellGraph, state: FloorState, pibt: Pibt): Motion {
  const { robotCount, cell, movingArc, arrival, ready, occupant, heading } = state;
  const settingOut = new Int32Array(robotCount);
  const arrived = new Int32Array(robotCount);

  function stepsOfMove(robot: number, arc: number): number {
    const type = state.robotType[robot] as number;
    const next = cells.graph.heading[cells.arcLane[arc] as number] as number;
    const turning = arcTurnSeconds(cells, type, heading[robot] as number, next) / cells.stepSeconds;
    heading[robot] = next;
    return (
      (((cells.arcSteps[type] as Float64Array)[arc] as number) + turning) *
      (state.slowFactor[robot] as number)
    );
  }

  /** Who follows another arrives no earlier than the other is gone; in a ring this takes some rounds. */
  function alignFollowers(count: number): void {
    for (let changed = true; changed;) {
      changed = false;
      for (let at = 0; at < count; at++) {
        const robot = settingOut[at] as number;
        const leaver = occupant[cells.arcTo[movingArc[robot] as number] as number] as number;
        if (leaver < 0 || (arrival[leaver] as number) <= (arrival[robot] as number)) continue;
        arrival[robot] = arrival[leaver] as number;
        changed = true;
      }
    }
  }

  return {
    arrived,
    setOut(now) {
      let count = 0;
      for (let robot = 0; robot < robotCount; robot++) {
        const arc = pibt.chosenArc[robot] as number;
        if (arc < 0) continue;
        // Who got ready within the last step lost no time: a chain of cells takes no longer than their sum.
        const start = (ready[robot] as number) > now - 1 ? (ready[robot] as number) : now;
        movingArc[robot] = arc;
        arrival[robot] = start + stepsOfMove(robot, arc);
        settingOut[count++] = robot;
      }
      alignFollowers(count);
      return count;
    },
    arrive(now) {
      let count = 0;
      for (let robot = 0; robot < robotCount; robot++) {
        if ((movingArc[robot] as number) < 0 || (arrival[robot] as number) > now + EPSILON_STEPS) continue;
        arrived[count++] = robot;
        occupant[cell[robot] as number] = -1;
      }
      for (let at = 0; at < count; at++) {
        const robot = arrived[at] as number;
        const here = cells.arcTo[movingArc[robot] as number] as number;
        cell[robot] = here;
        occupant[here] = robot;
        movingArc[robot] = -1;
        ready[robot] = Math.max(ready[robot] as number, arrival[robot] as number);
      }
      return count;
    },
  };
}
