import { isAppError } from '../../src/domain/errors.js';
import { createRandom } from '../../src/platform/random.js';
import { compileWarehouse, createWarehouseModel } from '../../src/warehouse/warehouseModel.js';
import { reachOf } from '../orders/reach.js';
import { createActions } from './actions.js';
import { createChaosDisk } from './chaosDisk.js';
import { createChaosNetwork } from './chaosNetwork.js';
import { startProcess, type ChaosProcess } from './chaosProcess.js';
import { createChaosRobot, type ChaosRobot } from './chaosRobot.js';
import { createChecks, type Checks, type Recipient } from './checks.js';
import { createConnections } from './connections.js';
import { createFlood } from './flood.js';
import { createOperator } from './operator.js';
import { createRobotLine } from './robotLine.js';
import type { Scenario } from './scenario.js';
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
/** After the last event everyone must come to an end within this; robots that drive more slowly in so many times as long. */
const QUIET_SECONDS = 900;
const CHECK_EVERY = 20;

/** @param directory where policy versions are kept, if the scenario keeps any */
export function createWorld(scenario: Scenario, directory: string): World {
  const random = createRandom(scenario.seed).fork('world');
  const schedule = createSchedule(START_AT);
  const disk = createChaosDisk(schedule, random.fork('disk'));
  const network = createChaosNetwork(schedule, random.fork('network'));
  const graphs = scenario.maps.map((file) => compileWarehouse(createWarehouseModel(file)));
  const warehouseIds = scenario.maps.map(({ id }) => id);
  const waits = new Set<Promise<unknown>>();
  const robots: ChaosRobot[] = [];
  let process: ChaosProcess | null = null;
  let lives = 0;
  let crashes = 0;
  let steps = 0;
  let starting = false;
  const now = (): number => schedule.now();
  const running = (): ChaosProcess | null => process;

  const checks: Checks = createChecks({
    ...{ maps: scenario.maps, durable: disk.durable, now, life: () => lives },
    placeOf: (robot, routeId, plan) => robots[robot]!.placeOn(routeId, plan),
  });
  const recipient = (robot: number): Recipient => {
    const { site, robotType } = scenario.robots[robot]!;
    return { site, robot, robotType: graphs[site]!.robotTypes[robotType]!.name };
  };
  const connections = createConnections({
    ...{ schedule, network, random, checks, robots, recipient, running },
  });
  scenario.robots.forEach((spec, robot) => {
    const graph = graphs[spec.site]!;
    const line = createRobotLine({
      ...{ robot, checks, now, to: recipient(robot), warehouseId: warehouseIds[spec.site]! },
      ask: connections.ask,
    });
    const created = createChaosRobot({
      ...{ spec, robotId: `robot-${robot}`, graph, line, reach: reachOf(graph, spec.robotType) },
      ...{ random: random.fork(`robot ${robot}`), now, after: schedule.after },
    });
    robots.push(created);
  });
  const operator = createOperator({ checks, warehouseIds, running, after: schedule.after });
  const flood = createFlood({
    ...{ graphs, warehouseIds, checks, operator, running, nextNumber: connections.nextNumber },
  });
  const apply = createActions({
    ...{ graphs, warehouseIds, robots, recipient, connections, operator, flood, schedule, network, disk },
    ...{ checks, running, crash, checkAtRest },
  });

  function checkAtRest(): void {
    if (process) checks.atRest(process.service, robots.length + warehouseIds.length);
  }

  function crash(stored: boolean, milliseconds: number): void {
    const dying = process;
    if (!dying) return;
    crashes++;
    checks.guard(() => learntOnce(dying));
    dying.kill();
    process = null;
    disk.crash(stored);
    connections.cutAll();
    schedule.after(milliseconds, start);
  }

  function start(): void {
    if (process || starting) return;
    starting = true;
    const life = ++lives;
    const started = startProcess({
      ...{ scenario, disk, life, startAt: schedule.now(), onEvent: connections.push },
      onAppend: (record) => checks.appended(record),
      directory: scenario.keepsVersions ? directory : null,
      ...{ wait, after: schedule.after },
      onFatal: () => schedule.after(0, () => crash(false, TICK_MILLISECONDS)),
    }).then((next) => {
      starting = false;
      process = next;
      checks.holds.change();
      checks.guard(() => checks.afterCrash());
    });
    wait(started);
  }

  function wait(work: Promise<unknown>): void {
    const done = work.catch(keepDefect).finally(() => waits.delete(done));
    waits.add(done);
  }

  function keepDefect(error: unknown): void {
    if (!isAppError(error)) checks.keep(error);
  }

  /** Rows of each route went to a learner once, if at all. */
  function learntOnce(asked: ChaosProcess): void {
    const stored = disk.durable.filter(({ kind }) => kind === 'route.completed').length;
    if (asked.offered() > stored)
      checks.fail('X1', `${asked.offered()} of ${stored} completions were learnt`);
  }

  function tick(): void {
    schedule.after(TICK_MILLISECONDS, tick);
    if (!process) return;
    for (const warehouseId of warehouseIds) {
      // Refused while the disk is full or the process dies; whatever was due is due again.
      process.service.advanceClock(warehouseId, schedule.now()).catch(keepDefect);
    }
  }

  /** Lets everything come to rest that needs no more time, and says what was found. */
  async function settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (waits.size > 0);
    checks.throwKept();
  }

  /** The storm is over: lanes open, and everyone may finish. */
  function calm(): void {
    warehouseIds.forEach((_warehouseId, site) => {
      operator.openLanes(site, null);
      operator.change(({ service }) => flood.end(service, site));
    });
    for (const robot of robots) robot.pause(false);
  }

  function isOver(): boolean {
    const past = schedule.now() > START_AT + 1000 * scenario.seconds;
    if (!past || !process || !operator.isDone() || !robots.every((robot) => robot.isDone())) return false;
    // Messages under way may still bring a surprise.
    return process.service.warehouses().every(({ openRoutes }) => openRoutes === 0);
  }

  return {
    async run() {
      start();
      connections.cutAll();
      tick();
      for (const event of scenario.events) schedule.after(1000 * event.second, () => apply(event));
      schedule.after(1000 * scenario.seconds, calm);
      const quietSeconds = QUIET_SECONDS * Math.max(...scenario.robots.map(({ slowness }) => slowness));
      const until = START_AT + 1000 * (scenario.seconds + quietSeconds);
      await settle();
      while (!isOver()) {
        const next = schedule.next(until);
        if (!next) break;
        next();
        await settle();
        steps++;
        if (steps % CHECK_EVERY === 0) checkAtRest();
      }
      const left = robots.find((robot) => !robot.isDone());
      if (left) checks.fail('S1', `${quietSeconds} s after the last event ${left.describe()}`);
      if (process) {
        checks.atEnd(process.service);
        learntOnce(process);
        process.kill();
      }
      return { ...checks.counts(), crashes, steps };
    },
  };
}
