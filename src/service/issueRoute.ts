import { AppError } from '../domain/errors.js';
import type { RouteAssignedContent, RouteRequestContent } from '../domain/messages.js';
import type { RoutePlan } from '../journal/routeEntry.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { noWayError } from './heldRoutes.js';
import { mayLeave } from './leaving.js';
import { reviseRoute } from './reviseRoute.js';
import { servedVersion, servesPolicy, type ServiceCore, type SiteEntry } from './serviceCore.js';
import type { OpenRoute } from './site.js';
import { dropRoute, openRoute } from './siteRoutes.js';

/**
 * Plans a route and hands it out, once its record is stored; a request that was sent before gets its first answer.
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
  const issued = ledger.issue(request, (requestHash) => {
    const labels = { routeId: core.newRouteId(), requestHash, policyVersion: servedVersion(core, entry) };
    const imagined = entry.shadow.imagine(request);
    // Not before: the candidate's plan is another one.
    plannedAt = monotonicMilliseconds();
    const opened = openRoute(site, request, labels);
    route = opened.route;
    core.observer.planned(
      site.warehouseId,
      monotonicMilliseconds() - plannedAt,
      opened.record.payload.answer.why.served,
    );
    entry.shadow.compare(imagined, opened.route);
    return opened.record;
  });
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
 * The first answer again, unless a lane of it closed meanwhile: then what its robot was told since, if that can be
 * driven from where it asked. A route that is over is not handed out again: nobody would tell of lanes that close.
 * @throws E_ROUTE_CLOSED @throws E_ROUTE_OPEN its robot reports where it is (`route.deviated`), or cancels
 */
function repeatedAnswer(
  { site, ledger }: SiteEntry,
  request: RouteRequestContent,
  answer: RouteAssignedContent,
): RouteAssignedContent {
  const { routeId, robotId } = answer;
  const known = ledger.open(routeId);
  if (!known)
    throw new AppError('E_ROUTE_CLOSED', { routeId, state: ledger.find(routeId)?.state ?? 'closed' });
  const robotType = site.graph.robotTypeIndexOf.get(known.robotType) ?? -1;
  if (mayLeave(site, robotType, answer)) return answer;
  const { plan, heldAt } = known;
  const isWhole = plan.nodes[0] === request.from && plan.stopIndexes.length === answer.stopIndexes.length;
  if (!isWhole || heldAt !== null || !mayLeave(site, robotType, plan)) {
    throw new AppError('E_ROUTE_OPEN', { robotId, routeId });
  }
  return { ...answer, ...planOf(plan) };
}

function planOf(message: RoutePlan) {
  const { revision, policyVersion, stopOrder, stopIndexes, nodes, etaSeconds, expected, why } = message;
  return { revision, policyVersion, stopOrder, stopIndexes, nodes, etaSeconds, expected, why };
}
