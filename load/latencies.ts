import { build } from 'hdr-histogram-js';

/** Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly maximum: number;
}

export interface Latencies {
  record(milliseconds: number): void;
  summary(): LatencySummary;
}

/** An HDR histogram over microseconds, three significant digits. */
export function createLatencies(): Latencies {
  const histogram = build({ numberOfSignificantValueDigits: 3 });
  const percentile = (percent: number) => round(histogram.getValueAtPercentile(percent) / 1000);
  return {
    record(milliseconds) {
      histogram.recordValue(Math.max(0, Math.round(milliseconds * 1000)));
    },
    summary: () => ({
      count: histogram.totalCount,
      p50: percentile(50),
      p99: percentile(99),
      p999: percentile(99.9),
      maximum: round(histogram.maxValue / 1000),
    }),
  };
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
