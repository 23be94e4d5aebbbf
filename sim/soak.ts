/** The soak: a fleet on a learning server through the real socket, watched for leaks and lateness. */
import { Command } from 'commander';
import { isAppError } from '../src/domain/errors.js';
import { monotonicMilliseconds } from '../src/platform/clock.js';
import { exitAsMisuse } from '../src/platform/exitAsMisuse.js';
import { abortAfter } from './abortAfter.js';
import { countArgument, mapOption, positiveArgument, wholeArgument, type MapFile } from './arguments.js';
import { NO_DISTURBANCES } from './disturbances.js';
import { withHandling } from './handling.js';
import { createBenchJobs } from './benchJobs.js';
import { measureLink } from './measuredLink.js';
import { runFleet, typesInTurn } from './run.js';
import { readGauge, readServerLatencies } from './serverMetrics.js';
import { startServerProcess } from './serverProcess.js';
import { openSocketLink, type SocketLink } from './socketLink.js';

interface SoakOptions {
  readonly map: MapFile;
  readonly robots: number;
  readonly minutes: number;
  readonly speedUp: number;
  readonly picks: number;
  readonly seed: number;
}

/** One a minute. Memory in MiB. */
interface Sample {
  readonly minute: number;
  readonly serverMemory: number;
  readonly serverHeap: number;
  readonly fleetMemory: number;
  readonly updatesApplied: number;
}

const SOCKETS = 4;
const MINUTE = 60_000;
const HANDLING = { least: 5, most: 10 } as const;

const program = new Command('soak')
  .exitOverride(exitAsMisuse)
  .description('drive a fleet for a while; one JSON line a minute, and a summary as the last')
  .addOption(mapOption('maps/narrow-33x57.json'))
  .option('--robots <n>', 'how many', countArgument, 400)
  .option('--minutes <n>', 'how long', positiveArgument, 30)
  .option('--speed-up <n>', 'floor seconds a second', positiveArgument, 1)
  .option('--picks <n>', 'of each tour; 0: single goals', wholeArgument, 3)
  .option('--seed <n>', 'starts and orders', wholeArgument, 1)
  .addHelpText(
    'after',
    '\nExit code: 0 done, 1 a failure, an invalid route or a lost completion, 2 wrong use.' +
      '\n\nExample:\n  npm run soak -- --minutes 30 --speed-up 4 > soak.jsonl',
  );
await program.parseAsync();

try {
  const summary = await soak(program.opts<SoakOptions>());
  console.log(JSON.stringify(summary));
  if (summary.invalidRoutes > 0 || summary.lostCompletions > 0) process.exitCode = 1;
} catch (error) {
  if (!isAppError(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}

async function soak(options: SoakOptions) {
  const { seed, robots, minutes, speedUp } = options;
  const { graph } = options.map;
  const { warehouseId } = graph;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  const map = ['--map', options.map.file];
  const server = await startServerProcess([...map, '--mode', 'learn', '--cold', '--driven-clock']);
  const samples: Sample[] = [];
  try {
    const socket = await openSocketLink({ target: server.target, warehouseId, sockets: SOCKETS });
    const startedAt = monotonicMilliseconds();
    const timeUp = abortAfter(minutes * MINUTE, stop.signal);
    const watch = setInterval(() => {
      const minute = Math.round((monotonicMilliseconds() - startedAt) / MINUTE);
      takeSample(socket, minute).then(
        (sample) => {
          samples.push(sample);
          console.log(JSON.stringify(sample));
        },
        (error: unknown) => console.error(`minute ${minute}: ${String(error)}`),
      );
    }, MINUTE);
    const robotTypes = typesInTurn(graph, robots);
    const jobs = createBenchJobs({ graph, robotTypes, seed, picks: options.picks });
    const result = await runFleet({
      ...{ graph, robotTypes, seed, speedUp, startAt: socket.serverTime, asking: 'background' },
      link: measureLink(socket, graph),
      jobs: withHandling(jobs, HANDLING, seed),
      steps: Number.MAX_SAFE_INTEGER,
      disturbances: NO_DISTURBANCES,
      signal: timeUp.signal,
    }).finally(() => {
      clearInterval(watch);
      timeUp.release();
    });
    const last = await takeSample(socket, (monotonicMilliseconds() - startedAt) / MINUTE);
    const latencies = readServerLatencies(await socket.api.metrics(), warehouseId);
    await socket.close();
    const { link, tours, throughput, learntShare, notLearnt, refusals } = result;
    return {
      ...{ warehouseId, robots, seed, backend: server.backend, minutes: last.minute },
      ...{
        speedUp: result.speedUp,
        steps: result.steps,
        tours,
        throughput,
        learntShare,
        notLearnt,
        refusals,
      },
      serverMemory: { first: samples[0]?.serverMemory ?? null, last: last.serverMemory },
      updatesApplied: last.updatesApplied,
      ...{
        outcomeToServed: latencies.outcomeToServed,
        planInService: latencies.plan,
        planAtRobot: link.plan,
      },
      ...{ routes: link.routes, invalidRoutes: link.invalidRoutes, lostCompletions: link.lostCompletions },
      strayErrors: socket.strayErrors(),
    };
  } finally {
    await server.stop();
  }
}

async function takeSample(socket: SocketLink, minute: number): Promise<Sample> {
  const metrics = await socket.api.metrics();
  const { updatesApplied } = await socket.api.summary();
  const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
  return {
    minute: Math.round(100 * minute) / 100,
    serverMemory: mebibytes(readGauge(metrics, 'aisleflow_process_resident_memory_bytes') ?? NaN),
    serverHeap: mebibytes(readGauge(metrics, 'aisleflow_nodejs_heap_size_used_bytes') ?? NaN),
    fleetMemory: mebibytes(process.memoryUsage().rss),
    updatesApplied,
  };
}
