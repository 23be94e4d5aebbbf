import type { RewardWeights } from '../domain/components.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import type { Traffic } from '../traffic/traffic.js';
import { secondsBehindSlower } from '../traffic/behindSlower.js';
import { createHeldShares, type HeldShares } from '../traffic/heldShares.js';
import { createUsualFlow, type UsualFlow } from '../traffic/usualFlow.js';
import { WEIGHT_COUNT } from './network.js';
import { createRememberingPass } from './rememberingPass.js';
import { createLaneMemory, MEMORY, type LaneMemory } from './laneMemory.js';

/**
 * Where the price of traffic comes from: nowhere (`freeFlow`), the hand-made planned-flow price of
 * Chen et al., AAAI 2024 (`flow`), the policy network (`network`), or another hand-made price of the benchmark.
 */
export type PriceSource = 'freeFlow' | 'flow' | 'network' | HandMadePrice;

/**
 * Seconds beyond its free flow that a lane costs in the traffic of now, 0 or more. Asked again where the
 * traffic changed, and for every lane at each tick.
 */
export type HandMadePrice = (lane: number, traffic: Traffic) => number;

/**
 * Seconds that the rules charge a lane: for each step of it (a second of driving), or for its end, where what happens
 * there happens once however long the lane is. They make a cold floor pass its first minutes without jams, and say what
 * labels cannot: a meeting that was avoided leaves no wait behind to learn from. Decisions 0005 and 0016 have the measurements.
 */
export const RULES = {
  /** A step, for each robot planned over this lane: who follows another hardly waits. */
  followingSeconds: 0.1,
  /** For each of them, of what a robot loses behind a slower one: nobody passes on a lane. */
  behindSlowerShare: 0.2,
  /** Once, for each robot planned into the lane's end from elsewhere: of two that cross or merge, one waits. */
  crossingSeconds: 0.4,
  /** A step, for each pair of robots that would meet head-on, this one included. */
  headOnSeconds: 0.5,
  /** Once, where the lane's end is held all of the time; it falls with the fourth power of the share. */
  heldSeconds: 5,
} as const;

/**
 * Seconds a robot pays for each step of driving against the usual flow, for each robot that it runs against.
 * What labels cannot say either: that everybody would drive faster if all went one way here. Decision 0006
 * has the measurements.
 */
export const AGAINST_USUAL_SECONDS = 2;

/**
 * Metres of robot for each metre of two-way lane from which on the usual flow counts in full; below, with the square of
 * the proportion, as robots meet. Where few do, keeping to one way costs more than it saves. Decisions 0013 and 0016.
 */
export const CROWDED = 0.25;
/** What counts of it is taken in so many steps: not every robot that comes or goes prices all lanes anew. */
const CROWDED_STEPS = 50;

/** What a warehouse's lanes and nodes were like in the last minutes, whoever routed over them. */
export interface RecentFloor {
  readonly memory: LaneMemory;
  readonly usualFlow: UsualFlow;
  readonly held: HeldShares;
}

/** The prices of one warehouse's lanes, kept up to date lane by lane. */
export interface Pricing {
  readonly recent: RecentFloor;
  /** [L] seconds predicted by the heads, as of the last refresh. */
  readonly waitHat: Float32Array;
  readonly blockingHat: Float32Array;
  /** Brings prices up to date with traffic, network and weights; returns lanes re-priced. */
  refresh(): number;
  /** [L] weighted seconds for a robot type; valid until the next refresh. */
  pricesFor(robotType: number): Float64Array;
  /** The same for a plan that is past its deadline: `time` and `wait` weigh 1 + w.lateness. */
  latePricesFor(robotType: number): Float64Array;
  setSource(source: PriceSource): void;
  setRewardWeights(weights: RewardWeights): void;
  setPressure(pressure: number): void;
  /** Copies a flat weight vector [WEIGHT_COUNT] in; all lanes are priced anew at the next refresh. */
  setNetworkWeights(weights: Float32Array): void;
  /** Lets time pass: lane memories fade, usual flow and held shares follow what is there now. */
  fade(seconds: number): void;
}

/** @param recent another pricing's, which lets its time pass: for prices that differ by network or weights alone */
export function createPricing(
  graph: LaneGraph,
  traffic: Traffic,
  rewardWeights: RewardWeights,
  recent: RecentFloor = {
    memory: createLaneMemory(graph),
    usualFlow: createUsualFlow(graph, traffic),
    held: createHeldShares(graph, traffic),
  },
): Pricing {
  const { laneCount } = graph;
  const { memory, usualFlow, held } = recent;
  const networkWeights = new Float32Array(WEIGHT_COUNT);
  const forward = createRememberingPass(networkWeights, traffic.features);
  const behindSlower = secondsBehindSlower(graph);
  const waitHat = new Float32Array(laneCount);
  const blockingHat = new Float32Array(laneCount);
  const waitCost = new Float64Array(laneCount);
  const blockingCost = new Float64Array(laneCount);
  const prices: (Float64Array | undefined)[] = graph.robotTypes.map(() => undefined);
  let source: PriceSource = 'freeFlow';
  let weights = { ...rewardWeights };
  let pressure = 1;
  let crowded = 0;
  let predictionsStale = true;
  let combinationsStale = true;

  const predict = (lane: number): void => {
    if (source === 'network') {
      forward.run(lane);
      waitHat[lane] = forward.waitHat;
      blockingHat[lane] = forward.blockingHat;
    } else {
      if (typeof source === 'function') waitHat[lane] = source(lane, traffic);
      else waitHat[lane] = source === 'flow' ? flowPriceSeconds(graph, traffic, lane) : 0;
      blockingHat[lane] = 0;
    }
  };
  /** What robots cost each other on this lane by rule: by the traffic planned, where they got stuck, and by the usual flow. */
  const mutualSeconds = (lane: number): number => {
    const end = graph.laneTo[lane]!;
    const same = traffic.flow[lane]!;
    const elsewhere = traffic.flowInto[end]! - same;
    const steps = graph.steps[lane]!;
    const once = Math.min(1, steps);
    return (
      (steps * RULES.followingSeconds + RULES.behindSlowerShare * behindSlower[lane]!) * same +
      once * RULES.crossingSeconds * elsewhere +
      steps * RULES.headOnSeconds * headOn(graph, traffic, lane) +
      once * RULES.heldSeconds * held.share[end]! ** 4 +
      steps * AGAINST_USUAL_SECONDS * crowded * usualFlow.against[lane]!
    );
  };
  /**
   * What the price knows beside the network. Of two robots that meet one waits and one blocks: half of either. For a late
   * plan all of it is waiting.
   */
  const knownCost = (lane: number): number =>
    0.5 * (weights.wait + weights.blocking) * mutualSeconds(lane) +
    weights.wait * (MEMORY.factor * memory.excessSeconds(lane));
  const costs = (lane: number): void => {
    const learnt = source === 'network';
    const factor = learnt ? pressure : 1;
    waitCost[lane] = weights.wait * (factor * waitHat[lane]!) + (learnt ? knownCost(lane) : 0);
    blockingCost[lane] = weights.blocking * factor * blockingHat[lane]!;
  };
  const combine = (target: Float64Array, robotType: number, lane: number, lateFactor: number): void => {
    target[lane] =
      lateFactor * (weights.time * graph.freeFlowSeconds[robotType]![lane]! + waitCost[lane]!) +
      weights.distance * graph.lengthMetres[lane]! +
      blockingCost[lane]!;
  };
  const recombine = (lane: number): void => {
    costs(lane);
    for (let type = 0; type < prices.length; type++) {
      const target = prices[type];
      if (target) combine(target, type, lane, 1);
    }
  };
  const recombineInto = (node: number): void => {
    for (let i = graph.inStart[node]!; i < graph.inStart[node + 1]!; i++) recombine(graph.inLanes[i]!);
  };
  const reprice = (lane: number): void => {
    predict(lane);
    recombine(lane);
  };
  const ignore = (): void => undefined;

  return {
    recent,
    waitHat,
    blockingHat,
    refresh() {
      const crowdedNow = source === 'network' ? crowdedShare(traffic) : 0;
      if (crowdedNow !== crowded) {
        crowded = crowdedNow;
        combinationsStale = true;
      }
      if (predictionsStale || combinationsStale) {
        traffic.refresh(predictionsStale ? ignore : predict);
        for (let lane = 0; lane < laneCount; lane++) {
          if (predictionsStale) predict(lane);
          recombine(lane);
        }
        predictionsStale = combinationsStale = false;
        return laneCount;
      }
      return traffic.refresh(source === 'freeFlow' ? ignore : reprice);
    },
    pricesFor(robotType) {
      let target = prices[robotType];
      if (!target) {
        target = prices[robotType] = new Float64Array(laneCount);
        for (let lane = 0; lane < laneCount; lane++) combine(target, robotType, lane, 1);
      }
      return target;
    },
    latePricesFor(robotType) {
      const late = new Float64Array(laneCount);
      for (let lane = 0; lane < laneCount; lane++) combine(late, robotType, lane, 1 + weights.lateness);
      return late;
    },
    setSource(next) {
      if (source === next) return;
      source = next;
      predictionsStale = true;
    },
    setRewardWeights(next) {
      weights = { ...next };
      combinationsStale = true;
    },
    setPressure(next) {
      if (pressure === next) return;
      pressure = next;
      combinationsStale = true;
    },
    setNetworkWeights(next) {
      networkWeights.set(next);
      forward.forget();
      predictionsStale = true;
    },
    fade(seconds) {
      memory.fade(seconds, recombine);
      usualFlow.drift(seconds, recombine);
      held.drift(seconds, recombineInto);
      if (typeof source === 'function') predictionsStale = true;
    },
  };
}

/**
 * Chen et al., "Traffic Flow Optimisation for Lifelong MAPF", AAAI 2024, beyond the lane's own time:
 * floor(planned flow into v / 2) + (flow(u->v) + 1) * flow(v->u), in grid steps of one second. On a lane
 * of another length robots meet in as many steps, and cross once, at its end.
 */
export function flowPriceSeconds(graph: LaneGraph, traffic: Traffic, lane: number): number {
  const steps = graph.steps[lane]!;
  const into = traffic.flowInto[graph.laneTo[lane]!]!;
  return Math.min(1, steps) * Math.floor(into / 2) + steps * headOn(graph, traffic, lane);
}

/** Pairs of robots that would meet head-on on a lane, one more robot on it included. */
function headOn({ reverseLane }: LaneGraph, { flow }: Traffic, lane: number): number {
  const reverse = reverseLane[lane]!;
  return reverse >= 0 ? (flow[lane]! + 1) * flow[reverse]! : 0;
}

/** How far the usual flow counts, 0 to 1, in steps. */
function crowdedShare(traffic: Traffic): number {
  return Math.min(1, Math.round(CROWDED_STEPS * (traffic.crowding() / CROWDED) ** 2) / CROWDED_STEPS);
}
