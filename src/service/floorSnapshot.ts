import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { Revision } from '../learning/issuedRoute.js';
import type { PlannedStop } from '../planning/tourTask.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';

/** Who stood where, and what each had still to drive: planned flow and occupancy follow from it. */
export interface FloorSnapshot {
  readonly at: Instant;
  readonly mapVersion: string;
  /** Lane indexes. */
  readonly closedLanes: readonly number[];
  readonly robots: readonly RobotOnSite[];
}

/** A robot with the rest of its route; no path: it had none, was held, or cannot drive. */
export interface RobotOnSite {
  /** Its number on the site. */
  readonly robot: number;
  readonly robotType: number;
  readonly node: number;
  /** The whole plan, shared with the route; what lies before `position` is driven. Empty without a route. */
  readonly nodes: Int32Array;
  readonly position: number;
  readonly stops: readonly PlannedStop[];
  readonly stopIndexes: readonly number[];
  /** Of the handling under way, which comes before it drives on. */
  readonly handlingSecondsLeft: number;
}

/** What of a site a snapshot is taken from. */
export interface SnapshotSource {
  readonly graph: LaneGraph;
  readonly clock: { now(): Instant };
  readonly closures: { readonly closedLanes: () => readonly number[] };
  readonly robotList: readonly {
    readonly index: number;
    readonly robotType: number;
    readonly node: number;
    readonly occupies: number;
    readonly paused: boolean;
    readonly route: {
      readonly held: boolean;
      readonly position: number;
      readonly flowFrom: number;
      readonly readySeconds: number;
      readonly revisions: readonly Revision[];
    } | null;
  }[];
}

const NOTHING = {
  nodes: new Int32Array(0),
  position: 0,
  stops: [],
  stopIndexes: [],
  handlingSecondsLeft: 0,
};
const SNAPSHOT_MILLISECONDS = 1000;

/**
 * The floor as it is, taken at most once a second of the site's clock: plans of one second share a snapshot, the one
 * from before the first of them. Paths are shared, not copied, so that it costs a few words for each robot.
 */
export function createSnapshots(site: SnapshotSource): () => FloorSnapshot {
  let last: FloorSnapshot | null = null;
  return () => {
    const at = site.clock.now();
    if (last && at >= last.at && at - last.at < SNAPSHOT_MILLISECONDS) return last;
    const robots: RobotOnSite[] = [];
    for (const robot of site.robotList) {
      if (robot.node < 0) continue;
      // One that sends no progress is where its ETAs put it.
      const { index, robotType, node, occupies, paused, route } = robot;
      const place = { robot: index, robotType, node: occupies };
      const drives = route !== null && !route.held && !paused;
      robots.push({ ...place, ...(drives ? rest(route, occupies === node, at) : NOTHING) });
    }
    last = { at, mapVersion: site.graph.mapVersion, closedLanes: site.closures.closedLanes(), robots };
    return last;
  };
}

function rest(
  { revisions, position, flowFrom, readySeconds }: NonNullable<SnapshotSource['robotList'][number]['route']>,
  isWhereItSaid: boolean,
  now: Instant,
) {
  const { nodes, stops, stopIndexes } = revisions[revisions.length - 1]!;
  const plan = { nodes, stops, stopIndexes };
  if (!isWhereItSaid) return { ...plan, position: flowFrom, handlingSecondsLeft: 0 };
  return { ...plan, position, handlingSecondsLeft: Math.max(0, readySeconds - now / 1000) };
}

/**
 * Lets the oldest open routes forget the floor that they were planned on, where together they keep too many places: with
 * a route a second, each of which stays open, that would grow by the robots squared. They cannot be corner cases then.
 * @param openRoutes in order of issue: those of one snapshot are neighbours
 */
export function forgetFloors(openRoutes: ReadonlyMap<unknown, { plannedOn: FloorSnapshot | null }>): void {
  let places = 0;
  let newer: FloorSnapshot | null = null;
  for (const route of [...openRoutes.values()].reverse()) {
    const { plannedOn } = route;
    if (!plannedOn) continue;
    if (plannedOn !== newer) places += plannedOn.robots.length;
    newer = plannedOn;
    if (places > LIMITS.floorPlaces) route.plannedOn = null;
  }
}
