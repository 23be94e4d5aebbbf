import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import { createRandom } from '../../src/platform/random.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import type { WarehouseFile } from '../../src/warehouse/warehouseFile.js';
import { compileWarehouse, createWarehouseModel } from '../../src/warehouse/warehouseModel.js';
import { alternatingGoals } from '../../sim/orders/alternatingGoals.js';
import { readOrders, writeOrders } from '../../sim/orders/orderFile.js';
import { DEFAULT_STREAM, generateOrders, type OrderStreamOptions } from '../../sim/orders/orderGenerator.js';
import { createOrderJobs } from '../../sim/orders/orderJobs.js';
import { randomStarts, reachOf } from '../../sim/orders/reach.js';

const graph = gridFromText(`
  ..............
  .eeeeeeeeeeee.
  .@@@@@@@@@@@@.
  weeeeeeeeeeeew
  ..............`);

const directory = mkdtempSync(join(tmpdir(), 'aisleflow-orders-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileWith(name: string, ...lines: string[]): string {
  const file = join(directory, name);
  writeFileSync(file, lines.join('\n'));
  return file;
}

function stream(changes: Partial<OrderStreamOptions> = {}) {
  const options = { ...DEFAULT_STREAM, seed: 11, durationSeconds: 4 * 3600, ordersPerHour: 500, ...changes };
  return [...generateOrders(graph, options)];
}

const ORDER = { orderId: 'a', atSeconds: 1, picks: ['r1c1'], dropoff: 'r3c0' };
const line = (changes: object = {}): string => JSON.stringify({ ...ORDER, ...changes });

describe('an order file', () => {
  it('gives back what was written', async () => {
    const orders = stream({ urgentShare: 0.2, deadlineSeconds: 600 });
    const file = join(directory, 'whole.jsonl');
    expect(writeOrders(file, orders)).toBe(orders.length);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(orders.length + 1);
    expect(await readOrders(file, graph)).toEqual(orders);
  });

  it('may have empty lines, Windows line ends and no end to its last line', async () => {
    const file = fileWith('loose.jsonl', `${line()}\r`, '', line({ orderId: 'b', dropoff: undefined }));
    expect((await readOrders(file, graph)).map((order) => order.orderId)).toEqual(['a', 'b']);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '3'],
    ['an unknown field', line({ colour: 'red' })],
    ['no picks', line({ picks: [] })],
    ['too many picks', line({ picks: Array.from({ length: LIMITS.stopsPerTour + 1 }, () => 'r1c1') })],
    ['an unknown node', line({ picks: ['r9c9'] })],
    ['an unknown drop-off', line({ dropoff: 'constructor' })],
    ['a time that is null', line({ atSeconds: null })],
    ['a time before the line above', line({ orderId: 'b', atSeconds: 0 })],
    ['an order id that was there', line({ atSeconds: 2 })],
    ['a priority out of range', line({ orderId: 'b', priority: 10 })],
    ['a deadline of nothing', line({ orderId: 'b', deadlineSeconds: 0 })],
  ])('is refused for %s, naming the line', async (_fault, bad) => {
    const file = fileWith('bad.jsonl', line(), '', bad, line({ orderId: 'z', atSeconds: 9 }));
    const refusal = await readOrders(file, graph).catch((error: unknown) => error as AppError);
    expect(refusal).toMatchObject({ code: 'E_ORDERS_INVALID', references: { file, line: 3 } });
  });

  it('is refused where it is missing, empty, not UTF-8 or has a line without end', async () => {
    const missing = join(directory, 'none');
    await expect(readOrders(missing, graph)).rejects.toMatchObject({
      code: 'E_ORDERS_INVALID',
      references: { place: missing, detail: 'it cannot be read: there is no such file or directory' },
    });
    for (const text of ['', '\n\n'])
      await expect(readOrders(fileWith('empty.jsonl', text), graph)).rejects.toMatchObject({
        code: 'E_ORDERS_INVALID',
        references: { detail: 'there is no order in it' },
      });
    const broken = join(directory, 'broken.jsonl');
    writeFileSync(broken, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
    await expect(readOrders(broken, graph)).rejects.toMatchObject({ code: 'E_ORDERS_INVALID' });
    const endless = fileWith('endless.jsonl', 'x'.repeat(4 * LIMITS.orderLineCharacters));
    const refusal = await readOrders(endless, graph).catch((error: unknown) => error as AppError);
    expect(refusal).toMatchObject({ code: 'E_ORDERS_INVALID', references: { line: 0 } });
  });

  it('that cannot be written is a wrong use', () => {
    expect(() => writeOrders(join(directory, 'no', 'such'), [])).toThrow(AppError);
  });
});

describe('the order generator', () => {
  it('repeats itself for the same seed and not for another', () => {
    expect(stream()).toEqual(stream());
    expect(stream()).not.toEqual(stream({ seed: 12 }));
  });

  it('makes orders that a warehouse can serve, in the order of their coming in', () => {
    let before = 0;
    for (const order of stream()) {
      expect(order.atSeconds).toBeGreaterThanOrEqual(before);
      before = order.atSeconds;
      expect(new Set(order.picks).size).toBe(order.picks.length);
      for (const pick of order.picks) expect(graph.isPickFace[graph.nodeIndexOf.get(pick) as number]).toBe(1);
      expect(graph.isStation[graph.nodeIndexOf.get(order.dropoff as string) as number]).toBe(1);
    }
  });

  it('follows the time of day and keeps the mean rate', () => {
    const hourlyRates = [3, 1];
    const orders = stream({ hourlyRates, startHour: 0, durationSeconds: 20 * 3600 });
    const early = orders.filter((order) => Math.floor(order.atSeconds / 3600) % 2 === 0).length;
    expect(orders.length).toBeGreaterThan(9_600);
    expect(orders.length).toBeLessThan(10_400);
    expect(early / orders.length).toBeCloseTo(0.75, 1);
  });

  it('sells the k-th pick face about 1 / k^s as often as the first', () => {
    const counts = new Map<string, number>();
    const orders = stream({ zipfExponent: 1, hotZones: 0, picksWeights: [1], ordersPerHour: 5_000 });
    for (const { picks } of orders) counts.set(picks[0] as string, (counts.get(picks[0] as string) ?? 0) + 1);
    const ranked = [...counts.values()].sort((a, b) => b - a);
    expect((ranked[0] as number) / (ranked[1] as number)).toBeCloseTo(2, 0);
    expect((ranked[0] as number) / (ranked[3] as number)).toBeCloseTo(4, 0);
  });

  it('moves what is wanted over the floor as hot zones drift', () => {
    const hot = {
      zipfExponent: 0,
      hotZones: 1,
      hotZoneRadiusMetres: 2,
      hotZoneFactor: 50,
      driftSeconds: 1800,
    };
    const orders = stream({ ...hot, picksWeights: [1], ordersPerHour: 3_000, hourlyRates: [1] });
    const meanColumn = (from: number) => {
      const picks = orders.filter(({ atSeconds }) => atSeconds >= from && atSeconds < from + 600);
      return (
        picks.reduce((sum, { picks: [pick] }) => sum + Number(/c(\d+)/.exec(pick as string)?.[1]), 0) /
        picks.length
      );
    };
    const means = Array.from({ length: 8 }, (_, leg) => meanColumn(hot.driftSeconds * leg));
    expect(Math.max(...means) - Math.min(...means)).toBeGreaterThan(3);
  });

  it('draws the number of picks from its weights, up to all pick faces', () => {
    const sizes = stream({ picksWeights: [0, 1, 0, 3] }).map((order) => order.picks.length);
    expect(new Set(sizes)).toEqual(new Set([2, 4]));
    const all = stream({
      picksWeights: Array.from({ length: 30 }, (_, at) => (at === 29 ? 1 : 0)),
      zipfExponent: 5,
    });
    expect(all[0]?.picks).toHaveLength(graph.pickFaces.length);
  });

  it.each([
    { ordersPerHour: 0 },
    { picksWeights: [] },
    { hourlyRates: [-1, 2] },
    { zipfExponent: NaN },
    { startHour: 25 },
  ])('refuses %j', (changes) => {
    expect(() => stream(changes)).toThrow(expect.objectContaining({ code: 'E_USAGE' }) as Error);
  });
});

describe('on a map that is too large for tours of many picks', () => {
  const large = { ...graph, laneCount: LIMITS.lanesPerWarehouse, turnsTakeTime: [true] };
  const { stopsPerTourLeast: most } = LIMITS;

  it('an order file is refused that has some', async () => {
    const picks = (count: number) => line({ picks: new Array<string>(count).fill('r1c1') });
    expect(await readOrders(fileWith('most.jsonl', picks(most)), large)).toHaveLength(1);
    const refusal = await readOrders(fileWith('many.jsonl', picks(most + 1)), large).catch(String);
    expect(refusal).toContain(`at most ${most}`);
  });

  it('a stream is refused that has some', () => {
    const options = { ...DEFAULT_STREAM, seed: 1, durationSeconds: 60, ordersPerHour: 60 };
    expect(() => generateOrders(large, options)).not.toThrow();
    const picksWeights = new Array<number>(most + 1).fill(1);
    expect(() => generateOrders(large, { ...options, picksWeights })).toThrow(`at most ${most}`);
  });
});

describe('orders as jobs', () => {
  const robotTypes = [0, 0];
  const at = (seconds: number): number => 5_000 + 1000 * seconds;
  const orders = [
    { ...ORDER, orderId: 'first', atSeconds: 1 },
    { ...ORDER, orderId: 'second', atSeconds: 2, deadlineSeconds: 60 },
    { ...ORDER, orderId: 'urgent', atSeconds: 3, priority: 5 },
  ];

  it('are handed out when they have come in, the urgent ones first', () => {
    const jobs = createOrderJobs({ graph, orders, robotTypes, startAt: 5_000 });
    expect(jobs.next(0, at(0.5))).toBeNull();
    expect(jobs.waiting(at(3))).toBe(3);
    expect(jobs.next(0, at(3))).toMatchObject({ jobId: 'urgent', priority: 5 });
    expect(jobs.next(1, at(3))).toMatchObject({ jobId: 'first', stops: ['r1c1'], dropoff: 'r3c0' });
    expect(jobs.next(0, at(4))).toMatchObject({ jobId: 'second', deadlineAt: at(62) });
    expect(jobs.next(0, at(9))).toBeNull();
    expect(jobs.left()).toBe(0);
  });

  it('go only to robots that reach all of their stops', () => {
    const jobs = createOrderJobs({
      graph: twoTypes,
      orders: [{ orderId: 'narrow', atSeconds: 0, picks: ['d'] }],
      robotTypes: [1, 0],
      startAt: 0,
    });
    expect(jobs.next(0, 0)).toBeNull();
    expect(jobs.next(1, 0)).toMatchObject({ jobId: 'narrow', dropoff: null });
  });
});

/** A ring a-b-c, and d that wide robots may not go to. */
const twoTypes = compileWarehouse(
  createWarehouseModel({
    id: 'two-types',
    mapVersion: '1',
    robotTypes: [
      { name: 'narrow', maximumSpeed: 1, lengthMetres: 1 },
      { name: 'wide', maximumSpeed: 1, lengthMetres: 1 },
    ],
    laneDefaults: { speedLimit: 1, twoWay: true },
    nodes: ['a', 'b', 'c', 'd'].map((id, at) => ({ id, x: at, y: at === 1 ? 1 : 0 })),
    stations: ['a'],
    pickFaces: ['b', 'd'],
    lanes: [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'c', to: 'a' },
      { from: 'c', to: 'd', barred: ['wide'] },
    ],
  } satisfies WarehouseFile),
);

describe('where robots start and go', () => {
  it('is within the reach of their type', () => {
    expect(reachOf(twoTypes, 1).nodes).toHaveLength(3);
    for (let seed = 0; seed < 20; seed++) {
      const starts = randomStarts(twoTypes, [0, 1, 1, 1], createRandom(seed));
      expect(new Set(starts).size).toBe(4);
      expect(twoTypes.nodeIds[starts[0] as number]).toBe('d');
    }
    expect(() => randomStarts(twoTypes, [1, 1, 1, 1], createRandom(1))).toThrow('do not fit');
    const goals = alternatingGoals({ graph: twoTypes, robotTypes: [1], seed: 1 });
    expect([0, 1, 2, 3].map(() => twoTypes.nodeIds[goals.next(0)])).toEqual(['b', 'a', 'b', 'a']);
  });

  it('depends on seed, robot and turn alone, so that methods are compared on the same goals', () => {
    const one = alternatingGoals({ graph, robotTypes: [0, 0], seed: 4 });
    const other = alternatingGoals({ graph, robotTypes: [0, 0], seed: 4 });
    const first = [one.next(0), one.next(0), one.next(0), one.next(1)];
    const second = [other.next(1), other.next(0), other.next(0), other.next(0)];
    expect(second).toEqual([first[3], first[0], first[1], first[2]]);
    expect(graph.isPickFace[first[0] as number]).toBe(1);
    expect(graph.isStation[first[1] as number]).toBe(1);
    expect(graph.isStation[first[3] as number]).toBe(1);
  });
});
