import { createFreeFlow } from '../../src/planning/freeFlow.js';
import { orderTour } from '../../src/planning/tourOrder.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { nodeOf, type Job, type JobSource } from '../job.js';

export interface FreeFlowBoundOptions {
  readonly graph: LaneGraph;
  /** A stream of its own, made for this: it is used up. */
  readonly jobs: JobSource;
  readonly robotTypes: readonly number[];
  readonly starts: readonly number[];
  readonly warmUpSteps: number;
  readonly steps: number;
  readonly stepSeconds: number;
}

/**
 * Goals a step, over the steps that count, if every robot were alone on the floor and drove fastest paths in the
 * planner's own order. Turns and getting going are left out, so it is a bound from above; no method reaches it.
 */
export function freeFlowBound(options: FreeFlowBoundOptions): number {
  const { graph, jobs, stepSeconds } = options;
  const freeFlow = createFreeFlow(graph, () => 0);
  const from = options.warmUpSteps * stepSeconds;
  const to = from + options.steps * stepSeconds;
  let goals = 0;
  options.robotTypes.forEach((robotType, robot) => {
    let place = options.starts[robot]!;
    for (let seconds = 0; seconds < to;) {
      const job = jobs.next(robot, 1000 * seconds);
      if (!job) {
        seconds += stepSeconds;
        continue;
      }
      const legs = (goal: number): Float64Array => freeFlow.secondsTo(robotType, goal);
      const before = seconds;
      for (const goal of inOrder(job, graph, place, legs)) {
        seconds += legs(goal)[place]!;
        place = goal;
        if (seconds > from && seconds <= to) goals++;
      }
      // A robot that stands on its goal asks again at the next step.
      if (seconds === before) seconds += stepSeconds;
    }
  });
  return goals / options.steps;
}

function inOrder(
  job: Job,
  graph: LaneGraph,
  from: number,
  legs: (goal: number) => Float64Array,
): readonly number[] {
  const stops = job.stops.map((stop) => graph.nodeIndexOf.get(nodeOf(stop))!);
  const end = job.dropoff === null ? [] : [graph.nodeIndexOf.get(nodeOf(job.dropoff))!];
  if (stops.length === 1) return [...stops, ...end];
  const places = [from, ...stops, ...end];
  const matrix = new Float64Array(places.length ** 2);
  places.forEach((goal, j) => {
    const seconds = legs(goal);
    places.forEach((place, i) => (matrix[i * places.length + j] = seconds[place]!));
  });
  const { order } = orderTour(matrix, { stops: stops.length, hasDropoff: end.length > 0 });
  return [...order.map((position) => stops[position]!), ...end];
}
