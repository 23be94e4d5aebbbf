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
  it('runs against whoever drives the other way, by the robots that it is more, less one', () => {
    const { traffic, usual, east, west, drift } = setUp();
    for (let robot = 0; robot < 5; robot++) traffic.addFlow([east], 0, 1);
    traffic.addFlow([west], 0, 1);
    drift(60);
    expect(usual.against[west]).toBeCloseTo((5 - 1) / 2 - 1, 5);
    expect(usual.against[east]).toBe(0);
  });

  it('takes a single robot for chance', () => {
    const { traffic, usual, east, west, drift } = setUp();
    traffic.addFlow([east], 0, 1);
    drift(600);
    expect(usual.against[west]).toBe(0);
  });

  it('outlives the routes that made it, and fades', () => {
    const { traffic, usual, east, west, drift } = setUp();
    for (let robot = 0; robot < 4; robot++) traffic.addFlow([east], 0, 1);
    drift(600);
    for (let robot = 0; robot < 4; robot++) traffic.addFlow([east], 0, -1);
    drift(60);
    expect(usual.against[west]).toBeCloseTo(4 / 2 - 1, 1);
    drift(60);
    expect(usual.against[west]).toBe(0);
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
