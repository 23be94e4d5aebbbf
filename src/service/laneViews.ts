import type { LaneFilter, LaneName, LaneView } from '../domain/serviceContract.js';
import { laneName, type LaneGraph } from '../warehouse/laneGraph.js';
import type { SiteEntry } from './serviceCore.js';
import { priceView } from './site.js';

/** Lanes in the order of the map: all of them, the closed ones or the open ones. */
export function listLanes({ site, facts }: SiteEntry, { closed }: LaneFilter): readonly LaneView[] {
  const { graph, traffic } = site;
  const { prices } = priceView(site, 0);
  const byClosure = new Set(facts.snapshot().closedLanes.map(keyOf));
  return lanesThatAre(graph, closed).map((lane) => {
    const name = laneName(graph, lane);
    const open = graph.open[lane] === 1;
    const barredTo = graph.barredTypes[lane] === 0 ? [] : typesBarredBy(graph, lane);
    return {
      ...name,
      lengthMetres: graph.lengthMetres[lane]!,
      speedLimit: graph.speedLimit[lane]!,
      open,
      plannedFlow: traffic.flow[lane]!,
      price: Number.isFinite(prices[lane]!) ? prices[lane]! : -1,
      ...(open ? {} : { closedBy: byClosure.has(keyOf(name)) ? 'closure' : 'map' }),
      ...(barredTo.length === 0 ? {} : { barredTo }),
    };
  });
}

function lanesThatAre(graph: LaneGraph, closed: boolean | undefined): number[] {
  const found: number[] = [];
  for (let lane = 0; lane < graph.laneCount; lane++) {
    if (closed === undefined || (graph.open[lane] === 0) === closed) found.push(lane);
  }
  return found;
}

function typesBarredBy({ robotTypes, barredTypes }: LaneGraph, lane: number): string[] {
  return robotTypes.flatMap(({ name }, type) => (((barredTypes[lane]! >>> type) & 1) === 1 ? [name] : []));
}

/** Ids hold no blanks. */
function keyOf({ from, to }: LaneName): string {
  return `${from} ${to}`;
}
