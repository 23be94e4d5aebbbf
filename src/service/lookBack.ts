import type { RouteScoredContent } from '../domain/messages.js';
import type { NewRecord } from '../journal/records.js';
import { cornerCaseRecord } from './cornerCaseRecord.js';
import { weightOfNewest } from './completions.js';
import { errorSecondsOf, placeRobots } from './cornerCases.js';
import { mapSizeOf } from './mapSize.js';
import type { ServiceCore, SiteEntry } from './serviceCore.js';
import type { OpenRoute, Site } from './site.js';
import { stamp } from './siteRoutes.js';

/** A scored route, in hindsight. */
export interface FinishedRoute {
  readonly route: OpenRoute;
  readonly scored: RouteScoredContent;
  /** What served when it was issued. */
  readonly policyVersion: string;
  /** See `Outcome`. */
  readonly drivenRatio: number;
  /** Ratio to free flow of the shortest tour under what lanes really cost; null where it was not measured. */
  readonly shortestRatio: number | null;
}

/**
 * Takes a completed route into the warehouse's long memory: its time to improvement, and its corner cases.
 * @returns whether the route is a corner case
 */
export function lookBack(core: ServiceCore, { site }: SiteEntry, finished: FinishedRoute): boolean {
  const { route, scored, policyVersion, drivenRatio, shortestRatio } = finished;
  if (scored.regretSeconds !== null) rememberRegret(site, scored.regretSeconds);
  const isNews = site.hindsight.improvement.completed({
    issuedAt: route.issuedAt,
    at: site.clock.now(),
    ratio: drivenRatio,
    plannedBy: policyVersion === 'free-flow' ? 'freeFlow' : 'policy',
    shortestRatio,
    robots: site.robotsOnFloor,
  });
  if (isNews) write(core, site, improvementRecord(site));
  return policyVersion !== 'free-flow' && keepIfCorner(core, site, finished);
}

/** How far the warehouse's time to improvement is. */
export function improvementRecord(site: Site): NewRecord<'improvement.set'> {
  return {
    ...stamp(site),
    kind: 'improvement.set',
    payload: {
      ...site.hindsight.improvement.state(),
      ...{ mapVersion: site.graph.mapVersion, mapSize: mapSizeOf(site.graph), weights: { ...site.weights } },
    },
  };
}

function rememberRegret(site: Site, regretSeconds: number): void {
  const { hindsight } = site;
  const before = hindsight.regretSeconds ?? 0;
  const weight = weightOfNewest(++hindsight.regretsMeasured, site.robotsOnFloor);
  hindsight.regretSeconds = before + weight * (regretSeconds - before);
}

function keepIfCorner(
  core: ServiceCore,
  site: Site,
  { route, scored, policyVersion }: FinishedRoute,
): boolean {
  const { predictedWait } = route.revisions[0]!;
  if (!route.plannedOn || !predictedWait) return false;
  const waits = {
    predictedWaitSeconds: sum(predictedWait),
    observedWaitSeconds: scored.components.wait,
  };
  const completedAt = site.clock.now();
  if (!site.hindsight.cornerCases.wouldKeep(errorSecondsOf(waits), completedAt)) return false;
  const found = {
    routeId: route.routeId,
    robotId: route.robotId,
    plannedAt: route.issuedAt,
    completedAt,
    policyVersion,
    mapVersion: route.plannedOn.mapVersion,
    ...waits,
    closedLanes: route.plannedOn.closedLanes,
    robots: placeRobots(route.plannedOn, route, route.robot.index),
  };
  const evicted = site.hindsight.cornerCases.keep(found);
  write(core, site, cornerCaseRecord(site.graph, found, evicted));
  return true;
}

/** Nobody waits for these records: a robot's answer does not depend on them, and the next one tells as much. */
function write(core: ServiceCore, { warehouseId }: Site, record: NewRecord): void {
  core.journal.append(record).catch((error: unknown) => {
    core.emit({ kind: 'upkeep.failed', warehouseId, detail: String(error) });
  });
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
