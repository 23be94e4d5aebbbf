import { randomMap } from '../../../sim/chaos/chaosMap.js';
import { isAppError } from '../../../src/domain/errors.js';
import type { RouteRequestContent } from '../../../src/domain/messages.js';
import type { LaneName } from '../../../src/domain/serviceContract.js';
import { createMemoryJournal } from '../../../src/journal/memoryJournal.js';
import { createRandom } from '../../../src/platform/random.js';
import { randomWeights } from '../../../src/policy/network.js';
import { createRoutingService } from '../../../src/service/routingService.js';
import { compileWarehouse, createWarehouseModel, lanesOf } from '../../../src/warehouse/warehouseModel.js';

export interface PlansOfMap {
  /** Routes of every kind that were served, by kind. */
  readonly served: Readonly<Record<'assigned' | 'updated' | 'deviated' | 'dryRun' | 'welcome', number>>;
  /** Requests refused with E_UNREACHABLE, and robots told to hold. */
  readonly unreachable: number;
  readonly held: number;
  /** What was wrong; the service's word against a map and a breadth-first search of this file's own. */
  readonly faults: readonly string[];
}

const SITE = 'random';
const ROBOTS = ['plain', 'slow', 'turning'] as const;
const ROUNDS = 4;

/** A service on a random map: plans, closures between them, and more plans. Everything that leaves is checked. */
export async function planOnRandomMap(seed: number): Promise<PlansOfMap> {
  const random = createRandom(seed);
  const file = randomMap(random, SITE);
  const lanes = new Map([...lanesOf(file)].map((lane) => [`${lane.from} ${lane.to}`, { ...lane }]));
  const names = file.nodes.map(({ id }) => id);
  const laneNames: LaneName[] = [...lanes.values()].map(({ from, to }) => ({ from, to }));
  const served = { assigned: 0, updated: 0, deviated: 0, dryRun: 0, welcome: 0 };
  const faults: string[] = [];
  let unreachable = 0;
  let held = 0;
  let routes = 0;
  let at = 0;

  const isWay = (from: string, to: string, type: string): boolean => {
    const lane = lanes.get(`${from} ${to}`);
    return lane !== undefined && lane.open && !lane.barred.includes(type);
  };
  const reaches = (from: string, to: string, type: string): boolean => {
    const seen = new Set([from]);
    for (const node of seen) {
      if (node === to) return true;
      for (const next of names) if (isWay(node, next, type)) seen.add(next);
    }
    return false;
  };
  const check = (kind: keyof typeof served, nodes: readonly string[], type: string): void => {
    served[kind]++;
    if (nodes.length === 0) faults.push(`${kind}: an empty route`);
    for (let i = 1; i < nodes.length; i++) {
      if (!isWay(nodes[i - 1]!, nodes[i]!, type))
        faults.push(`${kind}: no way from ${nodes[i - 1]} to ${nodes[i]}`);
    }
  };
  const checkStops = (request: RouteRequestContent, nodes: readonly string[]): void => {
    const wanted = [...request.stops, request.dropoff].flatMap((stop) =>
      typeof stop === 'string' ? [stop] : [],
    );
    const missed = wanted.find((stop) => !nodes.includes(stop));
    if (nodes[0] !== request.from || missed !== undefined) faults.push(`a route that misses ${missed}`);
  };

  const service = await createRoutingService({
    graphs: [compileWarehouse(createWarehouseModel(file))],
    journal: createMemoryJournal(),
    openRegistry: null,
    policies: 'shared',
    startLearner: async () => null,
    coldWeights: () => randomWeights(createRandom(1)),
    clock: { kind: 'driven', startAt: 0 },
    mode: 'observe',
    ...(random.next() < 0.5 ? { forcedSource: 'flow' as const } : {}),
    newRouteId: () => `route-${routes++}`,
  });
  service.subscribe((event) => {
    if (event.kind === 'route.held') held++;
    if (event.kind === 'route.updated') check('updated', event.message.nodes, event.message.robotId);
  });
  const pick = <T>(items: readonly T[]): T => items[random.integer(items.length)]!;
  const hello = () =>
    service.hello({
      ...{ type: 'hello', warehouseId: SITE },
      robots: ROBOTS.map((robotId) => ({ robotId, robotType: robotId })),
    });
  hello();

  const ask = async (robotId: string, requestId: string): Promise<void> => {
    const dropoff = random.next() < 0.5 ? { dropoff: pick(names) } : {};
    const stops = random.next() < 0.7 ? [pick(names)] : [pick(names), pick(names), pick(names)];
    const request = { requestId, robotId, from: pick(names), stops, ...dropoff };
    const places = [request.from, ...stops, ...Object.values(dropoff)];
    const oneOrder = stops.length === 1;
    const isReachable = places.slice(1).every((place, i) => reaches(places[i]!, place, robotId));
    for (const kind of ['dryRun', 'assigned'] as const) {
      try {
        const answer = await (kind === 'dryRun'
          ? service.dryRun(SITE, request)
          : service.requestRoute(SITE, request));
        check(kind, answer.nodes, robotId);
        checkStops(request, answer.nodes);
        if (oneOrder && !isReachable) faults.push(`${kind}: an unreachable stop was served`);
      } catch (error) {
        if (isAppError(error) && error.code === 'E_ROUTE_OPEN') continue;
        unreachable++;
        if (!isAppError(error) || error.code !== 'E_UNREACHABLE') faults.push(`${kind}: ${String(error)}`);
        else if (oneOrder && isReachable) faults.push(`${kind}: a reachable stop was refused`);
      }
    }
  };
  const deviate = async (robotId: string): Promise<void> => {
    const open = hello().openRoutes.find((route) => route.robotId === robotId);
    if (!open) return;
    const { routeId, revision } = open;
    const node = pick(names);
    try {
      const updated = await service.routeDeviated(SITE, {
        type: 'route.deviated',
        routeId,
        revision,
        node,
        at,
      });
      check('deviated', updated.nodes, robotId);
      if (updated.nodes[0] !== node) faults.push(`deviated: starts at ${updated.nodes[0]}`);
    } catch (error) {
      if (!isAppError(error) || error.code !== 'E_UNREACHABLE') faults.push(`deviated: ${String(error)}`);
    }
  };
  const changeLanes = async (): Promise<void> => {
    if (laneNames.length === 0) return;
    const some = Array.from({ length: 1 + random.integer(3) }, () => pick(laneNames));
    const open = random.next() < 0.3;
    const set = (): void => some.forEach(({ from, to }) => (lanes.get(`${from} ${to}`)!.open = open));
    // Closed in force before anyone is told, open before anyone is sent there.
    const unsubscribe = service.subscribe((event) => {
      if (event.kind === 'lane.updated') set();
    });
    await (open ? service.openLanes(SITE, some) : service.closeLanes(SITE, some));
    unsubscribe();
    set();
  };

  for (let round = 0; round < ROUNDS; round++) {
    for (const robotId of ROBOTS) await ask(robotId, `${robotId}-${round}`);
    // Robots that report nothing have by now gone a part of their way, by their ETAs.
    await service.advanceClock(SITE, (at += 1000 * random.integer(4)));
    await changeLanes();
    for (const route of hello().openRoutes) {
      if (!route.held) check('welcome', route.nodes, route.robotId);
    }
    await deviate(pick(ROBOTS));
    if (random.next() < 0.5) {
      for (const { routeId } of hello().openRoutes.slice(0, 2)) {
        await service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'next' });
      }
    }
  }
  await service.close();
  return { served, unreachable, held, faults };
}
