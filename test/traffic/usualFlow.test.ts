import { describe, expect, it } from 'vitest';
import { createTraffic } from '../../src/traffic/traffic.js';
import { createUsualFlow } from '../../src/traffic/usualFlow.js';
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
    drift: (seconds: number) => usual.drift(seconds, (lane) => changed.push(lane)),
  };
}

describe('the usual flow', () => {
  it('runs against whoever drives the other way, by the robots that it is more', () => {
    const { traffic, usual, east, west, drift } = setUp();
    for (let robot = 0; robot < 3; robot++) traffic.addFlow([east], 0, 1);
    traffic.addFlow([west], 0, 1);
    drift(60);
    expect(usual.against[west]).toBeCloseTo((3 - 1) / 2, 5);
    expect(usual.against[east]).toBe(0);
  });

  it('outlives the routes that made it, and fades', () => {
    const { traffic, usual, east, west, drift } = setUp();
    for (let robot = 0; robot < 4; robot++) traffic.addFlow([east], 0, 1);
    drift(600);
    for (let robot = 0; robot < 4; robot++) traffic.addFlow([east], 0, -1);
    drift(60);
    expect(usual.against[west]).toBeCloseTo(2, 1);
    drift(600);
    expect(usual.against[west]).toBeLessThan(0.02);
  });

  it('hands on lanes whose price moves, and no others', () => {
    const { traffic, east, west, changed, drift } = setUp();
    drift(1);
    expect(changed).toEqual([]);
    traffic.addFlow([east], 0, 1);
    traffic.addFlow([east], 0, 1);
    drift(5);
    expect(changed).toEqual([west]);
  });
});
