import { LIMITS } from '../domain/limits.js';
import type { Random } from '../platform/random.js';
import type { TensorFlow } from '../policy/backend.js';
import { gateHeldOut, gateProbe, gateStep, gateWeights, type Gate } from '../policy/gates.js';
import { HYPERPARAMETERS } from './hyperparameters.js';
import { createReplay, type Replay } from './replay.js';
import { areLearnable, ROW_SIZE, type RowBatch, type RowCorrection } from './row.js';
import { createTrainer } from './trainer.js';

/** What one turn of the learner came to. */
export interface LearnerUpdate {
  /** New weights that passed every gate, or null where one did not let them. */
  readonly weights: Float32Array | null;
  readonly rejectedBy: Gate | null;
  /** Completions with at least one row in a batch behind these weights, since the last served update. */
  readonly completions: readonly number[];
  readonly loss: number;
  readonly batches: number;
}

/** Learns from rows as they come. Synchronous: the same learner inline in a simulation and in a thread. */
export interface Learner {
  offer(batch: RowBatch): void;
  correct(correction: RowCorrection): void;
  /** A second has passed on the floor: rows that wait for company are learnt now. */
  tick(): void;
  /**
   * Lets fresh rows be learnt now, a few of each completion: a route that fills a batch alone would pull the
   * weights its own way. For learners behind sockets: who reports a route should not wait for the next one's rows.
   */
  hurry(): void;
  /**
   * Takes back what the held-out rows stopped: owes one more batch, from the champion on, with its fresh rows
   * and others of the replay. The next may pass.
   */
  again(): void;
  /** Trains the batches owed; null where none are. */
  turn(): LearnerUpdate | null;
  /** Starts again from these weights (activation, roll back); from suspect rows it learns no more. */
  reset(weights: Float32Array, rows: { readonly forgetRows: boolean }): void;
  dispose(): void;
}

export interface LearnerOptions {
  readonly tf: TensorFlow;
  readonly random: Random;
  readonly weights: Float32Array;
  /** Instead of `HYPERPARAMETERS.cornerShare`, for measurements. */
  readonly cornerShare?: number;
}

/** After so many updates in a row that a gate stopped, training starts again from the champion. */
const REJECTIONS_BEFORE_RESET = 20;

export function createLearner(options: LearnerOptions): Learner {
  const { tf, random, weights, cornerShare = HYPERPARAMETERS.cornerShare } = options;
  const trainer = createTrainer(tf, weights);
  const replays = new Map<number, Replay>();
  const batch = new Float32Array(HYPERPARAMETERS.batchRows * ROW_SIZE);
  const learntCompletions = new Set<number>();
  let champion: Float32Array = weights.slice();
  let owed = 0;
  let hurried = false;
  let rejections = 0;

  const replayOf = (source: number): Replay => {
    let replay = replays.get(source);
    if (!replay) {
      replay = createReplay(LIMITS.replayRows, LIMITS.heldOutRows);
      replays.set(source, replay);
    }
    return replay;
  };
  const freshCount = (): number =>
    [...replays.values()].reduce((sum, replay) => sum + replay.freshCount(), 0);

  const forgetDrawn = (): void => {
    learntCompletions.clear();
    for (const replay of replays.values()) replay.keepDrawn();
  };

  /** Half fresh rows, half replayed ones, each warehouse its share of both. */
  const assemble = (): boolean => {
    const sources = [...replays.values()].filter((replay) => replay.size() > 0);
    if (sources.length === 0) return false;
    let filled = 0;
    const rowsEach = hurried ? HYPERPARAMETERS.hurriedRowsPerCompletion : Infinity;
    for (const { replay, fresh, replayed } of sharesOf(sources)) {
      const end = filled + fresh + replayed;
      replay.startBatch(fresh + replayed);
      filled += replay.drawFresh(batch, filled, { count: fresh, rowsEach, completions: learntCompletions });
      const corners = Math.floor((end - filled) * cornerShare);
      filled += replay.drawCorner(batch, filled, corners, random);
      replay.drawRecent(batch, filled, end - filled, random);
      filled = end;
    }
    return true;
  };

  /** What the batches since the champion taught is gone, and so is the claim that their rows are in the weights. */
  const giveUp = (): void => {
    trainer.reset(champion);
    rejections = 0;
    learntCompletions.clear();
  };

  const judge = (candidate: Float32Array): Gate | null => {
    const gate = gateWeights(candidate) ?? gateProbe(candidate);
    if (gate) return gate;
    for (const replay of replays.values()) {
      const heldOut = { rows: replay.heldOut, rowSize: ROW_SIZE, count: replay.heldOutCount() };
      const worse = gateHeldOut(candidate, champion, heldOut);
      if (worse) return worse;
    }
    return null;
  };

  const reject = (gate: Gate, loss: number, batches: number): LearnerUpdate => {
    rejections++;
    if (gate !== 'heldOut' || rejections >= REJECTIONS_BEFORE_RESET) giveUp();
    // What breaks a step is not tried again.
    if (gate !== 'heldOut') forgetDrawn();
    return { weights: null, rejectedBy: gate, completions: [], loss, batches };
  };

  return {
    offer(rows) {
      if (!areLearnable(rows.rows)) return;
      replayOf(rows.source).add(rows);
      owed += rows.rows.length / ROW_SIZE / HYPERPARAMETERS.rowsPerBatch;
    },
    correct: (correction) => replayOf(correction.source).correct(correction),
    tick() {
      if (owed < 1 && freshCount() > 0) owed = 1;
    },
    hurry() {
      if (owed >= 1 || freshCount() === 0) return;
      owed = 1;
      hurried = true;
    },
    again() {
      trainer.reset(champion);
      learntCompletions.clear();
      for (const replay of replays.values()) replay.putBack();
      owed = Math.max(owed, 1);
      hurried = true;
    },
    turn() {
      // What was drawn before it gave up, and was not taken back since, is not put back any more.
      if (rejections === 0) forgetDrawn();
      let loss = 0;
      let batches = 0;
      for (; owed >= 1 && batches < LIMITS.batchesPerTurn; owed--, batches++) {
        if (!assemble()) break;
        const report = trainer.step(batch);
        loss += report.loss;
        const gate = gateStep(report);
        if (gate) return reject(gate, report.loss, batches);
      }
      if (batches === 0) return null;
      hurried = false;
      const candidate = trainer.weights();
      const gate = judge(candidate);
      if (gate) return reject(gate, loss / batches, batches);
      champion = candidate;
      rejections = 0;
      const completions = [...learntCompletions];
      forgetDrawn();
      return { weights: candidate, rejectedBy: null, completions, loss: loss / batches, batches };
    },
    reset(next, { forgetRows }) {
      champion = next.slice();
      giveUp();
      forgetDrawn();
      if (!forgetRows) return;
      replays.clear();
      owed = 0;
    },
    dispose: () => trainer.dispose(),
  };
}

interface BatchShare {
  readonly replay: Replay;
  /** Rows that no batch has seen, at most, and the rest. */
  readonly fresh: number;
  readonly replayed: number;
}

/**
 * What each warehouse gives to a batch: of its fresh rows as many as the others', while it has some; of those seen before by
 * how much it has driven. The few rows of a warehouse that hardly drives would otherwise be learnt again and again.
 */
function sharesOf(sources: readonly Replay[]): BatchShare[] {
  const { batchRows, freshShare, replayedRowsForFullShare } = HYPERPARAMETERS;
  let freshLeft = Math.ceil(batchRows * freshShare);
  const byFresh = sources.toSorted((a, b) => a.freshCount() - b.freshCount());
  const fresh = new Map<Replay, number>();
  byFresh.forEach((replay, i) => {
    const share = Math.min(replay.freshCount(), Math.ceil(freshLeft / (byFresh.length - i)));
    fresh.set(replay, share);
    freshLeft -= share;
  });
  const weightOf = (replay: Replay): number => Math.min(replay.size(), replayedRowsForFullShare);
  let weightLeft = sources.reduce((sum, replay) => sum + weightOf(replay), 0);
  let rowsLeft = batchRows - [...fresh.values()].reduce((sum, rows) => sum + rows, 0);
  return sources.map((replay) => {
    const replayed = Math.round((rowsLeft * weightOf(replay)) / weightLeft);
    weightLeft -= weightOf(replay);
    rowsLeft -= replayed;
    return { replay, fresh: fresh.get(replay)!, replayed };
  });
}
