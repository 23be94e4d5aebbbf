import type { HandMadePrice } from '../../src/policy/pricing.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { FleetLink } from '../fleetLink.js';

/** Share of each new observation in the average. */
const BLEND = 0.1;

/** Prices lanes by what robots lately took for them: no model, no planned flow. */
export interface ObservedDelay {
  readonly price: HandMadePrice;
  /** A link that listens to where robots are before the service does. */
  readonly listen: (link: FleetLink) => FleetLink;
}

/** The exponential average, lane by lane, of observed seconds beyond free flow; an unseen lane costs free flow. */
export function createObservedDelay(graph: LaneGraph): ObservedDelay {
  const delaySeconds = new Float64Array(graph.laneCount);
  const freeFlow = graph.freeFlowSeconds.reduce((a, b) =>
    a.map((seconds, lane) => Math.min(seconds, b[lane]!)),
  );
  /** By route: where its robot was last, and since when. */
  const places = new Map<string, { readonly node: number; readonly at: number }>();
  let now = 0;

  const arrive = (routeId: string, nodeId: string, at: number): void => {
    const node = graph.nodeIndexOf.get(nodeId)!;
    const before = places.get(routeId);
    places.set(routeId, { node, at });
    const lane = before ? laneBetween(graph, before.node, node) : -1;
    if (!before || lane < 0) return;
    const delay = Math.max(0, (at - before.at) / 1000 - freeFlow[lane]!);
    delaySeconds[lane]! += BLEND * (delay - delaySeconds[lane]!);
  };

  return {
    price: (lane) => delaySeconds[lane]!,
    listen: (link) => ({
      ...link,
      async requestRoute(request) {
        const answer = await link.requestRoute(request);
        places.set(answer.routeId, { node: graph.nodeIndexOf.get(request.from)!, at: now });
        return answer;
      },
      progress(message) {
        arrive(message.routeId, message.node, message.at);
        link.progress(message);
      },
      deviated(message) {
        arrive(message.routeId, message.node, message.at);
        return link.deviated(message);
      },
      completed(report) {
        places.delete(report.routeId);
        return link.completed(report);
      },
      advanceClock(at) {
        now = at;
        return link.advanceClock(at);
      },
    }),
  };
}
