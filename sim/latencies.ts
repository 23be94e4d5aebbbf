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
  const milliseconds = (microseconds: number): number => Math.round(microseconds / 10) / 100;
  return {
    record(value) {
      histogram.recordValue(Math.max(0, Math.round(value * 1000)));
    },
    summary: () => ({
      count: histogram.totalCount,
      p50: milliseconds(histogram.getValueAtPercentile(50)),
      p99: milliseconds(histogram.getValueAtPercentile(99)),
      p999: milliseconds(histogram.getValueAtPercentile(99.9)),
      maximum: milliseconds(histogram.maxValue),
    }),
  };
}
