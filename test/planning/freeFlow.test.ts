import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../src/platform/random.js';
import { LIMITS } from '../../src/domain/limits.js';
import { createFreeFlow, tableBytesOf } from '../../src/planning/freeFlow.js';
import { createSearch } from '../../src/planning/search.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { randomFloor, ROBOT_TYPES } from './support/randomFloor.js';

const ROUNDS = 40;

/** Many ways as fast as each other, and few: closings spare most tables of the first, and few of the second. */
const floorOf = (seed: number, random: Random): LaneGraph =>
  seed % 2 === 0 ? gridFromText('......\n.@..@.\n......\n.@@.@.\n......') : randomFloor(random, 5);

describe('free flow after lanes closed and opened', () => {
  it('is that of tables made anew, to the last bit, and keeps those that the lanes do not concern', () => {
    let kept = 0;
    let dropped = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed);
      const graph = floorOf(seed, random);
      if (graph.laneCount === 0) continue;
      let epoch = 0;
      const freeFlow = createFreeFlow(graph, () => epoch);
      const tables = new Map<number, Float64Array>();
      for (let round = 0; round < ROUNDS; round++) {
        for (let changes = random.integer(3); changes >= 0; changes--) {
          const lane = random.integer(graph.laneCount);
          if (random.integer(4) > 0) graph.open[lane]! ^= 1;
          else graph.freeFlowSeconds[0]![lane]! *= 0.5 + random.next();
        }
        epoch++;
        const anew = createFreeFlow(graph, () => 0);
        for (let ask = 0; ask < 6; ask++) {
          const from = random.integer(graph.nodeCount);
          const goal = random.integer(graph.nodeCount);
          const asked = random.integer(3) === 0 ? [] : [from];
          const seconds = freeFlow.secondsTo(0, goal, asked);
          expect(seconds[from], `seed ${seed}, round ${round}: ${from} to ${goal}`).toBe(
            anew.secondsTo(0, goal)[from],
          );
          expect(freeFlow.fastestLanes(0, from, goal)).toEqual(anew.fastestLanes(0, from, goal));
          if (tables.get(goal) === seconds) kept++;
          else if (tables.has(goal)) dropped++;
          tables.set(goal, seconds);
        }
      }
    }
    expect(kept).toBeGreaterThan(1_000);
    expect(dropped).toBeGreaterThan(1_000);
  });

  it('keeps apart what concerns one type of robots alone', () => {
    const graph = gridFromText('...');
    const both: LaneGraph = {
      ...graph,
      robotTypes: [graph.robotTypes[0]!, graph.robotTypes[0]!],
      freeFlowSeconds: [graph.freeFlowSeconds[0]!, graph.freeFlowSeconds[0]!.slice()],
      turnsTakeTime: [false, false],
    };
    let epoch = 0;
    const freeFlow = createFreeFlow(both, () => epoch);
    const [first, second] = [freeFlow.secondsTo(0, 2), freeFlow.secondsTo(1, 2)];
    both.freeFlowSeconds[1]!.fill(5);
    epoch++;
    expect(freeFlow.secondsTo(0, 2)).toBe(first);
    expect(freeFlow.secondsTo(1, 2)).not.toBe(second);
    expect([...freeFlow.secondsTo(1, 2)]).toEqual([10, 5, 0]);
  });
});

describe('free flow', () => {
  it('agrees with the search, in seconds and in lanes, also after lanes closed', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = createRandom(seed);
      const graph = randomFloor(random, 5);
      let epoch = 0;
      const freeFlow = createFreeFlow(graph, () => epoch);
      const search = createSearch(graph);
      const type = seed % ROBOT_TYPES;
      for (let round = 0; round < 3; round++) {
        const from = random.integer(graph.nodeCount);
        const goal = random.integer(graph.nodeCount);
        const prices = graph.freeFlowSeconds[type]!;
        search.run({ prices, robotType: type, turnTimeWeight: 0, turnWeight: 0 }, from, -1, [goal]);
        const seconds = freeFlow.secondsTo(type, goal)[from]!;
        if (search.costTo(goal) === Infinity) expect(seconds).toBe(Infinity);
        else expect(seconds).toBeCloseTo(search.costTo(goal), 9);
        const lanes = freeFlow.fastestLanes(type, from, goal, round === 2 ? random : null);
        const cost = lanes?.reduce((sum, lane) => sum + prices[lane]!, 0) ?? Infinity;
        if (seconds === Infinity) expect(lanes).toBeNull();
        else expect(cost).toBeCloseTo(seconds, 9);
        if (graph.laneCount > 0) graph.open[random.integer(graph.laneCount)]! ^= 1;
        epoch++;
      }
    }
  });

  it('is the same for who asks from near by first, and goes no farther than asked', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = createRandom(seed);
      const graph = randomFloor(random, 6);
      const asked = createFreeFlow(graph, () => 0);
      for (let round = 0; round < 30; round++) {
        const from = random.integer(graph.nodeCount);
        const goal = random.integer(4);
        const whole = createFreeFlow(graph, () => 0);
        expect(asked.secondsTo(0, goal, [from])[from]).toBe(whole.secondsTo(0, goal)[from]);
        expect(asked.fastestLanes(0, from, goal)).toEqual(whole.fastestLanes(0, from, goal));
      }
    }
    const corridor = createFreeFlow(gridFromText('.........'), () => 0);
    expect(corridor.secondsTo(0, 0, [2])[8]).toBe(Infinity);
    expect(corridor.secondsTo(0, 0, [8])[8]).toBe(8);
    expect(corridor.secondsTo(0, 1, [2])[2]).toBe(1);
    expect(corridor.secondsTo(0, 1)[8]).toBe(7);
  });

  it('keeps tables up to so many bytes, those used last', () => {
    const graph = gridFromText('....');
    const freeFlow = createFreeFlow(graph, () => 0, 2 * 8 * graph.nodeCount);
    const [first, second] = [freeFlow.secondsTo(0, 0), freeFlow.secondsTo(0, 1)];
    expect(freeFlow.secondsTo(0, 0)).toBe(first);
    freeFlow.secondsTo(0, 2);
    expect(freeFlow.secondsTo(0, 0)).toBe(first);
    expect(freeFlow.secondsTo(0, 1)).not.toBe(second);
    expect(freeFlow.secondsTo(0, 1)).toEqual(second);
  });

  it('share so many bytes over the warehouses of a server', () => {
    const { freeFlowTableBytes: each, freeFlowTableBytesTogether: together } = LIMITS;
    expect([1, 2].map(tableBytesOf)).toEqual([each, each]);
    expect(64 * tableBytesOf(64)).toBe(together);
  });
});
