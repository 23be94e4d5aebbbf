import type { LaneFilter, LaneView } from '../domain/serviceContract.js';
import { laneKey } from '../journal/siteFacts.js';
import { laneName, type LaneGraph } from '../warehouse/laneGraph.js';
import type { SiteEntry } from './serviceCore.js';
import { priceView } from './site.js';

/**
 * Lanes in the order of the map: all of them, the closed ones or the open ones. Each is made when it is asked for, and all
 * are as they were when the first was.
 */
export function* eachLane({ site, facts }: SiteEntry, { closed }: LaneFilter): Generator<LaneView> {
  const { graph } = site;
  const prices = priceView(site, 0).prices.slice();
  const flow = site.traffic.flow.slice();
  const openLanes = graph.open.slice();
  const byClosure = new Set(facts.snapshot().closedLanes.map(laneKey));
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const open = openLanes[lane] === 1;
    if (closed === open) continue;
    const name = laneName(graph, lane);
    const barredTo = graph.barredTypes[lane] === 0 ? [] : typesBarredBy(graph, lane);
    yield {
      ...name,
      lengthMetres: graph.lengthMetres[lane]!,
      speedLimit: graph.speedLimit[lane]!,
      open,
      plannedFlow: flow[lane]!,
      price: open && Number.isFinite(prices[lane]!) ? prices[lane]! : -1,
      ...(open ? {} : { closedBy: byClosure.has(laneKey(name)) ? 'closure' : 'map' }),
      ...(barredTo.length === 0 ? {} : { barredTo }),
    };
  }
}

function typesBarredBy({ robotTypes, barredTypes }: LaneGraph, lane: number): string[] {
  return robotTypes.flatMap(({ name }, type) => (((barredTypes[lane]! >>> type) & 1) === 1 ? [name] : []));
}
