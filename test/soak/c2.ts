/** C2: how long closing a lane takes on a busy floor, until all whom it concerns were told. */
import { createHistogram } from 'node:perf_hooks';
import { readFileSync } from 'node:fs';
import { createBenchJobs } from '../../sim/benchJobs.js';
import { randomStarts } from '../../sim/orders/reach.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { createRandom } from '../../src/platform/random.js';
import { createSlices } from '../../src/platform/slices.js';
import { randomWeights } from '../../src/policy/network.js';
import { createRoutingService } from '../../src/service/routingService.js';
import { parseWarehouse } from '../../src/warehouse/loadWarehouse.js';
import { runSoak } from './support/soak.js';

const MAP = 'maps/narrow-33x57.json';
const ROBOTS = 500;
const TARGET_MILLISECONDS = 250;
const LANES_AT_ONCE = 2;

await runSoak({
  name: 'soak-c2',
  description: `close the busiest lanes under ${ROBOTS} open routes, with the journal on this disk; milliseconds`,
  unit: 'closings',
  count: 300,
  async run({ count, seed, directory, progress }) {
    const random = createRandom(seed);
    const { graph } = parseWarehouse(readFileSync(MAP, 'utf8'), MAP);
    const { warehouseId } = graph;
    const onFatal = (error: unknown): never => {
      throw error;
    };
    const service = await createRoutingService({
      graphs: [graph],
      journal: await openJournal({ directory, onFatal }),
      openRegistry: null,
      policies: 'shared',
      startLearner: async () => null,
      coldWeights: () => randomWeights(random.fork('weights')),
      clock: { kind: 'driven', startAt: 0 },
      // As a server has them.
      slices: createSlices(),
      mode: 'observe',
      forcedSource: 'flow',
    });
    const robotTypes = new Array<number>(ROBOTS).fill(0);
    const starts = randomStarts(graph, robotTypes, random.fork('starts'));
    const jobs = createBenchJobs({ graph, robotTypes, seed, picks: 3 });
    const robots = starts.map((start, robot) => ({
      ...{ robotId: `robot-${robot}`, robotType: graph.robotTypes[0]!.name },
      node: graph.nodeIds[start] as string,
    }));
    service.hello({ type: 'hello', warehouseId, robots });
    await Promise.all(
      robots.map(({ robotId, node: from }, robot) => {
        const { stops, dropoff } = jobs.next(robot, 0)!;
        const request = { requestId: 'q', robotId, from, stops: [...stops] };
        return service.requestRoute(warehouseId, dropoff === null ? request : { ...request, dropoff });
      }),
    );
    const cpuMicroseconds = createHistogram();
    const microseconds = createHistogram();
    let told = 0;
    service.subscribe(({ kind }) => {
      if (kind === 'route.updated' || kind === 'route.held') told++;
    });
    for (let closing = 0; closing < count; closing++) {
      const busiest = [...service.lanes(warehouseId)].sort((a, b) => b.plannedFlow - a.plannedFlow);
      const lanes = random.shuffle(busiest.slice(0, 20)).slice(0, LANES_AT_ONCE);
      const before = told;
      const startedAt = performance.now();
      const usedBefore = process.cpuUsage();
      await service.closeLanes(warehouseId, lanes);
      microseconds.record(Math.max(1, Math.round(1000 * (performance.now() - startedAt))));
      const { user, system } = process.cpuUsage(usedBefore);
      cpuMicroseconds.record(Math.max(1, user + system));
      if (told === before) throw new Error('nobody was told of a busy lane');
      const afterwards = told;
      await service.openLanes(warehouseId, lanes);
      told = afterwards;
      progress(closing + 1);
    }
    await service.close();
    const milliseconds = (percentile: number): number => microseconds.percentile(percentile) / 1000;
    const measured = {
      ...{ p50: milliseconds(50), p99: milliseconds(99), worst: microseconds.max / 1000 },
      cpuP99: cpuMicroseconds.percentile(99) / 1000,
    };
    return { robots: ROBOTS, told, ...measured, passed: measured.p99 <= TARGET_MILLISECONDS };
  },
});
