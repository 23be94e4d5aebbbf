import { isAppError, type ErrorCode } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import type { RoutingService, ServiceEvent } from '../../src/domain/serviceContract.js';
import { createRandom } from '../../src/platform/random.js';
import { compileWarehouse, createWarehouseModel } from '../../src/warehouse/warehouseModel.js';
import { reachOf } from '../orders/reach.js';
import { createChaosDisk } from './chaosDisk.js';
import { createChaosNetwork } from './chaosNetwork.js';
import { startProcess, type ChaosProcess } from './chaosProcess.js';
import { createChaosRobot, type Answered, type ChaosRobot, type RobotLine } from './chaosRobot.js';
import { createChecks, type Checks, type Recipient } from './checks.js';
import { createOperator } from './operator.js';
import type { ChaosEvent, ChaosRobotSpec, Scenario } from './scenario.js';
import { createSchedule } from './schedule.js';

/** What a run came to. */
export interface ChaosCounts {
  readonly answers: number;
  readonly updates: number;
  readonly scored: number;
  readonly crashes: number;
  readonly steps: number;
}

export interface World {
  /** Runs the scenario to its end and a quiet time after it. @throws Violation */
  run(): Promise<ChaosCounts>;
}

const START_AT = 1_000_000_000;
const TICK_MILLISECONDS = 1_000;
/** Robots connect again so long after they were cut off, at most. */
const RECONNECT_MILLISECONDS = 3_000;
/** After the last event everyone must come to an end within this. */
const QUIET_SECONDS = 900;
/** Refusals that no sane robot may meet: what it names was told to it. */
const NEVER: readonly ErrorCode[] = [
  ...(['E_UNKNOWN_ROUTE', 'E_COMPLETION_CONFLICT', 'E_NOT_YOUR_ROUTE', 'E_UNKNOWN_REVISION'] as const),
  ...(['E_REQUEST_CONFLICT', 'E_INTERNAL', 'E_BAD_MESSAGE', 'E_UNKNOWN_NODE', 'E_TOO_LARGE'] as const),
];

/** @param directory where policy versions are kept, if the scenario keeps any */
export function createWorld(scenario: Scenario, directory: string): World {
  const random = createRandom(scenario.seed).fork('world');
  const schedule = createSchedule(START_AT);
  const disk = createChaosDisk(schedule, random.fork('disk'));
  const network = createChaosNetwork(schedule, random.fork('network'));
  const graphs = scenario.maps.map((file) => compileWarehouse(createWarehouseModel(file)));
  const warehouseIds = scenario.maps.map(({ id }) => id);
  const waits = new Set<Promise<unknown>>();
  const sessions = scenario.robots.map(() => 0);
  let process: ChaosProcess | null = null;
  let lives = 0;
  let crashes = 0;
  let messages = 0;
  let steps = 0;
  let starting = false;

  const checks: Checks = createChecks({
    maps: scenario.maps,
    durable: disk.durable,
    now: () => schedule.now(),
    life: () => lives,
    placeOf: (robot, routeId, plan) => robots[robot]!.placeOn(routeId, plan),
  });
  const robots: ChaosRobot[] = scenario.robots.map((spec, index) =>
    createChaosRobot({
      ...{ spec, robotId: `robot-${index}`, graph: graphs[spec.site]!, line: lineOf(spec, index) },
      reach: reachOf(graphs[spec.site]!, spec.robotType),
      random: random.fork(`robot ${index}`),
      now: () => schedule.now(),
      after: schedule.after,
    }),
  );
  const operator = createOperator({
    ...{ checks, warehouseIds, running: () => process, after: schedule.after },
  });

  function recipient(robot: number): Recipient {
    const { site, robotType } = scenario.robots[robot]!;
    return { site, robot, robotType: graphs[site]!.robotTypes[robotType]!.name };
  }

  /** Carries a question there and its answer back, if both get through and the process lives that long. */
  function ask<Answer>(
    robot: number,
    question: (service: RoutingService) => Promise<Answer> | Answer,
    leaves: (answer: Answer) => void,
    answered: Answered<Answer>,
  ): void {
    const session = sessions[robot];
    const name = `${robot} ${messages++}`;
    const carryBack = (deliver: () => void): void =>
      network.carry(
        `back ${name}`,
        () => {
          if (session === sessions[robot]) deliver();
        },
        () => cut(robot),
      );
    network.carry(
      name,
      () => {
        const asked = process;
        if (!asked || session !== sessions[robot]) return;
        // Called in here, so that what throws and what rejects come out alike.
        new Promise<Answer>((resolve) => resolve(question(asked.service))).then(
          (answer) => {
            if (asked !== process) return;
            guard(() => leaves(answer));
            carryBack(() => answered.ok(answer));
          },
          (error: unknown) => {
            if (asked !== process) return;
            if (!isAppError(error)) checks.report('S1', `robot ${robot} got ${(error as Error).stack}`);
            else if (NEVER.includes(error.code)) checks.report('S1', `robot ${robot} got ${error.message}`);
            else carryBack(() => answered.refused(error));
          },
        );
      },
      () => undefined,
    );
  }

  function lineOf(spec: ChaosRobotSpec, index: number): RobotLine {
    const warehouseId = warehouseIds[spec.site]!;
    const robotId = `robot-${index}`;
    const robotType = graphs[spec.site]!.robotTypes[spec.robotType]!.name;
    const to = recipient(index);
    const silence: Answered<unknown> = { ok: () => undefined, refused: () => undefined };
    const nothing = (): void => undefined;
    return {
      hello(welcomed) {
        const message = { type: 'hello' as const, warehouseId, robots: [{ robotId, robotType }] };
        const answered = { ok: welcomed, refused: nothing };
        ask(
          index,
          (service) => service.hello(message),
          (answer) => checks.welcome(to, answer),
          answered,
        );
      },
      request: (content, answered) =>
        ask(
          index,
          (service) => service.requestRoute(warehouseId, content),
          (answer) => checks.assigned(to, content, answer),
          answered,
        ),
      progress(routeId, revision, node, at) {
        const message = { type: 'route.progress' as const, routeId, revision, node, at };
        ask(
          index,
          (service) => {
            checks.progressed(index, routeId);
            return service.routeProgress(warehouseId, message);
          },
          nothing,
          silence,
        );
      },
      deviated(routeId, revision, node, answered) {
        const message = { type: 'route.deviated' as const, routeId, revision, node, at: schedule.now() };
        ask(
          index,
          (service) => service.routeDeviated(warehouseId, message),
          (answer) => checks.updated(to, answer),
          answered,
        );
      },
      completed(routeId, trace, answered) {
        const report = { routeId, trace: [...trace] };
        ask(
          index,
          (service) => service.completeRoute(warehouseId, report),
          (answer) => checks.scored(answer, report.trace),
          answered,
        );
      },
      cancel(routeId, answered) {
        const message = { type: 'route.cancelled' as const, routeId, reason: 'chaos' };
        ask(
          index,
          (service) => service.cancelRoute(warehouseId, message),
          () => checks.closed(routeId),
          answered,
        );
      },
      state(node, pausedReason) {
        const paused = pausedReason === null ? {} : { pausedReason };
        const at = schedule.now();
        const message = { type: 'robot.state' as const, robotId, node, available: true, ...paused, at };
        ask(index, (service) => service.robotState(warehouseId, message), nothing, silence);
      },
    };
  }

  /** A check inside a promise's callback must not be swallowed by it. */
  function guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      checks.keep(error);
    }
  }

  function cut(robot: number, milliseconds = 0): void {
    const session = ++sessions[robot]!;
    robots[robot]!.connect(false);
    const lot = random.fork(`reconnect ${robot} ${session}`).next();
    schedule.after(milliseconds + RECONNECT_MILLISECONDS * lot, () => {
      if (session !== sessions[robot]) return;
      if (process) robots[robot]!.connect(true);
      else cut(robot);
    });
  }

  function push(event: ServiceEvent): void {
    if (event.kind !== 'route.updated' && event.kind !== 'route.held') return;
    const { message } = event;
    const robot = Number(message.robotId.split('-')[1]);
    if (!robots[robot]) return;
    guard(() => {
      if (message.type === 'route.updated') checks.updated(recipient(robot), message);
      else checks.held(recipient(robot), message);
    });
    const session = sessions[robot];
    network.carry(
      `push ${robot} ${messages++}`,
      () => {
        if (session === sessions[robot]) robots[robot]!.update(message);
      },
      () => cut(robot),
    );
  }

  function crash(stored: boolean, milliseconds: number): void {
    if (!process) return;
    crashes++;
    guard(() => learntOnce(process as ChaosProcess));
    process.kill();
    process = null;
    disk.crash(stored);
    robots.forEach((_robot, index) => cut(index));
    schedule.after(milliseconds, start);
  }

  function start(): void {
    if (process || starting) return;
    starting = true;
    const life = ++lives;
    const started = startProcess({
      ...{ scenario, disk, life, startAt: schedule.now(), onEvent: push },
      directory: scenario.keepsVersions ? directory : null,
      wait,
      onFatal: () => schedule.after(0, () => crash(false, TICK_MILLISECONDS)),
    }).then((running) => {
      starting = false;
      process = running;
      guard(() => checks.afterCrash());
    });
    wait(started);
  }

  function wait(work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => {
        if (!isAppError(error)) checks.keep(error);
      })
      .finally(() => waits.delete(done));
    waits.add(done);
  }

  /** Rows of each route went to a learner once, if at all. */
  function learntOnce(running: ChaosProcess): void {
    const stored = disk.durable.filter(({ kind }) => kind === 'route.completed').length;
    if (running.offered() > stored)
      checks.fail('X1', `${running.offered()} of ${stored} completions were learnt`);
  }

  function tick(): void {
    schedule.after(TICK_MILLISECONDS, tick);
    if (!process) return;
    for (const warehouseId of warehouseIds) {
      // Refused while the disk is full or the process dies; whatever was due is due again.
      process.service.advanceClock(warehouseId, schedule.now()).catch((error: unknown) => {
        if (!isAppError(error)) checks.keep(error);
      });
    }
  }

  const apply = createActions();

  return {
    async run() {
      start();
      robots.forEach((_robot, index) => cut(index));
      tick();
      for (const event of scenario.events) schedule.after(1000 * event.second, () => apply(event));
      schedule.after(1000 * scenario.seconds, calm);
      const until = START_AT + 1000 * (scenario.seconds + QUIET_SECONDS);
      await settle();
      while (!isOver()) {
        const next = schedule.next(until);
        if (!next) break;
        next();
        await settle();
        steps++;
        if (process && steps % CHECK_EVERY === 0)
          checks.atRest(process.service, robots.length + warehouseIds.length);
      }
      const left = robots.find((robot) => !robot.isDone());
      if (left) checks.fail('S1', `${QUIET_SECONDS} s after the last event ${left.describe()}`);
      if (process) {
        checks.atEnd(process.service);
        learntOnce(process);
        process.kill();
      }
      return { ...checks.counts(), crashes, steps };
    },
  };

  /** Lets everything come to rest that needs no more time, and says what was found. */
  async function settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (waits.size > 0);
    checks.throwKept();
  }

  /** The storm is over: lanes open, and everyone may finish. */
  function calm(): void {
    warehouseIds.forEach((warehouseId, site) => {
      operator.openLanes(site, null);
      operator.change(({ service }) => endFlood(service, warehouseId, site));
    });
    for (const robot of robots) robot.pause(false);
  }

  function isOver(): boolean {
    const past = schedule.now() > START_AT + 1000 * scenario.seconds;
    if (!past || !process || !operator.isDone() || !robots.every((robot) => robot.isDone())) return false;
    // Messages under way may still bring a surprise.
    return process.service.warehouses().every(({ openRoutes }) => openRoutes === 0);
  }

  function floodRobot(site: number) {
    return { robotId: `burst-${site}`, robotType: graphs[site]!.robotTypes[0]!.name };
  }

  /** The robot that flooded gives its route back. */
  async function endFlood(service: RoutingService, warehouseId: string, site: number): Promise<void> {
    const { openRoutes } = service.hello({ type: 'hello', warehouseId, robots: [floodRobot(site)] });
    for (const { routeId } of openRoutes) {
      await service.cancelRoute(warehouseId, { type: 'route.cancelled', routeId, reason: 'flood' });
    }
  }

  function createActions(): (event: ChaosEvent) => void {
    const nothing = (): void => undefined;
    const lanesOf = (site: number, lanes: readonly number[]) =>
      [...new Set(lanes)].map((lane) => {
        const { laneFrom, laneTo, nodeIds } = graphs[site]!;
        return { from: nodeIds[laneFrom[lane]!] as string, to: nodeIds[laneTo[lane]!] as string };
      });
    return (event) => {
      switch (event.kind) {
        case 'order':
          return robots[event.robot]!.take(event);
        case 'close':
          return operator.closeLanes(event.site, lanesOf(event.site, event.lanes));
        case 'open':
          return operator.openLanes(event.site, lanesOf(event.site, event.lanes));
        case 'push':
          return robots[event.robot]!.push();
        case 'cancel':
          return robots[event.robot]!.cancel();
        case 'dryRun':
          return dryRun(event.robot);
        case 'cut':
          return cut(event.robot, 1000 * event.forSeconds);
        case 'pause':
          robots[event.robot]!.pause(true);
          return schedule.after(1000 * event.forSeconds, () => robots[event.robot]!.pause(false));
        case 'weather':
          return network.worsen(event, 1000 * event.forSeconds);
        case 'crash':
          return crash(event.stored, 1000 * event.forSeconds);
        case 'disk':
          return disk.fault(event.fault, 1000 * event.forSeconds);
        case 'diskError':
          return disk.breakNext(event.stored);
        case 'weights': {
          const { wait: waitWeight, distance } = event;
          const weights = { time: 1, blocking: 1, turns: 0, lateness: 1, wait: waitWeight, distance };
          return operator.change(({ service }) => service.setWeights(warehouseIds[event.site]!, weights));
        }
        case 'mode':
          return operator.change(({ service }) => service.setMode(warehouseIds[event.site]!, event.mode));
        case 'policy':
          return operator.change(({ service }) =>
            changePolicy(service, warehouseIds[event.site]!, event.action),
          );
        case 'poison':
          return poison(event.weight);
        case 'burst':
          return burst(event.site);
      }
    };

    function dryRun(index: number): void {
      const robot = robots[index]!;
      const { site, start: from, robotType } = robot.spec;
      const stops = [reachOf(graphs[site]!, robotType).nodes[0] ?? from];
      const order = { kind: 'order' as const, second: 0, robot: index, handlingSeconds: 0 };
      const content = robot.requestFor({ ...order, stops, dropoff: from, deadlineSeconds: null }, 'dry');
      const answered = { ok: nothing, refused: nothing };
      const question = (service: RoutingService) => service.dryRun(warehouseIds[site]!, content);
      ask(index, question, (answer) => checks.dryRun(recipient(index), content, answer), answered);
    }

    function poison(weight: number): void {
      const poisoned = process;
      if (!poisoned) return;
      poisoned.poison(weight);
      checks.atRest(poisoned.service, robots.length + warehouseIds.length);
      operator.change(async (running) => {
        for (const warehouseId of warehouseIds) {
          const weights = await running.servedWeights(warehouseId);
          const bad = weights?.find((value) => !(Math.abs(value) <= WEIGHT_BOUND));
          if (bad !== undefined) checks.report('N1', `a weight of ${bad} is served`);
        }
      });
    }

    /** A robot of its own asks more at once than may wait: the excess is refused with when to come again. */
    function burst(site: number): void {
      const flooded = process;
      if (!flooded) return;
      const warehouseId = warehouseIds[site]!;
      const { nodeIds } = graphs[site]!;
      const robot = floodRobot(site);
      const { robotId } = robot;
      flooded.service.hello({ type: 'hello', warehouseId, robots: [robot] });
      const content = {
        requestId: `burst ${messages++}`.replace(' ', '-'),
        robotId,
        from: nodeIds[0]!,
        stops: [nodeIds[0]!],
      };
      let accepted = 0;
      const answers = Array.from({ length: LIMITS.plansWaiting + BURST_ABOVE }, () =>
        flooded.service.requestRoute(warehouseId, content).then(
          ({ routeId }) => {
            accepted++;
            return routeId;
          },
          (error: unknown) => {
            const isRight =
              isAppError(error) && (error.code !== 'E_BUSY' || 'retryAfterSeconds' in error.references);
            if (!isRight) checks.report('M2', `a flood was answered ${String(error)}`);
            return null;
          },
        ),
      );
      Promise.all(answers).then(
        (routeIds) => {
          if (flooded !== process) return;
          if (accepted > LIMITS.plansWaiting) checks.report('M2', `${accepted} plans waited at once`);
          if (routeIds.some((routeId) => routeId !== null))
            operator.change(({ service }) => endFlood(service, warehouseId, site));
        },
        (error: unknown) => checks.keep(error),
      );
    }
  }
}

const CHECK_EVERY = 20;
const BURST_ABOVE = 50;
/** No gate lets a larger weight through. */
const WEIGHT_BOUND = 100;

async function changePolicy(
  service: RoutingService,
  warehouseId: string,
  action: 'save' | 'activate' | 'rollBack',
): Promise<void> {
  if (action === 'save') await service.savePolicy(warehouseId);
  else if (action === 'rollBack') await service.rollBack(warehouseId);
  else {
    const oldest = service.policies()[0];
    if (oldest) await service.activatePolicy(warehouseId, oldest.policyVersion);
  }
}
