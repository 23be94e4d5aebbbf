import { describe, expect, it } from 'vitest';
import { createHeldShares } from '../../src/traffic/heldShares.js';
import { createTraffic } from '../../src/traffic/traffic.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

function setUp() {
  const graph = gridFromText('...');
  const traffic = createTraffic(graph);
  const held = createHeldShares(graph, traffic);
  const changed: number[] = [];
  return {
    traffic,
    held,
    changed,
    drift: (seconds: number) => held.drift(seconds, (node) => changed.push(node)),
  };
}

describe('the held shares', () => {
  it('come half of the way in a minute, where a robot stands, and go as they came', () => {
    const { traffic, held, changed, drift } = setUp();
    traffic.occupy(1, 1);
    drift(60);
    expect([...held.share]).toEqual([0, 0.5, 0]);
    traffic.occupy(1, -1);
    drift(60);
    expect(held.share[1]).toBeCloseTo(0.25, 6);
    expect(changed).toEqual([1, 1]);
  });

  it('take two robots that hold a place for one', () => {
    const { traffic, held, drift } = setUp();
    traffic.occupy(1, 1);
    traffic.occupy(1, 1);
    drift(60);
    expect(held.share[1]).toBe(0.5);
  });

  it('add small changes up until they count', () => {
    const { traffic, held, changed, drift } = setUp();
    traffic.occupy(1, 1);
    drift(0.5);
    expect(held.share[1]).toBe(0);
    drift(0.5);
    expect(held.share[1]).toBeGreaterThan(0.01);
    expect(changed).toEqual([1]);
  });
});
