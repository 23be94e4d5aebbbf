import { describe, expect, it } from 'vitest';
import { createTraffic } from '../../src/traffic/traffic.js';
import { createUsualFlow } from '../../src/traffic/usualFlow.js';
import { againstHighways } from '../../src/warehouse/highways.js';
import { laneBetween } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

function setUp() {
  const graph = gridFromText('...');
  const traffic = createTraffic(graph);
  const usual = createUsualFlow(graph, traffic);
  const changed: number[] = [];
  const east = laneBetween(graph, 0, 1);
  const west = laneBetween(graph, 1, 0);
  return {
    traffic,
    usual,
    east,
    west,
    changed,
    /** What is usual there beside the highways. */
    beside: (lane: number) => usual.against[lane]! - againstHighways(graph)[lane]!,
    drift: (seconds: number) => usual.drift(seconds, (lane) => changed.push(lane)),
  };
}

describe('the usual flow', () => {
  it('runs along the highways from the start, before anybody drives', () => {
    const { usual, east, west, changed, drift } = setUp();
    expect([usual.against[east], usual.against[west]].sort()).toEqual([0, 1]);
    drift(600);
    expect(changed).toEqual([]);
  });

  it('runs against whoever drives the other way, by the robots that it is more, less one', () => {
    const { traffic, beside, east, west, drift } = setUp();
    for (let robot = 0; robot < 5; robot++) traffic.addFlow([east], 0, 1);
    traffic.addFlow([west], 0, 1);
    drift(60);
    expect(beside(west)).toBeCloseTo((5 - 1) / 2 - 1, 5);
    expect(beside(east)).toBe(0);
  });

  it('takes a single robot for chance', () => {
    const { traffic, beside, east, west, drift } = setUp();
    traffic.addFlow([east], 0, 1);
    drift(600);
    expect(beside(west)).toBe(0);
  });

  it('outlives the routes that made it, and fades', () => {
    const { traffic, beside, east, west, drift } = setUp();
    for (let robot = 0; robot < 4; robot++) traffic.addFlow([east], 0, 1);
    drift(600);
    for (let robot = 0; robot < 4; robot++) traffic.addFlow([east], 0, -1);
    drift(60);
    expect(beside(west)).toBeCloseTo(4 / 2 - 1, 1);
    drift(60);
    expect(beside(west)).toBe(0);
  });

  it('hands on lanes whose price moves, and no others', () => {
    const { traffic, east, west, changed, drift } = setUp();
    drift(1);
    expect(changed).toEqual([]);
    for (let robot = 0; robot < 40; robot++) traffic.addFlow([east], 0, 1);
    drift(5);
    expect(changed).toEqual([west]);
  });
});
