/** Every number that learning is tuned by. Starting points of the design; decision 0005 names the variations that were measured. */
export const HYPERPARAMETERS = {
  /** Adam (Kingma & Ba 2015). */
  learningRate: 3e-3,
  batchRows: 64,
  /** Rows received for each batch owed; never per wall second, so that a thread learns as an inline learner does. */
  rowsPerBatch: 128,
  /** Share of a batch drawn from rows that no batch has seen, newest first. */
  freshShare: 0.5,
  /** Rows from which on a warehouse has a full share of those that a batch has seen before. */
  replayedRowsForFullShare: 1_000,
  /** Fresh rows of one completion in a batch that is learnt before its rows ask for one. */
  hurriedRowsPerCompletion: 4,
  /** Age of a replayed row is size * u^recencyPower, u uniform: above 1 favours recent rows. */
  recencyPower: 2,
  /** Share of the replayed rows of a batch that comes from corner cases, where there are any. Decision 0007. */
  cornerShare: 0,
  /** Seconds up to which the loss is quadratic (Huber 1964). */
  huberSeconds: 4,
  /** Labels are clipped here before they are learnt. */
  labelLimitSeconds: 30,
  /** One row of n, by its number, is held out for the gates and never learnt. */
  heldOutEvery: 16,
  gradientNormLimit: 10,
  /** A robot's rows in a batch, over the share that it would have if all robots had the same. */
  robotShareLimit: 3,
} as const;
