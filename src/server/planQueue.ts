import { busy, type AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { RoutingService } from '../domain/serviceContract.js';
import { monotonicMilliseconds } from '../platform/clock.js';

/**
 * What waits to be planned: the most urgent first, then as it came. Sockets are read between plans, so that what
 * cannot be served in time is refused in time.
 */
export interface PlanQueue {
  /**
   * Starts a plan in its turn.
   * @param urgency 0 to `URGENCY.deviated`
   * @throws E_BUSY at once where the queue is full of what is as urgent, later where something more urgent came
   */
  run<T>(urgency: number, plan: () => Promise<T> | T): Promise<T>;
  readonly depth: number;
}

/**
 * Who asks without wanting to drive waits behind all; a robot beside its route stands in the way of others. To let it go
 * first only now and then (once in 5 s a route, or twenty times a second) jammed a crowded floor until it stood still.
 */
export const URGENCY = { dryRun: 0, request: 1, deviated: 11 } as const;

export interface PlanQueueOptions {
  readonly limit: number;
  readonly underWayLimit: number;
  /** How many of those may be dry runs. */
  readonly dryRunsUnderWayLimit: number;
  /** How long a burst may have to wait. */
  readonly burstSeconds: number;
  /** How long plans may have to wait once the queue has hardly been empty for `burstSeconds`. */
  readonly standingSeconds: number;
  /** How long what was taken then may wait where more urgent plans overtake it: refused after that. */
  readonly overtakenSeconds: number;
  readonly now: () => number;
  readonly defer: (work: () => void) => void;
}

/** The queue of what is planned in turns. */
export const LARGE_PLANS = {
  underWayLimit: LIMITS.largePlansUnderWay,
  dryRunsUnderWayLimit: LIMITS.largePlansUnderWay - 1,
  burstSeconds: LIMITS.largePlanBurstSeconds,
} as const;

interface Waiting {
  readonly since: number;
  readonly start: () => void;
  readonly reject: (error: AppError) => void;
}

/**
 * Planning goes on for so long before sockets are read again, or for as long as they were read: a flood of requests to
 * be refused must not starve those that were taken.
 */
const SLICE_MILLISECONDS = 4;
/**
 * Weight of the newest plan in the mean time from one to the next. They begin in bursts of up to `plansUnderWay`: a
 * shorter memory takes what lies within a burst for the mean.
 */
const MEMORY = 0.002;

/**
 * A queue that is never empty comes to this share of the time after `burstSeconds`, and below it again after a
 * twentieth of that without anyone in it: moments between two floods do not end them, many pauses do.
 */
const STANDING_SHARE = 0.9;

export function createPlanQueue(options: Partial<PlanQueueOptions> = {}): PlanQueue {
  const {
    limit,
    underWayLimit,
    dryRunsUnderWayLimit,
    burstSeconds,
    standingSeconds,
    overtakenSeconds,
    now,
    defer,
  } = {
    limit: LIMITS.plansWaiting,
    underWayLimit: LIMITS.plansUnderWay,
    dryRunsUnderWayLimit: LIMITS.plansUnderWay,
    burstSeconds: LIMITS.planBurstSeconds,
    standingSeconds: LIMITS.planStandingSeconds,
    overtakenSeconds: LIMITS.planOvertakenSeconds,
    now: monotonicMilliseconds,
    defer: setImmediate,
    ...options,
  };
  const byUrgency = Array.from({ length: URGENCY.deviated + 1 }, (): Waiting[] => []);
  let depth = 0;
  let underWay = 0;
  let dryRunsUnderWay = 0;
  let isDue = false;
  let busyShare = 0;
  let busyShareAt = now();
  /** By urgency, when the newest plan of it began. */
  const newestStart = byUrgency.map(() => -Infinity);
  let lastStartedAt: number | null = null;
  let planMilliseconds = 0;
  let measured = 0;
  let pausedAt: number | null = null;

  /** Something waits, and not only for dry runs to end: those that do hold up nobody. */
  const hasWork = (): boolean =>
    depth > 0 && (dryRunsUnderWay < dryRunsUnderWayLimit || byUrgency[URGENCY.dryRun]!.length < depth);
  const canStart = (): boolean => underWay < underWayLimit && hasWork();
  const refuse = ({ reject }: Waiting): void => {
    depth--;
    reject(busy(depth, 'plans'));
  };
  /** Makes room among what is less urgent; false where there is nothing. */
  const makeRoom = (urgency: number): boolean => {
    const last = byUrgency
      .slice(0, urgency)
      .find(({ length }) => length > 0)
      ?.pop();
    if (last !== undefined) refuse(last);
    return last !== undefined;
  };
  /** The share of the time for which there was something to plan moves towards what it was since the last call. */
  const passTime = (wasBusy = hasWork()): void => {
    const target = wasBusy ? 1 : 0;
    const seconds = (now() - busyShareAt) / 1000;
    busyShare = target + (busyShare - target) * (1 - STANDING_SHARE) ** (seconds / burstSeconds);
    busyShareAt = now();
  };
  /** The more urgent go first anyway: what makes ordinary ones wait does not keep these. */
  const isHeldShort = (urgency: number): boolean => urgency <= URGENCY.request && busyShare > STANDING_SHARE;
  const isOvertaken = (urgency: number, { since }: Waiting): boolean =>
    newestStart.some((startedAt, other) => other > urgency && startedAt > since);
  const isFull = (urgency: number): boolean => {
    const patience = isHeldShort(urgency) ? standingSeconds : burstSeconds;
    return depth >= limit || depth * planMilliseconds > 1000 * patience;
  };
  const startNext = (): void => {
    const urgency = byUrgency.findLastIndex(({ length }) => length > 0);
    const waiting = byUrgency[urgency]?.shift() as Waiting;
    const begunAt = now();
    if (lastStartedAt !== null) {
      const weight = Math.max(MEMORY, 1 / ++measured);
      planMilliseconds += weight * (begunAt - lastStartedAt - planMilliseconds);
    }
    lastStartedAt = newestStart[urgency] = begunAt;
    depth--;
    underWay++;
    if (urgency === URGENCY.dryRun) dryRunsUnderWay++;
    waiting.start();
  };
  const schedule = (): void => {
    if (isDue || !canStart()) return;
    isDue = true;
    defer(drain);
  };
  const settled = (urgency: number): void => {
    underWay--;
    if (urgency === URGENCY.dryRun) dryRunsUnderWay--;
    schedule();
  };
  const drain = (): void => {
    isDue = false;
    const begunAt = now();
    passTime();
    for (const [urgency, waiting] of byUrgency.entries()) {
      const isShort = isHeldShort(urgency);
      for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
        // More urgent work kept it back until it had waited for longer than it was taken for.
        const patience = isShort && isOvertaken(urgency, first) ? overtakenSeconds : burstSeconds;
        if (begunAt - first.since <= 1000 * patience) break;
        waiting.shift();
        refuse(first);
      }
    }
    const slice = Math.max(SLICE_MILLISECONDS, pausedAt === null ? 0 : begunAt - pausedAt);
    while (canStart() && now() - begunAt < slice) startNext();
    passTime(true);
    pausedAt = hasWork() ? now() : null;
    if (hasWork()) return schedule();
    lastStartedAt = null;
  };
  return {
    run<T>(urgency: number, plan: () => Promise<T> | T): Promise<T> {
      passTime();
      if (isFull(urgency) && !makeRoom(urgency)) return Promise.reject(busy(depth, 'plans'));
      return new Promise<T>((resolve, reject) => {
        // An async function, so that what a plan throws rejects.
        const begin = async (): Promise<T> => plan();
        const start = (): void => resolve(begin().finally(() => settled(urgency)));
        byUrgency[urgency]?.push({ since: now(), start, reject });
        depth++;
        schedule();
      });
    },
    get depth() {
      return depth;
    },
  };
}

/**
 * The service as HTTP and WebSocket reach it: what has to be planned waits for its turn.
 * @param largeQueue for what is planned in turns: a few at a time, beside the others
 */
export function withPlanQueue(
  service: RoutingService,
  queue: PlanQueue,
  largeQueue: PlanQueue,
): RoutingService {
  const queueOf = (...request: Parameters<RoutingService['takesTurns']>): PlanQueue =>
    service.takesTurns(...request) ? largeQueue : queue;
  /** By robot, how many of its requests are in the queue of the large. Others of it wait for them, wherever they are. */
  const large = new Map<string, number>();
  const countLarge = (robot: string, change: number): void => {
    const count = (large.get(robot) ?? 0) + change;
    if (count > 0) large.set(robot, count);
    else large.delete(robot);
  };
  return {
    ...service,
    requestRoute(warehouseId, request) {
      const plan = () => service.requestRoute(warehouseId, request);
      const urgency = URGENCY.request + (request.priority ?? 0);
      const robot = `${warehouseId} ${request.robotId}`;
      if (queueOf(warehouseId, request) === queue && !large.has(robot)) return queue.run(urgency, plan);
      countLarge(robot, 1);
      return largeQueue.run(urgency, plan).finally(() => countLarge(robot, -1));
    },
    routeDeviated: (warehouseId, message) =>
      queue.run(URGENCY.deviated, () => service.routeDeviated(warehouseId, message)),
    dryRun: (warehouseId, request) =>
      queueOf(warehouseId, request).run(URGENCY.dryRun, () => service.dryRun(warehouseId, request)),
  };
}
