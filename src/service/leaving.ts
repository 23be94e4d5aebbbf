import type { Instant } from '../domain/ids.js';
import type { RoutePlan } from '../journal/routeEntry.js';
import { verifyRoute } from '../planning/verifyRoute.js';
import { expectedPosition } from './expectedPlace.js';
import type { OpenRoute, Site } from './site.js';
import { latestRevision } from './tracking.js';

/**
 * What may leave as the lanes are now. Each plan was verified when it was made; between that and the moment it is
 * sent lies a commit, in which lanes may close.
 */

/** Whether a whole plan may be sent. */
export function mayLeave(
  { graph }: Site,
  robotType: number,
  plan: Pick<RoutePlan, 'nodes' | 'stopIndexes' | 'etaSeconds' | 'why'>,
): boolean {
  const nodes = plan.nodes.map((nodeId) => graph.nodeIndexOf.get(nodeId) ?? -1);
  const stops = plan.stopIndexes.map((index) => nodes[index] ?? -1);
  // A robot pushed off its last stop before it reported has nowhere left to go.
  if (stops.length === 0) return nodes.length === 1;
  const { stopIndexes, etaSeconds } = plan;
  const claim = { robotType, from: nodes[0]!, stops, nodes, stopIndexes, etaSeconds };
  return verifyRoute(graph, { ...claim, cost: plan.why.pricedCost }).kind === 'valid';
}

/** Whether the part of a route that its robot still has before it may be sent again. */
export function restMayLeave(site: Site, route: OpenRoute, now: Instant): boolean {
  if (route.held) return false;
  const { nodes, stops, stopIndexes, etaSeconds } = latestRevision(route);
  const position = expectedPosition(route, now);
  const next = stopIndexes.findIndex((index) => index > position);
  if (next < 0) return true;
  const verdict = verifyRoute(site.graph, {
    robotType: route.robotType,
    from: nodes[position]!,
    stops: stops.slice(next).map(({ node }) => node),
    nodes: nodes.subarray(position),
    stopIndexes: stopIndexes.slice(next).map((index) => index - position),
    etaSeconds: etaSeconds.subarray(position),
    cost: 0,
  });
  return verdict.kind === 'valid';
}
