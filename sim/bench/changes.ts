import type { NodeIndex } from '../../src/domain/ids.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import { createRandom } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { createBenchJobs } from '../benchJobs.js';
import type { Floor } from '../floor/floor.js';
import type { JobSource } from '../job.js';
import { busiestAisle, type Aisle } from './busiestAisle.js';
import { createHotZoneJobs, withGrowingFleet, withShuttle } from './changeJobs.js';
import { specOf, type BenchMethod } from './methods.js';

/**
 * What happens to a floor in the middle of a run.
 * - `aisle-closes`: operators close the busiest aisle, seven lanes long, both ways.
 * - `hot-zone-moves`: the fifth of the pick faces that makes most of the picks moves to the other end of the floor.
 * - `robots-slow`: a tenth of the robots drive three times as long, silently.
 * - `fleet-doubles`: half of the fleet stood idle on the floor until then.
 * - `slow-cell`: silently, whoever comes to the busiest cell stays there for 10 s; half-way through, it clears.
 * - `slow-robot`, `slow-robot-type`: robot 0, which drives to and fro in the busiest aisle, drives three times as
 *   long: silently from the change on, or always since its type does. `no-slow-robot` is the same without.
 * - `learning-starts`: until then everybody is served the shortest way, in mode `off`; what the method does begins then.
 */
export const CHANGE_NAMES = [
  'aisle-closes',
  'hot-zone-moves',
  'robots-slow',
  'fleet-doubles',
  'slow-cell',
  'no-slow-robot',
  'slow-robot',
  'slow-robot-type',
  'learning-starts',
] as const;
export type ChangeName = (typeof CHANGE_NAMES)[number];

export const SLOW_CELL_SECONDS = 10;
const SLOW_FACTOR = 3;
/** Every tenth robot becomes slow. */
const SLOW_EVERY = 10;
const SHUTTLE = 0;

/** Robots, and the map with their types. */
export interface ChangeFleet {
  readonly graph: LaneGraph;
  readonly robotTypes: readonly number[];
}

export interface ChangeOptions extends ChangeFleet {
  readonly name: ChangeName | undefined;
  readonly method: BenchMethod;
  readonly starts: readonly NodeIndex[];
  readonly seed: number;
  readonly picks: number;
}

/** What the change acts on. */
export interface ChangeControl {
  readonly service: RoutingService;
  readonly floor: Floor;
}

export interface Change {
  /** The map as the service is told of it: an oracle's is its own, since it knows what lanes will take. */
  readonly serviceGraph: LaneGraph;
  /** A new stream of the same jobs; what is handed out after this instant is as after the change. */
  jobs(changesAt: number): JobSource;
  /** The floor as the fleet drives on it. */
  readonly onFloor: (floor: Floor) => Floor;
  /** Lanes of the place that matters; empty where there is none. */
  readonly watchedLanes: readonly number[];
  /** Whether a route crosses that place; null where it is none of those that are counted. */
  readonly crosses: (robot: number, nodes: readonly string[]) => boolean | null;
  readonly happen: (control: ChangeControl) => Promise<void>;
  /** Half-way through what is left. */
  readonly clear: (control: ChangeControl) => Promise<void>;
}

/** The fleet of a change: one slow robot that says so by its type needs a type of its own. */
export function fleetOf(name: ChangeName | undefined, fleet: ChangeFleet): ChangeFleet {
  if (name !== 'slow-robot-type') return fleet;
  const { graph } = fleet;
  const slow = graph.robotTypes.length;
  const type = { ...graph.robotTypes[0]!, name: 'slow', maximumSpeed: 1 / SLOW_FACTOR };
  return {
    graph: {
      ...graph,
      robotTypes: [...graph.robotTypes, type],
      robotTypeIndexOf: new Map([...graph.robotTypeIndexOf, [type.name, slow]]),
      freeFlowSeconds: [
        ...graph.freeFlowSeconds,
        graph.freeFlowSeconds[0]!.map((seconds) => SLOW_FACTOR * seconds),
      ],
      turnsTakeTime: [...graph.turnsTakeTime, graph.turnsTakeTime[0]!],
    },
    robotTypes: fleet.robotTypes.map((own, robot) => (robot === SHUTTLE ? slow : own)),
  };
}

export function createChange(options: ChangeOptions): Change {
  const { name, graph, robotTypes, seed } = options;
  const jobs = (): JobSource => createBenchJobs({ graph, robotTypes, seed, picks: options.picks });
  const nothing: Change = {
    serviceGraph: graph,
    jobs,
    onFloor: (floor) => floor,
    watchedLanes: [],
    crosses: () => false,
    happen: () => Promise.resolve(),
    clear: () => Promise.resolve(),
  };
  switch (name) {
    case undefined:
      return nothing;
    case 'aisle-closes':
      return aisleCloses(nothing, aisleOf(options), graph);
    case 'hot-zone-moves':
      return {
        ...nothing,
        jobs: (changesAt) => createHotZoneJobs({ graph, robotTypes, seed, movesAt: changesAt }),
      };
    case 'robots-slow':
      return {
        ...nothing,
        async happen({ floor }) {
          for (let robot = 0; robot < robotTypes.length; robot += SLOW_EVERY)
            floor.setSlowFactor(robot, SLOW_FACTOR);
        },
      };
    case 'fleet-doubles':
      return { ...nothing, jobs: (changesAt) => withGrowingFleet(jobs(), robotTypes.length, changesAt) };
    case 'learning-starts':
      return {
        ...nothing,
        happen: async ({ service }) =>
          void (await service.setMode(graph.warehouseId, specOf(options.method).mode)),
      };
    case 'slow-cell':
      return slowCell(nothing, aisleOf(options), options);
    case 'no-slow-robot':
    case 'slow-robot-type':
      return withShuttleIn(nothing, aisleOf(options), graph);
    case 'slow-robot':
      return {
        ...withShuttleIn(nothing, aisleOf(options), graph),
        async happen({ floor }) {
          floor.setSlowFactor(SHUTTLE, SLOW_FACTOR);
        },
      };
  }
}

/** By single goals whatever the tours: the same place for all. */
function aisleOf({ graph, robotTypes, starts, seed }: ChangeOptions): Aisle {
  const jobs = createBenchJobs({ graph, robotTypes, seed, picks: 0 });
  return busiestAisle({ graph, jobs, robotTypes, starts, random: createRandom(seed).fork('aisle') });
}

function aisleCloses(nothing: Change, { lanes }: Aisle, graph: LaneGraph): Change {
  const names = lanes.map((lane) => ({
    from: graph.nodeIds[graph.laneFrom[lane]!]!,
    to: graph.nodeIds[graph.laneTo[lane]!]!,
  }));
  return {
    ...nothing,
    watchedLanes: lanes,
    crosses: (_robot, nodes) => drives(graph, lanes, nodes),
    async happen({ service, floor }) {
      await service.closeLanes(graph.warehouseId, names);
      floor.lanesChanged();
    },
  };
}

function withShuttleIn(nothing: Change, { lanes, ends }: Aisle, graph: LaneGraph): Change {
  return {
    ...nothing,
    jobs: (changesAt) => withShuttle(nothing.jobs(changesAt), graph, { robot: SHUTTLE, ends }),
    watchedLanes: lanes,
    crosses: (robot, nodes) => (robot === SHUTTLE ? null : drives(graph, lanes, nodes)),
  };
}

function drives(graph: LaneGraph, lanes: readonly number[], nodes: readonly string[]): boolean {
  const steps = new Set(nodes.slice(1).map((node, at) => `${nodes[at]!} ${node}`));
  return lanes.some((lane) =>
    steps.has(`${graph.nodeIds[graph.laneFrom[lane]!]!} ${graph.nodeIds[graph.laneTo[lane]!]!}`),
  );
}

/**
 * Robots are held where they arrive, so the lanes out of the cell take longer. The oracle's service has these seconds
 * in the free flow of its own copy of the map while the cell is slow; else it learns and prices as `learned-cold`.
 */
function slowCell(nothing: Change, { node }: Aisle, { graph, method }: ChangeOptions): Change {
  const name = graph.nodeIds[node]!;
  const lanesOut = Array.from(
    { length: graph.laneStart[node + 1]! - graph.laneStart[node]! },
    (_, at) => graph.laneStart[node]! + at,
  );
  const knows = method === 'oracle';
  const serviceGraph = knows
    ? { ...graph, freeFlowSeconds: graph.freeFlowSeconds.map((seconds) => seconds.slice()) }
    : graph;
  let isSlow = false;

  /** Weights that are set price every lane anew. */
  const tell = async (service: RoutingService, seconds: number): Promise<void> => {
    if (!knows) return;
    for (const ofType of serviceGraph.freeFlowSeconds) for (const lane of lanesOut) ofType[lane]! += seconds;
    const { wait } = service.weights(graph.warehouseId);
    for (const next of [wait === 1 ? 2 : 1, wait])
      await service.setWeights(graph.warehouseId, { wait: next });
  };

  return {
    ...nothing,
    serviceGraph,
    watchedLanes: lanesOut,
    // Who stands there already has no choice.
    crosses: (_robot, nodes) => nodes.indexOf(name, 1) > 0,
    onFloor: (floor) => ({
      ...floor,
      step() {
        const events = floor.step();
        if (isSlow)
          for (const event of events) if (event.node === node) floor.hold(event.robot, SLOW_CELL_SECONDS);
        return events;
      },
    }),
    async happen({ service }) {
      isSlow = true;
      await tell(service, SLOW_CELL_SECONDS);
    },
    async clear({ service }) {
      isSlow = false;
      await tell(service, -SLOW_CELL_SECONDS);
    },
  };
}
