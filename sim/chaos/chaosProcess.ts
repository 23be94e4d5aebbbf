import type { RoutingService, ServiceEvent } from '../../src/domain/serviceContract.js';
import { createJournal, type Journal } from '../../src/journal/journal.js';
import type { NewRecord } from '../../src/journal/records.js';
import { createInlineLearner, type LearnerPort } from '../../src/learning/learnerPort.js';
import type { LearnerUpdate } from '../../src/learning/learner.js';
import { createRandom } from '../../src/platform/random.js';
import type { Slices } from '../../src/platform/slices.js';
import { selectBackend } from '../../src/policy/backend.js';
import { POLICY_SHAPE, randomWeights, WEIGHT_COUNT } from '../../src/policy/network.js';
import { openPolicyRegistry, type PolicyRegistry } from '../../src/registry/policyRegistry.js';
import { createRoutingService } from '../../src/service/routingService.js';
import { compileWarehouse, createWarehouseModel } from '../../src/warehouse/warehouseModel.js';
import { createIdleLearner } from '../idleLearner.js';
import type { ChaosDisk } from './chaosDisk.js';
import type { Scenario } from './scenario.js';

/** One life of the service's process: the real service on a simulated disk. */
export interface ChaosProcess {
  readonly service: RoutingService;
  readonly journal: Journal;
  /** Weights that a policy served now is saved with; null where versions are not kept. */
  servedWeights(warehouseId: string): Promise<Float32Array | null>;
  /** Completions whose rows went to a learner. */
  offered(): number;
  /** Every learner of this process sends weights that are all this number. */
  poison(weight: number): void;
  /** The process is gone: nothing that it still does reaches anyone. */
  kill(): void;
}

export interface ChaosProcessOptions {
  readonly scenario: Scenario;
  readonly disk: ChaosDisk;
  readonly startAt: number;
  /** Number of this life. */
  readonly life: number;
  /** Where policy versions are kept. */
  readonly directory: string | null;
  readonly after: (milliseconds: number, action: () => void) => void;
  /** Simulated time stands still until this settles. */
  readonly wait: (work: Promise<unknown>) => void;
  readonly onEvent: (event: ServiceEvent) => void;
  /** A record is on its way to the disk. */
  readonly onAppend: (record: NewRecord) => void;
  /** The journal cannot be trusted any more: the process must stop. */
  readonly onFatal: () => void;
}

const LONGEST_PAUSE_MILLISECONDS = 200;

export async function startProcess(options: ChaosProcessOptions): Promise<ChaosProcess> {
  const { scenario, life, directory } = options;
  const learners: TappedLearner[] = [];
  const saved: Float32Array[] = [];
  let alive = true;
  let routes = 0;
  const lots = createRandom(scenario.seed).fork(`slices ${life}`);
  /** Each piece of work has a slice of its own, and things happen before it begins. */
  const slices: Slices = {
    run: (work) =>
      new Promise((resolve) => {
        options.after(LONGEST_PAUSE_MILLISECONDS * lots.next() ** 3, () => {
          // A dead process goes on with nothing.
          if (alive) resolve(work());
        });
      }),
  };
  const journal = createJournal(options.disk.open(), {
    onFatal() {
      if (alive) options.onFatal();
    },
  });
  const backend = scenario.learns ? await selectBackend({ force: 'cpu' }) : null;
  const service = await createRoutingService({
    graphs: scenario.maps.map((file) => compileWarehouse(createWarehouseModel(file))),
    journal: {
      ...journal,
      append(record) {
        if (alive) options.onAppend(record);
        return journal.append(record);
      },
    },
    openRegistry:
      directory === null
        ? null
        : async (scope) => {
            const registry = await openPolicyRegistry({
              directory: `${directory}/${scope === '*' ? 'shared' : scope}`,
              shippedDirectory: null,
              shape: POLICY_SHAPE,
            });
            return fenced(registry, { ...options, isAlive: () => alive, onSave: (next) => saved.push(next) });
          },
    policies: scenario.policies,
    async startLearner(weights) {
      const random = createRandom(scenario.seed).fork(`learner ${life} ${learners.length}`);
      const learner = backend
        ? createInlineLearner({ tf: backend.tf, backend: backend.name, random, weights })
        : createIdleLearner();
      const tapped = tap(learner);
      learners.push(tapped);
      return tapped.port;
    },
    coldWeights: () => randomWeights(createRandom(scenario.seed).fork('weights')),
    clock: { kind: 'driven', startAt: options.startAt },
    slices,
    // In half of the seeds every tour that has an order to choose is planned in turns.
    stopNodesAtOnce: createRandom(scenario.seed).fork('turns').next() < 0.5 ? 0 : Infinity,
    mode: scenario.mode,
    newRouteId: () => `route-${life}-${routes++}`,
  });
  service.subscribe((event) => {
    if (alive) options.onEvent(event);
  });
  return {
    service,
    journal,
    async servedWeights(warehouseId) {
      if (directory === null) return null;
      saved.length = 0;
      await service.savePolicy(warehouseId);
      return saved.at(-1) ?? null;
    },
    offered: () => learners.reduce((sum, learner) => sum + learner.offered(), 0),
    poison: (weight) => learners.forEach((learner) => learner.poison(weight)),
    kill() {
      alive = false;
      // It stops the timers at once; what it would save and store on the way reaches nothing.
      service.close().catch(() => undefined);
      for (const learner of learners) void learner.port.close();
    },
  };
}

interface TappedLearner {
  readonly port: LearnerPort;
  offered(): number;
  poison(weight: number): void;
}

/** Counts what a learner is sent, and may speak in its name. */
function tap(learner: LearnerPort): TappedLearner {
  const completions = new Set<number>();
  let listener: (update: LearnerUpdate) => void = () => undefined;
  let closed: Promise<void> | null = null;
  return {
    port: {
      ...learner,
      offer(batch) {
        completions.add(batch.completion);
        learner.offer(batch);
      },
      onUpdate(next) {
        listener = next;
        learner.onUpdate(next);
      },
      close: () => (closed ??= learner.close()),
    },
    offered: () => completions.size,
    poison(weight) {
      const weights = new Float32Array(WEIGHT_COUNT).fill(weight);
      listener({ weights, rejectedBy: null, completions: [], loss: 0, batches: 1 });
    },
  };
}

/** The registry writes real files: time stands still meanwhile, and a dead process writes nothing more. */
function fenced(
  registry: PolicyRegistry,
  options: Pick<ChaosProcessOptions, 'wait'> & {
    readonly isAlive: () => boolean;
    readonly onSave: (weights: Float32Array) => void;
  },
): PolicyRegistry {
  const run = <T>(work: () => Promise<T>): Promise<T> => {
    if (!options.isAlive()) return new Promise<T>(() => undefined);
    const done = work();
    options.wait(done);
    return done;
  };
  const onDisk: OnDisk<PolicyRegistry> = {
    save(policy) {
      options.onSave(policy.weights.slice());
      return run(() => registry.save(policy));
    },
    discard: (version, reason) => run(() => registry.discard(version, reason)),
    load: (version) => run(() => registry.load(version)),
    activate: (version) => run(() => registry.activate(version)),
    condemn: (version, reason) => run(() => registry.condemn(version, reason)),
    trust: (version) => run(() => registry.trust(version)),
    takeBack: (versions, reason, active) => run(() => registry.takeBack(versions, reason, active)),
    settle: () => run(() => registry.settle()),
  };
  return { ...registry, ...onDisk };
}

/** What takes real time: left out of the fence, it would go on beside the simulated one, and outlive its process. */
type OnDisk<T> = {
  [K in keyof T as T[K] extends (...given: never[]) => Promise<unknown> ? K : never]: T[K];
};
