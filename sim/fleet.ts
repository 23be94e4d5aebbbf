import { isAppError, type ErrorCode } from '../src/domain/errors.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import { createDriver, type Driver, type Move } from './driver.js';
import type { FleetLink, RouteChange } from './fleetLink.js';
import type { Floor } from './floor/floor.js';
import type { FinishedJob, JobSource } from './job.js';
import { robotsByTurn } from './turns.js';

export type { FinishedJob, Job, JobSource } from './job.js';

export interface FleetOptions {
  readonly graph: LaneGraph;
  readonly floor: Floor;
  readonly link: FleetLink;
  readonly jobs: JobSource;
  /** Position of each robot's type in the map's. */
  readonly robotTypes: readonly number[];
  /** The clock's instant when the floor began. */
  readonly startAt: number;
  /**
   * 'one': each answer is waited for before the next question, so that a run repeats itself. 'all': a step ends
   * with its answers. 'background': the floor goes on; robots whose answers are late stand, one question each.
   */
  readonly asking: 'one' | 'all' | 'background';
  /** In the background: the floor waits rather than let more robots than this stand for want of an answer. */
  readonly lateRobots?: number;
  /** In how many turns of a step the robots speak, each in its own; 1: all together. */
  readonly turns?: number;
  readonly onFinished?: (finished: FinishedJob) => void;
}

/** A simulated fleet: robots that drive their routes, report, ask again when pushed off, and ask for the next. */
export interface Fleet {
  start(): Promise<void>;
  /**
   * Moves the floor by a step, then lets the robots report and ask, turn by turn.
   * @param untilTurn waits until a turn of the step is due; turns count from 0
   * @throws AppError for refusals that asking again would not help, and what the link throws.
   */
  step(untilTurn?: (turn: number) => Promise<void>): Promise<void>;
  /** Waits for every answer under way. */
  settle(): Promise<void>;
  /** Tells the service that a robot cannot drive on for now, or (null) can again. */
  pause(robot: number, reason: string | null): void;
  /** Stops of jobs that robots reached, drop-offs included. */
  goalsReached(): number;
  jobsFinished(): number;
  /** Answers under way. */
  waiting(): number;
  refusals(): number;
  refusalsByCode(): Readonly<Record<string, number>>;
}

/** A robot at a node: on its route, pushed beside it, or on no route (`routeId` null). */
interface Sighting {
  readonly driver: Driver;
  readonly move: Move;
  readonly routeId: string | null;
  readonly place: 'onRoute' | 'pushedOff' | 'elsewhere';
}

/** Seconds of the floor between two questions of a robot that was refused: doubled each time. */
const RETRY_SECONDS = { first: 1, longest: 32 } as const;

export function createFleet(options: FleetOptions): Fleet {
  const { graph, floor, link, jobs, startAt } = options;
  const refusals = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  const { lateRobots = Infinity } = options;
  const held: (() => void)[] = [];
  let late = 0;
  let goals = 0;
  let finished = 0;
  const now = (): number => startAt + Math.round(1000 * floor.stepCount() * floor.stepSeconds);
  const types = options.robotTypes.map((type) => graph.robotTypes[type]!);
  const drivers = types.map(({ startSeconds }, robot) => {
    const onGoal = (): number => goals++;
    return createDriver({ graph, floor, robot, startSeconds, startAt, onGoal });
  });
  const turns = robotsByTurn(drivers.length, options.turns ?? 1);
  const byName = new Map(drivers.map((driver) => [driver.robotId, driver]));
  const nodeName = (node: number): string => graph.nodeIds[node] as string;

  const tellPlace = (driver: Driver, pausedReason?: string): void => {
    driver.told();
    const { robotId, here } = driver;
    const paused = pausedReason === undefined ? {} : { pausedReason };
    link.robotState({ robotId, node: nodeName(here.node), available: true, ...paused, at: now() });
  };

  /** What was refused is asked again later; what can never work ends the run. */
  const refused = (driver: Driver, error: unknown): ErrorCode => {
    if (!isAppError(error)) throw error;
    const { code } = error;
    const isTransient = error.retry && code !== 'E_SHUTTING_DOWN';
    if (!isTransient && code !== 'E_UNREACHABLE' && code !== 'E_ROUTE_CLOSED') throw error;
    refusals.set(code, (refusals.get(code) ?? 0) + 1);
    const seconds = Math.min(RETRY_SECONDS.longest, RETRY_SECONDS.first * 2 ** driver.refusals++);
    driver.retryAt = now() + 1000 * seconds;
    return code;
  };

  /** Takes note of where a robot got to. */
  const see = (driver: Driver, move: Move): Sighting => {
    const { routeId } = driver;
    if (routeId === null || driver.doneAt < Infinity) {
      driver.stand(move);
      return { driver, move, routeId: null, place: 'elsewhere' };
    }
    return { driver, move, routeId, place: driver.follow(move) };
  };
  const tellProgress = ({ driver, move, routeId }: Sighting): void => {
    if (routeId === null) return;
    link.progress({ routeId, revision: driver.revision, node: nodeName(move.node), at: move.at });
  };

  /** One question of a robot; what happened to it meanwhile is read when the answer is in. */
  const question = async (driver: Driver, work: () => Promise<void>): Promise<void> => {
    driver.waiting = true;
    late++;
    try {
      await work();
      driver.refusals = 0;
    } catch (error) {
      // A route that the service has closed is gone; its job is still to be done.
      if (refused(driver, error) === 'E_ROUTE_CLOSED') driver.end();
    } finally {
      driver.waiting = false;
      answered();
    }
    const missed = driver.unread.splice(0).map((move) => see(driver, move));
    if (missed.length === 0) return;
    if (driver.routeId !== null) driver.steer();
    // Where it stands now is told by asking for a new way; what it passed before, in order, by progress.
    const asks = driver.pushedOff && driver.retryAt <= now();
    for (const sighting of asks ? missed.slice(0, -1) : missed) tellProgress(sighting);
    if (asks) await deviate(driver);
  };

  const ask = async (driver: Driver, robot: number): Promise<void> => {
    const job = (driver.job ??= jobs.next(robot, now()));
    if (!job) {
      if (driver.strayed) tellPlace(driver);
      return;
    }
    const issuedAt = now();
    await question(driver, async () => {
      const answer = await link.requestRoute({
        requestId: `${startAt.toString(36)}.${driver.robotId}.${driver.requests++}`,
        robotId: driver.robotId,
        from: nodeName(driver.here.node),
        stops: [...job.stops],
        ...(job.dropoff === null ? {} : { dropoff: job.dropoff }),
        ...(job.priority === undefined ? {} : { priority: job.priority }),
        ...(job.deadlineAt === undefined ? {} : { deadlineAt: job.deadlineAt }),
      });
      driver.begin(answer, job, { issuedAt, at: now() });
    });
  };

  const deviate = (driver: Driver): Promise<void> =>
    question(driver, async () => {
      // An update may have come since it set about asking.
      if (!driver.pushedOff) return;
      const { revision, here } = driver;
      const routeId = driver.routeId as string;
      driver.revise(
        await link.deviated({ routeId, revision, node: nodeName(here.node), at: here.at }),
        now(),
      );
    });

  const complete = async (driver: Driver, robot: number): Promise<void> => {
    const { issuedAt, doneAt: finishedAt, job } = driver;
    const routeId = driver.routeId as string;
    await question(driver, async () => {
      const { ratio, learnt, reason } = await link.completed({ routeId, trace: [...driver.trace] });
      driver.end();
      driver.job = null;
      finished++;
      const why = reason === undefined ? {} : { reason };
      if (job) options.onFinished?.({ robot, job, issuedAt, finishedAt, ratio, learnt, ...why });
    });
    if (driver.job === null) await ask(driver, robot);
  };

  /** What each of these robots that waits for nothing has to ask now. */
  const questions = (robots: readonly number[], at: number): (() => Promise<void>)[] => {
    const replans: (() => Promise<void>)[] = [];
    const others: (() => Promise<void>)[] = [];
    for (const robot of robots) {
      const driver = drivers[robot] as Driver;
      if (driver.waiting) continue;
      if (driver.retryAt > at) {
        if (driver.strayed && driver.routeId === null) tellPlace(driver);
      } else if (driver.doneAt <= at) others.push(() => complete(driver, robot));
      else if (driver.routeId === null) others.push(() => ask(driver, robot));
      else if (driver.pushedOff && driver.doneAt === Infinity) replans.push(() => deviate(driver));
    }
    return [...replans, ...others];
  };

  /** Moves the floor; what each robot saw of it that waits for no answer. */
  const move = (): ReadonlyMap<number, Sighting> => {
    const sightings = new Map<number, Sighting>();
    for (const { robot, node, atSeconds, onRoute } of floor.step()) {
      const driver = drivers[robot] as Driver;
      const arrival = { node, at: startAt + Math.round(1000 * atSeconds) };
      if (driver.waiting) {
        driver.unread.push(arrival);
        continue;
      }
      const sighting = see(driver, arrival);
      sightings.set(robot, sighting);
      // It came back to its plan by itself: the floor has forgotten the way.
      if (!onRoute && sighting.place === 'onRoute') driver.steer();
    }
    return sightings;
  };

  const run = async (tasks: readonly (() => Promise<void>)[]): Promise<void> => {
    if (options.asking === 'one') {
      for (const task of tasks) await task();
      return;
    }
    const answers = tasks.map((task) => {
      const answer = task().catch((error: unknown) => {
        failure ??= { error };
      });
      underWay.add(answer);
      return answer.finally(() => underWay.delete(answer));
    });
    if (options.asking === 'all') await Promise.all(answers);
    if (failure) throw failure.error;
  };

  /** Lets a floor go on that waits for answers. */
  const answered = (): void => {
    if (--late > lateRobots) return;
    for (const goOn of held.splice(0)) goOn();
  };
  const untilFewAreLate = async (): Promise<void> => {
    if (late > lateRobots && !failure) await new Promise<void>((resolve) => held.push(resolve));
    if (failure) throw failure.error;
  };

  const settle = async (): Promise<void> => {
    while (underWay.size > 0) await Promise.all(underWay);
    if (failure) throw failure.error;
  };

  return {
    async start() {
      await link.hello(
        drivers.map(({ robotId, here }, robot) => ({
          robotId,
          robotType: types[robot]!.name,
          node: nodeName(here.node),
        })),
      );
      link.onUpdate((message) => change(byName.get(message.robotId), message));
      await run(drivers.map((driver, robot) => () => ask(driver, robot)));
      await settle();
    },
    async step(untilTurn) {
      await untilFewAreLate();
      const sightings = move();
      const at = now();
      await link.advanceClock(at);
      for (const [turn, robots] of turns.entries()) {
        await untilTurn?.(turn);
        // Before anyone of the turn asks anything: the service then plans for where they are.
        for (const robot of robots) {
          const sighting = sightings.get(robot);
          if (sighting?.place === 'onRoute') tellProgress(sighting);
        }
        await run(questions(robots, at));
      }
    },
    settle,
    pause(robot, reason) {
      tellPlace(drivers[robot] as Driver, reason ?? undefined);
    },
    goalsReached: () => goals,
    jobsFinished: () => finished,
    waiting: () => late,
    refusals: () => [...refusals.values()].reduce((sum, count) => sum + count, 0),
    refusalsByCode: () => Object.fromEntries([...refusals].sort()),
  };

  function change(driver: Driver | undefined, message: RouteChange): void {
    if (!driver || message.routeId !== driver.routeId) return;
    if (message.type === 'route.held') driver.hold();
    else driver.revise(message, now());
  }
}
