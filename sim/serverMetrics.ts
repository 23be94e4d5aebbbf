/** Quantiles of a server's own histograms, in milliseconds; null where nothing was counted yet. */
export interface ServerLatencies {
  readonly plan: Quantiles;
  readonly outcomeToServed: Quantiles;
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/**
 * Reads the Prometheus text of /metrics: since `before`, an earlier one of the same server, else since its start. One that was
 * started anew meanwhile counts from nothing.
 */
export function readServerLatencies(text: string, warehouseId: string, before = ''): ServerLatencies {
  const isSame = readGauge(text, START) === readGauge(before, START);
  const since = (name: string): Quantiles => {
    const buckets = readBuckets(text, name, warehouseId);
    return quantilesOf(isSame ? subtract(buckets, readBuckets(before, name, warehouseId)) : buckets);
  };
  return {
    plan: since('aisleflow_plan_seconds'),
    outcomeToServed: since('aisleflow_outcome_to_served_seconds'),
  };
}

/** The value of a gauge or counter without labels, e.g. the resident memory; null where it is missing. */
export function readGauge(text: string, name: string): number | null {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}

const START = 'aisleflow_process_start_time_seconds';

interface Bucket {
  readonly limit: number;
  /** Of all up to the limit. */
  readonly count: number;
}

function readBuckets(text: string, name: string, warehouseId: string): Bucket[] {
  const buckets: Bucket[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${name}_bucket{`) || !line.includes(`warehouse="${warehouseId}"`)) continue;
    const limit = /le="([^"]+)"/.exec(line)?.[1] ?? '';
    const count = Number(line.slice(line.lastIndexOf(' ') + 1));
    buckets.push({ limit: limit === '+Inf' ? Infinity : Number(limit), count });
  }
  return buckets.sort((a, b) => a.limit - b.limit);
}

function subtract(buckets: readonly Bucket[], before: readonly Bucket[]): readonly Bucket[] {
  const earlier = new Map(before.map(({ limit, count }) => [limit, count]));
  return buckets.map(({ limit, count }) => ({ limit, count: count - (earlier.get(limit) ?? 0) }));
}

function quantilesOf(buckets: readonly Bucket[]): Quantiles {
  const count = buckets.at(-1)?.count ?? 0;
  const quantile = (share: number): number | null => {
    const value = interpolate(buckets, share * count);
    return value === null ? null : Math.round(value * 100_000) / 100;
  };
  return { count, p50: quantile(0.5), p99: quantile(0.99) };
}

/** Linear inside a bucket, as Prometheus's histogram_quantile; the last finite limit beyond it. */
function interpolate(buckets: readonly Bucket[], rank: number): number | null {
  let lower = { limit: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank && bucket.count > 0) {
      if (bucket.limit === Infinity) return lower.limit;
      const inside = (rank - lower.count) / (bucket.count - lower.count);
      return lower.limit + inside * (bucket.limit - lower.limit);
    }
    lower = bucket;
  }
  return null;
}
