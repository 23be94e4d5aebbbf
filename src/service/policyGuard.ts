import { LIMITS } from '../domain/limits.js';
import { ROW_SIZE } from '../learning/row.js';
import { createStopwatch } from '../platform/clock.js';
import { squaredErrors, type HeldOut } from '../policy/gates.js';
import {
  createErrorGuard,
  createScoreGuard,
  GUARD,
  type ErrorGuard,
  type ScoredRoute,
  type ScoreGuard,
} from '../policy/guards.js';
import { servesIn } from './modes.js';
import type { Site } from './site.js';

/** Which clock ran out: the error on arriving rows (seconds), or the score ratio (minutes). */
export type BreachCause = 'rowError' | 'scoreRatio';

export interface Trusted {
  readonly weights: Float32Array;
  /** The saved version that they are; null for cold ones. */
  readonly version: string | null;
  /** That they stand on; Infinity: they have learnt elsewhere. */
  readonly updates: number;
}

/** One completed route on a site that is served by the network, as the guards see it. */
export interface Watched {
  readonly rows: HeldOut;
  /** Null where it says nothing of the weights: its robot was told to wait. */
  readonly route: ScoredRoute | null;
}

/** What one host's live guards know: the last good weights, and what speaks against those served since. */
export interface PolicyGuard {
  trusted(): Trusted | null;
  /** Other weights are served from now on, under watch against those trusted before. */
  watchFrom(): void;
  /** These are the last good ones from now on. */
  trust(trusted: Trusted): void;
  /** Whether what is served has been watched for long enough, and nothing speaks against it. */
  isProven(): boolean;
  /** Takes in a route; the cause where the served weights may stay no longer. */
  watch(site: Site, watched: Watched, served: Float32Array): BreachCause | null;
  /** Other reward weights make other ratios: those of before are no baseline for them. */
  reweighed(site: Site): void;
  /** The served weights stay until learning has proved itself. */
  pin(): void;
  unpin(): void;
  isPinned(): boolean;
  /** True once a candidate errs no more than the pinned weights on enough rows that neither has seen. */
  proves(watched: Watched, candidate: Float32Array, pinned: Float32Array): boolean;
  /** Seconds of each site's clock since other weights were installed. */
  servedSeconds(): ReadonlyMap<Site, number>;
  /** The newest rows: LIMITS.recentRows, and what the oldest of them came with. */
  recentRows(): HeldOut;
}

/** A warehouse that was not driven in for `idleSeconds` of its clock does not hold up those that were. */
const PROOF = { rows: 1_000, seconds: 60, idleSeconds: 600 } as const;

/** One warehouse since other weights were installed. */
interface SiteWatch {
  readonly error: ErrorGuard;
  score: ScoreGuard;
  seconds: () => number;
  rows: number;
  /** Seconds that it had served by then. */
  drivenAt: number;
}

export function createPolicyGuard(sites: readonly Site[]): PolicyGuard {
  const guards = new Map(
    sites.map((site): [Site, SiteWatch] => {
      const own = { error: createErrorGuard(), score: createScoreGuard() };
      return [site, { ...own, seconds: createStopwatch(site.clock), rows: 0, drivenAt: 0 }];
    }),
  );
  let trusted: Trusted | null = null;
  let installed = false;
  let pinned = false;
  let proof = { rows: 0, excess: 0 };
  const recent: HeldOut[] = [];
  let recentCount = 0;

  const restart = (): void => {
    for (const [site, guard] of guards) {
      Object.assign(guard, { seconds: createStopwatch(site.clock), rows: 0, drivenAt: 0 });
      guard.error.reset();
      guard.score.reset();
    }
  };
  const keep = (rows: HeldOut): void => {
    if (rows.count === 0) return;
    recentCount += rows.count;
    recent.push(rows);
    while (recentCount - recent[0]!.count >= LIMITS.recentRows) recentCount -= recent.shift()!.count;
  };
  const servedLongEnough = (watches: readonly SiteWatch[]): boolean =>
    watches.some(({ seconds }) => seconds() >= PROOF.seconds);
  /** Whose word counts: of all warehouses but, where others are driven in, those that doubt and are not, or not served. */
  const witnesses = (): SiteWatch[] => {
    const all = [...guards].map(([{ mode }, watch]) => ({
      watch,
      isDriven: servesIn(mode) && watch.seconds() - watch.drivenAt < PROOF.idleSeconds,
    }));
    const counted = all.some(({ isDriven }) => isDriven)
      ? all.filter(({ watch, isDriven }) => isDriven || !doubts(watch))
      : all;
    return counted.map(({ watch }) => watch);
  };

  return {
    trusted: () => trusted,
    watchFrom() {
      installed = true;
      pinned = false;
      restart();
    },
    trust: (next) => void (trusted = { ...next, weights: next.weights.slice() }),
    isProven() {
      const those = witnesses();
      return (
        !pinned &&
        those.reduce((sum, { rows }) => sum + rows, 0) >= PROOF.rows &&
        servedLongEnough(those) &&
        !those.some(doubts)
      );
    },
    watch(site, { rows, route }, served) {
      keep(rows);
      const own = guards.get(site)!;
      const { error, score } = own;
      own.rows += rows.count;
      own.drivenAt = own.seconds();
      const onProbation = installed && own.drivenAt < GUARD.probation.seconds;
      if (route !== null) score.watch(route, site.openRoutes.size, site.clock.now() / 1000);
      if (pinned || !trusted) return null;
      error.watch(rows, served, trusted.weights, onProbation);
      if (error.evidence() >= 1) return 'rowError';
      if (score.evidence() < 1) return null;
      score.reset();
      // A floor that is slow under the last good weights is slow for another reason.
      return served.every((weight, i) => weight === trusted!.weights[i]) ? null : 'scoreRatio';
    },
    reweighed: (site) => void (guards.get(site)!.score = createScoreGuard()),
    pin() {
      pinned = true;
      proof = { rows: 0, excess: 0 };
      restart();
    },
    unpin() {
      installed = pinned = false;
      restart();
    },
    isPinned: () => pinned,
    proves({ rows }, candidate, served) {
      const ours = squaredErrors(candidate, rows);
      const theirs = squaredErrors(served, rows);
      for (let i = 0; i < rows.count; i++) proof.excess += ours[i]! - theirs[i]!;
      proof.rows += rows.count;
      if (!servedLongEnough([...guards.values()]) || proof.rows < PROOF.rows) return false;
      const proven = proof.excess <= 0;
      proof = { rows: 0, excess: 0 };
      return proven;
    },
    servedSeconds: () => new Map([...guards].map(([site, { seconds }]) => [site, seconds()])),
    recentRows: () => joined(recent, recentCount),
  };
}

function doubts({ error, score }: SiteWatch): boolean {
  return error.evidence() >= 0.5 || score.evidence() >= 0.5;
}

function joined(parts: readonly HeldOut[], count: number): HeldOut {
  const rows = new Float32Array(count * ROW_SIZE);
  let at = 0;
  for (const part of parts) {
    rows.set(part.rows, at);
    at += part.rows.length;
  }
  return { rows, rowSize: ROW_SIZE, count };
}
