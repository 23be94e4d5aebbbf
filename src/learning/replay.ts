import type { Random } from '../platform/random.js';
import { HYPERPARAMETERS } from './hyperparameters.js';
import { ROW_BLOCKING, ROW_BLOCKING_KNOWN, ROW_SIZE, type RowBatch, type RowCorrection } from './row.js';

/** One warehouse's rows: a ring of the newest, the numbers of those that no batch has drawn yet, and those held out. */
export interface Replay {
  add(batch: RowBatch): void;
  correct(correction: RowCorrection): void;
  /** Rows to draw from. */
  size(): number;
  freshCount(): number;
  /** Fills `target` from `offset` rows on with `count` rows that no batch has seen; returns how many there were. */
  drawFresh(target: Float32Array, offset: number, count: number, completions: Set<number>): number;
  /** Fills with rows drawn at random, recent ones more often. */
  drawRecent(target: Float32Array, offset: number, count: number, random: Random): void;
  /** [n][ROW_SIZE] */
  readonly heldOut: Float32Array;
  heldOutCount(): number;
}

interface FreshRow {
  readonly slot: number;
  readonly completion: number;
}

export function createReplay(capacity: number, heldOutCapacity: number): Replay {
  const rows = new Float32Array(capacity * ROW_SIZE);
  const heldOut = new Float32Array(heldOutCapacity * ROW_SIZE);
  const slotOfRow = new Map<number, number>();
  const rowOfSlot = new Int32Array(capacity).fill(-1);
  let fresh: FreshRow[] = [];
  let added = 0;
  let held = 0;

  const store = (row: number, values: Float32Array, completion: number): void => {
    const slot = added++ % capacity;
    slotOfRow.delete(rowOfSlot[slot]!);
    rowOfSlot[slot] = row;
    slotOfRow.set(row, slot);
    rows.set(values, slot * ROW_SIZE);
    fresh.push({ slot, completion });
  };
  const copy = (slot: number, target: Float32Array, to: number): void => {
    target.set(rows.subarray(slot * ROW_SIZE, (slot + 1) * ROW_SIZE), to * ROW_SIZE);
  };

  return {
    heldOut,
    heldOutCount: () => Math.min(held, heldOutCapacity),
    size: () => Math.min(added, capacity),
    freshCount: () => fresh.length,
    add(batch) {
      const count = batch.rows.length / ROW_SIZE;
      for (let i = 0; i < count; i++) {
        const row = batch.firstRow + i;
        const values = batch.rows.subarray(i * ROW_SIZE, (i + 1) * ROW_SIZE);
        if (row % HYPERPARAMETERS.heldOutEvery === 0 && i > 0) {
          heldOut.set(values, (held++ % heldOutCapacity) * ROW_SIZE);
        } else {
          store(row, values, batch.completion);
        }
      }
      if (fresh.length > capacity) fresh = fresh.slice(-capacity);
    },
    correct({ row, blockingSeconds }) {
      const slot = slotOfRow.get(row);
      if (slot === undefined) return;
      rows[slot * ROW_SIZE + ROW_BLOCKING] = blockingSeconds;
      rows[slot * ROW_SIZE + ROW_BLOCKING_KNOWN] = 1;
    },
    drawFresh(target, offset, count, completions) {
      // Evenly over what has come in, so that every completion has a row in the batch; the rest stays in the replay.
      const drawn = Math.min(count, fresh.length);
      for (let i = 0; i < drawn; i++) {
        const { slot, completion } = fresh[Math.floor(((i + 0.5) * fresh.length) / drawn)]!;
        copy(slot, target, offset + i);
        completions.add(completion);
      }
      fresh = [];
      return drawn;
    },
    drawRecent(target, offset, count, random) {
      const size = Math.min(added, capacity);
      for (let i = 0; i < count; i++) {
        const age = Math.floor(size * random.next() ** HYPERPARAMETERS.recencyPower);
        copy((((added - 1 - age) % capacity) + capacity) % capacity, target, offset + i);
      }
    },
  };
}
