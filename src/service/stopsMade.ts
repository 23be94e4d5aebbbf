import { latestRevision, type Revision } from '../learning/issuedRoute.js';
import type { OpenRoute } from './site.js';

/** Stops of a route, which keep their order: a plan has the last of them, and leaves out those that were made before. */

/** Stops at the current position are handled: the next lane's clock starts after them. */
export function finishStops(route: OpenRoute, revision: Revision): void {
  for (
    let index = revision.stopIndexes[route.stopsDone];
    index !== undefined && index <= route.position;
    index = revision.stopIndexes[route.stopsDone]
  ) {
    const stop = revision.stops[route.stopsDone++]!;
    // Sparse progress may have passed over a stop: it is done, but its handling is over as well.
    if (index < route.position) continue;
    route.readySeconds += stop.handlingSeconds;
    route.stands = true;
  }
}

/** How many stops of the whole tour are taken for made. */
export function stopsMade(route: OpenRoute): number {
  return stopsLeftOut(route, latestRevision(route)) + route.stopsDone;
}

/** How many stops of the whole tour a plan of it leaves out: those made before, since their order stays. */
export function stopsLeftOut({ revisions }: OpenRoute, { stops }: Revision): number {
  return revisions[0]!.stops.length - stops.length;
}

/** Its robot says as progress where it is: of the first stop that it had not told of, it has if that is there. */
export function tellOfStops(route: OpenRoute, node: number): void {
  const { stops } = route.revisions[0]!;
  const made = stopsMade(route);
  while (route.stopsTold !== null && route.stopsTold < made && stops[route.stopsTold]!.node === node)
    route.stopsTold++;
}

/** The tour that is left, from where the robot is; the order of visit stays. */
export function remainingTour(route: OpenRoute) {
  const { revision, stopsDone } = route.lastKnown?.refuted
    ? route.lastKnown
    : { revision: latestRevision(route), stopsDone: route.stopsDone };
  const { stops, stopOrder } = revision;
  return { stops: stops.slice(stopsDone), stopOrder: stopOrder.slice(stopsDone) };
}
