import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/platform/random.js';
import { createLaneMemory, MEMORY, type LaneMemory } from '../../src/policy/laneMemory.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

const LIAR = 99;

/** A light floor: so many drives as predicted that a second is news. */
function lightFloor(map: string): { readonly graph: LaneGraph; readonly memory: LaneMemory } {
  const graph = gridFromText(map);
  const memory = createLaneMemory(graph);
  for (let i = 0; i < 10_000; i++)
    memory.observe(i % graph.laneCount, { robot: i % 7, unexplained: 0.02, predicted: 0 });
  return { graph, memory };
}

const meets = (memory: LaneMemory, lane: number, robot: number, unexplained: number): void =>
  memory.observe(lane, { robot, unexplained, predicted: 0 });

describe('news of a lane', () => {
  it('counts for every way out of the place where the robot was held, and for no other lane', () => {
    const { graph, memory } = lightFloor('...\n...');
    const held = laneBetween(graph, 1, 2);
    meets(memory, held, 1, 10);
    meets(memory, held, 2, 10);
    for (let lane = 0; lane < graph.laneCount; lane++)
      expect(memory.excessSeconds(lane) > 4).toBe(graph.laneFrom[lane] === 1);
  });

  it('counts for nothing while one robot alone brings it, however often', () => {
    const { memory } = lightFloor('...');
    for (let i = 0; i < 50; i++) meets(memory, 0, LIAR, 20);
    expect(memory.excessSeconds(0)).toBe(0);
  });

  it('counts in full once a second robot brings it, whichever way out that one took', () => {
    const { graph, memory } = lightFloor('...\n...');
    meets(memory, laneBetween(graph, 1, 2), 1, 10);
    meets(memory, laneBetween(graph, 1, 0), 2, 10);
    expect(memory.excessSeconds(laneBetween(graph, 1, 2))).toBeGreaterThan(5);
  });

  it('counts as far as the other robot goes along', () => {
    const { memory } = lightFloor('...');
    for (let i = 0; i < 5; i++) {
      meets(memory, 0, LIAR, 20);
      meets(memory, 0, 1, 3);
    }
    expect(memory.excessSeconds(0)).toBeGreaterThan(2);
    expect(memory.excessSeconds(0)).toBeLessThan(3);
  });

  it('is one robot’s alone again where the last of the others met nothing', () => {
    const { memory } = lightFloor('...');
    meets(memory, 0, 1, 10);
    meets(memory, 0, 2, 10);
    for (let i = 0; i < 20; i++) meets(memory, 0, 3, 0);
    for (let i = 0; i < 20; i++) meets(memory, 0, LIAR, 20);
    expect(memory.excessSeconds(0)).toBe(0);
  });

  it('is confirmed at once where an avoided place is tried again by another robot', () => {
    const { memory } = lightFloor('...');
    meets(memory, 0, 1, 10);
    meets(memory, 0, 2, 10);
    for (let i = 0; i < 20; i++) memory.fade(MEMORY.halfLifeSeconds, () => undefined);
    expect(memory.excessSeconds(0)).toBe(0);
    meets(memory, 0, 3, 10);
    expect(memory.excessSeconds(0)).toBeGreaterThan(5);
  });

  it('fades by half in two minutes, in whatever steps', () => {
    const { memory } = lightFloor('...');
    for (const robot of [1, 2]) meets(memory, 0, robot, 10);
    const remembered = (): number => memory.excessSeconds(0) + MEMORY.scatters * memory.scatterSeconds();
    const before = remembered();
    for (let second = 0; second < 120; second++) memory.fade(1, () => undefined);
    expect(remembered()).toBeCloseTo(before / 2, 9);
    memory.fade(120, () => undefined);
    expect(remembered()).toBeCloseTo(before / 4, 9);
  });

  it('is confirmed by the robot before where the last one comes again', () => {
    const { memory } = lightFloor('...');
    for (const robot of [1, 2, 2]) meets(memory, 0, robot, 10);
    for (let i = 0; i < 20; i++) memory.fade(MEMORY.halfLifeSeconds, () => undefined);
    meets(memory, 0, 2, 10);
    expect(memory.excessSeconds(0)).toBeGreaterThan(5);
  });

  it('of one robot takes nothing from what others made it remember', () => {
    const { memory } = lightFloor('...');
    for (let robot = 1; robot <= 4; robot++) meets(memory, 0, robot, 10);
    meets(memory, 0, 5, 1);
    const before = memory.excessSeconds(0);
    meets(memory, 0, LIAR, 20);
    expect(memory.excessSeconds(0)).toBeCloseTo(before, 1);
  });

  it('makes no lane dearer where all but one robot drive as predicted', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = createRandom(seed);
        const { graph, memory } = lightFloor('....\n....');
        for (let i = 0; i < 200; i++) {
          const robot = random.integer(4);
          const lane = random.integer(graph.laneCount);
          meets(memory, lane, robot, robot === 0 ? 30 * random.next() : 0);
          expect(memory.excessSeconds(lane)).toBe(0);
        }
      }),
      { seed: 15, numRuns: 50 },
    );
  });
});

describe('the scatter of a site', () => {
  it('is not set by a slow place, which is measured by it', () => {
    const memory = createLaneMemory(gridFromText('...'));
    for (let i = 0; i < 20_000; i++) meets(memory, 0, i, i % 450 === 0 ? 10 : 0.02);
    expect(memory.scatterSeconds()).toBeLessThan(0.1);
  });

  it('hides whatever lies within it', () => {
    const memory = createLaneMemory(gridFromText('...'));
    const random = createRandom(11);
    for (let i = 0; i < 20_000; i++) meets(memory, random.integer(2), i, 5 * random.normal());
    expect(memory.scatterSeconds()).toBeGreaterThan(4);
    expect(memory.scatterSeconds()).toBeLessThan(6);
    meets(memory, 2, 1, 6);
    meets(memory, 2, 2, 6);
    expect(memory.excessSeconds(2)).toBe(0);
  });
});
