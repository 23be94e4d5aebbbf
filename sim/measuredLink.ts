import type {
  RouteAssignedContent,
  RouteRequestContent,
  RouteUpdatedMessage,
} from '../src/domain/messages.js';
import { monotonicMilliseconds } from '../src/platform/clock.js';
import { verifyRoute } from '../src/planning/verifyRoute.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import type { FleetLink } from './fleetLink.js';
import { nodeOf } from './job.js';
import { createLatencies, type LatencySummary } from './latencies.js';

export interface LinkMeasures {
  /** From a request to its route, and from a robot pushed off to its new way. */
  readonly plan: LatencySummary;
  /** From a completion to its score. */
  readonly completion: LatencySummary;
  readonly routes: number;
  /** Received routes that `verifyRoute` refuses. */
  readonly invalidRoutes: number;
  /** The first fault of them, empty where there is none. */
  readonly firstFault: string;
  readonly completionsSent: number;
  /** Sent and never answered, refusals included unless they were sent again and answered. */
  readonly lostCompletions: number;
}

export interface MeasuredLink extends FleetLink {
  measures(): LinkMeasures;
}

/** Measures a link, and checks every route that comes over it with the service's independent checker. */
export function measureLink(link: FleetLink, graph: LaneGraph): MeasuredLink {
  const plan = createLatencies();
  const completion = createLatencies();
  const robotTypes = new Map<string, number>();
  /** Nodes of each open route's stops, in the order of visit. */
  const stopsOfRoute = new Map<string, readonly number[]>();
  const unanswered = new Set<string>();
  let routes = 0;
  let invalidRoutes = 0;
  let firstFault = '';
  let completionsSent = 0;

  const indexOf = (node: string): number => graph.nodeIndexOf.get(node) ?? -1;
  const check = (
    route: RouteAssignedContent | RouteUpdatedMessage,
    from: number,
    stops: readonly number[],
  ): void => {
    routes++;
    const verdict = verifyRoute(graph, {
      robotType: robotTypes.get(route.robotId) ?? -1,
      from,
      stops,
      nodes: route.nodes.map(indexOf),
      stopIndexes: route.stopIndexes,
      etaSeconds: route.etaSeconds,
      cost: route.why.pricedCost,
    });
    if (verdict.kind === 'valid') return;
    invalidRoutes++;
    firstFault ||= `${route.routeId} revision ${route.revision}: ${verdict.fault} at ${verdict.at}`;
  };
  const checkUpdate = (message: RouteUpdatedMessage, from: number): void => {
    const stops = stopsOfRoute.get(message.routeId) ?? [];
    // Pushed off its last stop before it reported: it stands where it is and completes.
    if (message.stopIndexes.length === 0 && message.nodes.length === 1) return;
    check(message, from, stops.slice(stops.length - message.stopIndexes.length));
  };
  const stopsInOrder = (request: RouteRequestContent, answer: RouteAssignedContent): number[] => {
    const stops = answer.stopOrder.map((at) => indexOf(nodeOf(request.stops[at] ?? '')));
    return request.dropoff === undefined ? stops : [...stops, indexOf(nodeOf(request.dropoff))];
  };

  return {
    async hello(robots) {
      for (const { robotId, robotType } of robots) {
        robotTypes.set(robotId, graph.robotTypeIndexOf.get(robotType) ?? -1);
      }
      await link.hello(robots);
    },
    robotState: (message) => link.robotState(message),
    async requestRoute(request) {
      const askedAt = monotonicMilliseconds();
      const answer = await link.requestRoute(request);
      plan.record(monotonicMilliseconds() - askedAt);
      const stops = stopsInOrder(request, answer);
      stopsOfRoute.set(answer.routeId, stops);
      check(answer, indexOf(request.from), stops);
      return answer;
    },
    progress: (message) => link.progress(message),
    async deviated(message) {
      const askedAt = monotonicMilliseconds();
      const answer = await link.deviated(message);
      plan.record(monotonicMilliseconds() - askedAt);
      checkUpdate(answer, indexOf(message.node));
      return answer;
    },
    async completed(report) {
      const sentAt = monotonicMilliseconds();
      if (!unanswered.has(report.routeId)) completionsSent++;
      unanswered.add(report.routeId);
      const answer = await link.completed(report);
      completion.record(monotonicMilliseconds() - sentAt);
      unanswered.delete(report.routeId);
      stopsOfRoute.delete(report.routeId);
      return answer;
    },
    advanceClock: (at) => link.advanceClock(at),
    onUpdate(listener) {
      link.onUpdate((message) => {
        if (message.type === 'route.updated') checkUpdate(message, indexOf(message.nodes[0] ?? ''));
        listener(message);
      });
    },
    close: () => link.close(),
    measures: () => ({
      plan: plan.summary(),
      completion: completion.summary(),
      routes,
      invalidRoutes,
      firstFault,
      completionsSent,
      lostCompletions: unanswered.size,
    }),
  };
}
