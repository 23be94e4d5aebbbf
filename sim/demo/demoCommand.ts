import type { Command } from 'commander';
import { isAppError } from '../../src/domain/errors.js';
import { EXIT } from '../../src/platform/exitAsMisuse.js';
import { exitCodeOf, failureLine } from '../../src/platform/failureLine.js';
import { MAP_HELP } from '../../src/platform/mapHelp.js';
import { countArgument, positiveArgument, wholeArgument } from '../arguments.js';
import type { ServerProcess } from '../serverProcess.js';
import type { SimulationShell } from '../simulationShell.js';
import { runDemo, type DemoOutcome } from './demo.js';
import { summaryAsText } from './summary.js';
import { createLineScreen, createLiveScreen, type DemoScreen } from './view.js';

interface DemoArguments {
  readonly map: string;
  readonly robots: number;
  readonly minutes: number;
  readonly speedUp: number;
  readonly seed: number;
  readonly json?: true;
  readonly keepOpen?: true;
}

const HELP = `
Each phase has a server of its own with a fresh data directory, which goes when the phase ends.

Exit code: 0 done, 2 wrong use, 130 interrupted, 1 any other failure, an invalid route or a lost completion.

Examples:
  aisleflow demo
  aisleflow demo --minutes 6 --keep-open
  aisleflow demo --map kiva-33x36 --robots 300 --json > demo.json`;

/** Adds `demo`: shortest paths, a hand-made price and learning, one after the other, before one's eyes. */
export function addDemoCommand(program: Command, shell: SimulationShell): void {
  program
    .command('demo')
    .description('watch picking time fall while the server learns from a simulated fleet')
    .option('--map <map>', MAP_HELP, 'narrow-33x57')
    .option('--robots <n>', 'how many', countArgument, 400)
    .option('--minutes <n>', 'how long, all phases together', positiveArgument, 2.25)
    .option('--speed-up <n>', 'floor seconds a second, if the machine keeps up', positiveArgument, 18)
    .option('--seed <n>', 'starts and orders, the same in each phase', wholeArgument, 1)
    .option('--json', 'print the summary as one JSON line; what happens meanwhile goes to standard error')
    .option('--keep-open', 'leave the last server running, for its API, until Ctrl-C')
    .addHelpText('after', HELP)
    .action((options: DemoArguments) => demo(program, shell, options));
}

async function demo(program: Command, shell: SimulationShell, options: DemoArguments): Promise<void> {
  const output = program.configureOutput();
  const say = (text: string): void => output.writeOut?.(text);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  try {
    const { graph } = shell.loadMap(options.map);
    const intro = [
      `${options.robots} robots on ${graph.warehouseId}, orders of 1 to 8 picks of 5 to 10 s each, seed ${options.seed}.`,
      'The same orders three times. Picking time: seconds from an order to its last',
      `hand-over; less is better. ${options.minutes} minutes in all, more on a slow machine.`,
    ];
    const outcome = await runDemo({
      ...{ graph, map: options.map, robots: options.robots, seed: options.seed, minutes: options.minutes },
      speedUp: options.speedUp,
      screen: screenFor(intro, options.json === true),
      signal: interrupted.signal,
      async beforeLastStop(server) {
        if (options.keepOpen) await keepOpen(server, interrupted.signal);
      },
      onDone: (done) => say(shown(done, options)),
    });
    if (!outcome) process.exitCode = EXIT.interrupted;
    else if (outcome.summary.phases.some((phase) => phase.invalidRoutes + phase.lostCompletions > 0))
      process.exitCode = 1;
  } catch (error) {
    // Ctrl-C reaches the server too: what breaks by that is no failure.
    if (interrupted.signal.aborted) return void (process.exitCode = EXIT.interrupted);
    if (!isAppError(error)) throw error;
    output.writeErr?.(`${failureLine(error)}\n`);
    process.exitCode = exitCodeOf(error);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, interrupt);
  }
}

function shown({ summary, results }: DemoOutcome, options: DemoArguments): string {
  if (options.json) return `${JSON.stringify(summary)}\n`;
  return summaryAsText(summary, results, process.stdout.isTTY === true);
}

function screenFor(intro: readonly string[], json: boolean): DemoScreen {
  const stream = json ? process.stderr : process.stdout;
  const write = (text: string): void => void stream.write(text);
  if (stream.isTTY) return createLiveScreen({ intro, columns: stream.columns || UNKNOWN_COLUMNS, write });
  write(`${intro.join('\n')}\n`);
  return createLineScreen(write);
}

/** Of a terminal that does not tell its width: it says 0. */
const UNKNOWN_COLUMNS = 80;

/** The learned policy stays at hand; the floor stands still. */
async function keepOpen({ target, docsUrl }: ServerProcess, signal: AbortSignal): Promise<void> {
  process.stderr.write(
    `\nThe server stays open until Ctrl-C.\n  API docs   ${docsUrl}\n  operator   ${target.operatorToken}\n` +
      `  robot      ${target.robotToken}\n`,
  );
  if (signal.aborted) return;
  // A signal's listener alone does not keep the process alive; the server's pipes do.
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
