import type { RouteAssignedContent, RouteUpdatedMessage } from '../../../src/domain/messages.js';
import { updatesIn } from './closing.js';
import { cell, SITE, type TestService } from './startService.js';

/** The nodes of the stops that a plan has, in its order. */
export function stopsOf(plan: {
  readonly nodes: readonly string[];
  readonly stopIndexes: readonly number[];
}): (string | undefined)[] {
  return plan.stopIndexes.map((index) => plan.nodes[index]);
}

/** The newest that a robot was sent unasked. */
export function newestPlan({ events }: TestService): RouteUpdatedMessage {
  return updatesIn(events).at(-1)!;
}

/** A robot asks for another plan from where it stands, now. */
export function deviate(
  { service, now }: TestService,
  { routeId }: RouteAssignedContent,
  revision: number,
  at: string,
): Promise<RouteUpdatedMessage> {
  return service.routeDeviated(SITE, {
    ...{ type: 'route.deviated', routeId, revision, node: cell(at), at: now() },
  });
}
