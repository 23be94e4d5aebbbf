/**
 * The live guards: sequential tests (Page 1954, CUSUM) of weights that passed every gate and
 * are served. Pure: rows, ratios and instants are passed in.
 */
import { squaredErrors, type HeldOut } from './gates.js';

/** What the guards are tuned by; docs/reliability.md has what they were measured to do. */
export const GUARD = {
  /** Error on arriving rows above the reference's, as a share of that, which is borne. */
  errorAllowance: 0.1,
  /** Excess errors, in rows of the reference's mean error, that are a breach. */
  errorLimit: 150,
  /** One row counts for at most so many. */
  errorRowLimit: 5,
  /**
   * The same for a version that was put in service a moment ago: what it replaced knows the floor of now as well, and
   * what is wrong with the new one may be rare.
   */
  probation: { seconds: 60, errorAllowance: 0.05, errorLimit: 60, errorRowLimit: 20 },
  /** Rows over which the reference's mean error is averaged, and those of late: the smaller of both counts. */
  errorScaleRows: 1_000,
  errorScaleRowsOfLate: 100,
  /** Least mean error, seconds squared: on an empty floor every error is small, and none matters. */
  errorScaleLeast: 0.25,
  /** Standard deviations of the score ratio above its baseline that are borne. */
  scoreAllowance: 1,
  /** Excess standard deviations, summed over routes, that are a breach. */
  scoreLimit: 200,
  scoreRouteLimit: 3,
  /** Standard deviations by which one route moves its baseline at most: one robot that stood for an hour must not. */
  scoreOutlier: 5,
  /** Routes that make a baseline, and over which it then moves. */
  scoreBaselineRoutes: 300,
  scoreBaselineWindow: 3_000,
  /** A floor that was crowded a moment ago still hands in crowded routes. */
  loadHalfLifeSeconds: 120,
} as const;

/** Whether the served weights err more on arriving rows than the reference does on the same rows. */
export interface ErrorGuard {
  /** Takes in one route's rows as they arrive. The same rows for both: no surge of demand can tip it. */
  watch(rows: HeldOut, served: Float32Array, reference: Float32Array, onProbation: boolean): void;
  /** 0: nothing against the served weights; 1: a breach. */
  evidence(): number;
  reset(): void;
}

export function createErrorGuard(): ErrorGuard {
  let scale = 1;
  /** A jam that is over leaves large errors behind, and must not hide others. */
  let scaleOfLate = 1;
  let sum = 0;
  let limit: number = GUARD.errorLimit;
  return {
    watch(rows, served, reference, onProbation) {
      const { errorAllowance, errorLimit, errorRowLimit } = onProbation ? GUARD.probation : GUARD;
      limit = errorLimit;
      const ours = squaredErrors(served, rows);
      const theirs = squaredErrors(reference, rows);
      for (let i = 0; i < rows.count; i++) {
        scale += (theirs[i]! - scale) / GUARD.errorScaleRows;
        scaleOfLate += (theirs[i]! - scaleOfLate) / GUARD.errorScaleRowsOfLate;
        const meanError = Math.max(GUARD.errorScaleLeast, Math.min(scale, scaleOfLate));
        const excess = (ours[i]! - theirs[i]!) / meanError;
        sum = Math.max(0, sum + Math.min(errorRowLimit, excess) - errorAllowance);
      }
    },
    evidence: () => sum / limit,
    reset: () => void (sum = 0),
  };
}

/** A completed route, as far as its score goes. */
export interface ScoredRoute {
  /** Weighted cost, without lateness, over free-flow cost. */
  readonly ratio: number;
  /** Free flow of the shortest tour; of one of no length a ratio says nothing. */
  readonly shortestSeconds: number;
}

/** Whether routes score worse than routes as long lately did, on a floor as full as this one. */
export interface ScoreGuard {
  /** @param load open routes */
  watch(route: ScoredRoute, load: number, nowSeconds: number): void;
  evidence(): number;
  /** Forgets what speaks against the served weights; the baselines stay. */
  reset(): void;
}

/** Of one level of load: the ratio as a line over what share of a tour one second is. */
interface Baseline {
  routes: number;
  mean: number;
  /** Of routes about the line. */
  variance: number;
  meanShare: number;
  shareVariance: number;
  covariance: number;
}

/** What a level begins with, until routes say more. */
const FREE_FLOW: Baseline = {
  ...{ routes: 0, mean: 1, variance: 1 },
  ...{ meanShare: 0, shareVariance: 0, covariance: 0 },
};
/** Where all tours are as long, to a tenth of a second in a minute, there is no slope to tell. */
const LEAST_SHARE_VARIANCE = 1e-9;

/**
 * Ratios rise with the load whatever is served, so each level of load has its own baseline; a level that has
 * hardly been seen says nothing. They rise with shorter tours too: some of the waits of a tour come with its length, some
 * with any tour, and are a larger share of a short one. So a baseline is a line, by least squares that forget.
 */
export function createScoreGuard(): ScoreGuard {
  const baselines = new Map<number, Baseline>();
  let sum = 0;
  let peak = 0;
  let peakAt = 0;
  return {
    watch({ ratio, shortestSeconds }, load, nowSeconds) {
      if (shortestSeconds === 0) return;
      peak = Math.max(load, peak * 0.5 ** (Math.max(0, nowSeconds - peakAt) / GUARD.loadHalfLifeSeconds));
      peakAt = nowSeconds;
      const level = Math.round(4 * Math.log2(1 + peak));
      const baseline = baselines.get(level) ?? { ...FREE_FLOW };
      baselines.set(level, baseline);
      const distance = 1 / shortestSeconds - baseline.meanShare;
      const slope = baseline.covariance / (baseline.shareVariance + LEAST_SHARE_VARIANCE);
      const expected = baseline.mean + slope * distance;
      const spread = Math.sqrt(baseline.variance + 0.01);
      const deviation = (ratio - expected) / spread;
      if (baseline.routes >= GUARD.scoreBaselineRoutes) {
        sum = Math.max(0, sum + Math.min(GUARD.scoreRouteLimit, deviation) - GUARD.scoreAllowance);
      }
      const share = 1 / Math.min(++baseline.routes, GUARD.scoreBaselineWindow);
      const surprise = spread * Math.min(GUARD.scoreOutlier, Math.max(-GUARD.scoreOutlier, deviation));
      const change = expected + surprise - baseline.mean;
      baseline.mean += share * change;
      baseline.meanShare += share * distance;
      baseline.covariance += share * ((1 - share) * change * distance - baseline.covariance);
      baseline.shareVariance += share * ((1 - share) * distance * distance - baseline.shareVariance);
      baseline.variance += share * (surprise * surprise - baseline.variance);
    },
    evidence: () => sum / GUARD.scoreLimit,
    reset: () => void (sum = 0),
  };
}
