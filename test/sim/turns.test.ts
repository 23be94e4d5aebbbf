import { describe, expect, it } from 'vitest';
import { robotsByTurn, turnsOf } from '../../sim/turns.js';

describe('the turns in which robots speak', () => {
  it('give every robot one, spread evenly however many robots there are', () => {
    for (const robots of [1, 7, 80, 400, 1000]) {
      const turns = robotsByTurn(robots, 80);
      const each = turns.map((turn) => turn.length);
      expect([...turns.flat()].sort((a, b) => a - b)).toEqual(Array.from({ length: robots }, (_, i) => i));
      expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(2);
    }
  });

  it('are one, in the order of the robots, where a step has no time for more', () => {
    expect(turnsOf(0).count).toBe(1);
    expect(robotsByTurn(5, turnsOf(0).count)).toEqual([[0, 1, 2, 3, 4]]);
  });

  it('leave the end of the step for the answers', () => {
    const turns = turnsOf(1000);
    expect(turns.count).toBe(80);
    expect(turns.shareAt(0)).toBe(0);
    expect(turns.shareAt(turns.count - 1)).toBeLessThan(0.8);
  });
});
