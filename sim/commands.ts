import { Option, type Command } from 'commander';
import { AppError } from '../src/domain/errors.js';
import { exitCodeOf, failureLine } from '../src/platform/failureLine.js';
import { MAP_HELP } from '../src/platform/mapHelp.js';
import { numberArgument, wholeArgument } from './arguments.js';
import { addBenchCommand } from './bench/benchCommand.js';
import { addChaosCommand } from './chaos/chaosCommand.js';
import { addDemoCommand } from './demo/demoCommand.js';
import { writeOrders } from './orders/orderFile.js';
import { DEFAULT_STREAM, generateOrders } from './orders/orderGenerator.js';
import { addReplayCommand } from './replayCommand.js';
import { addRunCommand } from './runCommand.js';
import type { SimulationShell } from './simulationShell.js';

interface OrdersArguments {
  readonly map: string;
  readonly dialect?: string;
  readonly out: string;
  readonly seed: number;
  readonly hours: number;
  readonly ordersPerHour: number;
  readonly startHour: number;
  readonly picks: readonly number[];
  readonly zipf: number;
  readonly hotZones: number;
  readonly urgentShare: number;
  readonly deadlineSeconds: number;
  readonly json?: true;
}

/** Adds `sim orders`, and the commands that others here add. Sets `process.exitCode`. */
export function addSimulationCommands(program: Command, shell: SimulationShell): void {
  const sim = program.command('sim').description('simulated fleets and the orders that they serve');
  addOrders(sim, shell);
  addRunCommand(sim, shell);
  addBenchCommand(program, shell);
  addDemoCommand(program, shell);
  const cornerCases = program.commands.find((command) => command.name() === 'corner-cases');
  if (cornerCases) addReplayCommand(cornerCases, shell);
  addChaosCommand(program);
}

function addOrders(sim: Command, shell: SimulationShell): void {
  const stream = DEFAULT_STREAM;
  sim
    .command('orders')
    .description('write a seeded stream of orders, one JSON object a line')
    .requiredOption('--map <map>', MAP_HELP)
    .option('--dialect <name>', 'the map is a grid, drawn in this dialect')
    .requiredOption('--out <file>', 'where to write')
    .option('--seed <n>', 'same seed, same orders', wholeArgument, 1)
    .option('--hours <n>', 'length of the stream', numberArgument, 8)
    .option('--orders-per-hour <n>', 'averaged over the day', numberArgument, 600)
    .option('--start-hour <n>', 'hour of the day at which it begins', numberArgument, stream.startHour)
    .addOption(
      new Option('--picks <weight,...>', 'relative frequency of orders of 1, 2, ... picks')
        .argParser(numbersArgument)
        .default(stream.picksWeights, stream.picksWeights.join(',')),
    )
    .option(
      '--zipf <exponent>',
      'popularity of pick faces; 0: all alike',
      numberArgument,
      stream.zipfExponent,
    )
    .option(
      '--hot-zones <n>',
      'drifting places where everything sells better',
      numberArgument,
      stream.hotZones,
    )
    .option('--urgent-share <share>', 'share of orders with priority 5', numberArgument, stream.urgentShare)
    .option(
      '--deadline-seconds <n>',
      'deadline of every order; 0: none',
      numberArgument,
      stream.deadlineSeconds,
    )
    .option('--json', 'print {file, orders, picks, seed}')
    .addHelpText(
      'after',
      '\nExit code: 0 done, 2 wrong use, 1 any other failure.\n\nExample:\n  aisleflow sim orders --map narrow-33x57 --hours 2 --seed 7 --out orders.jsonl',
    )
    .action((options: OrdersArguments) => runGuarded(sim, () => writeStream(sim, shell, options)));
}

function writeStream(sim: Command, shell: SimulationShell, options: OrdersArguments): void {
  const { graph } = shell.loadMap(options.map, options.dialect);
  let picks = 0;
  const orders = generateOrders(graph, {
    ...DEFAULT_STREAM,
    seed: options.seed,
    durationSeconds: 3600 * options.hours,
    ordersPerHour: options.ordersPerHour,
    startHour: options.startHour,
    picksWeights: options.picks,
    zipfExponent: options.zipf,
    hotZones: options.hotZones,
    urgentShare: options.urgentShare,
    deadlineSeconds: options.deadlineSeconds,
  });
  const counted = (function* () {
    for (const order of orders) {
      picks += order.picks.length;
      yield order;
    }
  })();
  const count = writeOrders(options.out, counted);
  const summary = { file: options.out, orders: count, picks, seed: options.seed };
  const text = options.json
    ? JSON.stringify(summary)
    : `${options.out}: ${count} orders, ${picks} picks, seed ${options.seed}.`;
  sim.configureOutput().writeOut?.(`${text}\n`);
}

/** Errors of the catalogue become one line with their code; anything else is a defect and keeps its stack. */
function runGuarded(command: Command, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    command.configureOutput().writeErr?.(`${failureLine(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

function numbersArgument(text: string): number[] {
  return text.split(',').map(numberArgument);
}
