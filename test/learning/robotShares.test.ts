import { describe, expect, it } from 'vitest';
import { HYPERPARAMETERS } from '../../src/learning/hyperparameters.js';
import { createReplay } from '../../src/learning/replay.js';
import { ROW_SIZE, ROW_WAIT } from '../../src/learning/row.js';
import { createRandom } from '../../src/platform/random.js';

const { batchRows, robotShareLimit } = HYPERPARAMETERS;
const LIE = 29;

/** Rows of a batch that the liar made, where it hands in so many routes for one of each honest robot. */
function rowsOfLiar(robots: number, routesOfLiar: number): number {
  const replay = createReplay(20_000, 512);
  let completion = 0;
  const hand = (robot: number, waitSeconds: number): void => {
    const rows = new Float32Array(20 * ROW_SIZE);
    for (let row = 0; row < 20; row++) rows[row * ROW_SIZE + ROW_WAIT] = waitSeconds;
    replay.add({ source: 0, firstRow: completion * 20 + 1, rows, robot, completion: completion++ });
  };
  for (let round = 0; round < 5; round++) {
    for (let robot = 1; robot < robots; robot++) hand(robot, 1);
    for (let i = 0; i < routesOfLiar; i++) hand(0, LIE);
  }
  const batch = new Float32Array(batchRows * ROW_SIZE);
  replay.startBatch(batchRows);
  const filled = replay.drawFresh(batch, 0, {
    ...{ count: batchRows / 2, rowsEach: Infinity, completions: new Set<number>() },
  });
  replay.drawRecent(batch, filled, batchRows - filled, createRandom(3));
  return batch.filter((value, i) => i % ROW_SIZE === ROW_WAIT && value === LIE).length;
}

describe("a robot's part of a batch", () => {
  it('is at most three times its fair share, however much it reports', () => {
    expect(rowsOfLiar(50, 25)).toBeLessThanOrEqual(Math.ceil((robotShareLimit * batchRows) / 50));
    expect(rowsOfLiar(50, 25)).toBeGreaterThan(0);
  });

  it('is not capped where there are hardly any others to learn from', () => {
    expect(rowsOfLiar(2, 1)).toBeGreaterThan(batchRows / 4);
  });
});
