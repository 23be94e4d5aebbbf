import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ErrorCode } from '../domain/errors.js';
import type {
  ImprovementSpan,
  ImprovementView,
  RoutingService,
  ServiceObserver,
  ShadowReport,
  WarehouseSummary,
} from '../domain/serviceContract.js';

/** How much waits in each queue of the process, by the queue's name. */
export type QueueDepths = () => Readonly<Record<string, number>>;

type ServiceView = Pick<RoutingService, 'warehouses' | 'guard' | 'shadow'>;

/** The process's numbers: fed by the service as its observer, read at /metrics. */
export interface Metrics {
  readonly observer: ServiceObserver;
  /** Says where gauges are read from when somebody scrapes. */
  observe(service: ServiceView): void;
  addQueues(depths: QueueDepths): void;
  /** Counts what was answered with an error, or a connection that was closed with one; not what is no HTTP that can be read. */
  refused(code: ErrorCode, what: 'message' | 'request' | 'connection'): void;
  /** The Prometheus text format, without the lines of warehouses that the reader does not reach. */
  text(reaches: (warehouseId: string) => boolean): Promise<string>;
  readonly contentType: string;
}

const PLAN_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1];
const REGRET_SECONDS = [0, 5, 10, 20, 40, 80, 160, 320, 640];
const OUTCOME_SECONDS = [0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10];

/** What a warehouse's summary says about itself, as gauges: name, help, value. */
const WAREHOUSE_GAUGES: readonly [string, string, (summary: WarehouseSummary) => number][] = [
  ['policy_saved_version', 'Number of the saved policy version that is served; 0 without one', savedVersion],
  ['policy_staleness_seconds', 'Seconds since an update was last served; NaN before the first', staleness],
  [
    'score_ratio',
    'Exponential mean of weighted cost over free-flow cost; NaN before the first',
    ({ scoreRatio }) => scoreRatio ?? Number.NaN,
  ],
  [
    'improvement_baseline_ratio',
    'Score ratio that improvement is measured from; NaN before it is known',
    ({ improvement }) => improvement.baseline?.ratio ?? Number.NaN,
  ],
  ...improvementGauges('10_percent', ({ tenPercentAfter }) => tenPercentAfter),
  ...improvementGauges('25_percent', ({ quarterAfter }) => quarterAfter),
  ['slowdown', 'Travelled seconds over free-flow seconds', ({ slowdown }) => slowdown],
  ['pressure', 'Factor on the learned part of the price', ({ pressure }) => pressure],
  ['open_routes', 'Routes issued and not closed', ({ openRoutes }) => openRoutes],
  ['held_routes', 'Open routes whose robots were told to wait', ({ heldRoutes }) => heldRoutes],
  ['robots', 'Robots that have said hello', ({ robots }) => robots],
  ['closed_lanes', 'Lanes closed', ({ closedLanes }) => closedLanes],
];

/** Time to improvement; NaN until it is reached. */
function improvementGauges(
  share: string,
  spanOf: (improvement: ImprovementView) => ImprovementSpan | null,
): [string, string, (summary: WarehouseSummary) => number][] {
  const words = share.replace('_percent', ' %');
  return [
    [
      `improved_${share}_seconds`,
      `Seconds of the clock from the first route to a ${words} better score ratio`,
      ({ improvement }) => spanOf(improvement)?.seconds ?? Number.NaN,
    ],
    [
      `improved_${share}_routes`,
      `Completed routes from the first to a ${words} better score ratio`,
      ({ improvement }) => spanOf(improvement)?.routes ?? Number.NaN,
    ],
  ];
}
/** What a candidate would have done, in mode shadow only. */
const SHADOW_GAUGES: readonly [string, string, (report: ShadowReport) => number][] = [
  ['shadow_plans', 'Plans priced with the candidate too since the mode began', ({ plans }) => plans],
  ['shadow_plans_different', 'Of them, those that would have gone another way', ({ different }) => different],
  [
    'shadow_expected_saving',
    'Weighted seconds a plan that it expects to save',
    ({ expectedSaving }) => expectedSaving,
  ],
  [
    'shadow_wait_error_seconds',
    'Root of the mean squared error of the waits that it expects',
    ({ waitError }) => waitError,
  ],
  ['shadow_free_flow_error_seconds', 'The same of expecting no waits', ({ freeFlowError }) => freeFlowError],
];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const depths: QueueDepths[] = [];
  let service: ServiceView | undefined;
  // Read once for all gauges of a scrape: each summary counts routes and lanes.
  let summaries: readonly WarehouseSummary[] = [];
  // Event loop delay, memory, processor time and garbage collection come with these.
  collectDefaultMetrics({ register: registry, prefix: 'aisleflow_' });

  new Gauge({
    name: 'aisleflow_queue_depth',
    help: 'Waiting entries of each queue',
    labelNames: ['queue'],
    registers,
    collect() {
      for (const [queue, depth] of depths.flatMap((read) => Object.entries(read())))
        this.set({ queue }, depth);
    },
  });
  const addGauge = (
    name: string,
    help: string,
    value: (summary: WarehouseSummary) => number | null,
  ): void => {
    new Gauge({
      name: `aisleflow_${name}`,
      help,
      labelNames: ['warehouse'],
      registers,
      collect() {
        this.reset();
        for (const summary of summaries) {
          const read = value(summary);
          if (read !== null) this.set({ warehouse: summary.warehouseId }, read);
        }
      },
    });
  };
  const refusals = new Counter({
    name: 'aisleflow_refusals_total',
    help: 'Messages and requests answered with an error, and connections closed with one',
    labelNames: ['code', 'what'],
    registers,
  });
  for (const [name, help, value] of WAREHOUSE_GAUGES) addGauge(name, help, value);
  addGauge('policy_pinned', '1 while the guard holds the last good version', ({ warehouseId }) =>
    service?.guard(warehouseId).pinned === true ? 1 : 0,
  );
  for (const [name, help, value] of SHADOW_GAUGES) {
    addGauge(name, help, ({ warehouseId, mode }) =>
      service && mode === 'shadow' ? value(service.shadow(warehouseId)) : null,
    );
  }
  return {
    observer: createObserver(registers),
    observe: (source) => void (service = source),
    addQueues: (read) => void depths.push(read),
    refused: (code, what) => refusals.inc({ code, what }),
    async text(reaches) {
      summaries = service?.warehouses() ?? [];
      return linesWithin(await registry.metrics(), reaches);
    },
    contentType: registry.contentType,
  };
}

function createObserver(registers: Registry[]): ServiceObserver {
  const planSeconds = new Histogram({
    name: 'aisleflow_plan_seconds',
    help: 'Wall time of planning one tour',
    labelNames: ['warehouse'],
    buckets: PLAN_SECONDS,
    registers,
  });
  const outcomeSeconds = new Histogram({
    name: 'aisleflow_outcome_to_served_seconds',
    help: 'From route.completed received to the first route assigned under weights that learnt from it',
    labelNames: ['warehouse'],
    buckets: OUTCOME_SECONDS,
    registers,
  });
  const regret = new Histogram({
    name: 'aisleflow_regret_seconds',
    help: 'Seconds of a route beyond the cheapest tour under what lanes then really cost; a sample of the routes',
    labelNames: ['warehouse'],
    buckets: REGRET_SECONDS,
    registers,
  });
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `aisleflow_${name}`, help, labelNames: ['warehouse', ...labelNames], registers });
  const plans = counter('plans_total', 'Plans made, by the tour that was served', ['served']);
  const scored = counter('routes_scored_total', 'Completed routes, by whether they were learnt from', [
    'learnt',
  ]);
  const updates = counter('policy_updates_total', 'Policy updates served', []);
  const rejected = counter('policy_updates_rejected_total', 'Policy updates that a gate refused', ['gate']);
  const rollbacks = counter('policy_rollbacks_total', 'Policies taken back, by the guard or an operator', [
    'cause',
  ]);
  const restarts = counter(
    'learner_restarts_total',
    'Times that a learner which failed was started again',
    [],
  );
  return {
    planned(warehouse, planMilliseconds, served) {
      planSeconds.observe({ warehouse }, planMilliseconds / 1000);
      plans.inc({ warehouse, served });
    },
    outcomeServed: (warehouse, milliseconds) => outcomeSeconds.observe({ warehouse }, milliseconds / 1000),
    scored(warehouse, { learnt, regretSeconds }) {
      scored.inc({ warehouse, learnt: String(learnt) });
      if (regretSeconds !== null) regret.observe({ warehouse }, regretSeconds);
    },
    updateApplied: (warehouse) => updates.inc({ warehouse }),
    updateRejected: (warehouse, gate) => rejected.inc({ warehouse, gate }),
    rolledBack: (warehouse, cause) => rollbacks.inc({ warehouse, cause }),
    learnerRestarted: (warehouse) => restarts.inc({ warehouse }),
  };
}

function linesWithin(text: string, reaches: (warehouseId: string) => boolean): string {
  const isWithin = (line: string): boolean => {
    const warehouseId = /[{,]warehouse="([^"]*)"/.exec(line)?.[1];
    return warehouseId === undefined || reaches(warehouseId);
  };
  return text.split('\n').filter(isWithin).join('\n');
}

/** 3 of `v3+128`; 0 of `free-flow`. */
function savedVersion({ policyVersion }: WarehouseSummary): number {
  return Number(/^v(\d+)/.exec(policyVersion)?.[1] ?? 0);
}

function staleness({ stalenessMilliseconds }: WarehouseSummary): number {
  return stalenessMilliseconds === null ? Number.NaN : stalenessMilliseconds / 1000;
}
