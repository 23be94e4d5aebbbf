import type { RoutingService } from '../domain/serviceContract.js';
import { blobOfFloats } from '../journal/records.js';
import { areLearnable, ROW_SIZE } from '../learning/row.js';
import { wasAside } from '../learning/timesAside.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { lookBack } from './lookBack.js';
import { scoreTrace, unlearntOutcome, updateScoreRatio, type Outcome } from './completions.js';
import { learnsIn } from './modes.js';
import { assertServing, servesPolicy, type ServiceCore, type SiteEntry } from './serviceCore.js';
import { SETTLE_SECONDS, type OpenRoute } from './site.js';
import { dropRoute, stamp } from './siteRoutes.js';
import { standAt } from './tracking.js';

/** Scores a completion once, frees its robot, and hands its rows to the learner. */
export async function completeRoute(
  core: ServiceCore,
  entry: SiteEntry,
  report: Parameters<RoutingService['completeRoute']>[1],
): ReturnType<RoutingService['completeRoute']> {
  assertServing(core);
  const { site, ledger, host } = entry;
  const receivedAt = monotonicMilliseconds();
  const { routeId, trace } = report;
  let outcome: Outcome | undefined;
  let route: OpenRoute | undefined;
  let policyVersion = '';
  const scored = await ledger.complete(report, (known, traceHash) => {
    route = site.openRoutes.get(routeId);
    ({ policyVersion } = known.answer);
    if (known.state !== 'issued')
      outcome = unlearntOutcome(routeId, 'E_TRACE_LATE', { routeId, state: known.state });
    else if (route) outcome = scoreTrace(site, route, trace);
    else {
      const { warehouseId } = site;
      outcome = unlearntOutcome(routeId, 'E_TRACE_OTHER_MAP', { routeId, warehouseId });
    }
    return {
      ...stamp(site),
      kind: 'route.completed',
      payload: {
        routeId,
        robotId: known.robotId,
        traceHash,
        trace,
        scored: outcome.scored,
        firstRow: outcome.firstRow,
        rowLength: ROW_SIZE,
      },
      blob: blobOfFloats(outcome.rows),
    };
  });
  if (!outcome) return scored;
  if (route) finish(entry, route, outcome, trace);
  const { drivenRatio, shortestRatio, firstRow, rows, travelledSeconds } = outcome;
  const isAside = route !== undefined && wasAside(route);
  watch(core, entry, outcome, isAside ? null : route);
  const isCorner =
    route !== undefined &&
    !isAside &&
    travelledSeconds > 0 &&
    lookBack(core, entry, { route, scored, policyVersion, drivenRatio, shortestRatio });
  if (route && scored.learnt) {
    host.learn(site, { firstRow, rows, isCorner, robot: route.robot.index }, receivedAt);
  }
  core.observer.scored(site.warehouseId, scored);
  core.emit({ kind: 'route.scored', warehouseId: site.warehouseId, message: scored });
  return scored;
}

/**
 * Shows the live guards, before anything is learnt from them, rows that nobody's weights have seen.
 * @param judged the route, unless its robot was told to wait, or paused
 */
function watch(
  core: ServiceCore,
  entry: SiteEntry,
  { observed, drivenRatio }: Outcome,
  judged: OpenRoute | null | undefined,
): void {
  const { site, host, shadow } = entry;
  const rows = { rows: observed, rowSize: ROW_SIZE, count: observed.length / ROW_SIZE };
  if (rows.count === 0 || !areLearnable(observed)) return;
  shadow.watch(rows);
  const watched = {
    rows,
    route: judged ? { ratio: drivenRatio, shortestSeconds: judged.shortestSeconds } : null,
  };
  const isServed = servesPolicy(core, entry);
  if (isServed || learnsIn(site.mode)) host.watch(site, watched, isServed);
}

/** The route is over: its robot is free where the trace ended, and the floor's measures know of it. */
function finish(
  { site }: SiteEntry,
  route: OpenRoute,
  outcome: Outcome,
  trace: Parameters<RoutingService['completeRoute']>[1]['trace'],
): void {
  const last = trace[trace.length - 1]!;
  const node = site.graph.nodeIndexOf.get(last[0]);
  // A trace that is refused may end anywhere, and in times to come.
  if (node !== undefined) standAt(site, route.robot, node, Math.min(last[1], site.clock.now()));
  dropRoute(site, route);
  site.completedRoutes++;
  if (outcome.travelledSeconds === 0) return;
  if (!wasAside(route)) {
    site.slowdown.completed(outcome.travelledSeconds, route.shortestSeconds, site.robotsOnFloor);
    updateScoreRatio(site, outcome.scored.ratio);
  }
  if (!route.progressSeen && outcome.scored.learnt) {
    const passages = route.revisions.flatMap((revision) =>
      revision.passages.filter((passage) => passage !== undefined),
    );
    site.unsettled.push({ settleAt: site.clock.now() + 1000 * SETTLE_SECONDS, passages, waits: [] });
  }
}
