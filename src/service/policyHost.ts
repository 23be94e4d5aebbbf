import type { Mode } from '../domain/messages.js';
import type { ServiceObserver } from '../domain/serviceContract.js';
import type { LearnerUpdate } from '../learning/learner.js';
import type { LearnerPort } from '../learning/learnerPort.js';
import { ROW_SIZE, type RowBatch } from '../learning/row.js';
import { monotonicMilliseconds } from '../platform/clock.js';
import { gateWeights } from '../policy/gates.js';
import type { PriceSource } from '../policy/pricing.js';
import type { Site } from './site.js';

/**
 * One policy as it is served: its weights, the learner that moves them, and the sites that price with
 * them. The champion is the last saved version plus the updates since.
 */
export interface PolicyHost {
  readonly sites: readonly Site[];
  readonly backend: string;
  /** `v3+128`: saved version and updates since; `free-flow` without a network. */
  version(): string;
  weights(): Float32Array | null;
  /** The saved version that updates count from, null before the first. */
  base(): string | null;
  updatesSinceSave(): number;
  updatesApplied(): number;
  /** Wall milliseconds since weights last moved, null before. */
  stalenessMilliseconds(): number | null;
  loss(): number;
  /** Rows sent to the learner since weights last moved. */
  rowsWaiting(): number;
  learn(
    site: Site,
    batch: Pick<RowBatch, 'firstRow' | 'rows' | 'isCorner'>,
    receivedAtMilliseconds: number,
  ): void;
  correct(site: Site, row: number, blockingSeconds: number): void;
  tick(): void;
  /** Serves these weights from now on and lets the learner start from them. */
  install(weights: Float32Array, version: string | null): void;
  /** The weights served now were saved under this name. */
  saved(version: string): void;
  /** A route planned under the weights of now leaves: closes the clocks of the outcomes in them. */
  routeLeaves(site: Site): void;
  close(): Promise<void>;
}

export interface PolicyHostOptions {
  readonly sites: readonly Site[];
  readonly learner: LearnerPort | null;
  readonly observer: ServiceObserver;
  readonly onUpdate: (host: PolicyHost, update: { readonly loss: number; readonly rows: number }) => void;
  readonly onFailure: (host: PolicyHost, detail: string) => void;
}

export function createPolicyHost(options: PolicyHostOptions): PolicyHost {
  const { sites, learner, observer } = options;
  const received = new Map<number, number>();
  let unserved: number[] = [];
  let weights: Float32Array | null = null;
  let base: string | null = null;
  let updatesSinceSave = 0;
  let updatesApplied = 0;
  let movedAt: number | null = null;
  let loss = 0;
  let completions = 0;
  let rows = 0;

  const serve = (next: Float32Array): void => {
    weights = next;
    movedAt = monotonicMilliseconds();
    for (const site of sites) site.pricing.setNetworkWeights(next);
  };

  const apply = (update: LearnerUpdate): void => {
    const rejectedBy = update.weights ? gateWeights(update.weights) : update.rejectedBy;
    if (!update.weights || rejectedBy) {
      for (const site of sites) observer.updateRejected(site.warehouseId, rejectedBy ?? 'weights');
      return;
    }
    serve(update.weights);
    updatesSinceSave++;
    updatesApplied++;
    loss = update.loss;
    for (const completion of update.completions) {
      const at = received.get(completion);
      if (at !== undefined) unserved.push(at);
      received.delete(completion);
    }
    for (const site of sites) observer.updateApplied(site.warehouseId);
    options.onUpdate(host, { loss, rows });
    rows = 0;
  };

  const host: PolicyHost = {
    sites,
    backend: learner?.backend ?? 'none',
    version: () => (weights === null ? 'free-flow' : `${base ?? 'cold'}+${updatesSinceSave}`),
    weights: () => weights,
    base: () => base,
    updatesSinceSave: () => updatesSinceSave,
    updatesApplied: () => updatesApplied,
    stalenessMilliseconds: () => (movedAt === null ? null : monotonicMilliseconds() - movedAt),
    loss: () => loss,
    rowsWaiting: () => rows,
    learn(site, batch, receivedAtMilliseconds) {
      if (!learner || batch.rows.length === 0) return;
      received.set(completions, receivedAtMilliseconds);
      // A learner that is down leaves its outcomes behind; they must not pile up.
      if (received.size > OUTCOMES_WAITING) received.delete(received.keys().next().value as number);
      learner.offer({ ...batch, source: site.source, completion: completions++ });
      rows += batch.rows.length / ROW_SIZE;
    },
    correct(site, row, blockingSeconds) {
      learner?.correct({ source: site.source, row, blockingSeconds });
    },
    tick: () => learner?.tick(),
    install(next, version) {
      serve(next);
      base = version;
      updatesSinceSave = 0;
      learner?.reset(next);
    },
    saved(version) {
      base = version;
      updatesSinceSave = 0;
    },
    routeLeaves(site) {
      if (unserved.length === 0) return;
      const now = monotonicMilliseconds();
      for (const at of unserved) observer.outcomeServed(site.warehouseId, now - at);
      unserved = [];
    },
    close: () => learner?.close() ?? Promise.resolve(),
  };
  learner?.onUpdate(apply);
  learner?.onFailure((detail) => options.onFailure(host, detail));
  return host;
}

const OUTCOMES_WAITING = 10_000;

export function learnsIn(mode: Mode): boolean {
  return mode === 'learn' || mode === 'observe';
}

/** Which prices a mode serves; `observe` serves free flow. Without weights there is no network to ask. */
export function sourceOf(mode: Mode, host: PolicyHost): PriceSource {
  return (mode === 'learn' || mode === 'frozen') && host.weights() !== null ? 'network' : 'freeFlow';
}
