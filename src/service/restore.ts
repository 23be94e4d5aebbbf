import { AppError, isAppError } from '../domain/errors.js';
import type { Instant, LaneIndex, RouteId } from '../domain/ids.js';
import type { LaneName } from '../domain/serviceContract.js';
import { createWarehouseState, loadCheckpoint, type WarehouseState } from '../journal/journalState.js';
import { ALL_WAREHOUSES, floatsOfBlob, type JournalRecord, type RouteRevised } from '../journal/records.js';
import type { RouteEntry, RoutePlan } from '../journal/routeEntry.js';
import { latestRevision, type Revision } from '../learning/issuedRoute.js';
import type { Passage } from '../learning/passage.js';
import { laneBetween } from '../warehouse/laneGraph.js';
import { cornerCaseOf } from './cornerCaseRecord.js';
import { beginHold, endHold } from './heldRoutes.js';
import { keepLastKnown } from './lastKnown.js';
import { isOfMap } from './mapSize.js';
import { withdrawFlow } from './plannedFlow.js';
import type { ServiceCore, SiteEntry } from './serviceCore.js';
import { addRobot, plannedStop, type Robot, type Site } from './site.js';
import { createOpenRoute, startRoute } from './siteRoutes.js';
import { applyWeights } from './siteUseCases.js';
import { arrive, standAt, startRevision } from './tracking.js';

/** A plan as the journal holds it, with its blob of features. */
interface JournalledPlan {
  readonly plan: RoutePlan;
  /** From when it counts, and when it was made. */
  readonly at: Instant;
  readonly madeAt: Instant;
  readonly features: Float32Array;
  readonly assumed: boolean;
  readonly readyInSeconds: number;
  /** Of the hold that it ended. */
  readonly heldFrom: Instant | null;
  /** How its robot set out. */
  readonly cameFrom: string | null;
  readonly drives: boolean;
}

/**
 * Rebuilds ledgers, planned flow of open routes, closures, modes and reward weights: from the newest
 * checkpoint, and from the records after it.
 * @param onLeftOut told why a corner case is not there any more
 */
export async function restoreSites(core: ServiceCore, onLeftOut: (error: unknown) => void): Promise<void> {
  const { journal, entries } = core;
  const plans = new Map<string, JournalledPlan[]>();
  const checkpoint = journal.upkeep?.checkpoint() ?? null;
  if (checkpoint !== null) {
    await loadCheckpoint(checkpoint, {
      stateOf: (warehouseId) => stateOf(core, warehouseId),
      readListed: (sequences) => journal.readListed(sequences),
      onRecord: (record) => collectPlans(plans, record),
    });
  }
  for await (const record of checkpoint === null ? journal.read() : journal.read(checkpoint.sequence + 1)) {
    if (record.kind === 'record.lost')
      for (const { ledger } of [...entries.values(), ...core.dormant.values()]) ledger.apply(record);
    if (record.warehouseId === ALL_WAREHOUSES) continue;
    const state = stateOf(core, record.warehouseId);
    state.ledger.apply(record);
    state.facts.apply(record, record.sequence);
    if (entries.has(record.warehouseId)) collectPlans(plans, record);
  }
  journal.subscribe((record, sequence) => entries.get(record.warehouseId)?.facts.apply(record, sequence));
  for (const entry of entries.values()) {
    applyFacts(entry);
    await restoreCornerCases(core, entry, onLeftOut);
    for (const known of entry.ledger.openRoutes().values()) {
      reopen(entry, known, plans.get(known.routeId) ?? []);
    }
  }
}

function stateOf({ entries, dormant }: ServiceCore, warehouseId: string): WarehouseState {
  const known = entries.get(warehouseId) ?? dormant.get(warehouseId);
  if (known !== undefined) return known;
  const state = createWarehouseState();
  dormant.set(warehouseId, state);
  return state;
}

function applyFacts({ site, facts }: SiteEntry): void {
  const { weights, mode, latestAt, rowsMade, improvement, ...lanes } = facts.snapshot();
  assertClockFits(site, latestAt);
  if (weights !== null) applyWeights(site, weights);
  if (mode !== null) site.mode = mode;
  site.closures.open((lanes.openedLanes ?? []).flatMap((lane) => knownLane(site, lane)));
  site.closures.close(lanes.closedLanes.flatMap((lane) => knownLane(site, lane)));
  // A driven clock goes on where the journal ends: what is stamped next must not come before it.
  site.driven?.advanceTo(Math.max(site.driven.now(), latestAt));
  site.rowsMade = rowsMade;
  if (improvement === null) return;
  const { mapVersion: _mapVersion, mapSize: _mapSize, weights: _weights, ...state } = improvement;
  if (isOfMap(site.graph, improvement)) site.hindsight.improvement.restore(state);
}

/** Later than any driven clock, which begins at 0, and before any other. */
const WALL_CLOCK_FROM = Date.UTC(2000, 0);

/** Under the other clock all its open routes would be over, or their ETAs far ahead. @throws E_CONFIG */
function assertClockFits({ driven, warehouseId }: Site, latestAt: Instant): void {
  const isDriven = driven !== null;
  if (latestAt === 0 || isDriven === latestAt < WALL_CLOCK_FROM) return;
  const detail = isDriven
    ? `the data of ${warehouseId} has the wall's clock: serve it without --driven-clock`
    : `the data of ${warehouseId} has a driven clock: serve it with --driven-clock, or with other data`;
  throw new AppError('E_CONFIG', { detail });
}

/** Those of this map whose records can be read; the others are forgotten. No route depends on them, so none stops a start. */
async function restoreCornerCases(
  { journal }: ServiceCore,
  { site, facts }: SiteEntry,
  onLeftOut: (error: unknown) => void,
): Promise<void> {
  const { cornerCases } = site.hindsight;
  const listed = facts.snapshot().cornerCases.map(([, sequence]) => sequence);
  const held = listed.filter((sequence) => sequence >= journal.firstSequence());
  for (const record of await readReadable(journal, held, onLeftOut)) {
    const found = record.kind === 'corner.kept' ? cornerCaseOf(site.graph, record) : null;
    if (found) cornerCases.keep(found);
  }
  facts.keepCornerCases((routeId) => cornerCases.find(routeId) !== undefined);
}

/** All at once where they are sound, else by halves: what is damaged is found in a few more reads. */
async function readReadable(
  journal: ServiceCore['journal'],
  sequences: readonly number[],
  onLeftOut: (error: unknown) => void,
): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  try {
    for await (const record of journal.readListed(sequences)) records.push(record);
    return records;
  } catch (error) {
    if (!isAppError(error) || error.code !== 'E_JOURNAL_CORRUPT') throw error;
    if (sequences.length > 1) {
      const half = sequences.length >> 1;
      const halves = [sequences.slice(0, half), sequences.slice(half)];
      const read = halves.map((part) => readReadable(journal, part, onLeftOut));
      return (await Promise.all(read)).flat();
    }
    onLeftOut(error);
    return [];
  }
}

/** None where a newer map has no such lane. */
function knownLane({ graph }: Site, { from, to }: LaneName): LaneIndex[] {
  const start = graph.nodeIndexOf.get(from);
  const end = graph.nodeIndexOf.get(to);
  if (start === undefined || end === undefined) return [];
  const lane = laneBetween(graph, start, end);
  return lane < 0 ? [] : [lane];
}

function collectPlans(plans: Map<string, JournalledPlan[]>, record: JournalRecord): void {
  if (record.kind === 'route.issued') {
    plans.set(record.payload.routeId, [planOf(record)]);
  } else if (record.kind === 'route.revised') {
    plans.get(record.payload.routeId)?.push(planOf(record));
  } else if (
    record.kind === 'route.completed' ||
    record.kind === 'route.cancelled' ||
    record.kind === 'route.expired'
  ) {
    plans.delete(record.payload.routeId);
  }
}

function planOf(record: JournalRecord<'route.issued' | 'route.revised'>): JournalledPlan {
  const { answer: plan, cameFrom = null, drives = false } = record.payload;
  const { assumed, inForceAt, readyInSeconds, heldFrom }: Partial<RouteRevised> =
    record.kind === 'route.revised' ? record.payload : {};
  return {
    ...{ plan, at: inForceAt ?? record.at, madeAt: record.at, features: floatsOfBlob(record.blob) },
    ...{ cameFrom, drives },
    ...{ assumed: assumed === true, readyInSeconds: readyInSeconds ?? 0, heldFrom: heldFrom ?? null },
  };
}

function reopen({ site }: SiteEntry, known: RouteEntry, plans: readonly JournalledPlan[]): void {
  const robot = rememberRobot(site, known);
  if (!robot) return;
  const route = createOpenRoute({
    robot,
    routeId: known.routeId as RouteId,
    request: known.request,
    at: known.issuedAt,
    shortestSeconds: known.shortestSeconds,
  });
  route.told = true;
  const revisions = plans.map((journalled) => revisionFrom(site, known, journalled));
  // The map has changed under the route: what is left of it is for its robot to say.
  if (revisions.includes(null)) return;
  revisions.forEach((revision, index) => {
    if (!revision) return;
    const { assumed, madeAt, readyInSeconds, heldFrom } = plans[index]!;
    if (heldFrom !== null) beginHold(site, route, heldFrom);
    endHold(site, route, madeAt);
    if (!assumed) route.lastKnown = null;
    else keepLastKnown(route);
    standAt(site, robot, revision.nodes[0]!, revision.at);
    if (index === 0) startRoute(site, route, revision);
    else {
      withdrawFlow(site, route);
      route.readySeconds = revision.at / 1000 + readyInSeconds;
      startRevision(site, route, revision);
    }
  });
  // What its robot reported of the stops that the newest plan leaves out is not in the journal.
  if (latestRevision(route).stops.length < route.revisions[0]!.stops.length) route.stopsTold = 0;
  if (known.heldAt === null || known.heldFrom === null) return;
  if (known.assumed) keepLastKnown(route);
  else route.lastKnown = null;
  const waitsAt = site.graph.nodeIndexOf.get(known.heldAt);
  if (waitsAt !== undefined && waitsAt !== robot.node)
    arrive(site, route, { node: waitsAt, at: known.plannedAt });
  withdrawFlow(site, route);
  beginHold(site, route, known.heldFrom);
}

function rememberRobot(site: Site, known: RouteEntry): Robot | null {
  const robotType = site.graph.robotTypeIndexOf.get(known.robotType);
  return robotType === undefined ? null : addRobot(site, known.robotId, robotType);
}

/** Null where the map has changed under the route. */
function revisionFrom(
  site: Site,
  known: RouteEntry,
  { plan, at, features, cameFrom, drives }: JournalledPlan,
): Revision | null {
  const nodes = Int32Array.from(plan.nodes, (nodeId) => site.graph.nodeIndexOf.get(nodeId) ?? -1);
  if (nodes.includes(-1)) return null;
  const lanes = Int32Array.from(nodes.subarray(1), (node, i) => laneBetween(site.graph, nodes[i]!, node));
  if (lanes.includes(-1)) return null;
  const { request } = known;
  const stops = plan.stopOrder.map((position) => plannedStop(site, request.stops[position]!));
  if (request.dropoff !== undefined && stops.length < plan.stopIndexes.length) {
    stops.push(plannedStop(site, request.dropoff));
  }
  const cameFromNode = cameFrom === null ? undefined : site.graph.nodeIndexOf.get(cameFrom);
  return {
    ...{ at, drives },
    arrivalLane: cameFromNode === undefined ? -1 : laneBetween(site.graph, cameFromNode, nodes[0]!),
    nodes,
    lanes,
    stops,
    stopIndexes: plan.stopIndexes,
    stopOrder: plan.stopOrder,
    etaSeconds: Float64Array.from(plan.etaSeconds),
    features,
    predictedWait: null,
    passages: new Array<Passage | undefined>(lanes.length),
  };
}
