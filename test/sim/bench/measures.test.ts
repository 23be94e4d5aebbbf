import { describe, expect, it } from 'vitest';
import { freeFlowBound } from '../../../sim/bench/freeFlowBound.js';
import { createGoalTimes } from '../../../sim/bench/goalTimes.js';
import { plateauReachedAt } from '../../../sim/bench/plateau.js';
import { bootstrapInterval, median, pairedDifferences } from '../../../sim/bench/statistics.js';
import { visitOrder, type VisitOrderName } from '../../../sim/bench/visitOrders.js';
import type { Job } from '../../../sim/job.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

const job = (stops: readonly string[], dropoff: string | null = null): Job => ({
  jobId: 'job',
  stops,
  dropoff,
});

describe('the free-flow bound', () => {
  const corridor = gridFromText('W...E');
  const shuttle = () => {
    let turn = 0;
    return { next: () => job([turn++ % 2 === 0 ? 'r0c4' : 'r0c0']) };
  };
  const bound = (warmUpSteps: number, steps: number): number =>
    freeFlowBound({
      ...{ graph: corridor, jobs: shuttle(), robotTypes: [0], warmUpSteps, steps, stepSeconds: 1 },
      starts: [corridor.nodeIndexOf.get('r0c0')!],
    });

  it('counts the goals of a robot that nobody hinders, in the steps that count alone', () => {
    // Goals at 4, 8, 12, ... seconds.
    expect(bound(0, 20)).toBe(5 / 20);
    expect(bound(8, 20)).toBe(5 / 20);
    expect(bound(9, 3)).toBe(1 / 3);
  });

  it('lets a robot without a job ask again at the next step', () => {
    const { next } = shuttle();
    const late = { next: (_robot: number, at: number) => (at < 8000 ? null : next()) };
    const options = {
      graph: corridor,
      jobs: late,
      robotTypes: [0],
      warmUpSteps: 0,
      steps: 20,
      stepSeconds: 1,
    };
    expect(freeFlowBound({ ...options, starts: [corridor.nodeIndexOf.get('r0c0')!] })).toBe(3 / 20);
  });

  it('drives a tour in its best order', () => {
    const tour = { next: () => job(['r0c4', 'r0c2'], 'r0c0') };
    const { nodeIndexOf } = corridor;
    const options = {
      graph: corridor,
      jobs: tour,
      robotTypes: [0],
      warmUpSteps: 0,
      steps: 8,
      stepSeconds: 1,
    };
    expect(freeFlowBound({ ...options, starts: [nodeIndexOf.get('r0c0')!] })).toBe(3 / 8);
  });
});

describe('picking times', () => {
  it('show a robot that never arrives, and leave the warm-up out of the mean', () => {
    const times = createGoalTimes(10_000);
    const jobs = times.watch({ next: () => job(['a']) });
    const finish = (robot: number, issuedAt: number, finishedAt: number): void => {
      jobs.next(robot, issuedAt);
      times.finished({ robot, job: job(['a']), issuedAt, finishedAt, ratio: 1, learnt: true });
    };
    finish(0, 0, 9_000);
    finish(0, 10_000, 20_000);
    finish(0, 20_000, 50_000);
    jobs.next(1, 5_000);
    expect(times.summary(100_000)).toEqual({
      ...{ meanPickingSeconds: 20, p95PickingSeconds: 10, longestPickingSeconds: 95, jobsFinished: 2 },
    });
  });
});

describe('the statistics of the tables', () => {
  it('pair by seed, whatever the order, and leave out what has no partner', () => {
    const ours = [1, 2, 3].map((seed) => ({ seed, value: 10 * seed }));
    const theirs = [3, 1].map((seed) => ({ seed, value: seed }));
    expect(pairedDifferences(ours, theirs, (line) => line.value)).toEqual([9, 27]);
  });

  it('give an interval that holds the mean, narrows with more values and repeats itself', () => {
    const few = bootstrapInterval([1, 2, 3, 4]);
    const many = bootstrapInterval(Array.from({ length: 64 }, (_, i) => 1 + (i % 4)));
    expect(few.mean).toBe(2.5);
    expect(few.low).toBeGreaterThan(1);
    expect(few.high).toBeLessThan(4);
    // Standard error of 64 values: 0.14; 95 % are 0.55 wide.
    expect(many.high - many.low).toBeCloseTo(0.55, 1);
    expect(bootstrapInterval([1, 2, 3, 4])).toEqual(few);
  });

  it('take the middle, or the mean of both middles', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  });

  it('call a plateau reached where three windows hold it, not one', () => {
    const windows = [2, 9, 4, 8, 9.6, 9.5, 9.4, 10, 10];
    expect(plateauReachedAt({ windows, throughputLast: 10 })).toEqual({ steps: 400, goals: 2300 });
    expect(plateauReachedAt({ windows: [10, 10, 10], throughputLast: 10 })).toEqual({ steps: 0, goals: 0 });
  });
});

describe('orders of visit', () => {
  // Two aisles of three cells with faces on both sides, open floor around them.
  const hall = gridFromText(`
    W......
    .EEEEE.
    .@@@@@.
    .EEEEE.
    .......
    .EEEEE.
    .@@@@@.
    .EEEEE.
    .......`);
  const order = (name: VisitOrderName, from: string, stops: readonly string[]): string[] => {
    const places = [from, ...stops].map((node) => hall.nodeIndexOf.get(node)!);
    const matrix = new Float64Array(places.length ** 2);
    places.forEach((a, i) => {
      places.forEach((b, j) => {
        matrix[i * places.length + j] = Math.abs(hall.x[a]! - hall.x[b]!) + Math.abs(hall.y[a]! - hall.y[b]!);
      });
    });
    return [...visitOrder(name, hall)(matrix, { stops: stops.length, hasDropoff: false }, places).order].map(
      (stop) => stops[stop]!,
    );
  };

  it('go through the aisles one after the other, every other one backwards: s-shape', () => {
    // Rows 3 and 5 face each other: one aisle.
    const stops = ['r5c1', 'r7c2', 'r1c2', 'r3c5', 'r1c4', 'r7c4', 'r3c2'];
    expect(order('s-shape', 'r0c0', stops)).toEqual(['r1c2', 'r1c4', 'r3c5', 'r3c2', 'r5c1', 'r7c2', 'r7c4']);
    expect(order('s-shape', 'r8c6', stops)).toEqual(['r7c4', 'r7c2', 'r5c1', 'r3c2', 'r3c5', 'r1c4', 'r1c2']);
  });

  it('take the nearest stop each time, even where that costs more in the end', () => {
    // From column 2: 1 first (1 away), then 5 cells back; exact goes the other way round.
    const stops = ['r1c5', 'r1c1'];
    expect(order('nearest', 'r1c2', stops)).toEqual(['r1c1', 'r1c5']);
    expect(order('nearest', 'r1c4', ['r1c1', 'r1c3', 'r1c5'])).toEqual(['r1c3', 'r1c1', 'r1c5']);
    expect(order('exact', 'r1c4', ['r1c1', 'r1c3', 'r1c5'])).toEqual(['r1c5', 'r1c3', 'r1c1']);
  });
});
