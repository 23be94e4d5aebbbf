import { LIMITS } from '../domain/limits.js';
import type { Random } from '../platform/random.js';
import { HYPERPARAMETERS } from './hyperparameters.js';
import { createRobotShares } from './robotShares.js';
import { ROW_BLOCKING, ROW_BLOCKING_KNOWN, ROW_SIZE, type RowBatch, type RowCorrection } from './row.js';

/** One warehouse's rows: a ring of the newest, the numbers of those that no batch has drawn yet, and those held out. */
export interface Replay {
  add(batch: RowBatch): void;
  correct(correction: RowCorrection): void;
  /** Rows to draw from. */
  size(): number;
  freshCount(): number;
  /** A batch begins that takes so many rows from here; each robot's part of it is capped. */
  startBatch(rows: number): void;
  /** Fills `target` from `offset` rows on with rows that no batch has seen; returns how many there were. */
  drawFresh(target: Float32Array, offset: number, wanted: FreshWanted): number;
  /** Rows drawn fresh since the last `keepDrawn` or `putBack` are fresh again. */
  putBack(): void;
  /** What was drawn fresh stays drawn. */
  keepDrawn(): void;
  /** Fills with rows drawn at random, recent ones more often. */
  drawRecent(target: Float32Array, offset: number, count: number, random: Random): void;
  /** Fills with rows of corner cases, each as likely; returns how many: a robot's share may end it sooner. */
  drawCorner(target: Float32Array, offset: number, count: number, random: Random): number;
  /** [n][ROW_SIZE] */
  readonly heldOut: Float32Array;
  heldOutCount(): number;
}

export interface FreshWanted {
  readonly count: number;
  /** Rows of one completion, on average. */
  readonly rowsEach: number;
  /** Takes the numbers of the completions that the rows are of. */
  readonly completions: Set<number>;
}

interface FreshRow {
  readonly row: number;
  readonly slot: number;
  readonly completion: number;
}

export function createReplay(capacity: number, heldOutCapacity: number): Replay {
  const rows = new Float32Array(capacity * ROW_SIZE);
  const heldOut = new Float32Array(heldOutCapacity * ROW_SIZE);
  const slotOfRow = new Map<number, number>();
  // Numbers of rows: in a month of a busy site they are more than 32 bits hold.
  const rowOfSlot = new Float64Array(capacity).fill(-1);
  const rowOfHeldSlot = new Float64Array(heldOutCapacity).fill(-1);
  const robotOfSlot = new Int32Array(capacity).fill(-1);
  const shares = createRobotShares();
  let fresh: FreshRow[] = [];
  let drawnFresh: FreshRow[] = [];
  let added = 0;
  let held = 0;
  // Copies: a corner case outlives its place among the newest.
  const cornerRows = new Float32Array(LIMITS.cornerRows * ROW_SIZE);
  const rowOfCornerSlot = new Float64Array(LIMITS.cornerRows).fill(-1);
  const robotOfCornerSlot = new Int32Array(LIMITS.cornerRows).fill(-1);
  let corners = 0;

  const store = (row: number, values: Float32Array, batch: RowBatch): void => {
    const { completion, robot = -1 - completion } = batch;
    if (added >= capacity) shares.overwritten(robotOfSlot[added % capacity]!);
    const slot = added++ % capacity;
    robotOfSlot[slot] = robot;
    shares.stored(robot);
    slotOfRow.delete(rowOfSlot[slot]!);
    rowOfSlot[slot] = row;
    slotOfRow.set(row, slot);
    rows.set(values, slot * ROW_SIZE);
    fresh.push({ row, slot, completion });
  };
  const storeCorner = (row: number, values: Float32Array, batch: RowBatch): void => {
    const slot = corners++ % LIMITS.cornerRows;
    cornerRows.set(values, slot * ROW_SIZE);
    rowOfCornerSlot[slot] = row;
    robotOfCornerSlot[slot] = batch.robot ?? -1 - batch.completion;
  };
  const copy = (slot: number, target: Float32Array, to: number): void => {
    target.set(rows.subarray(slot * ROW_SIZE, (slot + 1) * ROW_SIZE), to * ROW_SIZE);
  };

  return {
    heldOut,
    heldOutCount: () => Math.min(held, heldOutCapacity),
    size: () => Math.min(added, capacity),
    freshCount: () => fresh.length,
    startBatch: (count) => shares.begin(count),
    add(batch) {
      const count = batch.rows.length / ROW_SIZE;
      for (let i = 0; i < count; i++) {
        const row = batch.firstRow + i;
        const values = batch.rows.subarray(i * ROW_SIZE, (i + 1) * ROW_SIZE);
        if (isHeldOut(row) && i > 0) {
          const slot = held++ % heldOutCapacity;
          heldOut.set(values, slot * ROW_SIZE);
          rowOfHeldSlot[slot] = row;
        } else {
          store(row, values, batch);
          if (batch.isCorner) storeCorner(row, values, batch);
        }
      }
      if (fresh.length > capacity) fresh = fresh.slice(-capacity);
    },
    correct({ row, blockingSeconds }) {
      // Also false for NaN, of which one label makes a whole network NaN.
      if (!(blockingSeconds >= 0 && blockingSeconds < Infinity)) return;
      const label = Math.min(HYPERPARAMETERS.labelLimitSeconds, blockingSeconds);
      const slot = slotOfRow.get(row);
      if (slot !== undefined) relabel(rows, slot, label);
      const cornerSlot = rowOfCornerSlot.indexOf(row);
      if (cornerSlot >= 0) relabel(cornerRows, cornerSlot, label);
      const heldSlot = rowOfHeldSlot.indexOf(row);
      if (heldSlot >= 0) relabel(heldOut, heldSlot, label);
    },
    drawFresh(target, offset, { count, rowsEach, completions }) {
      // What waits for its robot's share may wait until newer rows have its place.
      const known = fresh.filter(({ row, slot }) => rowOfSlot[slot] === row);
      const mayTake = ({ slot }: FreshRow): boolean => shares.take(robotOfSlot[slot]!);
      const { drawn, passed, left } = chooseFresh(known, { count, rowsEach }, mayTake);
      drawn.forEach(({ slot, completion }, i) => {
        copy(slot, target, offset + i);
        completions.add(completion);
      });
      fresh = left;
      drawnFresh.push(...drawn, ...passed);
      return drawn.length;
    },
    putBack() {
      drawnFresh.sort((a, b) => a.completion - b.completion || a.slot - b.slot);
      fresh = [...drawnFresh, ...fresh];
      drawnFresh = [];
    },
    keepDrawn: () => void (drawnFresh = []),
    drawRecent(target, offset, count, random) {
      const size = Math.min(added, capacity);
      for (let i = 0; i < count; i++) {
        let slot = 0;
        for (let tries = 0; tries < DRAWS; tries++) {
          const age = Math.floor(size * random.next() ** HYPERPARAMETERS.recencyPower);
          slot = (((added - 1 - age) % capacity) + capacity) % capacity;
          if (shares.take(robotOfSlot[slot]!)) break;
        }
        copy(slot, target, offset + i);
      }
    },
    drawCorner(target, offset, count, random) {
      const size = Math.min(corners, LIMITS.cornerRows);
      if (size === 0) return 0;
      let filled = 0;
      for (let i = 0; i < count; i++) {
        const slot = random.integer(size);
        // What a liar reports is badly predicted: it would own the corner cases.
        if (!shares.take(robotOfCornerSlot[slot]!)) continue;
        const values = cornerRows.subarray(slot * ROW_SIZE, (slot + 1) * ROW_SIZE);
        target.set(values, (offset + filled++) * ROW_SIZE);
      }
      return filled;
    },
  };
}

/** By multiples of the golden section (Knuth): where all routes have eight lanes, every sixteenth row is the first of one. */
export function isHeldOut(row: number): boolean {
  return Math.imul(row, 0x9e3779b1) >>> 0 < 2 ** 32 / HYPERPARAMETERS.heldOutEvery;
}

/** Draws of one row before a robot's share is exceeded: few robots may own most of what there is. */
const DRAWS = 8;

function relabel(target: Float32Array, slot: number, blockingSeconds: number): void {
  target[slot * ROW_SIZE + ROW_BLOCKING] = blockingSeconds;
  target[slot * ROW_SIZE + ROW_BLOCKING_KNOWN] = 1;
}

/**
 * One row of every completion, so that none waits for the next batch; where there is room for more, rows from
 * all along what came in, and the rest stays in the replay. Completions without a place, or beyond their robot's share,
 * stay fresh: behind those that have one, so that nobody else waits for them.
 */
function chooseFresh(
  fresh: readonly FreshRow[],
  { count, rowsEach }: Pick<FreshWanted, 'count' | 'rowsEach'>,
  mayTake: (row: FreshRow) => boolean,
): { readonly drawn: FreshRow[]; readonly passed: FreshRow[]; readonly left: FreshRow[] } {
  const drawn: FreshRow[] = [];
  const others: FreshRow[] = [];
  const left: FreshRow[] = [];
  for (const rows of byCompletion(fresh)) {
    const middle = rows.length >> 1;
    const isServed = drawn.length < count && mayTake(rows[middle]!);
    if (isServed) drawn.push(rows[middle]!);
    if (isServed) others.push(...rows.slice(0, middle), ...rows.slice(middle + 1));
    else left.push(...rows);
  }
  const room = Math.min(count, drawn.length + others.length, rowsEach * drawn.length) - drawn.length;
  const passed: FreshRow[] = [];
  for (let i = 0; i < room; i++) {
    const other = others[Math.floor(((i + 0.5) * others.length) / room)]!;
    (mayTake(other) ? drawn : passed).push(other);
  }
  return { drawn, passed, left };
}

function* byCompletion(fresh: readonly FreshRow[]): Generator<readonly FreshRow[]> {
  for (let start = 0, end = 0; start < fresh.length; start = end) {
    while (fresh[end]?.completion === fresh[start]!.completion) end++;
    yield fresh.slice(start, end);
  }
}
