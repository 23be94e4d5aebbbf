import type { RouteAssignedContent, Trace } from '../../../src/domain/messages.js';
import type { RoutingService, ServiceEvent } from '../../../src/domain/serviceContract.js';
import type { Journal } from '../../../src/journal/journal.js';
import { createMemoryJournal } from '../../../src/journal/memoryJournal.js';
import { createInlineLearner } from '../../../src/learning/learnerPort.js';
import { createRandom } from '../../../src/platform/random.js';
import { selectBackend } from '../../../src/policy/backend.js';
import { randomWeights } from '../../../src/policy/network.js';
import { createRoutingService, type ServiceOptions } from '../../../src/service/routingService.js';
import type { LaneGraph } from '../../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

export const SITE = 'grid';
export const START = 1_000_000;

/** Two rows and five columns: from r0c0 to r0c4 leads the upper row, and round by the lower one. */
export const LADDER = `
  .....
  .....`;

export interface TestService {
  readonly service: RoutingService;
  readonly graph: LaneGraph;
  readonly journal: Journal;
  readonly events: ServiceEvent[];
  /** Drives the clock on. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly now: () => number;
}

export interface TestServiceOptions extends Partial<ServiceOptions> {
  readonly map?: string;
  readonly learns?: boolean;
  readonly at?: number;
  readonly robots?: readonly string[];
}

/** A service in process on a drawn map, with its clock driven and routes numbered. */
export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const { map = LADDER, learns = false, at = START, robots = ['a', 'b', 'c'], ...rest } = options;
  const graph = gridFromText(map);
  const journal = options.journal ?? createMemoryJournal();
  const backend = learns ? await selectBackend({ force: 'cpu' }) : null;
  let routes = journal.lastSequence();
  let now = at;
  const service = await createRoutingService({
    graphs: [graph],
    journal,
    openRegistry: null,
    policies: 'shared',
    startLearner: async (weights) =>
      backend && createInlineLearner({ tf: backend.tf, backend: 'cpu', random: createRandom(1), weights }),
    coldWeights: () => randomWeights(createRandom(2)),
    clock: { kind: 'driven', startAt: at },
    mode: learns ? 'learn' : 'observe',
    newRouteId: () => `route-${++routes}`,
    ...rest,
  });
  const events: ServiceEvent[] = [];
  service.subscribe((event) => events.push(event));
  service.hello({
    type: 'hello',
    warehouseId: SITE,
    robots: robots.map((robotId) => ({ robotId, robotType: 'unit' })),
  });
  return {
    ...{ service, graph, journal, events },
    now: () => now,
    pass(seconds) {
      now += 1000 * seconds;
      return service.advanceClock(SITE, now);
    },
  };
}

/** Node names of a grid, `12` for row 1, column 2. */
export const cell = (digits: string): string => `r${digits[0]}c${digits[1]}`;
export const lane = (from: string, to: string) => ({ from: cell(from), to: cell(to) });

/** A trace along nodes, one second a lane from an instant on, or with the seconds given for each lane. */
export function traceAlong(nodes: readonly string[], from: number, seconds: readonly number[] = []): Trace {
  let at = from;
  return nodes.map((node, i) => {
    if (i > 0) at += 1000 * (seconds[i - 1] ?? 1);
    return [node, at, null] as const;
  }) as unknown as Trace;
}

export function report(route: Pick<RouteAssignedContent, 'routeId'>, trace: Trace) {
  return {
    routeId: route.routeId,
    trace: trace.map((entry) => [...entry] as [string, number, number | null]),
  };
}

/** The code of the error that a call throws or rejects with; '' where it does not. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return '';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
