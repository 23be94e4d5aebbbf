import { describe, expect, it } from 'vitest';
import type { NodeIndex } from '../../src/domain/ids.js';
import { createRandom } from '../../src/platform/random.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { createDriver } from '../../sim/driver.js';
import { createFloor } from '../../sim/floor/floor.js';

const graph = gridFromText(`
  ......
  .eeee.
  w....w`);

function robotAt(name: string) {
  const node = (id: string): NodeIndex => graph.nodeIndexOf.get(id) as NodeIndex;
  const floor = createFloor({
    graph,
    robots: [{ robotType: 0, start: node(name) }],
    random: createRandom(1),
  });
  let goals = 0;
  const onGoal = (): number => goals++;
  const driver = createDriver({ graph, floor, robot: 0, startSeconds: 0, startAt: 0, onGoal });
  const move = (id: string, at: number) => driver.follow({ node: node(id), at });
  return { driver, move, goals: () => goals };
}

const route = (nodes: readonly string[], revision = 0) => ({
  ...{ routeId: 'a', revision, nodes: [...nodes], stopOrder: [0], stopIndexes: [nodes.length - 1] },
});

describe('what a robot knows of its route', () => {
  const [one, two, three, four] = ['r1c1', 'r1c2', 'r1c3', 'r1c4'] as const;
  const job = { jobId: 'j', stops: [{ node: three, handlingSeconds: 4 }], dropoff: null };
  const times = { issuedAt: 0, at: 0 };

  it('makes a stop of a revision that it has made already no more, and handles the one after it', () => {
    const { driver, move, goals } = robotAt(one);
    const stops = [
      { node: two, handlingSeconds: 4 },
      { node: three, handlingSeconds: 7 },
    ];
    const both = { stopOrder: [0, 1], stopIndexes: [1, 2] };
    driver.begin({ ...route([one, two, three]), ...both }, { ...job, stops }, times);
    move(two, 1000);
    driver.revise({ ...route([two, one, two, three], 1), stopIndexes: [2, 3] }, 2000);
    move(one, 3000);
    move(two, 4000);
    expect([driver.doneAt, goals()]).toEqual([Infinity, 1]);
    move(three, 5000);
    expect([driver.doneAt, goals()]).toEqual([12_000, 2]);
  });

  it('does not follow a revision that leaves out what it has not made, but asks for another', () => {
    const { driver, move } = robotAt(one);
    const stops = [
      { node: two, handlingSeconds: 4 },
      { node: four, handlingSeconds: 7 },
    ];
    const both = { stopOrder: [0, 1], stopIndexes: [1, 3] };
    driver.begin({ ...route([one, two, three, four]), ...both }, { ...job, stops }, times);
    driver.revise(route([one, two, three, four], 1), 500);
    expect([driver.pushedOff, driver.revision]).toEqual([true, 1]);
    expect(move(two, 1000)).toBe('pushedOff');
    driver.revise({ ...route([two, three, four], 2), stopIndexes: [0, 2] }, 2000);
    expect(driver.pushedOff).toBe(false);
    move(three, 7000);
    move(four, 8000);
    expect(driver.doneAt).toBe(15_000);
  });

  it('is done when the last stop was handled', () => {
    const { driver, move, goals } = robotAt(one);
    driver.begin(route([one, two, three]), job, times);
    expect(move(two, 1000)).toBe('onRoute');
    expect(driver.doneAt).toBe(Infinity);
    expect(move(three, 2000)).toBe('onRoute');
    expect([driver.doneAt, goals()]).toEqual([6000, 1]);
    expect(driver.trace.map(([node, at]) => [node, at])).toEqual([
      [one, 0],
      [two, 1000],
      [three, 2000],
    ]);
  });

  it('takes it that a robot is on its way again when it comes to the next node after a push', () => {
    const { driver, move } = robotAt(two);
    driver.begin(route([two, three]), job, times);
    expect(move(one, 1000)).toBe('pushedOff');
    expect(driver.pushedOff).toBe(true);
    expect(move(three, 2000)).toBe('onRoute');
    expect([driver.pushedOff, driver.doneAt]).toEqual([false, 6000]);
  });

  it('finds its place on a revision that was planned from a node that it has left', () => {
    const { driver, move } = robotAt(one);
    driver.begin(route([one, two, three]), job, times);
    move(two, 1000);
    driver.revise(route([one, two, three], 1), 1500);
    expect([driver.revision, driver.pushedOff]).toEqual([1, false]);
    expect(move(three, 2000)).toBe('onRoute');
    expect(driver.doneAt).toBe(6000);
    driver.revise(route([three, four], 1), 2500);
    expect(driver.doneAt).toBe(6000);
  });

  it('knows that it is off a revision that leads elsewhere', () => {
    const { driver, move } = robotAt(one);
    driver.begin(route([one, two, three]), job, times);
    move(two, 1000);
    driver.revise(route([one, 'r0c1', 'r0c2', 'r0c3', three], 1), 1500);
    expect(driver.pushedOff).toBe(true);
  });

  it('leaves a revision alone that comes after its last stop', () => {
    const { driver, move, goals } = robotAt(two);
    driver.begin(route([two, three]), job, times);
    move(three, 1000);
    driver.revise(route([three, four, three], 1), 1500);
    expect([driver.revision, driver.doneAt, goals()]).toEqual([0, 5000, 1]);
  });
});
