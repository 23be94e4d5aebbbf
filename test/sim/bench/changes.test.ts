import { describe, expect, it } from 'vitest';
import { runBench } from '../../../sim/bench/bench.js';
import type { BenchOptions, BenchResult } from '../../../sim/bench/benchResult.js';
import { busiestAisle } from '../../../sim/bench/busiestAisle.js';
import { createHotZoneJobs } from '../../../sim/bench/changeJobs.js';
import { createChange, fleetOf, type Change, type ChangeName } from '../../../sim/bench/changes.js';
import type { ChangeSeries } from '../../../sim/bench/changeRun.js';
import type { BenchMethod } from '../../../sim/bench/methods.js';
import { createBenchJobs } from '../../../sim/benchJobs.js';
import { createFloor } from '../../../sim/floor/floor.js';
import { nodeOf } from '../../../sim/job.js';
import { randomStarts } from '../../../sim/orders/reach.js';
import { createRandom } from '../../../src/platform/random.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

/** Two halls with one aisle of free cells between them, and a longer way round. */
const MAP = `
  W.E.......E
  WEE.@@@@@.E
  W.E.......E
  WEE.@@@@@.E
  W.E.......E`;

const ROBOTS = 6;
const SEED = 3;

async function run(change: ChangeName, more: Partial<BenchOptions> = {}): Promise<BenchResult> {
  return runBench({
    ...{ cell: 'test@6', graph: gridFromText(MAP), robots: ROBOTS, method: 'flow', seed: SEED },
    ...{ warmUpSteps: 100, steps: 200, picks: 0, order: 'exact', backend: 'cpu', change, ...more },
  });
}

const part = (values: readonly number[], from: number, to: number): number =>
  values.slice(from / 10, to / 10).reduce((sum, value) => sum + value, 0);

function place(
  name: ChangeName,
  method: BenchMethod = 'flow',
): Change & { graph: ReturnType<typeof gridFromText> } {
  const graph = gridFromText(MAP);
  const robotTypes = new Array<number>(ROBOTS).fill(0);
  const starts = randomStarts(graph, robotTypes, createRandom(SEED));
  return { ...createChange({ name, method, graph, robotTypes, starts, seed: SEED, picks: 0 }), graph };
}

describe('the changes of the benchmark', () => {
  it('close an aisle: routes cross it before, none does after', async () => {
    const { crossings, routes } = (await run('aisle-closes')).series as ChangeSeries;
    expect(part(crossings, 0, 100)).toBeGreaterThan(5);
    expect(part(crossings, 110, 300)).toBe(0);
    expect(part(routes, 110, 300)).toBeGreaterThan(20);
  });

  it('hold robots 10 s on the slow cell, until it clears', async () => {
    const { graph, onFloor, happen, clear, watchedLanes } = place('slow-cell');
    const cell = graph.laneFrom[watchedLanes[0]!]!;
    const way = [cell - 1, cell, cell + 1];
    const passes = async (change: typeof happen): Promise<number> => {
      const robots = [{ robotType: 0, start: way[0] as never }];
      const floor = onFloor(createFloor({ graph, robots, random: createRandom(1) }));
      await change({ floor, service: {} as never });
      floor.setGoal(0, way[2] as never);
      floor.setRoute(0, way);
      let steps = 0;
      while (floor.nodeOf(0) !== way[2] && steps < 50) {
        floor.step();
        steps++;
      }
      return steps;
    };
    expect(way.every((node) => graph.y[node] === graph.y[cell])).toBe(true);
    expect([await passes(happen), await passes(clear)]).toEqual([12, 2]);
  });

  it('let an oracle go round the slow cell, while others lose time there', { timeout: 120_000 }, async () => {
    const unaware = await run('slow-cell', { steps: 400 });
    const oracle = await run('slow-cell', { steps: 400, method: 'oracle' });
    const share = ({ series }: BenchResult): number =>
      part(series!.crossings, 110, 300) / part(series!.routes, 110, 300);
    expect(part(unaware.series!.goals, 100, 300)).toBeLessThan(0.9 * part(unaware.series!.goals, 300, 500));
    expect(share(oracle)).toBeLessThan(0.25 * share(unaware));
    // It knows when the cell has cleared, too.
    expect(part(oracle.series!.crossings, 400, 500)).toBeGreaterThan(
      part(oracle.series!.crossings, 110, 210),
    );
    expect(part(oracle.series!.extraSeconds, 100, 300) / 20).toBeGreaterThan(9);
    expect(part(oracle.series!.extraSeconds, 310, 500) / 19).toBeLessThan(5);
  });

  it('set half of the fleet to work', async () => {
    const { routes } = (await run('fleet-doubles')).series as ChangeSeries;
    expect(part(routes, 100, 300) / 2).toBeGreaterThan(1.4 * part(routes, 0, 100));
  });

  it('slow a tenth of the robots down, and leave the others alone', async () => {
    const { happen } = place('robots-slow');
    const slowed: [number, number][] = [];
    const floor = { setSlowFactor: (robot: number, factor: number) => slowed.push([robot, factor]) };
    await happen({ floor: floor as never, service: {} as never });
    expect(slowed).toEqual([[0, 3]]);
  });

  it('move the hot zone to the other end of the floor', () => {
    const graph = gridFromText('WEEEEEEEEEE..........EEEEEEEEEE');
    const jobs = createHotZoneJobs({ graph, robotTypes: [0, 0], seed: SEED, movesAt: 1000 });
    const picksWest = (at: number): number => {
      let west = 0;
      for (let i = 0; i < 400; i++) {
        const node = graph.nodeIndexOf.get(nodeOf(jobs.next(0, at)!.stops[0]!))!;
        if (graph.isStation[node] === 0 && graph.x[node]! < 15) west++;
      }
      return west / 200;
    };
    const shares = [picksWest(1000), picksWest(1001)].sort((a, b) => a - b);
    // 60 % are hot, half of the others are west.
    expect(shares[0]).toBeCloseTo(0.2, 0.5);
    expect(shares[1]).toBeCloseTo(0.8, 0.5);
  });

  it('give one robot a slow type of its own: three seconds a cell, on the floor and for the service', () => {
    const { graph, robotTypes } = fleetOf('slow-robot-type', {
      graph: gridFromText('W...E'),
      robotTypes: [0, 0],
    });
    expect(robotTypes).toEqual([1, 0]);
    const starts = ['r0c0', 'r0c3'].map((node) => graph.nodeIndexOf.get(node)!);
    const robots = robotTypes.map((robotType, robot) => ({ robotType, start: starts[robot]! }));
    const floor = createFloor({ graph, robots, random: createRandom(1) });
    floor.setRoute(0, [0, 1]);
    floor.setGoal(0, 1 as never);
    const arrivals = Array.from({ length: 4 }, () => floor.step().some(({ robot }) => robot === 0));
    expect(arrivals).toEqual([false, false, true, false]);
    expect(graph.freeFlowSeconds[graph.robotTypeIndexOf.get('slow')!]![0]).toBe(3);
  });

  it('count the routes of the others where one robot shuttles', () => {
    const { crosses, graph, watchedLanes } = place('no-slow-robot');
    const [lane] = watchedLanes as [number];
    const along = [graph.laneFrom[lane]!, graph.laneTo[lane]!].map((node) => graph.nodeIds[node]!);
    expect([crosses(0, along), crosses(1, along), crosses(1, along.slice(1))]).toEqual([null, true, false]);
  });

  it('let one slow robot shuttle in the aisle', async () => {
    const normal = await run('no-slow-robot');
    const silent = await run('slow-robot');
    expect(part(normal.series!.goals, 0, 100)).toBe(part(silent.series!.goals, 0, 100));
    expect(part(silent.series!.goals, 100, 300)).toBeLessThan(part(normal.series!.goals, 100, 300));
    expect(part(normal.series!.crossings, 0, 300)).toBeGreaterThan(5);
  });

  it('stop the learning of frozen-at-change when it happens', { timeout: 60_000 }, async () => {
    const whole = await run('robots-slow', { method: 'learned-cold', steps: 100 });
    const stopped = await run('robots-slow', { method: 'frozen-at-change', steps: 100 });
    expect(stopped.series!.goals.slice(0, 10)).toEqual(whole.series!.goals.slice(0, 10));
    expect(stopped.updatesApplied).toBeLessThan(whole.updatesApplied);
    expect(stopped.updatesApplied).toBeGreaterThan(0);
  });

  it('let learning start on a floor that was served shortest ways', { timeout: 60_000 }, async () => {
    // Long enough for a network that begins with nothing to count.
    const phases = { steps: 400, seed: 1 };
    const learned = await run('learning-starts', { method: 'learned-cold', ...phases });
    const rules = await run('learning-starts', { method: 'rules-alone', ...phases });
    const { goals, scored, ratios } = learned.series as Required<ChangeSeries>;
    expect(goals.slice(0, 10)).toEqual(rules.series!.goals.slice(0, 10));
    expect(goals.slice(10)).not.toEqual(rules.series!.goals.slice(10));
    expect([learned.updatesApplied > 0, rules.updatesApplied]).toEqual([true, 0]);
    expect(part(ratios, 0, 200) / part(scored, 0, 200)).toBeGreaterThanOrEqual(1);
    // The policy's first route is completed after the switch at second 100, and before second 120.
    expect(learned.improvement!.policyServedAfter!.seconds).toBeGreaterThan(90);
    expect(learned.improvement!.policyServedAfter!.seconds).toBeLessThan(130);
  });

  it('refuse methods that mean nothing without them', async () => {
    const graph = gridFromText(MAP);
    const options = { cell: 'test@6', graph, robots: 6, seed: 1, steps: 10, warmUpSteps: 0, picks: 0 };
    const bench = (method: BenchMethod, change?: ChangeName): Promise<BenchResult> =>
      runBench({ ...options, order: 'exact', backend: 'cpu', method, ...(change ? { change } : {}) });
    await expect(bench('oracle')).rejects.toThrow('oracle does not fit');
    await expect(bench('oracle', 'robots-slow')).rejects.toThrow('oracle does not fit');
    await expect(bench('frozen-at-change')).rejects.toThrow('does not fit');
    await expect(bench('flow', 'learning-starts')).rejects.toThrow('flow does not fit');
  });
});

describe('the busiest aisle', () => {
  it('runs through the cell that most shortest paths cross, and stops at walls', () => {
    const graph = gridFromText(`
      W@@@@E
      ......
      W@@@@E`);
    const robotTypes = [0, 0];
    const starts = randomStarts(graph, robotTypes, createRandom(1));
    const jobs = createBenchJobs({ graph, robotTypes, seed: 1, picks: 0 });
    const aisle = busiestAisle({ graph, jobs, robotTypes, starts, random: createRandom(1) });
    expect(graph.y[aisle.node]).toBe(1);
    // Five lanes between the ends, or what is left of seven, each way.
    expect(new Set(aisle.lanes).size).toBe(aisle.lanes.length);
    expect(aisle.lanes.every((lane) => aisle.lanes.includes(graph.reverseLane[lane]!))).toBe(true);
    expect(aisle.ends.map((node) => graph.y[node])).toEqual([1, 1]);
    expect(aisle.lanes.length).toBeGreaterThanOrEqual(8);
  });
});
