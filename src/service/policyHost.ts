import { LIMITS } from '../domain/limits.js';
import type { Mode } from '../domain/messages.js';
import type { ServiceObserver } from '../domain/serviceContract.js';
import type { LearnerUpdate } from '../learning/learner.js';
import type { LearnerPort } from '../learning/learnerPort.js';
import { ROW_SIZE, type RowBatch } from '../learning/row.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { gateWeights } from '../policy/gates.js';
import type { PriceSource } from '../policy/pricing.js';
import { learnsIn, servesIn } from './modes.js';
import { createPolicyGuard, type BreachCause, type PolicyGuard, type Watched } from './policyGuard.js';
import type { Site } from './site.js';

/**
 * One policy as it is served: its weights, the learner that moves them, the guard that takes them back,
 * and the sites that price with them. The champion is the last saved version plus the updates since.
 */
export interface PolicyHost {
  readonly sites: readonly Site[];
  readonly guard: Pick<
    PolicyGuard,
    'trusted' | 'isPinned' | 'isProven' | 'recentRows' | 'reweighed' | 'servedSeconds'
  >;
  /** `v3+128`: saved version and updates since; `free-flow` without a network. */
  version(): string;
  weights(): Float32Array | null;
  /** What learning has come to: as served or, while that is pinned, what is to prove itself. */
  candidate(): Candidate | null;
  /** The saved version that updates count from, null before the first. */
  base(): string | null;
  updatesSinceSave(): number;
  updatesApplied(): number;
  /** How far what the network predicts counts, 0 to 1: one that began with nothing has to learn first. */
  maturity(): number;
  /** Wall milliseconds since an update was last served, null before the first. */
  stalenessMilliseconds(): number | null;
  loss(): number;
  /** Rows sent to the learner since its last update. */
  rowsWaiting(): number;
  learn(
    site: Site,
    batch: Pick<RowBatch, 'firstRow' | 'rows' | 'isCorner' | 'robot'>,
    receivedAtMilliseconds: number,
  ): void;
  correct(site: Site, row: number, blockingSeconds: number): void;
  /**
   * Shows the guard a route: one that was driven under the policy, or one that only says which weights foresee more, those
   * served or those that are to prove themselves. Takes the weights back where they must go.
   */
  watch(site: Site, watched: Watched, isServed: boolean): void;
  tick(): void;
  /**
   * Serves these weights from now on, and lets the learner start from them. Under watch, unless they are trusted; those
   * made worse on purpose are never trusted, however long the guard finds nothing.
   * @param updates what they stand on, see `updatesBehind`; 0 for cold weights
   */
  install(
    weights: Float32Array,
    version: string | null,
    updates: number,
    known?: 'trusted' | 'sabotaged',
  ): void;
  /** What is served is the last good version from now on, where it is a saved one that has proved itself. */
  trustProven(): void;
  /** Which time weights came from elsewhere than the learner. */
  installation(): number;
  /** What is served now, to be saved; null without a network. */
  snapshot(): Snapshot | null;
  /** The snapshot was saved under this name: updates count from there. False where other weights took its place meanwhile. */
  saved(version: string, snapshot: Snapshot): boolean;
  /** A new route leaves: stops the clocks of the outcomes that were in the weights when it was planned. */
  routeLeaves(site: Site, plannedAtMilliseconds: number): void;
  close(): Promise<void>;
}

export interface Candidate {
  readonly weights: Float32Array;
  /** As it is called when it is served. */
  readonly version: string;
}

/** What was served at one moment. */
export interface Snapshot {
  readonly weights: Float32Array;
  /** Since the save before. */
  readonly updates: number;
  /** That the weights stand on; Infinity: they have learnt elsewhere. */
  readonly learnt: number;
  /** Which time weights came from elsewhere than the learner. */
  readonly installation: number;
}

/** Weights that the guard took back, and what is served instead. */
export interface Breach {
  readonly cause: BreachCause;
  /** As served, such as `v3+128`; and the saved version behind it. */
  readonly from: string;
  readonly fromBase: string | null;
  /** The saved version that was put back; null for cold weights. */
  readonly to: string | null;
  /** Seconds of each site's clock that the bad weights were served. */
  readonly servedSeconds: ReadonlyMap<Site, number>;
  /** Which time weights came from elsewhere than the learner: while it is the host's, what was put back is served. */
  readonly installation: number;
}

export interface PolicyHostOptions {
  readonly sites: readonly Site[];
  readonly learner: LearnerPort | null;
  readonly areColdWeightsTrained: boolean;
  readonly observer: ServiceObserver;
  readonly onUpdate: (host: PolicyHost) => void;
  readonly onBreach: (host: PolicyHost, breach: Breach) => void;
  /** Learning proved itself after a breach and is served again. */
  readonly onResumed: (host: PolicyHost) => void;
  readonly onFailure: (host: PolicyHost, detail: string) => void;
  /** The learner failed, and works again. */
  readonly onRestart: (host: PolicyHost) => void;
}

export function createPolicyHost(options: PolicyHostOptions): PolicyHost {
  const { sites, learner, observer } = options;
  const guard = createPolicyGuard(sites);
  const received = new Map<number, number>();
  let unserved: { readonly receivedAt: number; readonly learntAt: number }[] = [];
  let weights: Float32Array | null = null;
  /** What learning has come to while the served weights are pinned. */
  let candidate: Float32Array | null = null;
  let base: string | null = null;
  let updatesSinceSave = 0;
  let updatesApplied = 0;
  const learntWhenCold = options.areColdWeightsTrained ? Infinity : 0;
  /** Updates that the served weights stand on; Infinity: they have learnt elsewhere. */
  let learnt = learntWhenCold;
  let installations = 0;
  let sabotaged = false;
  let servedAt: number | null = null;
  let loss = 0;
  let completions = 0;
  let rows = 0;

  const versionAfter = (updates: number): string => `${base ?? 'cold'}+${updates}`;
  const isLearning = (): boolean => sites.some(({ mode }) => learnsIn(mode));

  const serve = (next: Float32Array): void => {
    weights = next;
    for (const site of sites) site.pricing.setNetworkWeights(next);
  };

  const serveUpdate = (next: Float32Array): void => {
    serve(next);
    servedAt = monotonicMilliseconds();
    updatesSinceSave++;
    updatesApplied++;
    learnt++;
    for (const site of sites) observer.updateApplied(site.warehouseId);
    options.onUpdate(host);
  };

  const apply = (update: LearnerUpdate): void => {
    rows = 0;
    const rejectedBy = update.weights ? gateWeights(update.weights) : update.rejectedBy;
    if (!update.weights || rejectedBy) {
      for (const site of sites) observer.updateRejected(site.warehouseId, rejectedBy ?? 'weights');
      return;
    }
    // What the learner was at when the last of its sites stopped learning.
    if (!isLearning()) return;
    loss = update.loss;
    const pinned = guard.isPinned();
    const learntAt = monotonicMilliseconds();
    for (const completion of update.completions) {
      const receivedAt = received.get(completion);
      if (receivedAt !== undefined && !pinned) unserved.push({ receivedAt, learntAt });
      received.delete(completion);
    }
    // Where no policy is served, nobody stops these clocks.
    unserved = unserved.slice(-LIMITS.outcomesUnserved);
    if (pinned) candidate = update.weights;
    else serveUpdate(update.weights);
  };

  /** Puts weights in place that did not come from the learner; it starts again from them. */
  const replace = (next: Float32Array, version: string | null, forgetRows: boolean): void => {
    installations++;
    sabotaged = false;
    candidate = null;
    serve(next);
    base = version;
    updatesSinceSave = 0;
    learner?.reset(next, { forgetRows });
  };

  const restore = (cause: BreachCause): void => {
    const { weights: good, version, updates } = guard.trusted()!;
    const from = { from: host.version(), fromBase: base, servedSeconds: guard.servedSeconds() };
    replace(good, version, true);
    learnt = updates;
    guard.pin();
    options.onBreach(host, { cause, to: version, ...from, installation: installations });
  };

  const host: PolicyHost = {
    sites,
    guard,
    version: () => (weights === null ? 'free-flow' : versionAfter(updatesSinceSave)),
    weights: () => weights,
    candidate() {
      if (candidate) return { weights: candidate, version: versionAfter(updatesSinceSave + 1) };
      return weights && { weights, version: host.version() };
    },
    base: () => base,
    updatesSinceSave: () => updatesSinceSave,
    updatesApplied: () => updatesApplied,
    maturity() {
      return Math.min(1, Math.floor((MATURITY_STEPS * learnt) / UPDATES_TO_MATURE) / MATURITY_STEPS);
    },
    stalenessMilliseconds: () => (servedAt === null ? null : monotonicMilliseconds() - servedAt),
    loss: () => loss,
    rowsWaiting: () => rows,
    learn(site, batch, receivedAtMilliseconds) {
      if (!learner || batch.rows.length === 0) return;
      received.set(completions, receivedAtMilliseconds);
      // A learner that is down leaves its outcomes behind; they must not pile up.
      if (received.size > LIMITS.outcomesUnserved) received.delete(received.keys().next().value as number);
      learner.offer({ ...batch, source: site.source, completion: completions++ });
      rows += batch.rows.length / ROW_SIZE;
    },
    correct(site, row, blockingSeconds) {
      learner?.correct({ source: site.source, row, blockingSeconds });
    },
    watch(site, watched, isServed) {
      if (!weights) return;
      const cause = isServed ? guard.watch(site, watched, weights) : null;
      if (cause) restore(cause);
      else if (candidate && isLearning() && guard.proves(watched, candidate, weights)) {
        const proven = candidate;
        candidate = null;
        guard.unpin();
        serveUpdate(proven);
        options.onResumed(host);
      }
    },
    tick: () => learner?.tick(),
    install(next, version, updates, known) {
      const standsOn = learntWhenCold + updates;
      if (known === 'trusted' || !guard.trusted()) guard.trust({ weights: next, version, updates: standsOn });
      else host.trustProven();
      replace(next, version, false);
      learnt = standsOn;
      sabotaged = known === 'sabotaged';
      guard.watchFrom();
    },
    trustProven() {
      const isBase = updatesSinceSave === 0 && !sabotaged;
      if (weights && isBase && guard.isProven()) guard.trust({ weights, version: base, updates: learnt });
    },
    installation: () => installations,
    snapshot: () => weights && { weights, updates: updatesSinceSave, learnt, installation: installations },
    saved(version, snapshot) {
      // Taken back while they were being saved: they are no base for anything.
      if (snapshot.installation !== installations) return false;
      base = version;
      updatesSinceSave -= snapshot.updates;
      const { weights: saved, learnt: updates } = snapshot;
      if (guard.isProven()) guard.trust({ weights: saved, version, updates });
      return true;
    },
    routeLeaves(site, plannedAtMilliseconds) {
      const now = monotonicMilliseconds();
      unserved = unserved.filter(({ receivedAt, learntAt }) => {
        if (learntAt > plannedAtMilliseconds) return true;
        observer.outcomeServed(site.warehouseId, now - receivedAt);
        return false;
      });
    },
    close: () => learner?.close() ?? Promise.resolve(),
  };
  learner?.onUpdate(apply);
  learner?.onFailure((detail) => options.onFailure(host, detail));
  learner?.onRestart(() => options.onRestart(host));
  return host;
}

/** Updates after which a network that began with nothing counts in full. Decision 0019. */
const UPDATES_TO_MATURE = 400;
/** It grows in so many steps: not every update prices all lanes anew. */
const MATURITY_STEPS = 20;

/** The pressure that a site's network is served with. */
export function pressureOf(site: Site, host: PolicyHost): number {
  return host.maturity() * site.slowdown.pressure(site.clock.now() / 1000);
}

/** Which prices a mode serves; `observe` and `shadow` serve free flow. Without weights there is no network to ask. */
export function sourceOf(mode: Mode, host: PolicyHost): PriceSource {
  return servesIn(mode) && host.weights() !== null ? 'network' : 'freeFlow';
}
