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

/** Reads the Prometheus text of /metrics. */
export function readServerLatencies(text: string, warehouseId: string): ServerLatencies {
  return {
    plan: readHistogram(text, 'aisleflow_plan_seconds', warehouseId),
    outcomeToServed: readHistogram(text, 'aisleflow_outcome_to_served_seconds', warehouseId),
  };
}

/** The value of a gauge or counter without labels, e.g. the resident memory; null where it is missing. */
export function readGauge(text: string, name: string): number | null {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}

function readHistogram(text: string, name: string, warehouseId: string): Quantiles {
  const buckets: { limit: number; count: number }[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${name}_bucket{`) || !line.includes(`warehouse="${warehouseId}"`)) continue;
    const limit = /le="([^"]+)"/.exec(line)?.[1] ?? '';
    const count = Number(line.slice(line.lastIndexOf(' ') + 1));
    buckets.push({ limit: limit === '+Inf' ? Infinity : Number(limit), count });
  }
  buckets.sort((a, b) => a.limit - b.limit);
  const count = buckets.at(-1)?.count ?? 0;
  const quantile = (share: number): number | null => {
    const value = interpolate(buckets, share * count);
    return value === null ? null : Math.round(value * 100_000) / 100;
  };
  return { count, p50: quantile(0.5), p99: quantile(0.99) };
}

/** Linear inside a bucket, as Prometheus's histogram_quantile; the last finite limit beyond it. */
function interpolate(buckets: readonly { limit: number; count: number }[], rank: number): number | null {
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
