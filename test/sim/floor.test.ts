import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeIndex } from '../../src/domain/ids.js';
import { createRandom } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import type { LaneEntryContent, RobotTypeEntryContent } from '../../src/warehouse/warehouseFile.js';
import { compileWarehouse, createWarehouseModel } from '../../src/warehouse/warehouseModel.js';
import { createFloor, type Floor, type FloorEvent } from '../../sim/floor/floor.js';
import { shortestNodes } from './shortestNodes.js';

const RING = `
  .....
  .@@@.
  .....`;

const HALL = `
  ............
  .ee@ee@ee@e.
  .ee@ee@ee@e.
  w..........w
  .ee@ee@ee@e.
  .ee@ee@ee@e.
  ............`;

const MOVER: RobotTypeEntryContent = {
  name: 'mover',
  maximumSpeed: 2,
  quarterTurnSeconds: 1,
  lengthMetres: 1,
};

/** Nodes named by their place, `0,0`; lanes as in a map file. */
function metreMap(lanes: LaneEntryContent[], robotTypes: RobotTypeEntryContent[] = [MOVER]): LaneGraph {
  const names = [...new Set(lanes.flatMap((lane) => [lane.from, lane.to]))];
  const nodes = names.map((id) => ({ id, x: Number(id.split(',')[0]), y: Number(id.split(',')[1]) }));
  const laneDefaults = { speedLimit: 2, twoWay: false };
  const file = {
    id: 'metres',
    mapVersion: '1',
    robotTypes,
    laneDefaults,
    nodes,
    stations: [],
    pickFaces: [],
    lanes,
  };
  return compileWarehouse(createWarehouseModel(file));
}

function node(graph: LaneGraph, name: string): NodeIndex {
  return graph.nodeIndexOf.get(name) as NodeIndex;
}

function place(graph: LaneGraph, starts: readonly string[], seed = 1, robotType = 0): Floor {
  const robots = starts.map((name) => ({ robotType, start: node(graph, name) }));
  return createFloor({ graph, robots, random: createRandom(seed) });
}

function send(floor: Floor, graph: LaneGraph, robot: number, to: NodeIndex): void {
  floor.setGoal(robot, to);
  floor.setRoute(robot, shortestNodes(graph, floor.nodeOf(robot), to));
}

/** Steps until all have been at their goals once, sending those again that were pushed off; all events. */
function driveTo(floor: Floor, graph: LaneGraph, goals: readonly string[], stepLimit: number): FloorEvent[] {
  const targets = goals.map((name) => node(graph, name));
  targets.forEach((to, robot) => send(floor, graph, robot, to));
  const missing = new Set(targets.keys());
  const all: FloorEvent[] = [];
  while (missing.size > 0 && floor.stepCount() < stepLimit) {
    for (const event of floor.step()) {
      all.push(event);
      if (event.node === targets[event.robot]) {
        missing.delete(event.robot);
        floor.goalReached(event.robot);
      } else if (!event.onRoute) send(floor, graph, event.robot, targets[event.robot] as NodeIndex);
    }
  }
  expect([...missing], `not there after ${stepLimit} steps`).toEqual([]);
  return all;
}

/** Random goals without end; goals reached, and a fingerprint of everybody's place in every step. */
function keepBusy(graph: LaneGraph, robots: number, steps: number, seed: number) {
  const random = createRandom(seed);
  const free = Array.from({ length: graph.nodeCount }, (_, at) => at as NodeIndex);
  const starts = random
    .fork('starts')
    .shuffle([...free])
    .slice(0, robots);
  const floor = createFloor({ graph, robots: starts.map((start) => ({ robotType: 0, start })), random });
  const draw = random.fork('goals');
  const goals = starts.map(() => free[draw.integer(free.length)] as NodeIndex);
  goals.forEach((to, robot) => send(floor, graph, robot, to));
  let reached = 0;
  let fingerprint = 0;
  for (let step = 0; step < steps; step++) {
    for (const { robot, node: at, onRoute } of floor.step()) {
      if (at === goals[robot]) {
        reached++;
        floor.goalReached(robot);
        if (draw.next() < 0.3) floor.hold(robot, draw.next() * 5);
        goals[robot] = free[draw.integer(free.length)] as NodeIndex;
      } else if (onRoute) continue;
      send(floor, graph, robot, goals[robot] as NodeIndex);
    }
    for (const cell of floor.cellsOfRobots()) fingerprint = (Math.imul(fingerprint, 31) + cell) | 0;
  }
  return { reached, fingerprint, statistics: floor.statistics() };
}

describe('the floor, one cell a step', () => {
  it('drives a route one node a step and reports each arrival', () => {
    const graph = gridFromText(RING);
    const events = driveTo(place(graph, ['r2c0']), graph, ['r2c4'], 10);
    expect(events.map((event) => graph.nodeIds[event.node])).toEqual(['r2c1', 'r2c2', 'r2c3', 'r2c4']);
    expect(events.map((event) => event.atSeconds)).toEqual([1, 2, 3, 4]);
    expect(events.every((event) => event.onRoute)).toBe(true);
  });

  it('lets nobody swap places', () => {
    const graph = gridFromText('..');
    const floor = place(graph, ['r0c0', 'r0c1']);
    send(floor, graph, 0, node(graph, 'r0c1'));
    send(floor, graph, 1, node(graph, 'r0c0'));
    for (let step = 0; step < 20; step++) expect(floor.step()).toEqual([]);
    expect(floor.statistics().gridlockedSteps).toBe(20);
  });

  it('resolves a head-on meeting in a corridor: one is pushed back and asks again', () => {
    const graph = gridFromText(RING);
    const events = driveTo(place(graph, ['r2c1', 'r2c3']), graph, ['r2c4', 'r2c0'], 40);
    expect(events.some((event) => !event.onRoute)).toBe(true);
  });

  it('pushes a whole platoon out of the way of the robot with the highest priority', () => {
    const graph = gridFromText(RING);
    const floor = place(graph, ['r0c0', 'r0c1', 'r0c2', 'r0c3']);
    send(floor, graph, 0, node(graph, 'r0c4'));
    for (let step = 0; step < 4; step++) floor.step();
    expect(floor.nodeOf(0)).toBe(node(graph, 'r0c4'));
  });

  it('cannot push a robot that is handling, and drives on when it is done', () => {
    const graph = gridFromText('.....');
    const floor = place(graph, ['r0c0', 'r0c1']);
    send(floor, graph, 0, node(graph, 'r0c3'));
    floor.hold(1, 6);
    for (let step = 0; step < 6; step++) expect(floor.step()).toEqual([]);
    expect(floor.step().map((event) => event.robot)).toEqual([0, 1]);
  });

  it('does not remember a push at a robot that was handling', () => {
    const graph = gridFromText('.....');
    const floor = place(graph, ['r0c0', 'r0c1']);
    send(floor, graph, 0, node(graph, 'r0c3'));
    floor.hold(1, 6);
    floor.step();
    floor.clearGoal(0);
    for (let step = 0; step < 12; step++) expect(floor.step()).toEqual([]);
  });

  it('leaves a broken robot where it is until it is repaired', () => {
    const graph = gridFromText('.....');
    const floor = place(graph, ['r0c0', 'r0c1']);
    send(floor, graph, 0, node(graph, 'r0c3'));
    floor.setOutOfOrder(1, true);
    for (let step = 0; step < 9; step++) expect(floor.step()).toEqual([]);
    floor.setOutOfOrder(1, false);
    expect(floor.step().map((event) => event.robot)).toEqual([0, 1]);
  });

  it('takes no side step into a closed lane', () => {
    const graph = gridFromText('...');
    const lane = graph.laneStart[1] as number;
    const blockedEnd = graph.laneTo[lane] as NodeIndex;
    const pusher = graph.laneTo[lane + 1] as NodeIndex;
    const robots = [pusher, 1 as NodeIndex].map((start) => ({ robotType: 0, start }));
    const floor = createFloor({ graph, robots, random: createRandom(1) });
    graph.open[lane] = 0;
    floor.lanesChanged();
    floor.setGoal(0, blockedEnd);
    floor.setRoute(0, [pusher, 1]);
    for (let step = 0; step < 5; step++) expect(floor.step()).toEqual([]);
    graph.open[lane] = 1;
    floor.lanesChanged();
    expect(floor.step().map((event) => event.node)).toEqual([1, blockedEnd]);
  });

  it('goes by guidance rather than by a route, and waits where that is cheapest', () => {
    const graph = gridFromText(RING);
    const short = shortestNodes(graph, node(graph, 'r2c0'), node(graph, 'r2c4'));
    // The lower row is dear: the long way round costs 8.
    const isLower = (at: number): boolean => graph.nodeIds[at]!.startsWith('r2');
    const moveCost = Float64Array.from({ length: graph.laneCount }, (_, lane) =>
      isLower(graph.laneFrom[lane]!) && isLower(graph.laneTo[lane]!) ? 9 : 1,
    );
    const visited = (waitCost: number): (string | undefined)[] => {
      const floor = createFloor({
        graph,
        robots: [{ robotType: 0, start: node(graph, 'r2c0') }],
        random: createRandom(1),
        guidance: { moveCost, waitCost: new Float64Array(graph.nodeCount).fill(waitCost) },
      });
      floor.setGoal(0, node(graph, 'r2c4'));
      floor.setRoute(0, short);
      return Array.from({ length: 8 }, () => floor.step()).flatMap((events) =>
        events.map((event) => graph.nodeIds[event.node]),
      );
    };
    expect(visited(1)).toEqual(['r1c0', 'r0c0', 'r0c1', 'r0c2', 'r0c3', 'r0c4', 'r1c4', 'r2c4']);
    // Going on brings a robot nearer by what it costs: a wait that costs less than nothing beats it.
    expect(visited(-1)).toEqual([]);
  });

  it('refuses guidance where cells lie between the nodes', () => {
    const graph = metreMap([{ from: '0,0', to: '9,0', speedLimit: 1 }]);
    const guidance = { moveCost: new Float64Array(graph.laneCount), waitCost: new Float64Array(2) };
    expect(() => createFloor({ graph, robots: [], random: createRandom(1), guidance })).toThrow(
      /between nodes/,
    );
  });

  it('keeps a crowded hall moving', () => {
    const { reached, statistics } = keepBusy(gridFromText(HALL), 40, 500, 3);
    expect(reached).toBeGreaterThan(400);
    expect(statistics.gridlockedSteps).toBe(0);
  });

  it('repeats itself for the same seed and not for another', () => {
    const graph = gridFromText(HALL);
    expect(keepBusy(graph, 30, 200, 5)).toEqual(keepBusy(graph, 30, 200, 5));
    expect(keepBusy(graph, 30, 200, 5).fingerprint).not.toBe(keepBusy(graph, 30, 200, 6).fingerprint);
  });

  it('refuses two robots on one start and a route that jumps', () => {
    const graph = gridFromText(RING);
    expect(() => place(graph, ['r0c0', 'r0c0'])).toThrow(RangeError);
    expect(() => place(graph, ['r0c0']).setRoute(0, [0, 4])).toThrow(RangeError);
  });
});

describe('the floor in metres', () => {
  const straight = () =>
    metreMap([
      { from: '0,0', to: '10,0', twoWay: true },
      { from: '10,0', to: '10,5', twoWay: true },
    ]);

  it('takes exactly the free-flow seconds of lanes and turns', () => {
    const graph = straight();
    const events = driveTo(place(graph, ['0,0']), graph, ['10,5'], 100);
    expect(events.map((event) => event.atSeconds)).toEqual([5, 8.5]);
  });

  it('does not lose time where a cell is no whole number of steps', () => {
    const graph = metreMap([{ from: '0,0', to: '10,0', speedLimit: 1.3 }]);
    const floor = place(graph, ['0,0']);
    floor.setRoute(0, [node(graph, '0,0'), node(graph, '10,0')]);
    floor.setGoal(0, node(graph, '10,0'));
    let event: FloorEvent | undefined;
    while (!event) event = floor.step()[0];
    expect(event.atSeconds).toBeCloseTo(10 / 1.3, 6);
  });

  it('slows a robot by its factor, and those who follow it', () => {
    const graph = metreMap([
      { from: '0,0', to: '4,0' },
      { from: '4,0', to: '8,0' },
      { from: '8,0', to: '12,0' },
    ]);
    const floor = place(graph, ['4,0', '0,0']);
    floor.setSlowFactor(0, 4);
    const events = driveTo(floor, graph, ['12,0', '8,0'], 100);
    const arrivals = (robot: number) =>
      events.filter((event) => event.robot === robot).map((event) => event.atSeconds);
    expect(arrivals(0)).toEqual([8, 16]);
    // 4 cells behind: it closes up at its own speed and then arrives when the slow one leaves the node.
    expect(arrivals(1)).toEqual([2, 10]);
  });

  it('lets nobody pass in a two-way lane', () => {
    const ring: LaneEntryContent[] = [
      { from: '0,0', to: '8,0', twoWay: true },
      { from: '8,0', to: '8,8', twoWay: true },
      { from: '8,8', to: '0,8', twoWay: true },
      { from: '0,8', to: '0,0', twoWay: true },
    ];
    const graph = metreMap(ring);
    const events = driveTo(place(graph, ['0,0', '8,0']), graph, ['8,0', '0,0'], 400);
    expect(events.some((event) => !event.onRoute)).toBe(true);
  });

  it('exchanges robots in a dead end: one comes out before the next goes in', () => {
    const graph = metreMap([
      { from: '0,0', to: '8,0' },
      { from: '8,0', to: '8,8' },
      { from: '8,8', to: '0,8' },
      { from: '0,8', to: '0,0' },
      { from: '8,0', to: '12,0', twoWay: true },
    ]);
    const floor = place(graph, ['12,0', '0,0', '0,8']);
    floor.hold(0, 30);
    send(floor, graph, 1, node(graph, '12,0'));
    for (let step = 0; step < 50; step++) floor.step();
    expect(floor.cellsOfRobots()[1]).toBe(node(graph, '8,0'));
    // The one inside has the lowest priority of all and comes out all the same.
    floor.goalReached(0);
    driveTo(floor, graph, ['0,8', '12,0', '8,8'], 400);
  });
});

describe('invariants of any floor', () => {
  const cell = fc.constantFrom('.', '.', '.', '@');
  const grid = fc.array(fc.array(cell, { minLength: 6, maxLength: 6 }), { minLength: 3, maxLength: 6 });

  it('holds one robot a cell, whatever the floor and the orders', () => {
    fc.assert(
      fc.property(
        grid,
        fc.integer({ min: 1, max: 12 }),
        fc.integer(),
        fc.boolean(),
        (rows, count, seed, inMetres) => {
          const drawn = gridFromText(rows.map((row) => row.join('')).join('\n'));
          fc.pre(drawn.laneCount > 0);
          const graph = inMetres ? stretched(drawn, seed) : drawn;
          const random = createRandom(seed);
          const starts = random
            .shuffle(Array.from({ length: graph.nodeCount }, (_, at) => at as NodeIndex))
            .slice(0, count);
          const floor = createFloor({
            graph,
            robots: starts.map((start) => ({ robotType: 0, start })),
            random,
          });
          for (let step = 0; step < 60; step++) {
            const robot = random.integer(starts.length);
            const nodes = randomWalk(graph, floor.nodeOf(robot), random.integer(8), random);
            floor.setRoute(robot, nodes);
            floor.setGoal(robot, nodes.at(-1) as NodeIndex);
            if (random.next() < 0.1) floor.hold(robot, 3 * random.next());
            if (random.next() < 0.1) floor.setOutOfOrder(robot, random.next() < 0.5);
            const before = starts.map((_, at) => floor.nodeOf(at));
            for (const event of floor.step()) {
              expect(laneExists(graph, before[event.robot] as number, event.node)).toBe(true);
            }
            const cells = [...floor.cellsOfRobots()];
            expect(new Set(cells).size).toBe(cells.length);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** The same nodes and lanes with uneven lengths, so that moves last differently long. */
function stretched(graph: LaneGraph, seed: number): LaneGraph {
  const random = createRandom(seed);
  const lanes: LaneEntryContent[] = [];
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const [from, to] = [graph.laneFrom[lane] as number, graph.laneTo[lane] as number];
    if (from > to && random.next() < 0.8) continue;
    const name = (at: number): string => `${graph.x[at]},${graph.y[at]}`;
    lanes.push({
      from: name(from),
      to: name(to),
      lengthMetres: 1 + 3 * random.next(),
      speedLimit: 0.7 + random.next(),
    });
  }
  return metreMap(lanes);
}

function randomWalk(
  graph: LaneGraph,
  from: NodeIndex,
  length: number,
  random: { integer(limit: number): number },
) {
  const nodes = [from];
  for (let at: number = from; nodes.length <= length;) {
    const first = graph.laneStart[at] as number;
    const degree = (graph.laneStart[at + 1] as number) - first;
    if (degree === 0) break;
    at = graph.laneTo[first + random.integer(degree)] as number;
    nodes.push(at as NodeIndex);
  }
  return nodes;
}

function laneExists(graph: LaneGraph, from: number, to: number): boolean {
  return graph.laneTo.subarray(graph.laneStart[from], graph.laneStart[from + 1]).includes(to);
}
