import { secondsNow } from '../planning/freeFlowChanges.js';
import { laneBetween } from '../warehouse/laneGraph.js';
import type { OpenRoute, Site } from './site.js';

/** A robot that is told to wait does so until there may be a way for it that was not there when one was looked for. */

/** Whether another look may find a way: lanes have opened, or `lookAgain` was called. Closing lanes makes no way. */
export function isLookDue({ closures }: Site, route: OpenRoute): boolean {
  return route.heldEpoch !== closures.openedEpoch;
}

/** The next tick looks for a way for this route, should it be held. */
export function lookAgain(route: OpenRoute): void {
  route.heldEpoch = -1;
}

/**
 * Its robot is about to be found at a node. What can be reached from the end of an open lane could be reached from
 * its start: who came by one has no way that it did not have there.
 */
export function lookAgainIfMoved({ graph }: Site, route: OpenRoute, node: number): void {
  const lane = laneBetween(graph, route.robot.node, node);
  if (lane < 0 || secondsNow(graph, route.robotType, lane) === Infinity) lookAgain(route);
}
