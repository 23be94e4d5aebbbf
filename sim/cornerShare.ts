/**
 * `npx tsx sim/cornerShare.ts <map> <robots> <steps> <seed>`: what drawing rows of corner cases more often is
 * worth. One floor, served and learnt from cold as ever; beside its learner others read the same rows and serve
 * nobody: one for each share, all with the same draws otherwise. Each route is predicted by each before any has
 * seen it. Which routes are corner cases the served policy says, so that no share chooses its own examination.
 */
import { readFileSync } from 'node:fs';
import type { RowBatch } from '../src/learning/row.js';
import { ROW_SIZE, ROW_WAIT } from '../src/learning/row.js';
import { createInlineLearner, type LearnerPort } from '../src/learning/learnerPort.js';
import { createMemoryJournal } from '../src/journal/memoryJournal.js';
import { createRandom, type Random } from '../src/platform/random.js';
import { selectBackend } from '../src/policy/backend.js';
import { createForwardPass, randomWeights } from '../src/policy/network.js';
import { createRoutingService } from '../src/service/routingService.js';
import { parseWarehouse } from '../src/warehouse/loadWarehouse.js';
import { createBenchJobs } from './benchJobs.js';
import { createFleet } from './fleet.js';
import { createInProcessLink } from './inProcessLink.js';
import { openFloor } from './randomFloor.js';
import { typesInTurn } from './run.js';

const SHARES = [0, 0.25, 0.5];
/** Routes before this step are everyone's first: cold weights predict nothing. */
const SKIPPED_STEPS = 50;

/** Sums over the routes of a kind: of |wait seen - wait predicted|, by route and by row. */
interface Errors {
  routes: number;
  routeSeconds: number;
  rows: number;
  rowSeconds: number;
}

/** A learner that serves nobody, and its errors on what it has not seen yet. */
interface Reader {
  readonly share: number;
  readonly port: LearnerPort;
  readonly corner: Errors;
  readonly rest: Errors;
  readonly predict: ReturnType<typeof createForwardPass>;
}

const [map = 'maps/kiva-33x36.json', robotsText = '400', stepsText = '400', seedText = '1'] =
  process.argv.slice(2);
const { graph } = parseWarehouse(readFileSync(map, 'utf8'), map);
const random = createRandom(Number(seedText));
const backend = await selectBackend({ force: process.env['AISLEFLOW_TF_BACKEND'] ?? '' });
let step = 0;
let routeCount = 0;
const readers: Reader[] = [];

const service = await createRoutingService({
  graphs: [graph],
  journal: createMemoryJournal(100),
  openRegistry: null,
  policies: 'shared',
  startLearner: async (weights) => {
    const options = { tf: backend.tf, backend: backend.name, weights };
    for (const share of SHARES) {
      const served = weights.slice();
      const port = createInlineLearner({ ...options, random: random.fork('readers'), cornerShare: share });
      port.onUpdate((update) => update.weights && served.set(update.weights));
      readers.push({ share, port, corner: none(), rest: none(), predict: createForwardPass(served) });
    }
    return readAlong(createInlineLearner({ ...options, random: random.fork('learner') }));
  },
  coldWeights: () => randomWeights(random.fork('weights')),
  clock: { kind: 'driven', startAt: 0 },
  mode: 'learn',
  newRouteId: () => `route-${routeCount++}`,
});

/** The served learner, with the readers reading all that it reads. */
function readAlong(port: LearnerPort): LearnerPort {
  return {
    ...port,
    offer(batch) {
      for (const reader of readers) {
        if (step > SKIPPED_STEPS) examine(reader, batch);
        reader.port.offer(batch);
      }
      port.offer(batch);
    },
    correct(correction) {
      for (const reader of readers) reader.port.correct(correction);
      port.correct(correction);
    },
    tick() {
      for (const reader of readers) reader.port.tick();
      port.tick();
    },
  };
}

function examine({ corner, rest, predict }: Reader, { rows, isCorner }: RowBatch): void {
  const errors = isCorner === true ? corner : rest;
  let difference = 0;
  for (let row = 0; row < rows.length; row += ROW_SIZE) {
    predict.run(rows.subarray(row, row + ROW_SIZE), 0);
    const error = rows[row + ROW_WAIT]! - predict.waitHat;
    difference += error;
    errors.rowSeconds += Math.abs(error);
    errors.rows++;
  }
  errors.routeSeconds += Math.abs(difference);
  errors.routes++;
}

await drive(random);
for (const { share, corner, rest } of readers) {
  const line = {
    map,
    robots: Number(robotsText),
    steps: step,
    seed: Number(seedText),
    backend: backend.name,
    share,
  };
  console.log(JSON.stringify({ ...line, corner: meansOf(corner), rest: meansOf(rest) }));
}
await service.close();

async function drive(source: Random): Promise<void> {
  const robotTypes = typesInTurn(graph, Number(robotsText));
  const { floor } = openFloor({ graph, robotTypes, random: source });
  const fleet = createFleet({
    ...{ graph, floor, robotTypes, startAt: 0, asking: 'one' },
    link: createInProcessLink(service, graph.warehouseId),
    jobs: createBenchJobs({ graph, robotTypes, seed: Number(seedText), picks: 0 }),
  });
  await fleet.start();
  for (step = 1; step < Number(stepsText); step++) await fleet.step();
}

function none(): Errors {
  return { routes: 0, routeSeconds: 0, rows: 0, rowSeconds: 0 };
}

function meansOf({ routes, routeSeconds, rows, rowSeconds }: Errors) {
  return { routes, routeErrorSeconds: routeSeconds / routes, rowErrorSeconds: rowSeconds / rows };
}
