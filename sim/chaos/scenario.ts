import type { Mode } from '../../src/domain/messages.js';
import { MODES } from '../../src/domain/messages.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { compileWarehouse, createWarehouseModel } from '../../src/warehouse/warehouseModel.js';
import type { WarehouseFile } from '../../src/warehouse/warehouseFile.js';
import { reachOf } from '../orders/reach.js';
import { randomMap } from './chaosMap.js';

/** What happens to the service at some second. Lanes and nodes are positions in the compiled map of a site. */
export type ChaosEvent = { readonly second: number } & (
  | {
      readonly kind: 'order';
      readonly robot: number;
      readonly stops: readonly number[];
      readonly dropoff: number | null;
      readonly handlingSeconds: number;
      readonly deadlineSeconds: number | null;
    }
  | { readonly kind: 'close' | 'open'; readonly site: number; readonly lanes: readonly number[] }
  | { readonly kind: 'push' | 'cancel' | 'dryRun'; readonly robot: number }
  | { readonly kind: 'cut' | 'pause'; readonly robot: number; readonly forSeconds: number }
  /** The network: seconds of delay at most, and shares of messages that come twice or not at all. */
  | {
      readonly kind: 'weather';
      readonly forSeconds: number;
      readonly delaySeconds: number;
      readonly duplicate: number;
      readonly drop: number;
    }
  /** The process dies; `stored` says whether the commit under way had reached the disk. */
  | { readonly kind: 'crash'; readonly stored: boolean; readonly forSeconds: number }
  | { readonly kind: 'disk'; readonly fault: 'slow' | 'full'; readonly forSeconds: number }
  | { readonly kind: 'diskError'; readonly stored: boolean }
  | { readonly kind: 'weights'; readonly site: number; readonly wait: number; readonly distance: number }
  | { readonly kind: 'mode'; readonly site: number; readonly mode: Mode }
  | { readonly kind: 'policy'; readonly site: number; readonly action: 'save' | 'activate' | 'rollBack' }
  /** A learner that went wrong sends these weights. */
  | { readonly kind: 'poison'; readonly weight: number }
  /** More requests at once than may wait. */
  | { readonly kind: 'burst'; readonly site: number }
);

export interface ChaosRobotSpec {
  readonly site: number;
  readonly robotType: number;
  readonly start: number;
  /** Of the places on its way, how many it reports: all are 1, none 0. */
  readonly reportShare: number;
  /** Stops are among them in any case. */
  readonly reportsStops: boolean;
  /** A gateway asks it now and then where it is, and tells that. */
  readonly isPolled: boolean;
  /** Times the free-flow seconds of a lane, at least 1. */
  readonly slowness: number;
}

/** All that one seed decides, and the events that shrinking may take away. */
export interface Scenario {
  readonly seed: number;
  readonly maps: readonly WarehouseFile[];
  readonly robots: readonly ChaosRobotSpec[];
  readonly mode: Mode;
  readonly policies: 'shared' | 'each';
  /** TF.js learns; else a learner that only ever sends what events say. */
  readonly learns: boolean;
  readonly keepsVersions: boolean;
  readonly seconds: number;
  readonly events: readonly ChaosEvent[];
}

/** @param hasHabits robots report as they like, in half of the seeds unless told */
export function createScenario(
  seed: number,
  hasHabits = createRandom(seed).fork('habits').next() >= 0.5,
): Scenario {
  const random = createRandom(seed);
  const maps = Array.from({ length: random.next() < 0.2 ? 2 : 1 }, (_, site) =>
    randomMap(random.fork(`map ${site}`), `site-${site}`),
  );
  const graphs = maps.map((file) => compileWarehouse(createWarehouseModel(file)));
  const reaches = graphs.map((graph) => graph.robotTypes.map((_type, type) => reachOf(graph, type).nodes));
  const robots = Array.from({ length: 2 + random.integer(6) }, (): ChaosRobotSpec => {
    const site = random.integer(maps.length);
    const robotType = random.integer(3);
    const nodes = reaches[site]![robotType]!;
    const slowness = random.next() < 0.3 ? 1 + 3 * random.next() : 1;
    const start = pick(random, nodes);
    const reportShare = random.next() < 0.3 ? 0 : 1;
    return { site, robotType, start, slowness, reportShare, reportsStops: false, isPolled: false };
  });
  const seconds = 40 + random.integer(80);
  const events: ChaosEvent[] = [];
  robots.forEach((robot, index) => {
    const nodes = reaches[robot.site]![robot.robotType]!;
    for (let second = random.integer(5); second < seconds; second += 5 + random.integer(25)) {
      events.push({ second, ...orderOf(random, index, nodes) });
    }
  });
  const faults = 3 + random.integer(30);
  for (let i = 0; i < faults; i++) {
    const event = faultOf(random, { robots: robots.length, lanes: graphs.map((graph) => graph.laneCount) });
    if (event) events.push({ ...event, second: random.integer(seconds) });
  }
  events.sort((a, b) => a.second - b.second);
  return {
    ...{ seed, maps, seconds, events },
    robots: hasHabits ? robots.map((robot, index) => withHabits(robot, random, index)) : robots,
    mode: MODES[random.integer(MODES.length)]!,
    policies: random.next() < 0.5 ? 'shared' : 'each',
    learns: random.next() < 0.3,
    keepsVersions: random.next() < 0.3,
  };
}

/** Most report now and then, many of them their stops in any case, and many are polled. */
function withHabits(spec: ChaosRobotSpec, random: Random, index: number): ChaosRobotSpec {
  const habits = random.fork(`habits ${index}`);
  const reportShare = habits.next() < 0.3 ? spec.reportShare : habits.next() ** 2;
  return { ...spec, reportShare, reportsStops: habits.next() < 0.5, isPolled: habits.next() < 0.5 };
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.integer(items.length)]!;
}

function orderOf(random: Random, robot: number, nodes: readonly number[]) {
  return {
    kind: 'order' as const,
    robot,
    stops: Array.from({ length: 1 + random.integer(3) }, () => pick(random, nodes)),
    dropoff: random.next() < 0.5 ? pick(random, nodes) : null,
    handlingSeconds: random.next() < 0.3 ? random.integer(4) : 0,
    deadlineSeconds: random.next() < 0.2 ? 1 + random.integer(30) : null,
  };
}

type Undated<Event> = Event extends ChaosEvent ? Omit<Event, 'second'> : never;

function faultOf(
  random: Random,
  floor: { readonly robots: number; readonly lanes: readonly number[] },
): Undated<ChaosEvent> | null {
  const robot = random.integer(floor.robots);
  const site = random.integer(floor.lanes.length);
  const laneCount = floor.lanes[site]!;
  const forSeconds = 1 + random.integer(15);
  const stored = random.next() < 0.5;
  const lot = random.integer(100);
  if (lot < 28) {
    if (laneCount === 0) return null;
    const lanes = Array.from({ length: 1 + random.integer(6) }, () => random.integer(laneCount));
    return { kind: random.next() < 0.65 ? 'close' : 'open', site, lanes };
  }
  if (lot < 38) return { kind: 'push', robot };
  if (lot < 41) return { kind: 'cancel', robot };
  if (lot < 44) return { kind: 'dryRun', robot };
  if (lot < 50) return { kind: 'cut', robot, forSeconds };
  if (lot < 53) return { kind: 'pause', robot, forSeconds };
  if (lot < 62) {
    const shares = { duplicate: random.next() * 0.5, drop: random.next() * 0.3 };
    return { kind: 'weather', forSeconds, delaySeconds: random.next() * 6, ...shares };
  }
  if (lot < 74) return { kind: 'crash', stored, forSeconds };
  if (lot < 82) return { kind: 'disk', fault: stored ? 'slow' : 'full', forSeconds };
  if (lot < 86) return { kind: 'diskError', stored };
  if (lot < 88) return { kind: 'weights', site, wait: 3 * random.next(), distance: random.next() };
  if (lot < 91) return { kind: 'mode', site, mode: pick(random, MODES) };
  if (lot < 96) return { kind: 'policy', site, action: pick(random, ['save', 'activate', 'rollBack']) };
  if (lot < 99) return { kind: 'poison', weight: pick(random, [NaN, Infinity, -Infinity, 1e38, 1e-40, 0.1]) };
  return { kind: 'burst', site };
}
