/**
 * `npm run train:base`: the policy that ships in policies/. One network learns on several generated sites at once,
 * none of them a site of the benchmark, at densities from light to crowded, as it would on floors in service; what
 * ships is the mean of its weights over the last half of the run (Izmailov et al., UAI 2018).
 */
import { mkdirSync } from 'node:fs';
import { SingleBar, Presets } from 'cli-progress';
import { Command } from 'commander';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { createInlineLearner, type LearnerPort } from '../../src/learning/learnerPort.js';
import { exitAsMisuse } from '../../src/platform/exitAsMisuse.js';
import { createRandom, type Random } from '../../src/platform/random.js';
import { selectBackend } from '../../src/policy/backend.js';
import { POLICY_SHAPE, randomWeights } from '../../src/policy/network.js';
import { bytesOfWeights, checksumOf } from '../../src/registry/policyFormat.js';
import { versionNames, writePolicy } from '../../src/registry/policyFiles.js';
import { createRoutingService } from '../../src/service/routingService.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { generateWarehouse } from '../../src/warehouse/layouts.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { countArgument, wholeArgument } from '../arguments.js';
import { createBenchJobs } from '../benchJobs.js';
import { createFleet, type Fleet } from '../fleet.js';
import { createInProcessLink } from '../inProcessLink.js';
import { openFloor } from '../randomFloor.js';

interface TrainingSite {
  readonly layout: string;
  readonly set: Readonly<Record<string, string>>;
  /** Robots for each node. */
  readonly density: number;
}

const SITES: readonly TrainingSite[] = [
  {
    layout: 'kiva-33x36',
    set: { shelfRows: '6', shelfColumns: '4', shelfLength: '6', aisleWidth: '2' },
    density: 0.4,
  },
  {
    layout: 'kiva-33x36',
    set: { shelfRows: '5', shelfColumns: '4', shelfLength: '7' },
    density: 0.42,
  },
  { layout: 'kiva-33x36', set: { shelfRows: '7', shelfColumns: '2', shelfLength: '9' }, density: 0.2 },
  { layout: 'narrow-33x57', set: { shelfRows: '6', shelfColumns: '7', shelfLength: '4' }, density: 0.42 },
  { layout: 'narrow-33x57', set: { shelfRows: '5', shelfColumns: '9', shelfLength: '2' }, density: 0.25 },
  { layout: 'sortation-33x57', set: { shelfRows: '9', shelfColumns: '14' }, density: 0.45 },
  {
    layout: 'sortation-33x57',
    set: { shelfRows: '7', shelfColumns: '16', crossAisleWidth: '2' },
    density: 0.3,
  },
];

interface Options {
  readonly steps: number;
  readonly seed: number;
  readonly to: string;
  readonly name?: string;
}

const program = new Command('train:base')
  .exitOverride(exitAsMisuse)
  .description('train the shipped policy on generated sites, and write it as a policy version')
  .option('--steps <n>', 'floor steps of each site', countArgument, 900)
  .option('--seed <n>', 'same seed, same floors', wholeArgument, 1)
  .option('--to <directory>', 'where policy versions are', 'policies')
  .option('--name <version>', 'its name (default: shipped-N, with the next N)')
  .addHelpText('after', '\nExample: npm run train:base -- --steps 300 --to /tmp/policies');

async function main(values: Options): Promise<void> {
  const known = await versionNames(values.to);
  const name = values.name ?? nextName(known);
  if (known.includes(name)) {
    program.error(`${values.to} holds ${name} already; give another --name`);
  }
  const { steps, seed } = values;
  const random = createRandom(seed);
  const backend = await selectBackend({ force: '' });
  const mean = createWeightMean();
  const graphs = SITES.map(({ layout, set }, at) =>
    compileFile(generateWarehouse(layout, { set, id: `training-${at}` })),
  );
  let half = false;
  const service = await createRoutingService({
    graphs,
    journal: createMemoryJournal(100),
    openRegistry: null,
    policies: 'shared',
    startLearner: (weights) =>
      Promise.resolve(
        listened(
          createInlineLearner({
            tf: backend.tf,
            backend: backend.name,
            random: random.fork('learner'),
            weights,
          }),
          (served) => half && mean.add(served),
        ),
      ),
    coldWeights: () => randomWeights(random.fork('weights')),
    clock: { kind: 'driven', startAt: 0 },
    mode: 'learn',
    observer: {},
    newRouteId: createCounter(),
  });
  const fleets = graphs.map((graph, at) =>
    openFleet(service, graph, SITES[at]!.density, random.fork(`site ${at}`)),
  );
  for (const fleet of fleets) await fleet.start();
  const bar = new SingleBar(
    { format: '{bar} {value}/{total} steps, {eta_formatted} left' },
    Presets.shades_classic,
  );
  bar.start(steps, 0);
  for (let step = 1; step <= steps; step++) {
    half = step > steps / 2;
    for (const fleet of fleets) await fleet.step();
    bar.update(step);
  }
  bar.stop();
  await service.close();
  const weights = mean.weights();
  mkdirSync(values.to, { recursive: true });
  await writePolicy(values.to, {
    manifest: {
      ...{ policyVersion: name, parent: null, savedAt: Date.now(), reason: 'shipped' },
      ...{ updates: mean.count(), trainedOn: null },
      metrics: { steps, sites: SITES.length, seed },
      checksum: checksumOf(bytesOfWeights(weights)),
      layerSizes: [...POLICY_SHAPE.layerSizes],
      activations: [...POLICY_SHAPE.activations],
      features: [...POLICY_SHAPE.features],
    },
    weights,
  });
  fleets.forEach((fleet, at) =>
    process.stdout.write(
      `${graphs[at]!.warehouseId}: ${(fleet.goalsReached() / steps).toFixed(2)} goals a step\n`,
    ),
  );
}

function openFleet(service: RoutingService, graph: LaneGraph, density: number, random: Random): Fleet {
  const robotTypes = new Array<number>(Math.round(density * graph.nodeCount)).fill(0);
  return createFleet({
    graph,
    floor: openFloor({ graph, robotTypes, random }).floor,
    link: createInProcessLink(service, graph.warehouseId),
    jobs: createBenchJobs({ graph, robotTypes, seed: random.integer(2 ** 31), picks: 0 }),
    robotTypes,
    startAt: 0,
    asking: 'one',
    onFinished: () => undefined,
  });
}

/** After shipped-1, shipped-2. */
function nextName(known: readonly string[]): string {
  const numbers = known.map((name) => Number(/^shipped-(\d+)$/.exec(name)?.[1] ?? 0));
  return `shipped-${1 + Math.max(0, ...numbers)}`;
}

function createCounter(): () => string {
  let routes = 0;
  return () => `route-${routes++}`;
}

/** Shows every update's weights to `served` before the service takes them over. */
function listened(port: LearnerPort, served: (weights: Float32Array) => void): LearnerPort {
  return {
    ...port,
    onUpdate: (listener) =>
      port.onUpdate((update) => {
        if (update.weights) served(update.weights);
        listener(update);
      }),
  };
}

/** [WEIGHT_COUNT] the mean of all weights added. */
function createWeightMean() {
  let sum = new Float64Array(0);
  let added = 0;
  return {
    add(weights: Float32Array): void {
      if (sum.length === 0) sum = new Float64Array(weights.length);
      for (let i = 0; i < weights.length; i++) sum[i]! += weights[i]!;
      added++;
    },
    count: () => added,
    weights: () => Float32Array.from(sum, (value) => value / added),
  };
}

await program.parseAsync();
await main(program.opts<Options>());
