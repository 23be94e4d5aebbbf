import type { RewardWeights } from '../domain/components.js';
import { AppError } from '../domain/errors.js';
import type { Instant, NodeIndex, RobotId, RouteId } from '../domain/ids.js';
import type { Mode, Stop } from '../domain/messages.js';
import type { HoldCause } from '../domain/serviceContract.js';
import type { Random } from '../platform/random.js';
import type { DrivenClock, Clock } from '../platform/clock.js';
import { createHoldings, type Holdings, type Wait } from '../learning/holdings.js';
import type { IssuedRoute, Revision, TimeAside } from '../learning/issuedRoute.js';
import type { Passage } from '../learning/passage.js';
import { createFreeFlow, type FreeFlow } from '../planning/freeFlow.js';
import { lanesOnTheWay } from '../planning/onTheWay.js';
import { createPlanner, type Planner } from '../planning/planner.js';
import type { PlannedStop, PriceView } from '../planning/tourTask.js';
import type { VisitOrder } from '../planning/tourOrder.js';
import { createPricing, type Pricing } from '../policy/pricing.js';
import { createTraffic, type Traffic } from '../traffic/traffic.js';
import { createLaneClosures, type LaneClosures } from '../warehouse/laneClosures.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import type { FloorSnapshot } from './floorSnapshot.js';
import { createSiteHindsight, type SiteHindsight } from './siteHindsight.js';
import { createSlowdown, type Slowdown } from './slowdown.js';

/** A robot that introduced itself. */
export interface Robot {
  readonly robotId: RobotId;
  /** Position in the site's list of robots. */
  readonly index: number;
  robotType: number;
  /** Where it stands, -1 where unknown. */
  node: number;
  /** Where it counts for traffic: there, or further on where it says nothing and its ETAs put it. */
  occupies: number;
  /** The lane it came by, -1 where unknown. */
  arrivalLane: number;
  /** When it last said where it is, or hello. */
  heardAt: Instant;
  /** It said that it cannot drive. */
  paused: boolean;
  /** It has sent progress: where it reports none it has not moved. Null: it has said nothing since the server started. */
  reports: boolean | null;
  route: OpenRoute | null;
}

/** Why a route has no plan: nothing leads to its next stops, or what does has more nodes than a route may have. */
export type NoWay = Extract<HoldCause, 'noOpenWay' | 'wayTooLong'>;

/** What is known for certain of a robot that is taken to be further on than that: what it was last known to follow. */
export interface LastKnown {
  readonly revision: Revision;
  /** It was here, or is further on. */
  readonly position: number;
  readonly stopsDone: number;
  /** It was heard of since where it cannot be by the newest plan, or cannot have made what that leaves out. */
  readonly refuted: boolean;
}

/** A route under way: as issued, and how far its robot is known to be. */
export interface OpenRoute extends IssuedRoute {
  readonly robot: Robot;
  readonly routeId: RouteId;
  /** As its robot said last; mostly that for which it was issued. */
  robotType: number;
  /** Position in the last revision's path of the node that the robot is known to have reached. */
  position: number;
  /** Lanes of the last revision count as planned flow from here on, as far as `plannedFlow.ts` has it. */
  flowFrom: number;
  /** Stops of the last revision that are done. */
  stopsDone: number;
  /** When the next lane's clock starts, in seconds. */
  readySeconds: number;
  previousLane: number;
  /** Its robot has to get going: it has not left its start, or the stop that it handled. */
  stands: boolean;
  /** Its robot told of its way while it drove: nothing of it is left for the trace to tell. */
  progressSeen: boolean;
  /** It said where it left its way, and has had no plan since: it waits there. */
  leftItsWay: boolean;
  /** Where more is assumed of its robot than is known: what is known. Null: nothing is assumed. */
  lastKnown: LastKnown | null;
  /**
   * Stops of the whole tour that it told of, where more are taken for made: by its ETAs, passed over, or where it was
   * pushed to. Null: no more are.
   */
  stopsTold: number | null;
  /** Holds that were the answer to its robot's leaving its way. */
  holdsAnswered: number;
  /** The furthest place of its newest plan that it said, beside progress, that it is at. */
  heardPosition: number;
  /** How far behind the ETAs of its newest plan its robot was when it last said where it is, at no time ahead. */
  lateSeconds: number;
  /** Its answer has left: before, its robot stands where it asked. */
  told: boolean;
  /** When it last told of a move, by the site's clock; 0 where it has told of none. */
  movedHeardAt: Instant;
  /** The robot's own instant of its last report: what was sent before it and comes after it tells nothing. */
  reportedAt: Instant;
  /** Told to wait, as there is no way for now: its last hold lasts. */
  readonly held: boolean;
  /** It was told so at its hello, where no plan may come of it: this is put right by the next. */
  heldAtHello: boolean;
  holds: readonly TimeAside[];
  pauses: readonly TimeAside[];
  /** The `openedEpoch` under which no way was found; -1 where one is to be looked for anew. */
  heldEpoch: number;
  /** What was found when a way was last looked for, while it is held. */
  heldBecause: NoWay;
  /** The floor that it was planned on; null where a restart has forgotten it. */
  plannedOn: FloorSnapshot | null;
  /** Number of the first passage recorded after its issue. */
  firstPassage: number;
  /** New plans of it that are being made and stored: until then its robot drives the one before. */
  readonly revising: Set<Promise<unknown>>;
}

/** Rows of silent fleets wait so long for their neighbours' traces before their blocking counts. */
export const SETTLE_SECONDS = 30;

/** What a silent robot's trace leaves open till then. */
interface Unsettled {
  readonly settleAt: Instant;
  readonly passages: readonly Passage[];
  /** Waits whose holders are asked then. */
  readonly waits: readonly Wait[];
}

/** One warehouse as it is now. */
export interface Site {
  readonly warehouseId: string;
  /** Its number among the warehouses: names its rows to the learner. */
  readonly source: number;
  readonly graph: LaneGraph;
  readonly clock: Clock;
  readonly driven: DrivenClock | null;
  readonly closures: LaneClosures;
  readonly traffic: Traffic;
  /** Of a route as planned flow. */
  readonly legsThatCount: number;
  readonly pricing: Pricing;
  readonly freeFlow: FreeFlow;
  readonly planner: Planner;
  readonly holdings: Holdings;
  readonly slowdown: Slowdown;
  readonly hindsight: SiteHindsight;
  readonly robots: Map<string, Robot>;
  readonly robotList: Robot[];
  readonly openRoutes: Map<string, OpenRoute>;
  /** Passages that were charged after their row was made: corrected at the next tick. */
  readonly charged: Set<Passage>;
  /** Given to the learner, not yet in the journal. */
  readonly corrections: { readonly row: number; readonly blockingSeconds: number }[];
  /** The first of them are on their way to the journal. */
  writesCorrections: boolean;
  /** Open routes whose expiry is on its way there: no second attempt at it may begin, nor anything else with them. */
  readonly expiring: Set<string>;
  /** In the order of `settleAt`. */
  readonly unsettled: Unsettled[];
  /** Serves shortest paths, each of those as likely, as published baselines do; null: prices decide. */
  readonly tieBreaks: Random | null;
  weights: RewardWeights;
  mode: Mode;
  rowsMade: number;
  completedRoutes: number;
  /** Robots that stand somewhere: not those that left and are still known by name. Each completion asks for it. */
  robotsOnFloor: number;
  detoursRefused: number;
  /** Exponential mean of weighted cost over free-flow cost; 1 before the first. */
  scoreRatio: number;
  /** Of the completed routes, those that went into it: a refused trace, or none driven, does not. */
  scoredRoutes: number;
  lastTickAt: Instant;
}

export interface SiteOptions {
  readonly graph: LaneGraph;
  readonly source: number;
  readonly clock: Clock;
  readonly driven: DrivenClock | null;
  readonly weights: RewardWeights;
  readonly mode: Mode;
  readonly tieBreaks: Random | null;
  readonly visitOrder: VisitOrder;
  readonly legsThatCount: number;
  /** Of the tables of its free flow; without it, those of a warehouse alone. */
  readonly tableBytes?: number;
}

export function createSite(options: SiteOptions): Site {
  const { graph, source, clock, driven, weights, mode, tieBreaks, visitOrder, tableBytes, legsThatCount } =
    options;
  const closures = createLaneClosures(graph);
  const traffic = createTraffic(graph, lanesOnTheWay(graph));
  const freeFlow = createFreeFlow(graph, () => closures.epoch, tableBytes);
  const charged = new Set<Passage>();
  const openRoutes = new Map<string, OpenRoute>();
  const robotList: Robot[] = [];
  return {
    warehouseId: graph.warehouseId,
    source,
    graph,
    clock,
    driven,
    closures,
    traffic,
    legsThatCount,
    pricing: createPricing(graph, traffic, weights),
    freeFlow,
    planner: createPlanner(graph, freeFlow, visitOrder),
    holdings: createHoldings(graph.nodeCount, (passage) => charged.add(passage)),
    slowdown: createSlowdown(openRoutes),
    // A planner of its own: a benchmark's visit order is not the cheapest.
    hindsight: createSiteHindsight({ graph, clock, closures, robotList }, createPlanner(graph, freeFlow)),
    robots: new Map(),
    robotList,
    openRoutes,
    charged,
    corrections: [],
    writesCorrections: false,
    expiring: new Set(),
    unsettled: [],
    tieBreaks,
    weights: { ...weights },
    mode,
    rowsMade: 0,
    completedRoutes: 0,
    robotsOnFloor: 0,
    detoursRefused: 0,
    scoreRatio: 1,
    scoredRoutes: 0,
    lastTickAt: clock.now(),
  };
}

/** Prices of now for one robot type, as the planner wants them. */
export function priceView(site: Site, robotType: number): PriceView {
  site.pricing.refresh();
  const prices = site.pricing.pricesFor(robotType);
  return {
    prices,
    latePrices: () => site.pricing.latePricesFor(robotType),
    waitHat: site.pricing.waitHat,
    blockingHat: site.pricing.blockingHat,
    weights: site.weights,
    tieBreaks: site.tieBreaks,
  };
}

/** @throws E_UNKNOWN_NODE */
export function nodeIndex(site: Site, nodeId: string): NodeIndex {
  const index = site.graph.nodeIndexOf.get(nodeId);
  if (index === undefined) throw new AppError('E_UNKNOWN_NODE', { nodeId, warehouseId: site.warehouseId });
  return index;
}

/** A stop of an order with its handling time: the order's own, else the map's. @throws E_UNKNOWN_NODE */
export function plannedStop(site: Site, stop: Stop): PlannedStop {
  const node = nodeIndex(site, typeof stop === 'string' ? stop : stop.node);
  const own = typeof stop === 'string' ? undefined : stop.handlingSeconds;
  return { node, handlingSeconds: own ?? site.graph.handlingSeconds[node]! };
}

/** @throws E_UNKNOWN_ROBOT */
export function robotNamed(site: Site, robotId: string): Robot {
  const robot = site.robots.get(robotId);
  if (!robot) throw new AppError('E_UNKNOWN_ROBOT', { robotId, warehouseId: site.warehouseId });
  return robot;
}

/** Makes a robot known; where it stands is not known yet. Its number may have been that of one that was forgotten. */
export function addRobot(site: Site, robotId: string, robotType: number): Robot {
  const { robots, robotList } = site;
  const free =
    robots.size < robotList.length ? robotList.findIndex((known) => robots.get(known.robotId) !== known) : -1;
  const robot: Robot = {
    robotId: robotId as RobotId,
    index: free < 0 ? robotList.length : free,
    robotType,
    node: -1,
    occupies: -1,
    arrivalLane: -1,
    heardAt: site.clock.now(),
    paused: false,
    reports: null,
    route: null,
  };
  robots.set(robotId, robot);
  robotList[robot.index] = robot;
  return robot;
}

/** It has said something, whatever it was. */
export function heardOf(site: Site, robot: Robot): void {
  robot.heardAt = site.clock.now();
  robot.reports ??= false;
}

/** Puts a robot on a node, or with -1 nowhere; its old place is free. */
export function placeRobot(site: Site, robot: Robot, node: number): void {
  if (robot.node >= 0 !== node >= 0) site.robotsOnFloor += node >= 0 ? 1 : -1;
  robot.node = node;
  occupy(site, robot, node);
}

/** Waits for a robot that cannot drive, or was told to wait, are nobody's fault. */
export function markObstacle({ holdings }: Site, robot: Robot, at: Instant): void {
  holdings.setObstacle(robot.index, robot.paused || robot.route?.held === true, at / 1000);
}

/** Takes a robot for one that stands on a node, as far as traffic goes. */
export function occupy(site: Site, robot: Robot, node: number): void {
  if (robot.occupies === node) return;
  if (robot.occupies >= 0) site.traffic.occupy(robot.occupies, -1);
  robot.occupies = node;
  if (node >= 0) site.traffic.occupy(node, 1);
}
