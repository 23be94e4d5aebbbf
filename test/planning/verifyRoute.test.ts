import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { createSearch } from '../../src/planning/search.js';
import { verifyRoute, type RouteClaim, type RouteFault } from '../../src/planning/verifyRoute.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { importMovingAi } from '../../src/warehouse/movingAi.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { randomFloor, randomPrices, ROBOT_TYPES } from './support/randomFloor.js';

const DRAWING = `type octile
height 3
width 5
map
E...W
.@.@.
.....
`;

/** The drawing above with a second robot type; `change` edits the file before it is compiled. */
function floor(): LaneGraph {
  const file = importMovingAi(DRAWING, { dialect: 'kiva', id: 'verify' });
  file.robotTypes.push({ name: 'wide', maximumSpeed: 1, lengthMetres: 1 });
  return compileFile(file);
}

const at = (graph: LaneGraph, row: number, column: number): number =>
  graph.nodeIndexOf.get(`r${row}c${column}`)!;

/** Along the top row: picks at its middle, hands over at its end. */
function topRow(graph: LaneGraph): RouteClaim & { nodes: number[]; etaSeconds: number[] } {
  const nodes = [0, 1, 2, 3, 4].map((column) => at(graph, 0, column));
  return {
    robotType: 0,
    from: nodes[0]!,
    stops: [nodes[2]!, nodes[4]!],
    nodes,
    stopIndexes: [2, 4],
    etaSeconds: [0, 1, 2, 5, 6],
    cost: 6,
  };
}

function faultOf(graph: LaneGraph, claim: RouteClaim): RouteFault | 'valid' {
  const verdict = verifyRoute(graph, claim);
  return verdict.kind === 'valid' ? 'valid' : verdict.fault;
}

describe('verifyRoute', () => {
  it('passes a route that keeps its promises', () => {
    const graph = floor();
    expect(verifyRoute(graph, topRow(graph))).toEqual({ kind: 'valid' });
  });

  it('passes a robot that stands on its only stop already, and two stops on one node', () => {
    const graph = floor();
    const here = at(graph, 0, 0);
    const standing = { ...topRow(graph), from: here, nodes: [here], etaSeconds: [0], cost: 0 };
    expect(faultOf(graph, { ...standing, stops: [here], stopIndexes: [0] })).toBe('valid');
    expect(faultOf(graph, { ...standing, stops: [here, here], stopIndexes: [0, 0] })).toBe('valid');
  });

  it('reads typed arrays as well as lists', () => {
    const graph = floor();
    const claim = topRow(graph);
    const etaSeconds = Float64Array.from(claim.etaSeconds);
    expect(faultOf(graph, { ...claim, nodes: Int32Array.from(claim.nodes), etaSeconds })).toBe('valid');
  });

  const graph = floor();
  const route = topRow(graph);
  const faulty: [RouteFault, string, Partial<RouteClaim>, number][] = [
    ['empty', 'has no nodes', { nodes: [] }, 0],
    ['unknownRobotType', 'is for a robot type that the map does not have', { robotType: 2 }, 0],
    ['unknownRobotType', 'is for a negative robot type', { robotType: -1 }, 0],
    ['wrongStart', 'starts where the robot is not', { from: at(graph, 2, 0) }, 0],
    ['unknownNode', 'names a node past the end', { nodes: [...route.nodes.slice(0, 4), graph.nodeCount] }, 4],
    ['unknownNode', 'names node NaN', { nodes: [...route.nodes.slice(0, 4), NaN] }, 4],
    ['unknownNode', 'starts at node -1', { nodes: [-1], from: -1 }, 0],
    ['noLane', 'jumps over a node', { nodes: route.nodes.filter((_, i) => i !== 1) }, 1],
    [
      'noLane',
      'stays on a node',
      { nodes: route.nodes.map((node, i) => (i === 1 ? route.nodes[0]! : node)) },
      1,
    ],
    ['noStops', 'has no stops', { stops: [], stopIndexes: [] }, 0],
    ['stopCount', 'leaves out a stop', { stopIndexes: [4] }, 1],
    ['stopCount', 'has a stop too many', { stopIndexes: [2, 4, 4] }, 3],
    [
      'stopOrder',
      'visits its stops in another order',
      { stopIndexes: [4, 2], stops: [route.nodes[4]!, route.nodes[2]!] },
      1,
    ],
    ['stopOrder', 'visits a stop after its end', { stopIndexes: [2, 5] }, 1],
    ['stopOrder', 'visits a stop between two nodes', { stopIndexes: [1.5, 4] }, 0],
    ['stopMissed', 'is elsewhere when it should be at a stop', { stopIndexes: [1, 4] }, 0],
    ['wrongEnd', 'drives on after its last stop', { stops: [route.nodes[2]!], stopIndexes: [2] }, 2],
    ['costNotFinite', 'costs infinitely much', { cost: Infinity }, 0],
    ['costNotFinite', 'costs NaN', { cost: NaN }, 0],
    ['costNotFinite', 'costs less than nothing', { cost: -1 }, 0],
    ['etaCount', 'lacks an arrival', { etaSeconds: [0, 1, 2, 5] }, 4],
    ['etaNotFinite', 'arrives never', { etaSeconds: [0, 1, 2, 5, Infinity] }, 4],
    ['etaNotFinite', 'arrives at NaN', { etaSeconds: [0, NaN, 2, 5, 6] }, 1],
    ['etaDecreasing', 'arrives before it left', { etaSeconds: [0, 1, 2, 1.5, 6] }, 3],
    ['etaDecreasing', 'arrives in the past', { etaSeconds: [-1, 1, 2, 5, 6] }, 0],
  ];
  it.each(faulty)('finds %s in a route that %s', (fault, _what, change, position) => {
    expect(verifyRoute(graph, { ...route, ...change })).toEqual({ kind: 'invalid', fault, at: position });
  });

  it('finds a lane that is closed in the direction driven, and no other', () => {
    const graph = floor();
    const claim = topRow(graph);
    const lane = laneBetween(graph, claim.nodes[2]!, claim.nodes[3]!);
    graph.open[graph.reverseLane[lane]!] = 0;
    expect(faultOf(graph, claim)).toBe('valid');
    graph.open[lane] = 0;
    expect(verifyRoute(graph, claim)).toEqual({ kind: 'invalid', fault: 'laneClosed', at: 3 });
  });

  it('finds a lane that is barred to this robot type, and lets others drive', () => {
    const graph = floor();
    const claim = topRow(graph);
    graph.barredTypes[laneBetween(graph, claim.nodes[0]!, claim.nodes[1]!)] = 0b10;
    expect(faultOf(graph, { ...claim, robotType: 0 })).toBe('valid');
    expect(verifyRoute(graph, { ...claim, robotType: 1 })).toEqual({
      kind: 'invalid',
      fault: 'laneBarred',
      at: 1,
    });
  });

  it('finds a lane that leads the other way only', () => {
    const file = importMovingAi(DRAWING, { dialect: 'kiva', id: 'verify' });
    file.lanes = file.lanes.map((lane) => ({ ...lane, twoWay: lane.from !== 'r0c1' }));
    const graph = compileFile(file);
    const claim = topRow(graph);
    expect(faultOf(graph, claim)).toBe('valid');
    const nodes = [...claim.nodes].reverse();
    const back = { ...claim, nodes, from: nodes[0]!, stops: [nodes[4]!], stopIndexes: [4] };
    expect(verifyRoute(graph, back)).toEqual({ kind: 'invalid', fault: 'noLane', at: 3 });
  });

  it('passes a route as long as the limit and refuses one node more', () => {
    const graph = floor();
    const backAndForth = (length: number): RouteClaim => {
      const nodes = Array.from({ length }, (_, i) => at(graph, 0, i % 2));
      return {
        ...topRow(graph),
        nodes,
        stops: [nodes.at(-1)!],
        stopIndexes: [length - 1],
        etaSeconds: nodes.map(Number),
      };
    };
    const fits = {
      ...backAndForth(LIMITS.nodesPerRoute),
      etaSeconds: new Float64Array(LIMITS.nodesPerRoute),
    };
    expect(faultOf(graph, fits)).toBe('valid');
    expect(faultOf(graph, backAndForth(LIMITS.nodesPerRoute + 1))).toBe('tooLong');
  });
});

/** What the planner does, in small: legs between random stops. Null where there is no way. */
function randomRoute(graph: LaneGraph, random: Random): RouteClaim | null {
  const robotType = [0, 1, ROBOT_TYPES - 1][random.integer(3)]!;
  const prices = randomPrices(random, graph);
  const search = createSearch(graph);
  const from = random.integer(graph.nodeCount);
  const nodes = [from];
  const etaSeconds = [0];
  const stops: number[] = [];
  const stopIndexes: number[] = [];
  let cost = 0;
  for (let leg = 0; leg < 3; leg++) {
    const stop = random.integer(graph.nodeCount);
    search.run({ prices, robotType, turnTimeWeight: 0, turnWeight: 0 }, nodes.at(-1)!, -1, [stop]);
    const lanes = search.lanesTo(stop);
    if (!lanes) return null;
    for (const lane of lanes) {
      nodes.push(graph.laneTo[lane]!);
      etaSeconds.push(etaSeconds.at(-1)! + graph.freeFlowSeconds[robotType]![lane]!);
      cost += prices[lane]!;
    }
    stops.push(stop);
    stopIndexes.push(nodes.length - 1);
  }
  return { robotType, from, stops, nodes, stopIndexes, etaSeconds, cost };
}

describe('closures between plans', () => {
  const maps = Number(process.env['AISLEFLOW_VERIFY_MAPS'] ?? 2_000);

  it(
    `refuses every route over a lane closed since, and no other (${maps} maps)`,
    { timeout: 3_600_000 },
    () => {
      let valid = 0;
      let refused = 0;
      for (let seed = 1; seed <= maps; seed++) {
        const random = createRandom(seed);
        const graph = randomFloor(random, 4 + random.integer(5));
        const route = randomRoute(graph, random);
        if (!route) continue;
        expect(faultOf(graph, route), `seed ${seed}, as planned`).toBe('valid');
        const driven = new Set<number>();
        for (let i = 1; i < route.nodes.length; i++) {
          driven.add(laneBetween(graph, route.nodes[i - 1]!, route.nodes[i]!));
        }
        let crosses = false;
        for (let closure = 0; closure < 2; closure++) {
          const lane = random.integer(graph.laneCount);
          graph.open[lane] = 0;
          crosses ||= driven.has(lane);
        }
        expect(faultOf(graph, route), `seed ${seed}, closed`).toBe(crosses ? 'laneClosed' : 'valid');
        if (crosses) refused++;
        else valid++;
      }
      expect(valid).toBeGreaterThan(maps / 20);
      expect(refused).toBeGreaterThan(maps / 50);
    },
  );
});
