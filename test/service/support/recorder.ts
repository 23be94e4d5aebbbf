import { createIdleLearner } from '../../../sim/idleLearner.js';
import type { LearnerPort } from '../../../src/learning/learnerPort.js';
import {
  ROW_BLOCKING,
  ROW_BLOCKING_KNOWN,
  ROW_SIZE,
  ROW_WAIT,
  type RowBatch,
} from '../../../src/learning/row.js';

/** A learner that learns nothing and remembers what it was sent. */
export function createRecorder() {
  const batches: RowBatch[] = [];
  const corrections = new Map<number, number>();
  const port: LearnerPort = {
    ...createIdleLearner(),
    offer: (batch) => batches.push({ ...batch, rows: batch.rows.slice() }),
    correct: ({ row, blockingSeconds }) => corrections.set(row, blockingSeconds),
  };
  /** [wait, blocking] of each lane of a completion, in order; blocking null where it is not known. */
  const labels = (completion: number): [number, number | null][] => {
    const { rows, firstRow } = batches.find((batch) => batch.completion === completion)!;
    return Array.from({ length: rows.length / ROW_SIZE }, (_, i) => {
      const row = rows.subarray(i * ROW_SIZE, (i + 1) * ROW_SIZE);
      const known = row[ROW_BLOCKING_KNOWN] === 1 ? row[ROW_BLOCKING]! : null;
      return [row[ROW_WAIT]!, corrections.get(firstRow + i) ?? known];
    });
  };
  return { port, labels, count: () => batches.length };
}
