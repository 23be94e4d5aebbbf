import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import cliProgress from 'cli-progress';
import { AppError, isAppError } from '../src/domain/errors.js';
import { LIMITS } from '../src/domain/limits.js';
import type { WarehouseSummary } from '../src/domain/serviceContract.js';
import { MODES, type Mode } from '../src/domain/messages.js';
import { EXIT } from '../src/platform/exitAsMisuse.js';
import { exitCodeOf, failureLine } from '../src/platform/failureLine.js';
import { MAP_HELP } from '../src/platform/mapHelp.js';
import { createRandom } from '../src/platform/random.js';
import { BACKEND_NAMES } from '../src/policy/backend.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import {
  countArgument,
  handlingArgument,
  positiveArgument,
  shareArgument,
  wholeArgument,
} from './arguments.js';
import { createBenchJobs } from './benchJobs.js';
import { withHandling, type HandlingTimes } from './handling.js';
import { createInProcessLink } from './inProcessLink.js';
import { createInProcessService } from './inProcessService.js';
import type { JobSource } from './job.js';
import { createLatencies } from './latencies.js';
import { measureLink } from './measuredLink.js';
import { DEFAULT_STREAM, generateOrders } from './orders/orderGenerator.js';
import { readOrders } from './orders/orderFile.js';
import { createOrderJobs } from './orders/orderJobs.js';
import { runFleet, typesInTurn, type RunOptions, type RunView } from './run.js';
import { createReport, reportAsText, type RunReport } from './runReport.js';
import { readServerLatencies } from './serverMetrics.js';
import type { SimulationShell } from './simulationShell.js';
import { openSocketLink, type SocketLink } from './socketLink.js';

interface RunArguments {
  readonly map: string;
  readonly dialect?: string;
  readonly robots: number;
  readonly orders?: string;
  readonly ordersPerHour?: number;
  readonly singleGoals?: true;
  readonly handling?: HandlingTimes;
  readonly seed: number;
  readonly steps: number;
  readonly inProcess?: true;
  readonly mode: Mode;
  readonly price: 'policy' | 'flow';
  readonly backend: string;
  readonly url?: string;
  readonly robotToken?: string;
  readonly operatorToken?: string;
  readonly sockets: number;
  readonly speedUp: number;
  readonly lockstep?: true;
  readonly slowShare: number;
  readonly brokenShare: number;
  readonly delayShare: number;
  readonly json?: true;
}

/** How long a run waits for its end at a server that does not answer. */
const LEAVING_MILLISECONDS = 5_000;

const HELP = `
Over the socket the server's warehouse must have this map and a driven clock (aisleflow serve --driven-clock).
A run cancels at its end what it has open; robots that it introduced stay known there.
The tokens of a robot and of an operator may stand in AISLEFLOW_ROBOT_TOKEN and AISLEFLOW_TOKEN. In process, and
with --lockstep where the server learns within its clock (serve --learner inline), the same seed gives the same
run hash.

Exit code: 0 done, 2 wrong use, 130 interrupted (the report is of the steps before), 1 any other failure, an invalid
route or a lost completion.

Examples:
  aisleflow sim run --map kiva-33x36 --robots 200 --single-goals --steps 500 --in-process
  aisleflow sim run --map multi-block --robots 100 --orders-per-hour 900 --seed 7 --steps 3600 \\
    --in-process --slow-share 0.05 --broken-share 0.01 --json
  aisleflow sim orders --map narrow-33x57 --hours 2 --seed 7 --out orders.jsonl
  aisleflow sim run --map narrow-33x57 --robots 400 --orders orders.jsonl --steps 2000 \\
    --url http://127.0.0.1:8080 --speed-up 20`;

/** Adds `sim run`: a simulated fleet, in process or against a running server. */
export function addRunCommand(sim: Command, shell: SimulationShell): void {
  sim
    .command('run')
    .description('drive a simulated fleet, in process or over the socket of a running server')
    .requiredOption('--map <map>', MAP_HELP)
    .option('--dialect <name>', 'the map is a grid, drawn in this dialect')
    .requiredOption('--robots <n>', 'how many; they take the types of the map in turn', countArgument)
    .option('--orders <file>', 'orders to serve, as `sim orders` writes them')
    .option('--orders-per-hour <n>', 'a seeded stream of orders instead', positiveArgument)
    .option('--single-goals', 'no orders: pick faces and stations in turn, without end')
    .option(
      '--handling <seconds>',
      'at each stop: 5, or 5-10 by lot (default: as the map says)',
      handlingArgument,
    )
    .option('--seed <n>', 'starts, orders, ties and disturbances', wholeArgument, 1)
    .requiredOption('--steps <n>', 'steps of the floor', countArgument)
    .option('--in-process', 'with a service of its own, cold, in this process')
    .addOption(new Option('--mode <mode>', 'in process: what it serves').choices(MODES).default('learn'))
    .addOption(
      new Option('--price <source>', 'in process: as the mode says, or by planned flow')
        .choices(['policy', 'flow'])
        .default('policy'),
    )
    .addOption(
      new Option('--backend <name>', 'in process: TF.js backend to insist on')
        .choices(BACKEND_NAMES)
        .default(''),
    )
    .option('--url <url>', 'server to drive, e.g. http://127.0.0.1:8080')
    .addOption(new Option('--robot-token <token>', 'speaks for the robots').env('AISLEFLOW_ROBOT_TOKEN'))
    .addOption(new Option('--operator-token <token>', 'drives the clock').env('AISLEFLOW_TOKEN'))
    .option('--sockets <n>', 'WebSockets that the robots share', countArgument, 4)
    .option('--speed-up <n>', 'floor seconds a second', positiveArgument, 1)
    .option('--lockstep', 'each step waits for all its answers; nothing depends on timing')
    .option('--slow-share <share>', 'robots that take 1.5 to 3 times as long', shareArgument, 0)
    .option('--broken-share <share>', 'robots out of order at any time, two minutes each', shareArgument, 0)
    .option('--delay-share <share>', 'time lost to delays of some seconds', shareArgument, 0)
    .option('--json', 'print one JSON line')
    .addHelpText('after', HELP)
    .action((options: RunArguments) => runAndReport(sim, shell, options));
}

async function runAndReport(sim: Command, shell: SimulationShell, options: RunArguments): Promise<void> {
  const output = sim.configureOutput();
  try {
    const report = await run(shell, options, (text) => {
      if (text !== null) output.writeErr?.(`warning: ${text}\n`);
    });
    output.writeOut?.(`${options.json ? JSON.stringify(report) : reportAsText(report)}\n`);
    if (report.link.invalidRoutes > 0 || report.link.lostCompletions > 0) process.exitCode = EXIT.failed;
    else if (report.steps < options.steps) process.exitCode = EXIT.interrupted;
  } catch (error) {
    if (!isAppError(error)) throw error;
    output.writeErr?.(`${failureLine(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

/** @throws AppError where the options contradict each other, the map, the orders or the server */
async function run(
  shell: SimulationShell,
  options: RunArguments,
  warn: (text: string | null) => void,
): Promise<RunReport> {
  checkArguments(options);
  const { graph } = shell.loadMap(options.map, options.dialect);
  const robotTypes = typesInTurn(graph, options.robots);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  const progress = createProgress(options.steps);
  const common = {
    ...{ graph, seed: options.seed, steps: options.steps, signal: stop.signal, onStep: progress.step },
    robotTypes,
    disturbances: options,
  };
  try {
    return await (options.inProcess ? runInProcess(common, options) : runOverSocket(common, options, warn));
  } finally {
    progress.stop();
    process.removeListener('SIGINT', interrupt);
  }
}

type Common = Pick<
  RunOptions,
  'graph' | 'seed' | 'steps' | 'signal' | 'onStep' | 'robotTypes' | 'disturbances'
>;

async function runInProcess(common: Common, options: RunArguments): Promise<RunReport> {
  const { graph, seed } = common;
  const plan = createLatencies();
  const outcome = createLatencies();
  const service = await createInProcessService({
    ...{ graph, mode: options.mode, backend: options.backend, random: createRandom(seed) },
    price: options.price === 'flow' ? 'flow' : null,
    observer: {
      planned: (_warehouseId, milliseconds) => plan.record(milliseconds),
      outcomeServed: (_warehouseId, milliseconds) => outcome.record(milliseconds),
    },
  });
  try {
    const link = measureLink(createInProcessLink(service, graph.warehouseId), graph);
    const jobs = await jobsOf(common, options, 0);
    const result = await runFleet({ ...common, link, jobs, startAt: 0, asking: 'one', speedUp: Infinity });
    const latencies = { plan: plan.summary(), outcomeToServed: outcome.summary() };
    const head = { robots: options.robots, seed, driver: 'in process' as const, result };
    return createReport(head, service.warehouse(graph.warehouseId), latencies);
  } finally {
    await service.close();
  }
}

async function runOverSocket(
  common: Common,
  options: RunArguments,
  warn: (text: string | null) => void,
): Promise<RunReport> {
  const { graph, seed } = common;
  const { url = '', robotToken = '', operatorToken = '', lockstep, sockets } = options;
  const { warehouseId } = graph;
  const socket = await openSocketLink({
    target: { url, robotToken, operatorToken },
    warehouseId,
    // One socket keeps the order in which the robots ask.
    sockets: lockstep ? 1 : Math.min(sockets, options.robots),
    inOrder: lockstep === true,
    signal: common.signal,
  });
  try {
    // Before any robot is introduced: on the wall clock it would stand on the site for hours.
    if ((await socket.api.summary()).clock !== 'driven') throw new AppError('E_CLOCK_FIXED', { warehouseId });
    const before = await socket.api.metrics();
    const startAt = socket.serverTime;
    const link = measureLink(socket, graph);
    const tellOthers = async (): Promise<void> => warn(othersOf(await socket.api.summary(), options.robots));
    const result = await runFleet({
      ...common,
      startAt,
      link: { ...link, hello: (robots) => link.hello(robots).then(tellOthers) },
      jobs: await jobsOf(common, options, startAt),
      asking: lockstep ? 'one' : 'background',
      speedUp: lockstep ? Infinity : options.speedUp,
    });
    const latencies = readServerLatencies(await socket.api.metrics(), warehouseId, before);
    const driver = lockstep ? 'socket, lockstep' : 'socket';
    const head = { robots: options.robots, seed, driver, result } as const;
    return createReport(head, await socket.api.summary(), latencies);
  } finally {
    await leave(socket);
  }
}

/** Who drives this server next finds no routes of this run on the floor. What came of the run stands, whatever comes of this. */
async function leave(socket: SocketLink): Promise<void> {
  const cancelled = socket.cancelOpen('the run is over').catch((error: unknown) => {
    if (!isAppError(error)) throw error;
  });
  await Promise.race([cancelled, sleep(LEAVING_MILLISECONDS, undefined, { ref: false })]);
  await socket.close();
}

/** What is on the floor besides the robots of a run, once these are introduced; null: nothing. */
function othersOf({ warehouseId, robots, openRoutes }: WarehouseSummary, own: number): string | null {
  if (robots <= own && openRoutes === 0) return null;
  const others = `robots ${robots - own}, open routes ${openRoutes}`;
  return `${warehouseId} has others on its floor (${others}), which count in what is measured; with another --data it has none.`;
}

async function jobsOf(common: Common, options: RunArguments, startAt: number): Promise<JobSource> {
  const { graph, seed, robotTypes } = common;
  const { handling } = options;
  const jobs = options.singleGoals
    ? createBenchJobs({ graph, robotTypes, seed, picks: 0 })
    : createOrderJobs({ graph, robotTypes, startAt, orders: await ordersOf(graph, options) });
  return handling === undefined ? jobs : withHandling(jobs, handling, seed);
}

async function ordersOf(graph: LaneGraph, options: RunArguments) {
  if (options.orders !== undefined) return readOrders(options.orders, graph);
  const { seed, ordersPerHour = 600, steps } = options;
  // No step takes longer than a second.
  return [...generateOrders(graph, { ...DEFAULT_STREAM, seed, ordersPerHour, durationSeconds: steps })];
}

function checkArguments(options: RunArguments): void {
  const sources = [options.orders, options.ordersPerHour, options.singleGoals].filter(Boolean).length;
  const rules: readonly (readonly [boolean, string])[] = [
    [sources === 1, 'name one of --orders, --orders-per-hour and --single-goals'],
    [(options.url === undefined) === (options.inProcess === true), 'name one of --in-process and --url'],
    [options.inProcess !== true || !options.lockstep, '--lockstep is for runs over the socket'],
    [options.inProcess === true || !!options.robotToken, 'a run over the socket needs --robot-token'],
    [options.inProcess === true || !!options.operatorToken, 'a run over the socket needs --operator-token'],
    [options.steps <= LIMITS.simulatedSteps, `there are at most ${LIMITS.simulatedSteps} steps`],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw new AppError('E_USAGE', { detail: broken[1] });
}

function createProgress(steps: number): { step: (view: RunView) => void; stop: () => void } {
  if (!process.stderr.isTTY) return { step: () => undefined, stop: () => undefined };
  const format = '{bar} {value}/{total} steps, {jobs} tours, speed-up {speed}, {eta_formatted} left';
  const bar = new cliProgress.SingleBar(
    { format, clearOnComplete: true },
    cliProgress.Presets.shades_classic,
  );
  return {
    step({ step, jobs, speedUp }) {
      // Not before: what is said until then stays readable.
      if (!bar.isActive) bar.start(steps, 0, { jobs: 0, speed: '-' });
      bar.update(step, { jobs, speed: speedUp.toFixed(1) });
    },
    stop: () => bar.stop(),
  };
}
