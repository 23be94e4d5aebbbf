/** `npm run load`: HTTP and WebSocket load against a running server, or one of its own. */
import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { countArgument, positiveArgument } from '../sim/arguments.js';
import { startServerProcess } from '../sim/serverProcess.js';
import { LIMITS } from '../src/domain/limits.js';
import type { RouteAssignedContent } from '../src/domain/messages.js';
import type { WarehouseSummary } from '../src/domain/serviceContract.js';
import { createRandom, type Random } from '../src/platform/random.js';
import { AppError, isAppError } from '../src/domain/errors.js';
import { exitAsMisuse, EXIT } from '../src/platform/exitAsMisuse.js';
import { exitCodeOf, failureLine } from '../src/platform/failureLine.js';
import { warehousePath } from '../src/platform/serverClient.js';
import { chooseWarehouse, targetOf, type Target } from './api.js';
import { loadFleet } from './fleetLoad.js';
import { readFloor, type Floor } from './floor.js';
import { httpEntries, loadHttp } from './httpLoad.js';
import { measureProcessors } from './processorUse.js';
import { formatReport, type LoadReport } from './report.js';

interface LoadOptions {
  readonly url?: string;
  readonly token?: string;
  readonly warehouse?: string;
  readonly robots: number;
  readonly connections: number;
  readonly orders?: number;
  readonly seconds: number;
  readonly picks: number;
  readonly hops: number;
  readonly reads: number;
  readonly plans: number;
  readonly seed: number;
  readonly only?: 'http' | 'fleet';
  readonly json?: boolean;
}

/** Of the time that its robots could drive, the share that the default order rate takes up. */
const FLEET_USE = 0.6;
const PLANS_SAMPLED = 50;

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

async function run(options: LoadOptions): Promise<LoadReport> {
  if (options.url !== undefined) return loadServer(targetOf(options.url, options.token), options);
  progress('starting a server with a temporary data directory');
  const server = await startServerProcess([]);
  try {
    const { url, operatorToken: token } = server.target;
    return await loadServer(targetOf(url, token), options);
  } finally {
    await server.stop();
  }
}

async function loadServer(target: Target, options: LoadOptions): Promise<LoadReport> {
  const random = createRandom(options.seed).fork('load');
  const warehouse = await chooseWarehouse(target, options.warehouse);
  if (options.url !== undefined && !['off', 'frozen'].includes(warehouse.mode))
    progress(warningOf(warehouse));
  const floor = await readFloor(target, warehouse, random.fork('floor'));
  const context = {
    url: target.url,
    warehouseId: floor.warehouseId,
    node: process.versions.node,
    cores: availableParallelism(),
  };
  const http = options.only === 'fleet' ? [] : await httpStage(target, floor, random, options);
  const fleet = options.only === 'http' ? null : await fleetStage(target, floor, random, options);
  return { ...context, http, fleet };
}

function warningOf({ warehouseId, mode }: WarehouseSummary): string {
  const remedy = `\`aisleflow mode off --warehouse ${warehouseId}\` before the run keeps its policy as it is`;
  return `warning: ${warehouseId} learns (mode ${mode}), from the routes of this load too; ${remedy}`;
}

async function httpStage(
  target: Target,
  floor: Floor,
  random: Random,
  options: LoadOptions,
): Promise<LoadReport['http']> {
  await introduceRobot(target, floor);
  const load = {
    ...{ target, floor, random, order: options, connections: options.connections },
    ...{ seconds: options.seconds, readsPerSecond: options.reads, plansPerSecond: options.plans },
  };
  const results = [];
  for (const entry of httpEntries(load)) {
    progress(`${entry.name}: ${entry.ratePerSecond}/s for ${options.seconds} s`);
    const measured = await measureProcessors(target);
    const result = await loadHttp(load, entry);
    results.push({ ...result, processors: await measured() });
  }
  return results;
}

async function fleetStage(
  target: Target,
  floor: Floor,
  random: Random,
  options: LoadOptions,
): Promise<NonNullable<LoadReport['fleet']>> {
  const { robots, connections, seconds } = options;
  if (robots > connections * LIMITS.robotsPerHello) {
    const detail = `one connection carries ${LIMITS.robotsPerHello} robots at most: take more --connections`;
    throw new AppError('E_USAGE', { detail });
  }
  const tourSeconds = await meanTourSeconds(target, floor, options);
  const ordersPerSecond =
    options.orders ?? Math.max(0.1, Math.round((10 * FLEET_USE * robots) / tourSeconds) / 10);
  progress(
    `${robots} robots on ${connections} connections, tours of ${tourSeconds.toFixed(1)} s, ` +
      `${ordersPerSecond} orders/s for ${seconds} s`,
  );
  const load = { target, floor, random, robots, connections, ordersPerSecond, seconds, order: options };
  const measured = await measureProcessors(target);
  const result = await loadFleet({ ...load, onProgress: progress });
  return { ...result, robots, connections, ordersPerSecond, seconds, processors: await measured() };
}

/** How long the tours of this run take as planned, from dry runs. */
async function meanTourSeconds(target: Target, floor: Floor, options: LoadOptions): Promise<number> {
  await introduceRobot(target, floor);
  const plans = `${warehousePath(floor.warehouseId)}/plans`;
  let total = 0;
  for (let sample = 0; sample < PLANS_SAMPLED; sample++) {
    const order = floor.order(`load-sample-${sample}`, 'load-1', options);
    const plan = await target.api.json<RouteAssignedContent>('POST', plans, order);
    total += plan.etaSeconds.at(-1) ?? 0;
  }
  return Math.max(0.1, total / PLANS_SAMPLED);
}

async function introduceRobot(target: Target, floor: Floor): Promise<void> {
  const robots = [{ robotId: 'load-1', robotType: floor.robotType, node: floor.randomNode() }];
  await target.api.json('POST', `${warehousePath(floor.warehouseId)}/robots`, { robots });
}

const HELP = `
Orders fall due at a fixed rate whatever the server does, and latencies run from that moment.
With --url the server is one like any other: in a mode that learns it trains its policy by these routes, and the robots
(load-1, ...) stay known there. Load a server of its own, or one with a data directory that can be thrown away.
Errors, refusals and unanswered messages end the run with exit code 1, wrong use with 2.

Examples:
  npm run load
  npm run load -- --robots 1000 --hops 8 --seconds 60 --json > load.json
  AISLEFLOW_TOKEN=... npm run load -- --url http://127.0.0.1:8080 --only fleet`;

const program = new Command('npm run load --')
  .exitOverride(exitAsMisuse)
  .description('Loads the HTTP entries (autocannon) and the WebSocket (a fleet in open loop).')
  .option('--url <url>', 'server to load; without it one is started on a free port')
  .addOption(new Option('--token <token>', 'operator token of that server').env('AISLEFLOW_TOKEN'))
  .option('--warehouse <id>', 'warehouse to drive in; the first unless told')
  .option('--robots <number>', 'robots of the fleet', countArgument, 400)
  .option('--connections <number>', 'connections that carry them, and of each HTTP stage', countArgument, 10)
  .option(
    '--orders <rate>',
    `orders a second; unless told what keeps ${100 * FLEET_USE} % of the robots driving`,
    positiveArgument,
  )
  .option(
    '--seconds <number>',
    'length of each stage; routes under way are driven to their end',
    positiveArgument,
    20,
  )
  .option('--picks <number>', 'stops of an order', countArgument, 1)
  .option('--hops <number>', 'lanes between stops at most', countArgument, 20)
  .option('--reads <rate>', 'GET requests a second', positiveArgument, 500)
  .option('--plans <rate>', 'dry-run plans a second', positiveArgument, 100)
  .option('--seed <number>', 'of orders and of the moments they fall due', countArgument, 1)
  .addOption(new Option('--only <stage>', 'one stage only').choices(['http', 'fleet']))
  .option('--json', 'print the report as JSON')
  .addHelpText('after', HELP)
  .action(async (options: LoadOptions) => {
    try {
      const report = await run(options);
      console.log(options.json === true ? JSON.stringify(report, null, 2) : formatReport(report));
      if (hasErrors(report)) process.exitCode = 1;
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error ? ` (${cause.message})` : '';
      console.error(isAppError(error) ? failureLine(error) : `npm run load failed: ${message}${why}`);
      process.exitCode = isAppError(error) ? exitCodeOf(error) : EXIT.failed;
    }
  });

function hasErrors({ http, fleet }: LoadReport): boolean {
  if (http.some(({ failures, refusals }) => failures + refusals > 0)) return true;
  return fleet !== null && (fleet.unanswered > 0 || Object.keys(fleet.errors).length > 0);
}

await program.parseAsync();
