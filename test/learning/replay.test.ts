import { describe, expect, it } from 'vitest';
import { HYPERPARAMETERS } from '../../src/learning/hyperparameters.js';
import { createReplay, isHeldOut } from '../../src/learning/replay.js';
import { ROW_BLOCKING, ROW_BLOCKING_KNOWN, ROW_SIZE } from '../../src/learning/row.js';
import { createRandom } from '../../src/platform/random.js';

/** Rows that carry their own number in the first feature. */
function numbered(firstRow: number, count: number, completion: number) {
  const rows = new Float32Array(count * ROW_SIZE);
  for (let i = 0; i < count; i++) rows[i * ROW_SIZE] = firstRow + i;
  return { source: 0, firstRow, rows, completion };
}

function numbersIn(target: Float32Array, count: number): number[] {
  return Array.from({ length: count }, (_, i) => target[i * ROW_SIZE]!);
}

const draw = (completions = new Set<number>(), rowsEach = Infinity) => ({ count: 32, rowsEach, completions });

describe('replay', () => {
  it('never gives a held-out row to be learnt, fresh or replayed', () => {
    const replay = createReplay(500, 64);
    const random = createRandom(1);
    const target = new Float32Array(64 * ROW_SIZE);
    const drawn = new Set<number>();
    let next = 0;
    for (let completion = 0; completion < 40; completion++) {
      const count = 1 + random.integer(40);
      replay.add(numbered(next, count, completion));
      next += count;
      const fresh = replay.drawFresh(target, 0, draw());
      replay.drawRecent(target, fresh, 64 - fresh, random);
      for (const row of numbersIn(target, 64)) drawn.add(row);
    }
    expect(replay.heldOutCount()).toBeGreaterThan(20);
    for (const row of numbersIn(replay.heldOut, replay.heldOutCount())) expect(drawn).not.toContain(row);
  });

  it('holds out about one row in sixteen, and never all that a completion has', () => {
    const replay = createReplay(5_000, 512);
    for (let i = 0; i < 100; i++) replay.add(numbered(32 * i, 32, i));
    expect(replay.heldOutCount() / 3_200).toBeCloseTo(1 / HYPERPARAMETERS.heldOutEvery, 1);
    const single = createReplay(10, 10);
    const heldOut = Array.from({ length: 100 }, (_, row) => row).filter(isHeldOut);
    for (const row of heldOut) single.add(numbered(row, 1, 0));
    expect([single.size(), single.heldOutCount()]).toEqual([heldOut.length, 0]);
  });

  it.each([2, 3, 4, 5, 8, 13, 15, 16, 21, 34])(
    'holds out as many where all routes have %i lanes',
    (lanes) => {
      const replay = createReplay(20_000, 2_000);
      for (let i = 0; lanes * i < 8_000; i++) replay.add(numbered(lanes * i, lanes, i));
      const wanted = (8_000 * (lanes - 1)) / lanes / HYPERPARAMETERS.heldOutEvery;
      expect(replay.heldOutCount() / wanted).toBeGreaterThan(0.9);
      expect(replay.heldOutCount() / wanted).toBeLessThan(1.1);
    },
  );

  it('gives a few rows of each completion where no more are wanted', () => {
    const replay = createReplay(500, 64);
    replay.add(numbered(1, 15, 0));
    replay.add(numbered(17, 15, 1));
    const seen = new Set<number>();
    expect(replay.drawFresh(new Float32Array(32 * ROW_SIZE), 0, draw(seen, 4))).toBe(8);
    expect([...seen]).toEqual([0, 1]);
  });

  it('gives rows that were put back once more, unless they were to be kept', () => {
    const replay = createReplay(500, 64);
    const target = new Float32Array(32 * ROW_SIZE);
    replay.add(numbered(1, 10, 0));
    const drawn = replay.drawFresh(target, 0, draw());
    const first = numbersIn(target, drawn);
    replay.putBack();
    expect(replay.drawFresh(target, 0, draw())).toBe(drawn);
    expect(numbersIn(target, drawn).sort()).toEqual(first.sort());
    replay.keepDrawn();
    replay.putBack();
    expect(replay.freshCount()).toBe(0);
  });

  it('puts a row of every completion into the next batch, however unequal they are', () => {
    const random = createRandom(2);
    for (let round = 0; round < 50; round++) {
      const replay = createReplay(5_000, 64);
      const count = 1 + random.integer(32);
      let next = 0;
      for (let completion = 0; completion < count; completion++) {
        const rows = random.next() < 0.5 ? 1 : 1 + random.integer(200);
        replay.add(numbered(next, rows, completion));
        next += rows;
      }
      const seen = new Set<number>();
      const drawn = replay.drawFresh(new Float32Array(32 * ROW_SIZE), 0, draw(seen));
      expect(drawn).toBeGreaterThanOrEqual(count);
      expect(drawn).toBeLessThanOrEqual(32);
      expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(replay.freshCount()).toBe(0);
    }
  });

  it('keeps completions that found no place in a batch for the next one', () => {
    const replay = createReplay(5_000, 64);
    for (let completion = 0; completion < 100; completion++) {
      replay.add(numbered(completion * 3, 3, completion));
    }
    const seen = new Set<number>();
    const target = new Float32Array(32 * ROW_SIZE);
    for (let batch = 0; batch < 4; batch++) {
      expect(replay.freshCount()).toBeGreaterThan(0);
      replay.drawFresh(target, 0, draw(seen));
    }
    expect(seen.size).toBe(100);
    expect(replay.freshCount()).toBe(0);
  });

  it('keeps completions beyond their robot’s share for the next ones, and lets nobody wait for them', () => {
    const replay = createReplay(400, 64);
    const target = new Float32Array(32 * ROW_SIZE);
    let next = 0;
    const hand = (robot: number, times = 1): void => {
      for (let i = 0; i < times; i++, next += 3) replay.add({ ...numbered(next, 3, next / 3), robot });
    };
    const seen = new Set<number>();
    const batch = (): void => {
      replay.startBatch(32);
      replay.drawFresh(target, 0, draw(seen));
      replay.keepDrawn();
    };
    for (let robot = 0; robot < 32; robot++) hand(robot);
    batch();
    // One was out of reach, and hands in forty at once; then another comes.
    hand(7, 40);
    hand(8);
    batch();
    expect([seen.has(72), replay.freshCount() > 0]).toEqual([true, true]);
    for (let i = 0; i < 20; i++) batch();
    expect([seen.size, replay.freshCount()]).toEqual([73, 0]);
    // What newer rows have pushed out is forgotten.
    hand(7, 40);
    for (let i = 0; i < 5; i++) {
      for (let robot = 8; robot < 32; robot++) hand(robot);
      batch();
    }
    for (let i = 0; i < 20; i++) batch();
    expect(replay.freshCount()).toBe(0);
    expect(seen.size).toBeLessThan(next / 3);
  });

  it('draws the fresh rows of one completion from all along it, each once', () => {
    const replay = createReplay(5_000, 64);
    replay.add(numbered(1, 300, 0));
    const target = new Float32Array(32 * ROW_SIZE);
    expect(replay.drawFresh(target, 0, draw())).toBe(32);
    const rows = numbersIn(target, 32);
    expect(new Set(rows).size).toBe(32);
    for (const third of [0, 1, 2]) {
      expect(rows.filter((row) => Math.floor((row - 1) / 100) === third).length).toBeGreaterThan(5);
    }
  });

  it('corrects a row in place, and forgets rows that the ring has dropped', () => {
    const replay = createReplay(100, 16);
    const random = createRandom(3);
    const target = new Float32Array(400 * ROW_SIZE);
    replay.add(numbered(1, 15, 0));
    replay.correct({ source: 0, row: 7, blockingSeconds: 4 });
    replay.drawRecent(target, 0, 400, random);
    for (let i = 0; i < 400; i++) {
      const row = target.subarray(i * ROW_SIZE, (i + 1) * ROW_SIZE);
      expect([row[ROW_BLOCKING], row[ROW_BLOCKING_KNOWN]]).toEqual(row[0] === 7 ? [4, 1] : [0, 0]);
    }
    expect(numbersIn(target, 400)).toContain(7);
    for (let i = 1; i < 20; i++) replay.add(numbered(i * 16 + 1, 15, i));
    replay.correct({ source: 0, row: 7, blockingSeconds: 9 });
    replay.drawRecent(target, 0, 400, random);
    for (let i = 0; i < 400; i++) expect(target[i * ROW_SIZE + ROW_BLOCKING]).toBe(0);
  });

  it('corrects held-out rows too: they judge by the same labels', () => {
    const replay = createReplay(100, 16);
    const [row] = Array.from({ length: 30 }, (_, i) => 2 + i).filter(isHeldOut) as [number];
    replay.add(numbered(1, row, 0));
    expect(numbersIn(replay.heldOut, replay.heldOutCount())).toEqual([row]);
    replay.correct({ source: 0, row, blockingSeconds: 3 });
    expect([replay.heldOut[ROW_BLOCKING], replay.heldOut[ROW_BLOCKING_KNOWN]]).toEqual([3, 1]);
  });

  it('tells rows apart when there were more than 32 bits count', () => {
    const first = 2 ** 31 - 40;
    const replay = createReplay(20, 16);
    for (let i = 0; i < 20; i++) {
      const rows = new Float32Array(10 * ROW_SIZE);
      replay.add({ source: 0, firstRow: first + 10 * i, rows, completion: i });
    }
    // The ring has dropped the first of them; those held out are there yet.
    for (let row = first; row < first + 150; row++) replay.correct({ source: 0, row, blockingSeconds: 7 });
    const target = new Float32Array(64 * ROW_SIZE);
    replay.drawRecent(target, 0, 64, createRandom(1));
    for (let i = 0; i < 64; i++) expect(target[i * ROW_SIZE + ROW_BLOCKING_KNOWN]).toBe(0);
    const corrected = Array.from({ length: 150 }, (_, i) => first + i).filter(
      (row, i) => i % 10 > 0 && isHeldOut(row),
    );
    const labels = Array.from(
      { length: replay.heldOutCount() },
      (_, i) => replay.heldOut[i * ROW_SIZE + ROW_BLOCKING],
    );
    expect(labels.filter((label) => label === 7)).toHaveLength(corrected.length);
  });

  it('clips a corrected label as rows are clipped', () => {
    const replay = createReplay(100, 16);
    replay.add(numbered(1, 1, 0));
    replay.correct({ source: 0, row: 1, blockingSeconds: 5_000 });
    const target = new Float32Array(ROW_SIZE);
    replay.drawRecent(target, 0, 1, createRandom(1));
    expect(target[ROW_BLOCKING]).toBe(HYPERPARAMETERS.labelLimitSeconds);
  });

  it('gives rows of corner cases alone when asked, also where newer rows have pushed them out', () => {
    const replay = createReplay(50, 16);
    const random = createRandom(1);
    const target = new Float32Array(64 * ROW_SIZE);
    replay.add(numbered(1, 10, 0));
    expect(replay.drawCorner(target, 0, 64, random)).toBe(0);
    replay.add({ ...numbered(101, 10, 1), isCorner: true });
    for (let i = 0; i < 10; i++) replay.add(numbered(1001 + 20 * i, 20, 2 + i));
    expect(replay.drawCorner(target, 0, 64, random)).toBe(64);
    const drawn = new Set(numbersIn(target, 64));
    expect([...drawn].every((row) => row > 100 && row <= 110)).toBe(true);
    expect(drawn.size).toBeGreaterThan(5);
    for (const row of drawn) replay.correct({ source: 0, row, blockingSeconds: 7 });
    replay.drawCorner(target, 0, 1, random);
    expect([target[ROW_BLOCKING], target[ROW_BLOCKING_KNOWN]]).toEqual([7, 1]);
  });

  it('favours recent rows', () => {
    const replay = createReplay(2_000, 16);
    const random = createRandom(4);
    for (let i = 0; i < 100; i++) replay.add(numbered(i * 20, 20, i));
    const target = new Float32Array(2_000 * ROW_SIZE);
    replay.drawRecent(target, 0, 2_000, random);
    const newerHalf = numbersIn(target, 2_000).filter((row) => row >= 1_000).length;
    expect(newerHalf / 2_000).toBeGreaterThan(0.6);
    expect(newerHalf / 2_000).toBeLessThan(0.95);
  });
});
