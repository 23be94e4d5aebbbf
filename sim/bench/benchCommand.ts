import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { countArgument, rewardWeights, shareArgument, wholeArgument } from '../arguments.js';
import { AppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import { MAP_HELP } from '../../src/platform/mapHelp.js';
import { stopsAllowedForAll } from '../../src/planning/tourLimit.js';
import { BACKEND_NAMES } from '../../src/policy/backend.js';
import type { SimulationShell } from '../simulationShell.js';
import { runBench } from './bench.js';
import { loadCharts } from './charts.js';
import { CHANGE_NAMES, type ChangeName } from './changes.js';
import { createFloorUse } from './floorUse.js';
import type { GuidanceGraph } from './handMadePrices.js';
import { BENCH_METHOD_NAMES, specOf, type BenchMethod } from './methods.js';
import { readShippedWeights } from './shippedPolicy.js';
import { guidanceFile, loadSite, splitCell } from './sites.js';
import { VISIT_ORDERS, type VisitOrderName } from './visitOrders.js';

interface BenchArguments {
  readonly cell: string;
  readonly method: BenchMethod;
  readonly dialect?: string;
  readonly seed: number;
  readonly steps: number;
  readonly warmUp: number;
  readonly picks: number;
  readonly order: VisitOrderName;
  readonly weights?: string;
  readonly deadlines?: number;
  readonly change?: ChangeName;
  readonly backend: string;
  readonly data: string;
  readonly policies?: string;
  readonly picture?: string;
  readonly json?: true;
}

/** Where published maps and lane weights are looked for. */
export const DATA_VARIABLE = 'AISLEFLOW_BENCH_DATA';

const HELP = `
Exit code: 0 done, 2 wrong use, 1 any other failure.

Examples:
  aisleflow bench --cell kiva-33x36@400 --method learned-cold --seed 11 --steps 1000 --json
  aisleflow bench --cell hall.map@120 --dialect lorr --method flow --picks 6 --order s-shape
  aisleflow bench --cell kiva-33x36@400 --method learned-cold --warm-up 100 --picture floor.png`;

/** Adds `bench`: one run of one cell by one method, in process, through the service as any fleet. */
export function addBenchCommand(program: Command, shell: SimulationShell): void {
  program
    .command('bench')
    .description('measure routing quality: one cell, one method, one seed')
    .requiredOption('--cell <map@robots>', `${MAP_HELP}, and how many robots`, parseCell)
    .addOption(
      new Option('--method <name>', 'who prices the lanes').choices(BENCH_METHOD_NAMES).makeOptionMandatory(),
    )
    .option('--dialect <name>', 'the map is a grid, drawn in this dialect')
    .option('--seed <n>', 'same seed, same starts and goals for every method', wholeArgument, 1)
    .option('--steps <n>', 'floor steps that count', countArgument, 1000)
    .option('--warm-up <n>', 'floor steps before them', wholeArgument, 0)
    .option('--picks <n>', 'picks of each tour; 0: single goals', wholeArgument, 0)
    .addOption(
      new Option('--order <name>', 'in which the picks are visited').choices(VISIT_ORDERS).default('exact'),
    )
    .option('--weights <component=weight,...>', 'reward weights other than the defaults', parseWeights)
    .option('--deadlines <share>', 'of the jobs that have a deadline', shareArgument)
    .addOption(new Option('--change <name>', 'what happens when the warm-up ends').choices(CHANGE_NAMES))
    .addOption(
      new Option('--backend <name>', 'TF.js backend to insist on').choices(BACKEND_NAMES).default(''),
    )
    .addOption(
      new Option('--data <directory>', 'published maps and lane weights').env(DATA_VARIABLE).default(''),
    )
    .option('--policies <directory>', 'where the shipped policy is (default: where the program keeps it)')
    .option('--picture <file>', 'draw how busy each node was, as PNG, and name the busiest')
    .option('--json', 'print one JSON line')
    .addHelpText('after', HELP)
    .action((options: BenchArguments) => bench(program, shell, options));
}

async function bench(program: Command, shell: SimulationShell, options: BenchArguments): Promise<void> {
  const { cell, method, data } = options;
  if (options.warmUp + options.steps > LIMITS.simulatedSteps)
    throw new AppError('E_USAGE', { detail: `there are at most ${LIMITS.simulatedSteps} steps` });
  if (options.picture !== undefined && !existsSync(dirname(options.picture)))
    throw new AppError('E_USAGE', {
      detail: `there is no directory ${dirname(options.picture)} for the picture`,
    });
  const draw = options.picture === undefined ? null : await loadCharts();
  const { site, robots } = splitCell(cell);
  const graph = loadSite(site, shell, { dataDirectory: data, dialect: options.dialect });
  const picks = stopsAllowedForAll(
    graph,
    options.weights === undefined ? 0 : rewardWeights(options.weights).turns,
  );
  if (options.picks > picks)
    throw new AppError('E_USAGE', { detail: `a tour on this map has at most ${picks} picks` });
  const published = specOf(method).price === 'static' ? guidanceFile(cell, data) : null;
  const shipped =
    specOf(method).weights === 'shipped'
      ? await readShippedWeights(options.policies ?? shell.policies)
      : null;
  const use = draw === null ? null : createFloorUse(graph);
  const showProgress = progressOf(options.warmUp + options.steps);
  const result = await runBench({
    ...options,
    ...{ graph, robots, warmUpSteps: options.warmUp },
    ...(published === null ? {} : { guidance: JSON.parse(readFileSync(published, 'utf8')) as GuidanceGraph }),
    ...(shipped === null ? {} : { shipped }),
    onStep(step, floor) {
      showProgress(step);
      if (step > options.warmUp) use?.count(floor);
    },
  });
  if (draw && use) await draw([use.chart(basename(options.picture!))], dirname(options.picture!));
  const told = use === null ? result : { ...result, busiestNodes: use.busiest() };
  const text = options.json
    ? JSON.stringify(told)
    : Object.entries(told)
        .map(([name, value]) => `${name.padEnd(24)}${shown(value)}`)
        .join('\n');
  program.configureOutput().writeOut?.(`${text}\n`);
}

/** Tells the step to who looks; silent where nobody does. */
function progressOf(steps: number): (step: number) => void {
  if (!process.stderr.isTTY) return () => undefined;
  return (step) => {
    if (step % 20 === 0 || step === steps)
      process.stderr.write(`\rstep ${step} of ${steps}${step === steps ? '\n' : ''}`);
  };
}

function shown(value: unknown): string {
  if (value === null) return '-';
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  if (Array.isArray(value)) return value.map(shown).join(typeof value[0] === 'object' ? '; ' : ' ');
  if (typeof value !== 'object') return typeof value === 'string' ? value : JSON.stringify(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${shown(part)}`)
    .join(', ');
}

function parseWeights(text: string): string {
  rewardWeights(text);
  return text;
}

function parseCell(text: string): string {
  const { site, robots } = splitCell(text);
  if (site === '' || !Number.isInteger(robots) || robots < 1)
    throw new InvalidArgumentError('It is not <map>@<robots>.');
  return text;
}
