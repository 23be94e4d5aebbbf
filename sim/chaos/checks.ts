import type {
  RouteAssignedContent,
  RouteHeldMessage,
  RouteRequestContent,
  RouteScoredContent,
  RouteUpdatedMessage,
  WelcomeMessage,
} from '../../src/domain/messages.js';
import type { LaneName, RoutingService } from '../../src/domain/serviceContract.js';
import type { JournalRecord, NewRecord } from '../../src/journal/records.js';
import type { WarehouseFile } from '../../src/warehouse/warehouseFile.js';
import { createDiskChecks, scoreOf } from './diskChecks.js';
import type { RobotTrace } from './drivenPlan.js';
import { createHoldChecks } from './holdChecks.js';
import { createStopChecks, type StopWord } from './stopChecks.js';
import { createWayChecks, firstMissed, key, nameOf } from './wayChecks.js';

/** Which promise was broken, and how. The names are those of docs/reliability.md. */
export class Violation extends Error {
  constructor(
    readonly promise: string,
    readonly detail: string,
  ) {
    super(`${promise}: ${detail}`);
    this.name = 'Violation';
  }
}

/** What a robot was last told of its route. */
interface Told {
  readonly site: number;
  readonly robot: number;
  readonly robotType: string;
  readonly revision: number;
  readonly nodes: readonly string[];
  /** Null where only a welcome told it. */
  readonly etaSeconds: readonly number[] | null;
  readonly at: number;
  readonly held: boolean;
}

/** Who a message is for. */
export interface Recipient {
  readonly site: number;
  readonly robot: number;
  readonly robotType: string;
}

export interface ChecksOptions {
  readonly maps: readonly WarehouseFile[];
  readonly durable: readonly JournalRecord[];
  readonly now: () => number;
  /** Number of the process that runs. */
  life(): number;
  /** How far along the plan of a revision a robot really is. */
  placeOf(robot: number, routeId: string, plan: Pick<Told, 'revision' | 'nodes'>): number;
}

/**
 * Watches everything that leaves the service, and knows the map, the closures that were answered and the disk for
 * itself. Shares no code with planner, verifier or ledger.
 */
export function createChecks(options: ChecksOptions) {
  const { now } = options;
  const fail: (promise: string, detail: string) => never = (promise, detail) => {
    throw new Violation(promise, detail);
  };
  const disk = createDiskChecks({ durable: options.durable, fail });
  const ways = createWayChecks({ maps: options.maps, fail });
  const { closed } = ways;
  const told = new Map<string, Told>();
  const ended = new Set<string>();
  const acknowledged = new Map<string, { readonly score: number; readonly trace: string }>();
  /** The last life in which a robot's progress was heard. */
  const heardIn = new Map<number, number>();
  /** The last life in which a robot was welcomed. */
  const welcomedIn = new Map<number, number>();
  const counts = { answers: 0, scored: 0, updates: 0 };
  const stops = createStopChecks({ life: () => options.life(), fail });
  const holds = createHoldChecks({ ways: ways.lanes.map((lanes) => [...lanes.values()]), closed, now });
  let kept: { readonly error: unknown } | null = null;

  const tell = (
    to: Recipient,
    routeId: string,
    plan: Pick<Told, 'revision' | 'nodes' | 'etaSeconds' | 'held' | 'at'>,
  ): void => {
    if ((told.get(routeId)?.revision ?? -1) > plan.revision) return;
    const { revision, nodes, etaSeconds, held, at } = plan;
    told.set(routeId, { ...to, revision, nodes, etaSeconds, held, at });
  };
  /** The furthest that the service may take the robot to be, as it was told or by the ETAs. */
  const expectedPosition = (routeId: string, plan: Told): number => {
    const position = options.placeOf(plan.robot, routeId, plan);
    if (!plan.etaSeconds) return Infinity;
    if (heardIn.get(plan.robot) === options.life()) return position;
    const seconds = (now() - plan.at) / 1000 + CLOCK_TICK_SECONDS;
    return Math.max(
      position,
      plan.etaSeconds.findLastIndex((eta) => eta <= seconds),
    );
  };

  return {
    counts: () => ({ ...counts }),
    fail,
    stops,
    holds,
    /**
     * A robot says that it left its way.
     * @returns what to do where it is told that there is no way for it
     */
    deviates(
      to: Recipient,
      { routeId, node, at }: { routeId: string; node: string; at: number },
    ): () => void {
      const isNews = stops.left(routeId, at);
      const changes = holds.changes();
      const life = options.life();
      return () => {
        if (!isNews || changes !== holds.changes() || life !== options.life()) return;
        if (holds.hasWay({ ...to, node, stops: disk.stopsOf(routeId) }))
          fail('S1', `${routeId} was told that there is no way from ${node}, and there is`);
      };
    },
    appended(record: NewRecord): void {
      const { kind, payload } = record;
      if (kind === 'route.issued') stops.planned(payload.routeId, 0);
      else if (kind === 'route.revised' || kind === 'route.held')
        stops.planned(payload.routeId, payload.revision);
    },
    heard(word: StopWord): void {
      disk.read();
      stops.heard(word, disk.newestOf(word.routeId));
    },
    /** Found where throwing would be lost: thrown at the next rest. */
    keep(error: unknown): void {
      kept ??= { error };
    },
    report(promise: string, detail: string): void {
      kept ??= { error: new Violation(promise, detail) };
    },
    /** Runs checks inside a promise's callback, which would swallow what they find. */
    guard(work: () => void): void {
      try {
        work();
      } catch (error) {
        kept ??= { error };
      }
    },
    throwKept(): void {
      if (kept) throw kept.error;
    },
    assigned(to: Recipient, request: RouteRequestContent, answer: RouteAssignedContent): void {
      counts.answers++;
      const { routeId, revision } = answer;
      if (ended.has(routeId)) fail('C2', `${routeId} is over and was handed out again`);
      const issuedAt = disk.mustBeStored(routeId, 'route.issued');
      const at = revision === 0 ? issuedAt : disk.mustBeStored(routeId, 'route.revised', revision);
      ways.mustVisit(request, answer);
      ways.mustBeDrivable(to, routeId, answer.nodes);
      stops.told(routeId, revision, disk.leftOutBy(answer));
      tell(to, routeId, { ...answer, held: false, at });
    },
    dryRun(to: Recipient, request: RouteRequestContent, answer: RouteAssignedContent): void {
      ways.mustVisit(request, answer);
      ways.mustBeDrivable(to, 'dry-run', answer.nodes);
    },
    updated(to: Recipient, message: RouteUpdatedMessage): void {
      counts.updates++;
      const at = disk.mustBeStored(message.routeId, 'route.revised', message.revision);
      ways.mustBeDrivable(to, message.routeId, message.nodes);
      stops.told(message.routeId, message.revision, disk.leftOutBy(message));
      tell(to, message.routeId, { ...message, held: false, at });
    },
    held(to: Recipient, { routeId, revision, node }: RouteHeldMessage): void {
      const at = disk.mustBeStored(routeId, 'route.held', revision);
      tell(to, routeId, { revision, nodes: [node], etaSeconds: null, held: true, at });
    },
    welcome(to: Recipient, { openRoutes }: WelcomeMessage): void {
      welcomedIn.set(to.robot, options.life());
      for (const open of openRoutes) {
        const { routeId, revision, nodes, held } = open;
        if (ended.has(routeId)) fail('C2', `${routeId} is over and was shown as open`);
        // Whether a stop where it stands is made only its robot knows.
        const ahead = open.stopIndexes.filter((index) => index > 0);
        if (!held) stops.welcomed(routeId, disk.leftOutBy({ routeId, stopIndexes: ahead }));
        ways.mustBeDrivable(to, routeId, nodes);
        const before = told.get(routeId);
        const isKnown = before?.revision === revision && !before.held;
        if (held || !isKnown) tell(to, routeId, { revision, nodes, etaSeconds: null, at: now(), held });
      }
    },
    scored(answer: RouteScoredContent, trace: RobotTrace): void {
      counts.scored++;
      const { routeId } = answer;
      disk.mustBeStored(routeId, 'route.completed');
      // Its robot drove what it was told, to the end.
      const missed = firstMissed(disk.stopsOf(routeId), trace);
      if (missed !== null) fail('C1', `the plans of ${routeId} led past its stop ${missed}`);
      if (answer.reason?.startsWith('E_TRACE_INCOMPLETE'))
        fail('C1', `${routeId} was made and is refused: ${answer.reason}`);
      const score = scoreOf(answer, trace);
      if (disk.completionOf(routeId) !== score)
        fail('X1', `${routeId} was answered ${score}, stored is ${disk.completionOf(routeId)}`);
      acknowledged.set(routeId, { score: answer.score, trace: score });
      told.delete(routeId);
      ended.add(routeId);
    },
    progressed(robot: number, routeId: string): void {
      if (told.has(routeId)) heardIn.set(robot, options.life());
    },
    closed(routeId: string): void {
      disk.mustBeStored(routeId, 'route.cancelled');
      told.delete(routeId);
      ended.add(routeId);
    },
    /**
     * A closing was answered: whoever had a lane of it before them was told. Who has not been back since a restart cannot
     * be, and hears of it in its welcome.
     */
    lanesClosed(site: number, lanes: readonly LaneName[]): void {
      holds.change();
      for (const lane of lanes) closed[site]!.add(key(lane));
      disk.read();
      for (const [routeId, plan] of told) {
        if (plan.site !== site || plan.held || disk.isOver(routeId)) continue;
        if (welcomedIn.get(plan.robot) !== options.life()) continue;
        const fault = ways.fault(plan, plan.nodes, expectedPosition(routeId, plan));
        if (fault)
          this.report('C2', `${routeId} revision ${plan.revision}: ${fault}, and its robot was not told`);
      }
    },
    lanesOpening(site: number, lanes: readonly LaneName[]): void {
      for (const lane of lanes) closed[site]!.delete(key(lane));
    },
    closedLanes: (site: number): readonly LaneName[] => [...closed[site]!].map(nameOf),
    /** After a crash: what was acknowledged is there. */
    afterCrash(): void {
      disk.read();
      for (const [routeId, { trace }] of acknowledged) {
        if (disk.completionOf(routeId) !== trace) fail('D2', `the acknowledged score of ${routeId} is lost`);
      }
    },
    /** N1 and the bounds of what the service keeps, of each site as it is. */
    atRest(service: RoutingService, robots: number): void {
      disk.read();
      for (const [routeId, { held, nodes, at, ...to }] of told) {
        if (!held || disk.isOver(routeId)) continue;
        const waiting = { ...to, node: nodes[0]!, stops: disk.stopsOf(routeId) };
        if (holds.isNeedless(waiting, at))
          fail('S1', `${routeId} is held at ${nodes[0]} though there is a way`);
      }
      for (const { warehouseId, openRoutes } of service.warehouses()) {
        if (openRoutes > robots) fail('M2', `${openRoutes} open routes of ${robots} robots`);
        const site = options.maps.findIndex(({ id }) => id === warehouseId);
        for (const lane of service.lanes(warehouseId)) {
          const barred = ways.lanes[site]!.get(key(lane))!.barred.length > 0;
          if (lane.open && !(lane.price >= 0) && !barred)
            fail('N1', `${key(lane)} of ${warehouseId} has no finite price`);
          if (!(lane.plannedFlow >= 0)) fail('M2', `planned flow of ${key(lane)} is ${lane.plannedFlow}`);
        }
      }
    },
    /** All routes are over: nothing of them is left on the floor. */
    atEnd(service: RoutingService): void {
      for (const { warehouseId, openRoutes } of service.warehouses()) {
        if (openRoutes > 0) fail('M2', `${openRoutes} routes are open though every robot is done`);
        const left = service.lanes(warehouseId).find(({ plannedFlow }) => plannedFlow !== 0);
        if (left) fail('M2', `planned flow of ${key(left)} is ${left.plannedFlow} on an empty floor`);
      }
    },
  };
}

export type Checks = ReturnType<typeof createChecks>;

/** Service clocks are driven once a second. */
const CLOCK_TICK_SECONDS = 1;
