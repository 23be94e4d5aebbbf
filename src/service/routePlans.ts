import { AppError } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { RouteRequestContent } from '../domain/messages.js';
import type { RoutePlan } from '../journal/routeEntry.js';
import type { ChosenOrders } from '../planning/planner.js';
import type { Plan, TourTask } from '../planning/tourTask.js';
import { stopsAllowed } from '../planning/tourLimit.js';
import { verifyRoute } from '../planning/verifyRoute.js';
import {
  priceView,
  plannedStop,
  nodeIndex,
  robotNamed,
  type OpenRoute,
  type Robot,
  type Site,
} from './site.js';
import { remainingTour } from './stopsMade.js';

/** The tour that a request asks for. @throws E_NO_STOPS E_TOO_MANY_STOPS E_UNKNOWN_NODE E_UNKNOWN_ROBOT */
export function taskOf(site: Site, request: RouteRequestContent): { task: TourTask; robot: Robot } {
  const count = request.stops.length;
  if (count === 0) throw new AppError('E_NO_STOPS');
  const robot = robotNamed(site, request.robotId);
  // Only here: a tour that was taken is planned anew whatever its size, in the order once chosen.
  const limit = stopsAllowed(site.graph, robot.robotType, site.weights.turns);
  if (count > limit) throw new AppError('E_TOO_MANY_STOPS', { limit, count });
  const from = nodeIndex(site, request.from);
  const task: TourTask = {
    robotType: robot.robotType,
    from,
    arrivalLane: robot.node === from ? robot.arrivalLane : -1,
    stops: request.stops.map((stop) => plannedStop(site, stop)),
    dropoff: request.dropoff === undefined ? null : plannedStop(site, request.dropoff),
    fixedOrder: false,
    readyInSeconds: 0,
    deadlineSeconds: request.deadlineAt === undefined ? null : (request.deadlineAt - site.clock.now()) / 1000,
  };
  return { task, robot };
}

/** Until its robot is done with the stop that it is handling; 0 where it is at none. */
export function readyInSeconds({ readySeconds }: OpenRoute, at: Instant): number {
  return Math.max(0, readySeconds - at / 1000);
}

/** What is left of a route, from where its robot stands, in the order once chosen. */
export function remainingTask(site: Site, route: OpenRoute): TourTask {
  return {
    robotType: route.robotType,
    from: route.robot.node,
    arrivalLane: route.previousLane,
    drives: !route.stands,
    stops: remainingTour(route).stops,
    dropoff: null,
    fixedOrder: true,
    readyInSeconds: readyInSeconds(route, site.clock.now()),
    deadlineSeconds: route.deadlineAt === null ? null : (route.deadlineAt - site.clock.now()) / 1000,
  };
}

/**
 * Plans under the prices of now and verifies the answer before anyone sees it.
 * @param chosen as `Planner.plan` has it
 * @throws E_UNREACHABLE E_ROUTE_TOO_LONG
 */
export function planTour(site: Site, task: TourTask, chosen?: ChosenOrders): Plan {
  const plan = site.planner.plan(task, priceView(site, task.robotType), chosen);
  if (plan.kind === 'unreachable') {
    throw new AppError('E_UNREACHABLE', {
      from: site.graph.nodeIds[plan.from]!,
      to: site.graph.nodeIds[plan.to]!,
    });
  }
  if (plan.nodes.length > LIMITS.nodesPerRoute)
    throw new AppError('E_ROUTE_TOO_LONG', { limit: LIMITS.nodesPerRoute });
  if (plan.why.served === 'shortest') site.detoursRefused++;
  // A robot pushed off its last stop before it reported has nowhere left to go.
  if (task.stops.length === 0 && plan.nodes.length === 1) return plan;
  const verdict = verifyRoute(site.graph, {
    robotType: task.robotType,
    from: task.from,
    stops: plan.stops.map((stop) => stop.node),
    nodes: plan.nodes,
    stopIndexes: plan.stopIndexes,
    etaSeconds: plan.etaSeconds,
    cost: plan.why.pricedCost,
  });
  // A planner that makes invalid routes is broken: no robot may get one, and no retry will help.
  if (verdict.kind === 'invalid')
    throw new Error(`planned an invalid route: ${verdict.fault} at ${verdict.at}`);
  return plan;
}

/** A plan in the words of the wire; `stopOrder` in positions of the request. */
export function describePlan(
  site: Site,
  plan: Plan,
  stopOrder: readonly number[],
  labels: { readonly revision: number; readonly policyVersion: string },
): RoutePlan {
  return {
    ...labels,
    stopOrder: [...stopOrder],
    stopIndexes: [...plan.stopIndexes],
    nodes: Array.from(plan.nodes, (node) => site.graph.nodeIds[node]!),
    etaSeconds: Array.from(plan.etaSeconds, (seconds) => Math.round(seconds * 1000) / 1000),
    expected: plan.expected,
    why: plan.why,
  };
}

/** Whether a path uses open lanes only, from a position on. */
export function isStillOpen(site: Site, lanes: Int32Array, from: number): boolean {
  for (let i = from; i < lanes.length; i++) if (site.graph.open[lanes[i]!] === 0) return false;
  return true;
}
