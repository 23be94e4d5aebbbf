import { InvalidArgumentError, Option, type Command } from 'commander';
import { BENCH_METHODS, runBench, type BenchMethod } from './bench.js';
import type { SimulationShell } from './simulationShell.js';

interface BenchArguments {
  readonly cell: string;
  readonly method: BenchMethod;
  readonly dialect?: string;
  readonly seed: number;
  readonly steps: number;
  readonly warmUp: number;
  readonly picks: number;
  readonly backend: string;
  readonly json?: true;
}

/** Adds `bench`: one run of one cell by one method, in process, through the service as any fleet. */
export function addBenchCommand(program: Command, shell: SimulationShell): void {
  program
    .command('bench')
    .description('measure routing quality: one cell, one method, one seed')
    .requiredOption('--cell <map@robots>', 'a map of maps/, or a file, and how many robots', parseCell)
    .addOption(
      new Option('--method <name>', 'who prices the lanes').choices(BENCH_METHODS).makeOptionMandatory(),
    )
    .option('--dialect <name>', 'the map is a grid, drawn in this dialect')
    .option('--seed <n>', 'same seed, same starts and goals for every method', wholeNumber, 1)
    .option('--steps <n>', 'floor steps that count', wholeNumber, 1000)
    .option('--warm-up <n>', 'floor steps before them', wholeNumber, 0)
    .option('--picks <n>', 'picks of each tour; 0: single goals', wholeNumber, 0)
    .option('--backend <name>', 'TF.js backend to insist on: tensorflow, wasm, cpu', '')
    .option('--json', 'print one JSON line')
    .addHelpText(
      'after',
      '\nExamples:\n  aisleflow bench --cell kiva-33x36@400 --method learned-cold --seed 11 --steps 1000 --json' +
        '\n  aisleflow bench --cell hall.map@120 --dialect lorr --method flow --picks 6',
    )
    .action(async (options: BenchArguments) => {
      const [map, robots] = splitCell(options.cell);
      const { graph } = shell.loadMap(shell.findMap(map), options.dialect);
      const result = await runBench({
        ...options,
        graph,
        robots,
        warmUpSteps: options.warmUp,
        onStep: process.stderr.isTTY ? showProgress(options.warmUp + options.steps) : () => undefined,
      });
      const text = options.json
        ? JSON.stringify(result)
        : Object.entries(result)
            .map(([name, value]) => `${name.padEnd(20)}${typeof value === 'number' ? round(value) : value}`)
            .join('\n');
      program.configureOutput().writeOut?.(`${text}\n`);
    });
}

function showProgress(steps: number): (step: number) => void {
  return (step) => {
    if (step % 20 === 0 || step === steps)
      process.stderr.write(`\rstep ${step} of ${steps}${step === steps ? '\n' : ''}`);
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function parseCell(text: string): string {
  const [map, robots] = splitCell(text);
  if (map === '' || !Number.isInteger(robots) || robots < 1)
    throw new InvalidArgumentError('It is not <map>@<robots>.');
  return text;
}

function splitCell(text: string): [string, number] {
  const at = text.lastIndexOf('@');
  return [text.slice(0, Math.max(0, at)), Number(text.slice(at + 1))];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It is not a whole number.');
  return value;
}
