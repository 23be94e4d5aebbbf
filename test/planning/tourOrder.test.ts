import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { orderTour, type TourShape } from '../../src/planning/tourOrder.js';

const placesOf = ({ stops, hasDropoff }: TourShape): number => stops + (hasDropoff ? 2 : 1);

/** Start, the stops in this order, then the drop-off. */
function costOf(matrix: Float64Array, shape: TourShape, order: readonly number[]): number {
  const places = placesOf(shape);
  const visits = [0, ...order.map((position) => position + 1)];
  if (shape.hasDropoff) visits.push(places - 1);
  let cost = 0;
  for (let i = 1; i < visits.length; i++) cost += matrix[visits[i - 1]! * places + visits[i]!]!;
  return cost;
}

function cheapestByTryingAll(matrix: Float64Array, shape: TourShape): number {
  let best = Infinity;
  const extend = (order: number[]): void => {
    if (order.length === shape.stops) best = Math.min(best, costOf(matrix, shape, order));
    for (let stop = 0; stop < shape.stops; stop++) if (!order.includes(stop)) extend([...order, stop]);
  };
  extend([]);
  return best;
}

/** Travel costs between random places of a floor: asymmetric, and no way is longer than the way round. */
function floorMatrix(random: Random, shape: TourShape): Float64Array {
  const places = placesOf(shape);
  const points = Array.from({ length: places }, () => [random.next() * 33, random.next() * 57] as const);
  const matrix = new Float64Array(places * places);
  points.forEach(([x, y], i) => {
    points.forEach(([toX, toY], j) => {
      if (i !== j) matrix[i * places + j] = (Math.abs(x - toX) + Math.abs(y - toY)) * (1 + random.next() / 2);
    });
  });
  return closeOverVia(matrix, places);
}

function closeOverVia(matrix: Float64Array, places: number): Float64Array {
  for (let via = 0; via < places; via++) {
    for (let i = 0; i < places; i++) {
      for (let j = 0; j < places; j++) {
        const round = matrix[i * places + via]! + matrix[via * places + j]!;
        if (i !== j && round < matrix[i * places + j]!) matrix[i * places + j] = round;
      }
    }
  }
  return matrix;
}

/** An independent yardstick: Or-opt and 2-opt by plain re-evaluation, from many random orders. */
function cheapestOfRestarts(
  matrix: Float64Array,
  shape: TourShape,
  random: Random,
  restarts: number,
): number {
  let best = Infinity;
  for (let restart = 0; restart < restarts; restart++) {
    let order = random.shuffle(Array.from({ length: shape.stops }, (_, stop) => stop));
    let cost = costOf(matrix, shape, order);
    for (let failures = 0; failures < 1_500; failures++) {
      const [first, last] = [random.integer(shape.stops), random.integer(shape.stops)].sort(
        (a, b) => a - b,
      ) as [number, number];
      const segment = order.slice(first, last + 1);
      const rest = [...order.slice(0, first), ...order.slice(last + 1)];
      const at = random.next() < 0.5 ? first : random.integer(rest.length + 1);
      const turned = random.next() < 0.5 ? segment.reverse() : segment;
      const changed = [...rest.slice(0, at), ...turned, ...rest.slice(at)];
      const changedCost = costOf(matrix, shape, changed);
      if (changedCost < cost) {
        order = changed;
        cost = changedCost;
        failures = 0;
      }
    }
    best = Math.min(best, cost);
  }
  return best;
}

/** Another way to the optimum: depth first, cut off where the cheapest ways into all that is left are too dear. */
function cheapestByBranchAndBound(matrix: Float64Array, shape: TourShape): number {
  const places = placesOf(shape);
  const ends = shape.hasDropoff ? [places - 1] : [];
  const way = (from: number, to: number): number => matrix[from * places + to]!;
  let best = Infinity;
  const extend = (place: number, left: readonly number[], cost: number): void => {
    if (left.length === 0) {
      best = Math.min(
        best,
        ends.reduce((sum, end) => sum + way(place, end), cost),
      );
      return;
    }
    let bound = cost;
    for (const to of [...left, ...ends]) {
      let cheapest = to < places - ends.length ? way(place, to) : Infinity;
      for (const from of left) if (from !== to) cheapest = Math.min(cheapest, way(from, to));
      bound += cheapest;
    }
    if (bound >= best) return;
    for (const stop of [...left].sort((a, b) => way(place, a) - way(place, b))) {
      const rest = left.filter((other) => other !== stop);
      extend(stop, rest, cost + way(place, stop));
    }
  };
  const stops = Array.from({ length: shape.stops }, (_, stop) => stop + 1);
  extend(0, stops, 0);
  return best;
}

const smallProblem = fc
  .record({ stops: fc.integer({ min: 1, max: 7 }), hasDropoff: fc.boolean() })
  .chain((shape) => {
    const size = placesOf(shape) ** 2;
    const cost = fc.oneof(
      { weight: 8, arbitrary: fc.double({ min: 0, max: 1_000, noNaN: true }) },
      { weight: 1, arbitrary: fc.constant(Infinity) },
    );
    return fc.tuple(
      fc.constant(shape),
      fc.float64Array().map(() => new Float64Array(0)),
      fc.array(cost, {
        minLength: size,
        maxLength: size,
      }),
    );
  })
  .map(([shape, , costs]) => ({ shape, matrix: Float64Array.from(costs) }));

function expectPermutation(order: readonly number[], stops: number): void {
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: stops }, (_, stop) => stop));
}

describe('orderTour up to the exact limit', () => {
  it('finds the cheapest of all orders, with and without a drop-off, where some pairs are unreachable', () => {
    fc.assert(
      fc.property(smallProblem, ({ shape, matrix }) => {
        const { order, cost } = orderTour(matrix, shape);
        expectPermutation(order, shape.stops);
        expect(cost).toBeCloseTo(cheapestByTryingAll(matrix, shape), 6);
        expect(cost).toBeCloseTo(costOf(matrix, shape, order), 6);
      }),
      { numRuns: 300 },
    );
  });

  it('finds the cheapest of all orders of eight stops', () => {
    for (const seed of [1, 2, 3]) {
      const shape = { stops: 8, hasDropoff: seed !== 2 };
      const matrix = floorMatrix(createRandom(seed), shape);
      expect(orderTour(matrix, shape).cost).toBeCloseTo(cheapestByTryingAll(matrix, shape), 6);
    }
  });

  it.each([9, 10, 11, 12])('finds what a branch and bound finds for %i stops', (stops) => {
    for (const seed of [1, 2]) {
      const shape = { stops, hasDropoff: seed === 1 };
      const matrix = floorMatrix(createRandom(100 * stops + seed), shape);
      expect(orderTour(matrix, shape).cost).toBeCloseTo(cheapestByBranchAndBound(matrix, shape), 6);
    }
  });

  it('is right at the limit itself, where only one order is cheap', () => {
    const shape = { stops: LIMITS.exactOrderPicks, hasDropoff: true };
    const places = placesOf(shape);
    const matrix = new Float64Array(places * places).fill(10);
    const wanted = createRandom(7).shuffle(Array.from({ length: shape.stops }, (_, stop) => stop));
    const visits = [0, ...wanted.map((stop) => stop + 1), places - 1];
    for (let i = 1; i < visits.length; i++) matrix[visits[i - 1]! * places + visits[i]!] = 1;
    expect(orderTour(matrix, shape)).toEqual({ order: wanted, cost: places - 1 });
  });

  it('visits one stop, and goes straight to the drop-off when there is none', () => {
    expect(orderTour(Float64Array.of(0, 4, 9, 0), { stops: 1, hasDropoff: false })).toEqual({
      order: [0],
      cost: 4,
    });
    expect(orderTour(Float64Array.of(0, 4, 9, 0), { stops: 0, hasDropoff: true })).toEqual({
      order: [],
      cost: 4,
    });
    expect(orderTour(Float64Array.of(0), { stops: 0, hasDropoff: false })).toEqual({ order: [], cost: 0 });
  });

  it('answers the same order after other tours have used its buffers', () => {
    const random = createRandom(5);
    const shapes = [12, 3, 30, 9, 14, 6].map((stops) => ({ stops, hasDropoff: stops % 2 === 0 }));
    const problems = shapes.map((shape) => ({ shape, matrix: floorMatrix(random, shape) }));
    const first = problems.map(({ shape, matrix }) => orderTour(matrix, shape));
    const again = [...problems].reverse().map(({ shape, matrix }) => orderTour(matrix, shape));
    expect(again.reverse()).toEqual(first);
  });

  it('refuses a matrix that does not fit the shape, and more stops than a tour may have', () => {
    expect(() => orderTour(new Float64Array(9), { stops: 3, hasDropoff: false })).toThrow(RangeError);
    const stops = LIMITS.stopsPerTour + 1;
    expect(() => orderTour(new Float64Array((stops + 1) ** 2), { stops, hasDropoff: false })).toThrow(
      RangeError,
    );
  });
});

describe('orderTour where a place cannot be reached', () => {
  it.each([4, 20])('says so with an infinite cost (%i stops)', (stops) => {
    const shape = { stops, hasDropoff: true };
    const places = placesOf(shape);
    const matrix = floorMatrix(createRandom(11), shape);
    for (let from = 0; from < places; from++) if (from !== 2) matrix[from * places + 2] = Infinity;
    expect(orderTour(matrix, shape).cost).toBe(Infinity);
  });

  it('takes NaN for unreachable', () => {
    expect(orderTour(Float64Array.of(0, NaN, 0, 0), { stops: 1, hasDropoff: false }).cost).toBe(Infinity);
    const twoStops = Float64Array.of(0, NaN, 5, 0, 0, 1, 0, 7, 0);
    expect(orderTour(twoStops, { stops: 2, hasDropoff: false })).toEqual({ order: [1, 0], cost: 12 });
  });

  it.each([10, 25, 60])('finds the way through one-way districts (%i stops)', (stops) => {
    // District d leads to d + 1 and never back: of all orders only those by district can be driven.
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = createRandom(seed);
      const shape = { stops, hasDropoff: true };
      const places = placesOf(shape);
      const matrix = floorMatrix(random, shape);
      const district = Array.from({ length: places }, () => random.integer(stops / 2));
      district[0] = 0;
      district[places - 1] = stops;
      for (let i = 0; i < places; i++) {
        for (let j = 0; j < places; j++) if (district[j]! < district[i]!) matrix[i * places + j] = Infinity;
      }
      const { order, cost } = orderTour(matrix, shape);
      expectPermutation(order, stops);
      expect(cost).toBeLessThan(Infinity);
      expect(cost).toBeCloseTo(costOf(matrix, shape, order), 6);
    }
  });
});

describe('orderTour above the exact limit', () => {
  it.each([13, 30, 60])('orders %i stops validly and tells the true cost', (stops) => {
    for (const hasDropoff of [false, true]) {
      const shape = { stops, hasDropoff };
      const matrix = floorMatrix(createRandom(stops), shape);
      const { order, cost } = orderTour(matrix, shape);
      expectPermutation(order, stops);
      expect(cost).toBeCloseTo(costOf(matrix, shape, order), 6);
    }
  });

  it('comes within a hundredth of the best of a long random-restart search at 30 stops', () => {
    const shape = { stops: 30, hasDropoff: true };
    for (const seed of [21, 22, 23, 24]) {
      const random = createRandom(seed);
      const matrix = floorMatrix(random, shape);
      const gap = orderTour(matrix, shape).cost / cheapestOfRestarts(matrix, shape, random, 30) - 1;
      expect(gap, `seed ${seed}`).toBeLessThan(0.01);
    }
  });

  it('finds the cheap cycle among dear ways, one way round only', () => {
    const shape = { stops: 30, hasDropoff: false };
    const places = placesOf(shape);
    const wanted = createRandom(3).shuffle(Array.from({ length: 30 }, (_, stop) => stop));
    const visits = [0, ...wanted.map((stop) => stop + 1)];
    const matrix = new Float64Array(places * places);
    visits.forEach((from, i) => {
      visits.forEach((to, j) => (matrix[from * places + to] = j >= i ? j - i : 50 + i - j));
    });
    expect(orderTour(matrix, shape)).toEqual({ order: wanted, cost: 30 });
  });
});
