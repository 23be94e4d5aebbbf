import type { RouteAssignedContent, RouteRequestContent } from '../../src/domain/messages.js';
import type { LaneName } from '../../src/domain/serviceContract.js';
import { lanesOf } from '../../src/warehouse/warehouseModel.js';
import type { WarehouseFile } from '../../src/warehouse/warehouseFile.js';
import { stopsAsked } from './diskChecks.js';
import type { RobotTrace } from './drivenPlan.js';

/** Whoever is to drive a way. */
interface Driver {
  readonly site: number;
  readonly robotType: string;
}

/** Whether what a robot is told can be driven on the maps as they are, and leads where it asked for. */
export function createWayChecks(options: {
  readonly maps: readonly WarehouseFile[];
  readonly fail: (promise: string, detail: string) => never;
}) {
  const { fail } = options;
  const maps = options.maps.map((file) => new Map([...lanesOf(file)].map((lane) => [key(lane), lane])));
  const closed = maps.map(
    (lanes) => new Set([...lanes].flatMap(([name, lane]) => (lane.open ? [] : [name]))),
  );

  /** The first lane from a position on that is not there, barred or closed; null for none. */
  const wayFault = (to: Driver, nodes: readonly string[], from: number): string | null => {
    for (let i = 1; i < nodes.length; i++) {
      const name = key({ from: nodes[i - 1]!, to: nodes[i]! });
      const lane = maps[to.site]!.get(name);
      if (!lane) return `there is no lane ${name}`;
      if (lane.barred.includes(to.robotType)) return `${name} is barred to ${to.robotType}`;
      if (i > from && closed[to.site]!.has(name)) return `${name} is closed`;
    }
    return null;
  };
  const mustBeDrivable = (to: Driver, routeId: string, nodes: readonly string[]): void => {
    const fault = wayFault(to, nodes, 0);
    if (fault) fail('C1', `${routeId}: ${fault}`);
  };
  const mustVisit = (request: RouteRequestContent, answer: RouteAssignedContent): void => {
    const stops = stopsAsked(request, answer);
    const visited = answer.stopIndexes.map((index) => answer.nodes[index]);
    if (visited.join() !== stops.join() || answer.stopIndexes.at(-1) !== answer.nodes.length - 1)
      fail('C1', `${answer.routeId} visits ${visited.join()} instead of ${stops.join()}`);
    if (answer.revision === 0 && answer.nodes[0] !== request.from)
      fail('C1', `${answer.routeId} starts at ${answer.nodes[0]}, not ${request.from}`);
    if (![...answer.etaSeconds, ...Object.values(answer.expected)].every(Number.isFinite))
      fail('N1', `${answer.routeId} has an ETA or a cost that is not finite`);
  };

  return {
    /** Of each site, by their names. */
    lanes: maps,
    /** Names of the lanes that are closed, of each site. */
    closed,
    fault: wayFault,
    mustBeDrivable,
    mustVisit,
  };
}

/** The first stop that a trace does not visit after those before it; null where it visits all. */
export function firstMissed(stops: readonly string[], trace: RobotTrace): string | null {
  let made = 0;
  for (const [node] of trace) while (made < stops.length && stops[made] === node) made++;
  return stops[made] ?? null;
}

export function key({ from, to }: LaneName): string {
  return `${from} ${to}`;
}

export function nameOf(name: string): LaneName {
  const [from, to] = name.split(' ') as [string, string];
  return { from, to };
}
