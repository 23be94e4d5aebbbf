import type { Stop } from '../src/domain/messages.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';

/** What a robot is to do next: stops in any order, then the drop-off, each with its handling seconds. */
export interface Job {
  readonly jobId: string;
  readonly stops: readonly Stop[];
  readonly dropoff: Stop | null;
  readonly priority?: number;
  readonly deadlineAt?: number;
}

/** Where jobs come from; null: nothing to do for this robot now, ask again next step. */
export interface JobSource {
  next(robot: number, at: number): Job | null;
}

export interface FinishedJob {
  readonly robot: number;
  readonly job: Job;
  /** When the robot asked for the tour, and when its last hand-over ended. */
  readonly issuedAt: number;
  readonly finishedAt: number;
  readonly ratio: number;
  readonly learnt: boolean;
  /** Why nothing was learnt. */
  readonly reason?: string;
}

/** Seconds that a stop takes: its own, else the map's. */
export function handlingSeconds(graph: LaneGraph, stop: Stop): number {
  const own = typeof stop === 'string' ? undefined : stop.handlingSeconds;
  return own ?? (graph.handlingSeconds[graph.nodeIndexOf.get(nodeOf(stop)) as number] as number);
}

export function nodeOf(stop: Stop): string {
  return typeof stop === 'string' ? stop : stop.node;
}
