import type { NodeIndex } from '../../src/domain/ids.js';
import { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import { stopsAllowedForAll } from '../../src/planning/tourLimit.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { Order } from './order.js';
import { createPopularity, type PopularityOptions } from './popularity.js';
import { reachOf } from './reach.js';

/** Relative arrival rate of each hour of a day: quiet nights, a peak before noon and one in the evening. */
export const WORKING_DAY: readonly number[] = [
  0.3, 0.2, 0.2, 0.2, 0.3, 0.5, 0.8, 1.1, 1.4, 1.6, 1.6, 1.4, 1.2, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.6, 1.3,
  1.0, 0.7, 0.5,
];

export interface OrderStreamOptions extends PopularityOptions {
  readonly seed: number;
  readonly durationSeconds: number;
  /** Averaged over the day. */
  readonly ordersPerHour: number;
  /** [24] relative rate of each hour; their mean counts as 1. */
  readonly hourlyRates: readonly number[];
  /** Hour of the day at which the stream begins, 0 to 24. */
  readonly startHour: number;
  /** Relative frequency of orders of 1, 2, 3, ... picks. */
  readonly picksWeights: readonly number[];
  /** Share of orders with priority 5. */
  readonly urgentShare: number;
  /** Seconds that every order has; 0: no deadlines. */
  readonly deadlineSeconds: number;
}

/** One to eight picks, mostly few; a tenth of the assortment makes about half of the picks. */
export const DEFAULT_STREAM: Omit<OrderStreamOptions, 'seed' | 'durationSeconds' | 'ordersPerHour'> = {
  hourlyRates: WORKING_DAY,
  startHour: 8,
  picksWeights: [8, 6, 5, 4, 3, 2, 1, 1],
  urgentShare: 0,
  deadlineSeconds: 0,
  zipfExponent: 0.8,
  hotZones: 2,
  hotZoneRadiusMetres: 6,
  hotZoneFactor: 4,
  driftSeconds: 3600,
};

/**
 * Orders as they come in: a Poisson process whose rate follows the time of day, picks by popularity and
 * without repetition in an order, a station by lot. Same options, same orders. What the most restricted robot
 * type cannot reach is left out, so that any robot can serve any order.
 * @throws E_USAGE where the options make no stream.
 */
export function generateOrders(graph: LaneGraph, options: OrderStreamOptions): Iterable<Order> {
  const reaches = graph.robotTypes.map((_, type) => reachOf(graph, type));
  const pickFaces = graph.pickFaces.filter((node) => reaches.every((reach) => reach.has(node)));
  const stations = graph.stations.filter((node) => reaches.every((reach) => reach.has(node)));
  checkOptions(options, { graph, pickFaces: pickFaces.length, stations: stations.length });
  return ordersOf(graph, options, { pickFaces, stations });
}

interface Places {
  readonly pickFaces: readonly NodeIndex[];
  readonly stations: readonly NodeIndex[];
}

function* ordersOf(
  graph: LaneGraph,
  options: OrderStreamOptions,
  { pickFaces, stations }: Places,
): Generator<Order> {
  const random = createRandom(options.seed);
  const popularity = createPopularity(graph, pickFaces, options, random.fork('popularity'));
  const arrivals = random.fork('arrivals');
  const content = random.fork('content');
  const meanRate = options.hourlyRates.reduce((sum, rate) => sum + rate, 0) / options.hourlyRates.length;
  const peakRate = Math.max(...options.hourlyRates);
  const peakPerSecond = (options.ordersPerHour / 3600) * (peakRate / meanRate);
  let atSeconds = 0;
  for (let number = 0; number < LIMITS.ordersPerStream;) {
    // Thinning (Lewis and Shedler 1979): arrivals at the peak rate, kept with the probability of the hour.
    atSeconds += arrivals.exponential(1 / peakPerSecond);
    if (atSeconds >= options.durationSeconds) return;
    const hour = Math.floor(options.startHour + atSeconds / 3600) % options.hourlyRates.length;
    if (arrivals.next() * peakRate >= (options.hourlyRates[hour] as number)) continue;
    const wanted = Math.min(drawPicks(options.picksWeights, content), pickFaces.length);
    const picks = drawDistinct(wanted, pickFaces, () => popularity.draw(atSeconds), content);
    const station = stations[content.integer(stations.length)] as number;
    const urgent = content.next() < options.urgentShare;
    yield {
      orderId: `o${number++}`,
      atSeconds: Math.round(1000 * atSeconds) / 1000,
      picks: picks.map((node) => graph.nodeIds[node] as string),
      dropoff: graph.nodeIds[station] as string,
      ...(urgent ? { priority: 5 } : {}),
      ...(options.deadlineSeconds > 0 ? { deadlineSeconds: options.deadlineSeconds } : {}),
    };
  }
}

/** By popularity; where the favourites are all taken, by lot, since waiting for a slow seller may take for ever. */
function drawDistinct(wanted: number, all: readonly number[], draw: () => number, random: Random): number[] {
  const chosen = new Set<number>();
  for (let attempts = 0; chosen.size < wanted; attempts++) {
    chosen.add(attempts < 20 * wanted ? draw() : (all[random.integer(all.length)] as number));
  }
  return [...chosen];
}

function drawPicks(weights: readonly number[], random: Random): number {
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let picks = 1; picks < weights.length; picks++) {
    left -= weights[picks - 1] as number;
    if (left < 0) return picks;
  }
  return weights.length;
}

function checkOptions(
  options: OrderStreamOptions,
  { graph, pickFaces, stations }: { graph: LaneGraph; pickFaces: number; stations: number },
): void {
  const picks = stopsAllowedForAll(graph);
  const positive = (value: number): boolean => value > 0 && value < Infinity;
  const weights = (values: readonly number[]): boolean =>
    values.every((value) => value >= 0 && value < Infinity) && values.some((value) => value > 0);
  const rules: readonly (readonly [boolean, string])[] = [
    [pickFaces > 0, 'the map has no pick face that every robot type reaches'],
    [stations > 0, 'the map has no station that every robot type reaches'],
    [
      positive(options.ordersPerHour) && options.ordersPerHour <= 1e6,
      'orders per hour are above 0, at most 1,000,000',
    ],
    [
      positive(options.durationSeconds) && options.durationSeconds <= 1e7,
      'the duration is above 0, at most 1e7 s',
    ],
    [weights(options.hourlyRates), 'hourly rates must be 0 or more, and one above 0'],
    [weights(options.picksWeights), 'picks weights must be 0 or more, and one above 0'],
    [options.picksWeights.length <= picks, `an order on this map has at most ${picks} picks`],
    [options.startHour >= 0 && options.startHour <= 24, 'the start hour is between 0 and 24'],
    [options.zipfExponent >= 0 && options.zipfExponent <= 5, 'the Zipf exponent is between 0 and 5'],
    [
      positive(options.driftSeconds) && positive(options.hotZoneRadiusMetres),
      'hot zones need a radius and a drift',
    ],
    [
      options.hotZoneFactor >= 0 && options.hotZones >= 0 && options.hotZones <= 100,
      'there are 0 to 100 hot zones',
    ],
    [options.urgentShare >= 0 && options.urgentShare <= 1, 'the urgent share is between 0 and 1'],
    [
      options.deadlineSeconds >= 0 && options.deadlineSeconds <= 1e6,
      'a deadline is between 0 and 1,000,000 s',
    ],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw new AppError('E_USAGE', { detail: broken[1] });
}
