import type { Mode } from '../src/domain/messages.js';
import type { RoutingService, ServiceObserver } from '../src/domain/serviceContract.js';
import { createMemoryJournal } from '../src/journal/memoryJournal.js';
import { createInlineLearner } from '../src/learning/learnerPort.js';
import type { Random } from '../src/platform/random.js';
import { selectBackend } from '../src/policy/backend.js';
import { randomWeights } from '../src/policy/network.js';
import type { PriceSource } from '../src/policy/pricing.js';
import { learnsIn } from '../src/service/modes.js';
import type { OpenRegistry } from '../src/service/policyVersions.js';
import { createRoutingService } from '../src/service/routingService.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';

export interface InProcessServiceOptions {
  readonly graph: LaneGraph;
  readonly mode: Mode;
  /** Instead of what the mode serves; null: what the mode says. */
  readonly price: PriceSource | null;
  /** TF.js backend to insist on; empty for the best that works. */
  readonly backend: string;
  readonly random: Random;
  readonly observer?: Partial<ServiceObserver>;
  /** Where versions are kept; nowhere without it. */
  readonly openRegistry?: OpenRegistry;
}

/** Records kept: nobody reads the journal of a simulation. */
const JOURNAL_RECORDS = 100;

/**
 * A service that repeats itself to the byte: a driven clock, a learner that learns within each tick, cold
 * weights and counted route ids. Journal and versions stay in memory.
 * @throws E_BACKEND
 */
export async function createInProcessService(options: InProcessServiceOptions): Promise<RoutingService> {
  const { mode, random, price, observer } = options;
  const backend = learnsIn(mode) ? await selectBackend({ force: options.backend }) : null;
  let routes = 0;
  return createRoutingService({
    graphs: [options.graph],
    journal: createMemoryJournal(JOURNAL_RECORDS),
    openRegistry: options.openRegistry ?? null,
    policies: 'shared',
    startLearner: async (weights) =>
      backend &&
      createInlineLearner({ tf: backend.tf, backend: backend.name, random: random.fork('learner'), weights }),
    coldWeights: () => randomWeights(random.fork('weights')),
    clock: { kind: 'driven', startAt: 0 },
    mode,
    ...(price === null ? {} : { forcedSource: price }),
    ...(observer === undefined ? {} : { observer }),
    newRouteId: () => `route-${routes++}`,
  });
}
