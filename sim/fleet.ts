import type { NodeIndex } from '../src/domain/ids.js';
import type { RouteAssignedContent, RouteUpdatedMessage, Stop } from '../src/domain/messages.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import type { FleetLink } from './fleetLink.js';
import type { Floor, FloorEvent } from './floor/floor.js';

/** What a robot is to do next: stops in any order, then the drop-off, each with its handling seconds. */
export interface Job {
  readonly jobId: string;
  readonly stops: readonly Stop[];
  readonly dropoff: Stop | null;
  readonly priority?: number;
  readonly deadlineAt?: number;
}

/** Where jobs come from; null: nothing to do for this robot now, ask again next step. */
export interface JobSource {
  next(robot: number, at: number): Job | null;
}

export interface FinishedJob {
  readonly robot: number;
  readonly job: Job;
  readonly issuedAt: number;
  readonly finishedAt: number;
  readonly ratio: number;
  readonly learnt: boolean;
}

export interface FleetOptions {
  readonly graph: LaneGraph;
  readonly floor: Floor;
  readonly link: FleetLink;
  readonly jobs: JobSource;
  /** Name of each robot's type. */
  readonly robotTypes: readonly string[];
  /** The clock's instant when the floor began. */
  readonly startAt: number;
  /** 'one': each answer is waited for before the next question, so that a run repeats itself. */
  readonly asking: 'one' | 'all';
  readonly onFinished?: (finished: FinishedJob) => void;
}

/** A simulated fleet: robots that drive their routes, report, ask again when pushed off, and ask for the next. */
export interface Fleet {
  start(): Promise<void>;
  step(): Promise<void>;
  /** Stops of jobs that robots reached, drop-offs included. */
  goalsReached(): number;
  jobsFinished(): number;
  refusals(): number;
}

interface Driver {
  readonly robotId: string;
  job: Job | null;
  routeId: string;
  revision: number;
  nodes: readonly NodeIndex[];
  stopIndexes: readonly number[];
  handling: readonly number[];
  position: number;
  nextStop: number;
  issuedAt: number;
  /** When handling at the last stop ends and the trace is sent; Infinity before. */
  doneAt: number;
  waiting: boolean;
  trace: [string, number, number | null][];
  requests: number;
}

export function createFleet(options: FleetOptions): Fleet {
  const { graph, floor, link, jobs, startAt } = options;
  const drivers = options.robotTypes.map((_type, robot): Driver => createDriver(robot));
  let goals = 0;
  let finished = 0;
  let refused = 0;
  const now = (): number => startAt + Math.round(1000 * floor.stepCount() * floor.stepSeconds);

  /** The plan now in force: from where the robot stands. */
  const follow = (robot: number, plan: Pick<RouteAssignedContent, 'revision' | 'nodes' | 'stopIndexes'>, handling: readonly number[]): void => {
    const driver = drivers[robot]!;
    driver.revision = plan.revision;
    driver.nodes = plan.nodes.map((node) => graph.nodeIndexOf.get(node)!);
    driver.stopIndexes = plan.stopIndexes;
    driver.handling = handling;
    driver.position = 0;
    driver.nextStop = 0;
    floor.setRoute(robot, driver.nodes);
    reachStops(robot, now());
  };

  /** Handles every stop at the robot's position, then heads for the next. */
  const reachStops = (robot: number, at: number): void => {
    const driver = drivers[robot]!;
    let readyAt = at;
    while (driver.stopIndexes[driver.nextStop] === driver.position) {
      const seconds = driver.handling[driver.nextStop]!;
      driver.nextStop++;
      goals++;
      readyAt += 1000 * seconds;
      floor.goalReached(robot);
      if (seconds > 0) floor.hold(robot, seconds);
    }
    const goal = driver.stopIndexes[driver.nextStop];
    if (goal === undefined) driver.doneAt = readyAt;
    else floor.setGoal(robot, driver.nodes[goal]!);
  };

  const ask = async (robot: number): Promise<void> => {
    const driver = drivers[robot]!;
    driver.job ??= jobs.next(robot, now());
    if (!driver.job) return;
    const job = driver.job;
    driver.waiting = true;
    try {
      const from = graph.nodeIds[floor.nodeOf(robot)]!;
      const answer = await link.requestRoute({
        requestId: `${driver.robotId}.${driver.requests++}`,
        robotId: driver.robotId,
        from,
        stops: [...job.stops],
        ...(job.dropoff === null ? {} : { dropoff: job.dropoff }),
        ...(job.priority === undefined ? {} : { priority: job.priority }),
        ...(job.deadlineAt === undefined ? {} : { deadlineAt: job.deadlineAt }),
      });
      driver.routeId = answer.routeId;
      driver.issuedAt = now();
      driver.doneAt = Infinity;
      driver.trace = [[from, driver.issuedAt, null]];
      const visited = answer.stopOrder.map((position) => handlingSeconds(graph, job.stops[position]!));
      if (job.dropoff !== null) visited.push(handlingSeconds(graph, job.dropoff));
      follow(robot, answer, visited);
    } catch {
      refused++;
    } finally {
      driver.waiting = false;
    }
  };

  const adopt = (robot: number, message: RouteUpdatedMessage): void => {
    const driver = drivers[robot]!;
    if (message.routeId !== driver.routeId || message.revision <= driver.revision) return;
    follow(robot, message, driver.handling.slice(driver.handling.length - message.stopIndexes.length));
  };

  const complete = async (robot: number): Promise<void> => {
    const driver = drivers[robot]!;
    const job = driver.job!;
    const finishedAt = driver.doneAt;
    driver.waiting = true;
    driver.doneAt = Infinity;
    try {
      const { ratio, learnt } = await link.completed({ routeId: driver.routeId, trace: driver.trace });
      driver.job = null;
      finished++;
      options.onFinished?.({ robot, job, issuedAt: driver.issuedAt, finishedAt, ratio, learnt });
    } finally {
      driver.waiting = false;
    }
    floor.clearGoal(robot);
    await ask(robot);
  };

  /** What robots saw on the way, before anyone asks anything: the service then plans for the floor as it is. */
  const report = (events: readonly FloorEvent[]): number[] => {
    const pushed: number[] = [];
    for (const { robot, node, atSeconds, onRoute } of events) {
      const driver = drivers[robot]!;
      const at = startAt + Math.round(1000 * atSeconds);
      if (!driver.job || driver.waiting || driver.routeId === '') continue;
      driver.trace.push([graph.nodeIds[node]!, at, null]);
      if (!onRoute) {
        pushed.push(robot);
        continue;
      }
      driver.position++;
      link.progress({ routeId: driver.routeId, revision: driver.revision, node: graph.nodeIds[node]!, at });
      reachStops(robot, at);
    }
    return pushed;
  };

  const deviate = async (robot: number): Promise<void> => {
    const driver = drivers[robot]!;
    const [node, at] = driver.trace[driver.trace.length - 1]!;
    try {
      adopt(robot, await link.deviated({ routeId: driver.routeId, revision: driver.revision, node, at }));
    } catch {
      refused++;
    }
  };

  const run = async (tasks: readonly (() => Promise<void>)[]): Promise<void> => {
    if (options.asking === 'all') {
      await Promise.all(tasks.map((task) => task()));
      return;
    }
    for (const task of tasks) await task();
  };

  return {
    async start() {
      await link.hello(
        drivers.map((driver, robot) => ({
          robotId: driver.robotId,
          robotType: options.robotTypes[robot]!,
          node: graph.nodeIds[floor.nodeOf(robot)]!,
        })),
      );
      link.onUpdate((message) => {
        const robot = drivers.findIndex((driver) => driver.robotId === message.robotId);
        if (robot >= 0) adopt(robot, message);
      });
      await run(drivers.map((_driver, robot) => () => ask(robot)));
    },
    async step() {
      const events = floor.step();
      const at = now();
      await link.advanceClock(at);
      const pushed = report(events);
      const tasks = pushed.map((robot) => () => deviate(robot));
      drivers.forEach((driver, robot) => {
        if (driver.waiting) return;
        if (driver.doneAt <= at) tasks.push(() => complete(robot));
        else if (!driver.job) tasks.push(() => ask(robot));
      });
      await run(tasks);
    },
    goalsReached: () => goals,
    jobsFinished: () => finished,
    refusals: () => refused,
  };
}

function createDriver(robot: number): Driver {
  return {
    robotId: `robot-${robot}`,
    job: null,
    routeId: '',
    revision: 0,
    nodes: [],
    stopIndexes: [],
    handling: [],
    position: 0,
    nextStop: 0,
    issuedAt: 0,
    doneAt: Infinity,
    waiting: false,
    trace: [],
    requests: 0,
  };
}

function handlingSeconds(graph: LaneGraph, stop: Stop): number {
  const node = graph.nodeIndexOf.get(typeof stop === 'string' ? stop : stop.node)!;
  const own = typeof stop === 'string' ? undefined : stop.handlingSeconds;
  return own ?? graph.handlingSeconds[node]!;
}
