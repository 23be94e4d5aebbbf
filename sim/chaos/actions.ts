import type { RoutingService } from '../../src/domain/serviceContract.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { reachOf } from '../orders/reach.js';
import type { ChaosDisk } from './chaosDisk.js';
import type { ChaosNetwork } from './chaosNetwork.js';
import type { ChaosProcess } from './chaosProcess.js';
import type { ChaosRobot } from './chaosRobot.js';
import type { Checks, Recipient } from './checks.js';
import type { Connections } from './connections.js';
import type { Flood } from './flood.js';
import type { Operator } from './operator.js';
import type { ChaosEvent } from './scenario.js';
import type { Schedule } from './schedule.js';

/** No gate lets a larger weight through. */
const WEIGHT_BOUND = 100;

/** What each event of a scenario does to the world. */
export function createActions(options: {
  readonly graphs: readonly LaneGraph[];
  readonly warehouseIds: readonly string[];
  readonly robots: readonly ChaosRobot[];
  readonly recipient: (robot: number) => Recipient;
  readonly connections: Connections;
  readonly operator: Operator;
  readonly flood: Flood;
  readonly schedule: Schedule;
  readonly network: ChaosNetwork;
  readonly disk: ChaosDisk;
  readonly checks: Checks;
  readonly running: () => ChaosProcess | null;
  readonly crash: (stored: boolean, milliseconds: number) => void;
  readonly checkAtRest: () => void;
}): (event: ChaosEvent) => void {
  const { graphs, warehouseIds, robots, connections, operator, schedule, checks } = options;
  const lanesOf = (site: number, lanes: readonly number[]) =>
    [...new Set(lanes)].map((lane) => {
      const { laneFrom, laneTo, nodeIds } = graphs[site]!;
      return { from: nodeIds[laneFrom[lane]!] as string, to: nodeIds[laneTo[lane]!] as string };
    });
  const change = (site: number, work: (service: RoutingService, warehouseId: string) => Promise<unknown>) =>
    operator.change(({ service }) => work(service, warehouseIds[site]!));

  const dryRun = (index: number): void => {
    const robot = robots[index]!;
    const { site, start: from, robotType } = robot.spec;
    const stops = [reachOf(graphs[site]!, robotType).nodes[0] ?? from];
    const order = { kind: 'order' as const, second: 0, robot: index, handlingSeconds: 0 };
    const content = robot.requestFor({ ...order, stops, dropoff: from, deadlineSeconds: null }, 'dry');
    connections.ask(
      index,
      (service) => service.dryRun(warehouseIds[site]!, content),
      (answer) => checks.dryRun(options.recipient(index), content, answer),
      { ok: () => undefined, refused: () => undefined },
    );
  };
  const poison = (weight: number): void => {
    const poisoned = options.running();
    if (!poisoned) return;
    poisoned.poison(weight);
    options.checkAtRest();
    operator.change(async (process) => {
      for (const warehouseId of warehouseIds) {
        const weights = await process.servedWeights(warehouseId);
        const bad = weights?.find((value) => !(Math.abs(value) <= WEIGHT_BOUND));
        if (bad !== undefined) checks.report('N1', `a weight of ${bad} is served`);
      }
    });
  };

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
        return connections.cut(event.robot, 1000 * event.forSeconds);
      case 'pause':
        robots[event.robot]!.pause(true);
        return schedule.after(1000 * event.forSeconds, () => robots[event.robot]!.pause(false));
      case 'weather':
        return options.network.worsen(event, 1000 * event.forSeconds);
      case 'crash':
        return options.crash(event.stored, 1000 * event.forSeconds);
      case 'disk':
        checks.holds.change();
        schedule.after(1000 * event.forSeconds, checks.holds.change);
        return options.disk.fault(event.fault, 1000 * event.forSeconds);
      case 'diskError':
        return options.disk.breakNext(event.stored);
      case 'weights': {
        const { wait, distance } = event;
        const weights = { time: 1, blocking: 1, turns: 0, lateness: 1, wait, distance };
        return change(event.site, (service, warehouseId) => service.setWeights(warehouseId, weights));
      }
      case 'mode':
        return change(event.site, (service, warehouseId) => service.setMode(warehouseId, event.mode));
      case 'policy':
        return change(event.site, (service, warehouseId) => changePolicy(service, warehouseId, event.action));
      case 'poison':
        return poison(event.weight);
      case 'burst':
        return options.flood.begin(event.site);
    }
  };
}

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
