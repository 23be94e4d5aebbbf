import { AppError } from '../domain/errors.js';
import type { RouteAssignedContent, RouteRequestContent } from '../domain/messages.js';
import type { NewRecord } from '../journal/records.js';
import type { RoutePlan } from '../journal/routeEntry.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { noWayError } from './heldRoutes.js';
import { planInItsTurns, type PreparedPlan } from './largeTours.js';
import { mayLeave } from './leaving.js';
import { reviseRoute } from './reviseRoute.js';
import { servedVersion, servesPolicy, type ServiceCore, type SiteEntry } from './serviceCore.js';
import type { OpenRoute } from './site.js';
import { dropRoute, openRoute } from './siteRoutes.js';

/**
 * Plans a route and hands it out, once its record is stored; a request that was sent before gets its newest plan.
 * @throws E_UNREACHABLE E_ROUTE_TOO_LONG also where lanes closed while it was stored; and those of the ledger's `issue`
 */
export async function issueRoute(
  core: ServiceCore,
  entry: SiteEntry,
  request: RouteRequestContent,
): Promise<RouteAssignedContent> {
  const { site, ledger, host } = entry;
  let route: OpenRoute | undefined;
  let plannedAt = 0;
  const plan = (requestHash: string, prepared?: PreparedPlan): NewRecord<'route.issued'> => {
    const labels = { routeId: core.newRouteId(), requestHash, policyVersion: servedVersion(core, entry) };
    const imagined = prepared ? prepared.imagined : entry.shadow.imagine(request);
    // Not before: the candidate's plan is another one.
    plannedAt = monotonicMilliseconds();
    const opened = openRoute(site, request, labels, prepared?.orders);
    route = opened.route;
    core.observer.planned(
      site.warehouseId,
      monotonicMilliseconds() - plannedAt,
      opened.record.payload.answer.why.served,
    );
    entry.shadow.compare(imagined, opened.route);
    return opened.record;
  };
  const issued = ledger.issue(request, (requestHash) =>
    planInItsTurns(core, entry, request, (prepared) => plan(requestHash, prepared)),
  );
  const answer = await issued.catch((error: unknown) => {
    if (route) dropRoute(site, route);
    throw error;
  });
  if (!route) return repeatedAnswer(entry, request, answer);
  if (servesPolicy(core, entry)) host.routeLeaves(site, plannedAt);
  // A lane may have closed while the issue was written. The answer itself is asked: whoever closed the lane
  // may have sent the route another way already, under a later revision. Where this fails (a full disk), the route
  // stays open, as the ledger has it: its robot deviates from it, or cancels it.
  const updated = mayLeave(site, route.robotType, answer)
    ? null
    : await reviseRoute(core, entry, route, 'laneClosed');
  if (updated?.type !== 'route.held') {
    route.told = true;
    return updated === null ? answer : { ...answer, ...planOf(updated) };
  }
  await ledger.cancel({ routeId: route.routeId, reason: 'no open way' }, site.clock.now());
  dropRoute(site, route);
  throw noWayError(route, { from: request.from, to: 'its stops' });
}

/**
 * The newest plan of a request that was sent before, if that can be driven from where it asked: it is the only one
 * for which its robot is told of lanes that close. A route that is over is not handed out again, for the same reason.
 * @throws E_ROUTE_CLOSED E_ROUTE_OTHER_MAP
 * @throws E_ROUTE_OPEN its robot says hello and reports where it is (`route.deviated`), or cancels
 */
function repeatedAnswer(
  { site, ledger }: SiteEntry,
  request: RouteRequestContent,
  answer: RouteAssignedContent,
): RouteAssignedContent {
  const { routeId, robotId } = answer;
  const known = ledger.open(routeId);
  const route = site.openRoutes.get(routeId);
  if (!known || site.expiring.has(routeId)) {
    const state = known ? 'closing' : (ledger.find(routeId)?.state ?? 'closed');
    throw new AppError('E_ROUTE_CLOSED', { routeId, state });
  }
  if (!route) throw new AppError('E_ROUTE_OTHER_MAP', { routeId, warehouseId: site.warehouseId });
  const { plan, heldAt } = known;
  const isWhole = plan.nodes[0] === request.from && plan.stopIndexes.length === answer.stopIndexes.length;
  const isHeld = route.held || heldAt !== null;
  if (!isWhole || isHeld || !mayLeave(site, route.robotType, plan)) {
    const detail =
      'it is the answer to this request, but cannot be begun from there now; go on with it, or say hello and send route.deviated';
    throw new AppError('E_ROUTE_OPEN', { robotId, routeId, detail });
  }
  return { ...answer, ...planOf(plan) };
}

function planOf(message: RoutePlan) {
  const { revision, policyVersion, stopOrder, stopIndexes, nodes, etaSeconds, expected, why } = message;
  return { revision, policyVersion, stopOrder, stopIndexes, nodes, etaSeconds, expected, why };
}
