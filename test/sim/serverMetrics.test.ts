import { expect, it } from 'vitest';
import { readServerLatencies } from '../../sim/serverMetrics.js';

/** Plans of a warehouse: so many up to 1 ms, up to 10 ms, and in all; of a server that was started at so many seconds. */
function metrics([first, second, all]: [number, number, number], startedAt = 1_000): string {
  const buckets = [
    ['0.001', first],
    ['0.01', second],
    ['+Inf', all],
  ].map(([limit, count]) => `aisleflow_plan_seconds_bucket{le="${limit}",warehouse="north"} ${count}`);
  return [...buckets, `aisleflow_process_start_time_seconds ${startedAt}`].join('\n');
}

it('leaves out what a server had counted before', () => {
  const before = metrics([0, 1000, 1000]);
  const { plan, outcomeToServed } = readServerLatencies(metrics([100, 1100, 1100]), 'north', before);
  expect(plan).toEqual({ count: 100, p50: 0.5, p99: 0.99 });
  expect(outcomeToServed).toEqual({ count: 0, p50: null, p99: null });
});

it('takes all that a server counts which was started anew meanwhile', () => {
  const before = metrics([0, 1000, 1000]);
  expect(readServerLatencies(metrics([100, 1100, 1100], 2_000), 'north', before).plan.count).toBe(1100);
});
