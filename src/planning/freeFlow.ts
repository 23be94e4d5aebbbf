import { LIMITS } from '../domain/limits.js';
import type { Random } from '../platform/random.js';
import { turnRadians, turnSeconds, type LaneGraph } from '../warehouse/laneGraph.js';
import { outlasts, secondsNow, updateSeconds } from './freeFlowChanges.js';
import { createNodeSearch } from './nodeSearch.js';
import type { SearchCosts } from './searchTerms.js';

/** Free-flow seconds from every node to a goal, cached by goal: what a route would take with nobody in the way. */
export interface FreeFlow {
  /**
   * [N] seconds to the goal over open lanes without turning, Infinity where there is no way. With `from` they hold for
   * these nodes and for all that are no farther than the farthest of them; elsewhere they may be too large.
   */
  secondsTo(robotType: number, goal: number, from?: readonly number[]): Float64Array;
  /**
   * Lanes of a fastest path, null where there is none. Ties go to the lane with the lowest index, or with
   * `tieBreaks` to each as likely.
   */
  fastestLanes(robotType: number, from: number, goal: number, tieBreaks?: Random | null): number[] | null;
}

/** Bytes of tables that each of so many warehouses may keep. */
export function tableBytesOf(warehouses: number): number {
  return Math.min(LIMITS.freeFlowTableBytes, LIMITS.freeFlowTableBytesTogether / warehouses);
}

interface Table {
  readonly seconds: Float64Array;
  /** Seconds up to which they are exact. */
  readonly reach: number;
}

/**
 * @param closuresEpoch changes whenever a lane opens or closes, or `graph.freeFlowSeconds` change: of what is kept of
 *   another epoch, tables stay that those lanes do not concern
 * @param tableBytes of all tables; the one unused for longest goes first
 */
export function createFreeFlow(
  graph: LaneGraph,
  closuresEpoch: () => number,
  tableBytes: number = tableBytesOf(1),
): FreeFlow {
  const tablesKept = Math.max(1, Math.floor(tableBytes / (8 * graph.nodeCount)));
  const tables = new Map<number, Table>();
  const backwards = createNodeSearch(reversed(graph));
  const reversedPrices = new Map<number, Float64Array>();
  let epoch = closuresEpoch();

  /** [L of the reversed graph] seconds of each lane that is open, Infinity of each that is closed. */
  const pricesOf = (robotType: number): Float64Array => {
    let prices = reversedPrices.get(robotType);
    if (!prices) {
      prices = Float64Array.from(graph.inLanes, (lane) => secondsNow(graph, robotType, lane));
      reversedPrices.set(robotType, prices);
    }
    return prices;
  };

  /** A lane lies on the fastest ways to some goals: the tables of the others are still right. */
  const renew = (): void => {
    epoch = closuresEpoch();
    for (const [robotType, prices] of reversedPrices) {
      const changes = updateSeconds(graph, robotType, prices);
      for (const [key, { seconds }] of tables) {
        if (key % graph.robotTypes.length === robotType && !outlasts(graph, { robotType, seconds }, changes))
          tables.delete(key);
      }
    }
  };

  const search = (robotType: number, goal: number, from: readonly number[]): Table => {
    const costs: SearchCosts = { prices: pricesOf(robotType), robotType, turnTimeWeight: 0, turnWeight: 0 };
    backwards.run(costs, goal, -1, from);
    const seconds = backwards.costs.slice();
    // Without an end, or where an end cannot be reached, the search went everywhere.
    return { seconds, reach: from.length === 0 ? Infinity : Math.max(...from.map((node) => seconds[node]!)) };
  };

  const secondsTo = (robotType: number, goal: number, from: readonly number[] = []): Float64Array => {
    if (epoch !== closuresEpoch()) renew();
    const key = goal * graph.robotTypes.length + robotType;
    let table = tables.get(key);
    // Taken out and put back: a Map has its keys in order of insertion, so the first is the one unused for longest.
    if (table) tables.delete(key);
    else if (tables.size >= tablesKept) tables.delete(tables.keys().next().value as number);
    // Only as far as it is asked for; who asks again from farther away may well ask from anywhere.
    if (!table) table = search(robotType, goal, from);
    else if (!reaches(table, from)) table = search(robotType, goal, []);
    tables.set(key, table);
    return table.seconds;
  };

  return {
    secondsTo,
    fastestLanes(robotType, from, goal, tieBreaks = null) {
      // Ties are drawn among the ways that the table knows: always all of them, or draws would depend on who asked before.
      const seconds = secondsTo(robotType, goal, tieBreaks ? [] : [from]);
      if (seconds[from] === Infinity) return null;
      const lanes: number[] = [];
      for (let node = from; node !== goal; node = graph.laneTo[lanes[lanes.length - 1]!]!)
        lanes.push(descend(graph, { robotType, seconds, tieBreaks }, node));
      return lanes;
    },
  };
}

function reaches({ seconds, reach }: Table, from: readonly number[]): boolean {
  return reach === Infinity || (from.length > 0 && from.every((node) => seconds[node]! <= reach));
}

interface Descent {
  readonly robotType: number;
  readonly seconds: Float64Array;
  readonly tieBreaks: Random | null;
}

/** The open lane out of `node`, from which there is a way, that lies on a fastest path by the table. */
function descend(graph: LaneGraph, { robotType, seconds, tieBreaks }: Descent, node: number): number {
  let best = -1;
  let bestSeconds = Infinity;
  let ties = 0;
  for (let lane = graph.laneStart[node]!; lane < graph.laneStart[node + 1]!; lane++) {
    if (graph.open[lane] === 0) continue;
    const total = graph.freeFlowSeconds[robotType]![lane]! + seconds[graph.laneTo[lane]!]!;
    if (total < bestSeconds - TIE_SECONDS) {
      bestSeconds = total;
      best = lane;
      ties = 1;
    } else if (tieBreaks && total <= bestSeconds + TIE_SECONDS && tieBreaks.next() * ++ties < 1) {
      best = lane;
    }
  }
  return best;
}
const TIE_SECONDS = 1e-9;

/** The graph with every lane turned round; lane i of it is `graph.inLanes[i]`. Closed lanes are priced, not marked. */
function reversed(graph: LaneGraph): LaneGraph {
  const { inLanes, inStart } = graph;
  return {
    ...graph,
    laneStart: inStart,
    laneFrom: Int32Array.from(inLanes, (lane) => graph.laneTo[lane]!),
    laneTo: Int32Array.from(inLanes, (lane) => graph.laneFrom[lane]!),
    barredTypes: Uint32Array.from(inLanes, (lane) => graph.barredTypes[lane]!),
    open: new Uint8Array(inLanes.length).fill(1),
    turnsTakeTime: graph.turnsTakeTime.map(() => false),
  };
}

/**
 * Free-flow seconds of driving `lane` after `previous` (-1: from standing): the lane, the turn into it,
 * and getting going where the robot stood.
 */
export function moveSeconds(graph: LaneGraph, robotType: number, previous: number, lane: number): number {
  const driving = graph.freeFlowSeconds[robotType]![lane]!;
  if (previous < 0) return driving + graph.robotTypes[robotType]!.startSeconds;
  return driving + turnSeconds(graph, robotType, previous, lane);
}

/** The same of a robot that stands, as at the start of a route and behind a stop: it turns and gets going. */
export function firstMoveSeconds(
  graph: LaneGraph,
  robotType: number,
  previous: number,
  lane: number,
): number {
  const turning = previous < 0 ? 0 : turnSeconds(graph, robotType, previous, lane);
  return moveSeconds(graph, robotType, -1, lane) + turning;
}

/** A change of heading counts as a turn above 45 degrees. */
export function isTurn(graph: LaneGraph, previous: number, lane: number): boolean {
  return previous >= 0 && turnRadians(graph, previous, lane) > Math.PI / 4;
}
