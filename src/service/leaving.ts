import type { RoutePlan } from '../journal/routeEntry.js';
import { verifyRoute } from '../planning/verifyRoute.js';
import { expectedPosition } from './expectedPlace.js';
import { isRefuted } from './lastKnown.js';
import type { OpenRoute, Site } from './site.js';

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

/** What is left of a route, if all of it may be sent again: what leaves is what was verified, node for node. */
export function restOf(site: Site, route: OpenRoute, plan: RoutePlan) {
  // While its next plan is being written it waits for that one.
  if (route.held || route.revising.size > 0 || isRefuted(route)) return null;
  const position = expectedPosition(route, site.clock.now());
  const rest = {
    nodes: plan.nodes.slice(position),
    // With a stop where it stands: whether that is handled only its robot knows.
    stopIndexes: plan.stopIndexes.filter((index) => index >= position).map((index) => index - position),
    etaSeconds: plan.etaSeconds.slice(position),
    why: plan.why,
  };
  return mayLeave(site, route.robotType, rest) ? rest : null;
}
