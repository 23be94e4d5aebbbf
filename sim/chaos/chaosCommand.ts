import type { Command } from 'commander';
import { countArgument, positiveArgument, wholeArgument } from '../arguments.js';
import { keepSeed, readKeptSeeds } from './keptSeeds.js';
import { runScenario, shrink } from './runSeed.js';
import { createScenario } from './scenario.js';

interface ChaosArguments {
  readonly seed?: number;
  readonly seeds: number;
  readonly from: number;
  readonly minutes?: number;
  readonly kept: string;
  readonly json?: true;
}

const HELP = `
Exit code: 0 every promise was kept, 1 one was broken, 2 wrong use.

Examples:
  aisleflow chaos --seed 4711         one seed, and its fewest events where it fails
  aisleflow chaos --seeds 200         the kept seeds and seeds 1 to 200`;

/** Adds `chaos`: the whole service under a simulated clock, disk and network. */
export function addChaosCommand(program: Command): void {
  program
    .command('chaos')
    .description('crash, flood and mislead a simulated service, and check what it promises')
    .option('--seed <n>', 'this one alone', wholeArgument)
    .option('--seeds <n>', 'how many, after those that failed before', countArgument, 200)
    .option('--from <n>', 'the first of them', wholeArgument, 1)
    .option('--minutes <n>', 'stop after so long', positiveArgument)
    .option('--kept <file>', 'seeds that failed before; new ones are added', 'sim/chaos/seeds.json')
    .option('--json', 'print what happened as one JSON line')
    .addHelpText('after', HELP)
    .action((options: ChaosArguments) => runChaos(program, options));
}

async function runChaos(program: Command, options: ChaosArguments): Promise<void> {
  const write = (text: string): void => program.configureOutput().writeOut?.(`${text}\n`);
  const kept = readKeptSeeds(options.kept);
  const fresh = Array.from({ length: options.seeds }, (_, i) => options.from + i);
  const seeds = options.seed === undefined ? [...kept, ...fresh] : [options.seed];
  const startedAt = performance.now();
  const until = startedAt + 60_000 * (options.minutes ?? Infinity);
  const sums = { seeds: 0, broken: 0, answers: 0, updates: 0, scored: 0, crashes: 0, steps: 0 };
  for (const seed of seeds) {
    if (performance.now() > until) break;
    const result = await runScenario(createScenario(seed));
    sums.seeds++;
    if (result.kind === 'passed') {
      for (const [name, count] of Object.entries(result.counts)) sums[name as keyof typeof sums] += count;
      continue;
    }
    process.exitCode = 1;
    sums.broken++;
    write(`seed ${seed}: ${result.promise}: ${result.detail}`);
    write(`repeat: aisleflow chaos --seed ${seed}`);
    keepSeed(options.kept, seed);
    const { events } = await shrink(createScenario(seed), result.promise);
    write(`fewest events: ${JSON.stringify(events)}`);
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const report = { ...sums, last: seeds[sums.seeds - 1] ?? null, seconds };
  write(options.json === true ? JSON.stringify(report) : asText(report));
}

function asText(report: Readonly<Record<string, number | null>>): string {
  const { seeds, broken, last, answers, scored, updates, crashes, steps, seconds } = report;
  const happened = `${answers} answers, ${scored} scores, ${updates} updates, ${crashes} crashes, ${steps} steps`;
  return `${seeds} seeds, the last ${last}: ${broken} broken. ${happened}, ${seconds} s.`;
}
