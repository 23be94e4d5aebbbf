import { COMPONENTS, zeroComponents, type Components } from '../../src/domain/components.js';
import { AppError } from '../../src/domain/errors.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { createInlineLearner } from '../../src/learning/learnerPort.js';
import type { Random } from '../../src/platform/random.js';
import { selectBackend } from '../../src/policy/backend.js';
import { HEAD_COUNT, randomWeights, WEIGHT_COUNT } from '../../src/policy/network.js';
import type { PriceSource } from '../../src/policy/pricing.js';
import { createRoutingService } from '../../src/service/routingService.js';
import { rewardWeights } from '../arguments.js';
import type { FleetLink } from '../fleetLink.js';
import { createInProcessLink } from '../inProcessLink.js';
import type { BenchOptions, BenchResult } from './benchResult.js';
import { crisscrossPrice, flowPrice, guidancePrice, lightFlowPrice, onHighways } from './handMadePrices.js';
import { createIdleLearner } from '../idleLearner.js';
import { specOf } from './methods.js';
import { createObservedDelay } from './observedDelay.js';
import { visitOrder } from './visitOrders.js';

type Served = Pick<
  BenchResult,
  | 'slowdown'
  | 'pressure'
  | 'planMsP50'
  | 'planMsP99'
  | 'detoursRefused'
  | 'updatesApplied'
  | 'updatesRejected'
  | 'backend'
>;

/** Sums over the routes scored so far. */
export interface ScoredSums {
  readonly components: Components;
  /** Of their score ratios. */
  readonly ratios: number;
  readonly count: number;
}

/** Sum and count of the regrets measured so far. */
export interface RegretSums {
  readonly seconds: number;
  readonly count: number;
}

/** The service under one method, and what it did. */
export interface BenchService {
  readonly service: RoutingService;
  readonly link: FleetLink;
  regrets(): RegretSums;
  scored(): ScoredSums;
  close(): Promise<Served>;
}

/** @throws E_BACKEND, E_USAGE where the method lacks its weights */
export async function createBenchService(options: BenchOptions, random: Random): Promise<BenchService> {
  const { graph, method } = options;
  const spec = specOf(method);
  const planMilliseconds: number[] = [];
  let detoursRefused = 0;
  let updatesRejected = 0;
  let regrets: RegretSums = { seconds: 0, count: 0 };
  let scored: ScoredSums = { components: zeroComponents(), ratios: 0, count: 0 };
  let routes = 0;
  const backend = spec.mode === 'learn' ? await selectBackend({ force: options.backend }) : null;
  const { price, listen } = pricedBy(options);
  const start = startingWeights(options);
  const service = await createRoutingService({
    graphs: [graph],
    journal: createMemoryJournal(JOURNAL_RECORDS),
    openRegistry: null,
    policies: 'shared',
    startLearner: async (weights) =>
      backend
        ? createInlineLearner({
            ...{ tf: backend.tf, backend: backend.name, random: random.fork('learner'), weights },
          })
        : spec.weights
          ? createIdleLearner()
          : null,
    coldWeights: () => start ?? randomWeights(random.fork('weights')),
    areColdWeightsTrained: start !== null,
    clock: { kind: 'driven', startAt: 0 },
    mode: options.change === 'learning-starts' ? 'off' : spec.mode,
    weights: rewardWeights(options.weights ?? ''),
    ...(price === null ? {} : { forcedSource: price }),
    ...(spec.shortest ? { tieBreaks: random.fork('ties') } : {}),
    visitOrder: visitOrder(options.order, graph),
    observer: {
      planned(_warehouseId, milliseconds, served) {
        planMilliseconds.push(milliseconds);
        if (served === 'shortest') detoursRefused++;
      },
      updateRejected: () => updatesRejected++,
      scored(_warehouseId, { regretSeconds, components, ratio }) {
        const sums = { ...scored.components };
        for (const component of COMPONENTS) sums[component] += components[component];
        scored = { components: sums, ratios: scored.ratios + ratio, count: scored.count + 1 };
        if (regretSeconds === null) return;
        regrets = { seconds: regrets.seconds + regretSeconds, count: regrets.count + 1 };
      },
    },
    newRouteId: () => `route-${routes++}`,
  });
  return {
    service,
    link: listen(createInProcessLink(service, graph.warehouseId)),
    regrets: () => regrets,
    scored: () => scored,
    async close() {
      const { slowdown, pressure, updatesApplied } = service.warehouse(graph.warehouseId);
      await service.close();
      planMilliseconds.sort((a, b) => a - b);
      const quantile = (share: number): number =>
        planMilliseconds[Math.floor(planMilliseconds.length * share)] ?? 0;
      return {
        ...{ slowdown, pressure, updatesApplied, updatesRejected, detoursRefused },
        ...{ planMsP50: quantile(0.5), planMsP99: quantile(0.99), backend: backend?.name ?? 'none' },
      };
    },
  };
}

/** Records kept: nobody reads the journal of a benchmark. */
const JOURNAL_RECORDS = 100;

interface PricedBy {
  readonly price: PriceSource | null;
  readonly listen: (link: FleetLink) => FleetLink;
}

function pricedBy({ graph, method, guidance }: BenchOptions): PricedBy {
  const plain = (price: PriceSource | null): PricedBy => ({ price, listen: (link) => link });
  const price = specOf(method).price ?? null;
  switch (price) {
    case null:
    case 'flow':
      return plain(price);
    case 'flow+crisscross':
      return plain(crisscrossPrice(graph));
    case 'flow+highways':
      return plain(onHighways(graph, flowPrice(graph)));
    case 'flow-light':
      return plain(lightFlowPrice(graph));
    case 'flow-light+highways':
      return plain(onHighways(graph, lightFlowPrice(graph)));
    case 'static':
      return plain(guidancePrice(graph, needed(guidance, method)));
    case 'observed-delay':
      return createObservedDelay(graph);
  }
}

function needed<T>(value: T | undefined, method: string): T {
  if (value === undefined) throw new AppError('E_USAGE', { detail: `${method} has no weights here` });
  return value;
}

/** Weights that a method brings with it; null where the network starts at random, or there is none. */
function startingWeights({ method, shipped }: BenchOptions): Float32Array | null {
  const { weights } = specOf(method);
  if (weights === 'shipped') return needed(shipped, method);
  return weights === 'silent' ? silentWeights() : null;
}

/** [WEIGHT_COUNT] A network that predicts nothing for any lane. */
export function silentWeights(): Float32Array {
  return new Float32Array(WEIGHT_COUNT).fill(SILENT_BIAS, WEIGHT_COUNT - HEAD_COUNT);
}

/** softplus(-30) is 1e-13 s. */
const SILENT_BIAS = -30;
