import type { AppError } from '../../src/domain/errors.js';
import type {
  RouteAssignedContent,
  RouteHeldMessage,
  RouteRequestContent,
  RouteScoredContent,
  RouteUpdatedMessage,
  WelcomeMessage,
} from '../../src/domain/messages.js';
import type { Random } from '../../src/platform/random.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { Reach } from '../orders/reach.js';
import {
  beginTour,
  isAtEnd,
  makeStops,
  placeOn,
  takeOver,
  wordOnArrival,
  wordWhenPolled,
  type Tour,
} from './chaosTour.js';
import type { Plan, RobotTrace } from './drivenPlan.js';
import type { ChaosEvent, ChaosRobotSpec } from './scenario.js';
import type { StopWord } from './stopChecks.js';

type Order = Extract<ChaosEvent, { kind: 'order' }>;

/** How a robot reaches the service: answers may never come, and come twice. */
export interface RobotLine {
  hello(node: string, welcomed: (answer: WelcomeMessage) => void): void;
  request(content: RouteRequestContent, answered: Answered<RouteAssignedContent>): void;
  progress(node: string, word: StopWord): void;
  deviated(routeId: string, revision: number, node: string, answered: Answered<RouteUpdatedMessage>): void;
  completed(routeId: string, trace: RobotTrace, answered: Answered<RouteScoredContent>): void;
  cancel(routeId: string, answered: Answered<unknown>): void;
  state(node: string, pausedReason: string | null): void;
}
export interface Answered<Answer> {
  ok(answer: Answer): void;
  refused(error: AppError): void;
}

export interface ChaosRobot {
  readonly robotId: string;
  readonly spec: ChaosRobotSpec;
  take(order: Order): void;
  /** Something pushes it to a node beside it. */
  push(): void;
  cancel(): void;
  /** It stands still until told otherwise. */
  pause(paused: boolean): void;
  /** Its connection is gone, or back: what it is owed it asks for again. */
  connect(isConnected: boolean): void;
  update(message: RouteUpdatedMessage | RouteHeldMessage): void;
  /** Position along a plan of its route, at most; 0 where it drives another route. */
  placeOn(routeId: string, plan: Pick<Plan, 'revision' | 'nodes'>): number;
  /** The request it would send for an order from where it stands. */
  requestFor(order: Order, requestId: string): RouteRequestContent;
  /** Nothing left to do. */
  isDone(): boolean;
  /** For a sentence that helps. */
  describe(): string;
}

/** Asks again after so long without an answer, or after a refusal. */
const PATIENCE_MILLISECONDS = 5_000;

const MOST_BETWEEN_POLLS_MILLISECONDS = 5_000;

export interface ChaosRobotOptions {
  readonly robotId: string;
  readonly spec: ChaosRobotSpec;
  readonly graph: LaneGraph;
  readonly reach: Reach;
  readonly line: RobotLine;
  readonly random: Random;
  readonly now: () => number;
  readonly after: (milliseconds: number, action: () => void) => void;
}

/** A robot that keeps at it: repeats what was not answered, drives what it was told last, and loses nothing but patience. */
export function createChaosRobot(options: ChaosRobotOptions): ChaosRobot {
  const { robotId, spec, graph, line, random, now, after } = options;
  const orders: Order[] = [];
  let node = graph.nodeIds[spec.start] as string;
  let asking: RouteRequestContent | null = null;
  let tour: Tour | null = null;
  /** Newest word of a route of which it has not heard yet: here it may overtake the answer. */
  let early: RouteUpdatedMessage | RouteHeldMessage | null = null;
  let connected = false;
  let paused = false;
  let requests = 0;
  let greetings = 0;
  let refusal = '';
  /** Counts what the robot set about doing; an alarm of an older deed is void. */
  let deed = 0;
  let moving = 0;

  const nodeIndex = (name: string): number => graph.nodeIndexOf.get(name) as number;
  const travelMilliseconds = (from: string, to: string): number => {
    const lane = laneBetween(graph, nodeIndex(from), nodeIndex(to));
    return 1000 * (graph.freeFlowSeconds[spec.robotType]![lane]! * spec.slowness + 0.05);
  };

  /** Asks what there is to ask now, and again until that has changed. */
  const pursue = (): void => {
    const mine = ++deed;
    if (!connected) return;
    if (tour && isAtEnd(tour)) {
      const { routeId, trace } = tour;
      line.completed(routeId, [...trace], {
        ok: () => finish(routeId),
        refused: (error) => {
          if (!error.retry) finish(routeId, true);
        },
      });
    } else if (tour?.beside) {
      const { routeId, revision } = tour;
      line.deviated(routeId, revision, node, { ok: adopt, refused: (error) => lost(routeId, error) });
    } else if (asking) ask(asking);
    else if (tour || orders.length === 0) return;
    else {
      asking = requestFor(orders[0]!, `q${requests++}`);
      ask(asking);
    }
    after(PATIENCE_MILLISECONDS * (0.8 + 0.4 * random.next()), () => {
      if (mine === deed) pursue();
    });
  };
  const ask = (content: RouteRequestContent): void => {
    line.request(content, {
      ok(answer) {
        if (asking?.requestId === answer.requestId) begin(answer);
      },
      refused(error) {
        if (asking?.requestId !== content.requestId || error.retry) return;
        // Refused for good under this name; the order stays.
        asking = null;
        refusal = error.code;
        if (error.code === 'E_ROUTE_OPEN') line.hello(node, welcomed);
      },
    });
  };
  const begin = (answer: RouteAssignedContent): void => {
    asking = null;
    tour = beginTour(answer, node, now());
    adopt(answer);
    if (spec.isPolled) poll(tour);
    if (early?.routeId === answer.routeId) hear(early);
    early = null;
  };
  const hear = (message: RouteUpdatedMessage | RouteHeldMessage): void => {
    if (message.type === 'route.updated') adopt(message);
    else hold(message.revision);
  };
  const adopt = (plan: Plan & { readonly routeId: string }): void => {
    if (tour && plan.routeId === tour.routeId && plan.revision > tour.revision) follow(tour, plan);
  };
  const follow = (tour: Tour, plan: Plan): void => {
    // Who has been everywhere has nothing left to drive: it goes on reporting that.
    if (tour.revision >= 0 && isAtEnd(tour)) return;
    takeOver(tour, plan, { node, mayJoin: spec.reportShare < 1 });
    drive();
  };
  const drive = (): void => {
    const mine = ++moving;
    deed++;
    if (!tour || tour.beside || isAtEnd(tour)) return pursue();
    if (tour.held || paused) return;
    const next = tour.nodes[tour.position + 1] as string;
    after(travelMilliseconds(node, next), () => {
      if (mine !== moving || !tour || paused) return;
      arrive(tour, next);
      drive();
    });
  };
  const arrive = (tour: Tour, next: string): void => {
    node = next;
    tour.trace.push([node, now(), null]);
    tour.position++;
    makeStops(tour);
    if (!connected || !reports(tour.madeAt[tour.position]! > tour.madeAt[tour.position - 1]!)) return;
    line.progress(node, { ...wordOnArrival(tour, node), at: now() });
  };
  const reports = (atStop: boolean): boolean =>
    spec.reportShare === 1 ||
    (spec.reportShare > 0 && ((spec.reportsStops && atStop) || random.next() < spec.reportShare));
  /** What a gateway tells that asks it now and then: where it is, by the plan that it has. */
  const poll = (polled: Tour): void => {
    if (tour !== polled) return;
    after(MOST_BETWEEN_POLLS_MILLISECONDS * random.next(), () => poll(polled));
    // Whoever was pushed to its next stop, and said so as progress, would have made it.
    if (!connected || (polled.beside && polled.stops[polled.made] === node)) return;
    line.progress(node, { ...wordWhenPolled(polled), at: now() });
  };
  /** A route is over: scored, or not its own any more, in which case the order is done again. */
  const finish = (routeId: string, failed = false): void => {
    if (tour?.routeId !== routeId) return;
    tour = null;
    moving++;
    if (!failed) orders.shift();
    pursue();
  };
  const lost = (routeId: string, error: AppError): void => {
    if (tour?.routeId !== routeId) return;
    if (error.code === 'E_ROUTE_CLOSED') finish(routeId, true);
  };
  /** Says hello until it is welcomed; nothing else is heard before. */
  const greet = (mine: number): void => {
    if (mine !== greetings) return;
    line.hello(node, (answer) => {
      if (mine !== greetings) return;
      greetings++;
      welcomed(answer);
      pursue();
    });
    after(PATIENCE_MILLISECONDS, () => greet(mine));
  };
  const welcomed = ({ openRoutes }: WelcomeMessage): void => {
    const open = openRoutes.find((route) => route.robotId === robotId);
    if (open && !tour && !asking) {
      // A route of which it never heard: driven from its start it cannot be reported, so it is given back.
      line.cancel(open.routeId, { ok: () => undefined, refused: () => undefined });
      return;
    }
    // Whoever drives hears of it when it reports; one that waits for a route that is over would wait for ever.
    if (!open && tour?.held) return finish(tour.routeId, true);
    if (!open || open.routeId !== tour?.routeId || open.revision < tour.revision) return;
    // What it follows already needs no word, unless it is told to wait, or that it need not wait any more.
    const isNews = open.revision > tour.revision;
    if (open.held) wait(tour, open.revision, isNews ? false : tour.beside);
    else if (isNews || tour.held) follow(tour, open);
  };
  const hold = (revision: number): void => {
    if (tour && revision > tour.revision) wait(tour, revision, false);
  };
  const wait = (tour: Tour, revision: number, isBeside: boolean): void => {
    // Nor has it anything to wait for.
    if (isAtEnd(tour)) return;
    Object.assign(tour, { revision, held: true, beside: isBeside });
    moving++;
    deed++;
  };
  const requestFor = (order: Order, requestId: string): RouteRequestContent => {
    const stop = (index: number) => ({
      node: graph.nodeIds[index] as string,
      handlingSeconds: order.handlingSeconds,
    });
    return {
      ...{ requestId, robotId, from: node, stops: order.stops.map(stop) },
      ...(order.dropoff === null ? {} : { dropoff: stop(order.dropoff) }),
      ...(order.deadlineSeconds === null ? {} : { deadlineAt: now() + 1000 * order.deadlineSeconds }),
    };
  };

  return {
    robotId,
    spec,
    requestFor,
    take(order) {
      orders.push(order);
      if (!tour && !asking) pursue();
    },
    push() {
      if (asking) return;
      const from = nodeIndex(node);
      const beside: string[] = [];
      for (let lane = graph.laneStart[from]!; lane < graph.laneStart[from + 1]!; lane++) {
        const to = graph.laneTo[lane]!;
        const takes = graph.freeFlowSeconds[spec.robotType]![lane]!;
        if (options.reach.has(to) && Number.isFinite(takes)) beside.push(graph.nodeIds[to]!);
      }
      const to = beside[random.integer(beside.length)];
      if (to === undefined || (tour && isAtEnd(tour))) return;
      const mine = ++moving;
      deed++;
      after(travelMilliseconds(node, to), () => {
        if (mine !== moving || asking) return;
        if (!tour) {
          node = to;
          return pursue();
        }
        node = to;
        tour.trace.push([node, now(), null]);
        // Pushed along its own way, it has that lane behind it like one that drove it.
        if (tour.nodes[tour.position + 1] === to) {
          tour.position++;
          if (tour.made >= tour.leftOut) makeStops(tour);
        }
        tour.beside = true;
        pursue();
      });
    },
    cancel() {
      if (!tour) return;
      const { routeId } = tour;
      line.cancel(routeId, { ok: () => finish(routeId, true), refused: () => undefined });
    },
    pause(isPaused) {
      paused = isPaused;
      line.state(node, paused ? 'stopped by chaos' : null);
      if (!paused && tour) drive();
    },
    connect(isConnected) {
      connected = isConnected;
      greetings++;
      if (connected) greet(greetings);
    },
    update(message) {
      if (message.routeId === tour?.routeId) hear(message);
      else if (asking && (early?.routeId !== message.routeId || message.revision > early.revision))
        early = message;
    },
    placeOn: (routeId, plan) => (tour?.routeId === routeId ? placeOn(tour, node, plan) : 0),
    isDone: () => orders.length === 0 && !tour,
    describe() {
      const doing = tour
        ? `drives ${tour.routeId} revision ${tour.revision}, ${tour.position} of ${tour.nodes.length - 1}` +
          (tour.held ? ', held' : '') +
          (tour.beside ? ', beside its plan' : '')
        : `has no route, ${orders.length} orders, last refused ${refusal}`;
      return `${robotId} at ${node} ${doing}${paused ? ', paused' : ''}${connected ? '' : ', cut off'}`;
    },
  };
}
