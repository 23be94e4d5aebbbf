import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import { laneBetween } from '../src/warehouse/laneGraph.js';
import { createRandom } from '../src/platform/random.js';
import { busiestAisle } from './bench/busiestAisle.js';
import { withShuttle } from './bench/changeJobs.js';
import { createBenchJobs } from './benchJobs.js';
import { createFleet } from './fleet.js';
import type { FleetLink } from './fleetLink.js';
import { createInProcessLink } from './inProcessLink.js';
import { createInProcessService } from './inProcessService.js';
import type { JobSource } from './job.js';
import { openFloor } from './randomFloor.js';
import { typesInTurn } from './run.js';

/** What one robot reports of one lane: that nobody ever waits there, or that it waited there all the time it had. */
export const LIES = ['fast', 'waits'] as const;
export type Lie = (typeof LIES)[number];

/** That it stands before it drives, and can say that it waited elsewhere. */
const SPARE_SECONDS = 20;

export interface LiarOptions {
  readonly graph: LaneGraph;
  readonly robots: number;
  readonly seed: number;
  readonly steps: number;
  readonly backend: string;
  /** Null: an honest fleet. */
  readonly lie: { readonly kind: Lie; readonly lane: number } | null;
}

export interface LiarResult {
  /** Goals a step. */
  readonly throughput: number;
  /** [L] routes of honest robots over each lane. */
  readonly routesOver: Int32Array;
  readonly routes: number;
  /** Reports with a lie in them that were learnt from, and the seconds by which they moved the time on that lane. */
  readonly lies: number;
  readonly liedSeconds: number;
  /** Of the aisle that the liar drives in. */
  readonly aisleLanes: readonly number[];
}

type TraceOf = Parameters<FleetLink['completed']>[0]['trace'];

/**
 * Robot 0 drives to and fro in the busiest aisle, where its lies count most, and lies about one lane of it; the others
 * do not. It stands before it drives, lying or not: time that it can say it waited. A cold policy learns from all.
 */
export async function runWithLiar(options: LiarOptions): Promise<LiarResult> {
  const { graph, robots, seed } = options;
  const random = createRandom(seed);
  const service = await createInProcessService({
    ...{ graph, mode: 'learn', price: null, backend: options.backend, random },
  });
  const robotTypes = typesInTurn(graph, robots);
  const { floor, starts } = openFloor({ graph, robotTypes, random });
  const goals = (): JobSource => createBenchJobs({ graph, robotTypes, seed, picks: 0 });
  const aisle = busiestAisle({ graph, jobs: goals(), robotTypes, starts, random: random.fork('aisle') });
  const routesOver = new Int32Array(graph.laneCount);
  let routes = 0;
  let lies = 0;
  let liedSeconds = 0;
  let liar = '';
  const ofLiar = new Map<string, number>();
  const honest = createInProcessLink(service, graph.warehouseId);
  const link: FleetLink = {
    ...honest,
    async hello(all) {
      liar = all[0]!.robotId;
      await honest.hello(all);
    },
    async requestRoute(request) {
      const answer = await honest.requestRoute(request);
      if (request.robotId === liar) ofLiar.set(answer.routeId, floor.stepCount() * floor.stepSeconds * 1000);
      else {
        routes++;
        answer.nodes.slice(1).forEach((node, i) => routesOver[laneNamed(graph, answer.nodes[i]!, node)]!++);
      }
      return answer;
    },
    // A trace that contradicts the reports on the way would betray it.
    progress: (message) => {
      if (!options.lie || !ofLiar.has(message.routeId)) honest.progress(message);
    },
    async completed(report) {
      const issuedAt = ofLiar.get(report.routeId);
      if (!options.lie || issuedAt === undefined) return honest.completed(report);
      const { trace, moved } = twist(graph, report.trace, { ...options.lie, issuedAt });
      const answer = await honest.completed({ ...report, trace });
      if (answer.learnt && moved !== 0) {
        lies++;
        liedSeconds += moved / 1000;
      }
      return answer;
    },
  };
  const fleet = createFleet({
    ...{ graph, floor, link, robotTypes, startAt: 0, asking: 'one' },
    jobs: withShuttle(goals(), graph, { robot: 0, ends: aisle.ends, standsSeconds: SPARE_SECONDS }),
  });
  await fleet.start();
  for (let step = 0; step < options.steps; step++) await fleet.step();
  await service.close();
  return {
    throughput: fleet.goalsReached() / options.steps,
    routesOver,
    routes,
    lies,
    liedSeconds: Math.round(liedSeconds),
    aisleLanes: aisle.lanes,
  };
}

/** The same way by the same report, with the time where the liar wants it. `moved`: milliseconds more on the lane. */
function twist(
  graph: LaneGraph,
  trace: TraceOf,
  { kind, lane, issuedAt }: { readonly kind: Lie; readonly lane: number; readonly issuedAt: number },
): { readonly trace: TraceOf; readonly moved: number } {
  const lanes = trace.slice(1).map(([node], i) => laneNamed(graph, trace[i]![0], node));
  const at = lanes.indexOf(lane);
  if (at < 0) return { trace, moved: 0 };
  const least = (of: number): number => Math.ceil(1000 * graph.freeFlowSeconds[0]![of]!);
  const arrivals = trace.map(([, arrivedAt]) => arrivedAt);
  const onLane = (): number => arrivals[at + 1]! - arrivals[at]!;
  const before = onLane();
  if (kind === 'fast') arrivals[at + 1] = Math.min(arrivals[at + 1]!, arrivals[at]! + least(lane));
  else {
    // Off at once and as fast as allowed up to the lane: all the time that is left was spent waiting for it.
    arrivals[0] = Math.min(arrivals[0]!, issuedAt);
    for (let i = 1; i <= at; i++)
      arrivals[i] = Math.min(arrivals[i]!, arrivals[i - 1]! + least(lanes[i - 1]!));
  }
  return { trace: trace.map(([node], i) => [node, arrivals[i]!, null]), moved: onLane() - before };
}

function laneNamed(graph: LaneGraph, from: string, to: string): number {
  return laneBetween(graph, graph.nodeIndexOf.get(from)!, graph.nodeIndexOf.get(to)!);
}

/** The lane of the liar's aisle that most routes go over. */
export function busiestLane({ routesOver, aisleLanes }: LiarResult): number {
  return aisleLanes.reduce((busiest, lane) => (routesOver[lane]! > routesOver[busiest]! ? lane : busiest));
}
