import { expect, it } from 'vitest';
import { readServerLatencies } from '../../sim/serverMetrics.js';

/** Plans of a warehouse: so many up to 1 ms, up to 10 ms, and in all. */
function metrics(first: number, second: number, all: number): string {
  return [
    ['0.001', first],
    ['0.01', second],
    ['+Inf', all],
  ]
    .map(([limit, count]) => `aisleflow_plan_seconds_bucket{le="${limit}",warehouse="north"} ${count}`)
    .join('\n');
}

it('leaves out what a server had counted before', () => {
  const before = metrics(0, 1000, 1000);
  const { plan, outcomeToServed } = readServerLatencies(metrics(100, 1100, 1100), 'north', before);
  expect(plan).toEqual({ count: 100, p50: 0.5, p99: 0.99 });
  expect(outcomeToServed).toEqual({ count: 0, p50: null, p99: null });
});

it('takes all that a server counts which was started anew meanwhile', () => {
  expect(readServerLatencies(metrics(100, 100, 100), 'north', metrics(0, 1000, 1000)).plan.count).toBe(100);
});
