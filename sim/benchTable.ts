/**
 * `npm run bench:<suite>`: tables and charts of docs/benchmarks from raw runs. Each run is a process of its own, one
 * a core; a finished run is appended to the raw results, and a second start does what is missing.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Presets, SingleBar } from 'cli-progress';
import { Argument, Command } from 'commander';
import { exitAsMisuse } from '../src/platform/exitAsMisuse.js';
import { countArgument } from './arguments.js';
import { DATA_VARIABLE } from './bench/benchCommand.js';
import { createMeasurer } from './bench/measure.js';
import { openRawResults, type RawResults } from './bench/rawResults.js';
import { writeReport } from './bench/reports.js';
import {
  linesOfSuite,
  matches,
  nameOf,
  RUN_LENGTHS,
  runsOf,
  SUITE_NAMES,
  whyMissing,
  type BenchRun,
  type SuiteName,
} from './bench/runs.js';

interface Options {
  readonly only: readonly string[];
  readonly seeds?: number;
  readonly steps?: number;
  readonly jobs: number;
  readonly data: string;
  readonly policies: string;
  readonly out: string;
  readonly fresh?: true;
  readonly reportOnly?: true;
}

/** Suites that measure the same runs share their results: a nightly is the first part of the full benchmark. */
const RAW_FILES = {
  loop: 'loop',
  quality: 'quality',
  full: 'quality',
  tours: 'tours',
  change: 'change',
  improvement: 'improvement',
  weights: 'weights',
} as const;

const program = new Command('bench')
  .exitOverride(exitAsMisuse)
  .addArgument(new Argument('<suite>', 'what to measure').choices(SUITE_NAMES))
  .option(
    '--only <cell/method/picks/order/warm-up/steps/seed>',
    'these runs alone; each part may be empty or left out, a cell without robots; repeatable',
    (filter: string, before: string[]) => [...before, filter],
    [],
  )
  .option('--seeds <n>', 'seeds 1 to n instead of the suite’s', countArgument)
  .option('--steps <n>', 'steps of a short run instead of 1000; a long one is ten times that', countArgument)
  .option('--jobs <n>', 'runs at a time', countArgument, Math.max(1, availableParallelism()))
  .option(
    '--data <directory>',
    'published maps and lane weights, else the variable ' + DATA_VARIABLE,
    process.env[DATA_VARIABLE] ?? '',
  )
  .option('--policies <directory>', 'where the shipped policy is', 'policies')
  .option('--out <directory>', 'where raw results, tables and charts go', 'docs/benchmarks')
  .option('--fresh', 'forget the selected runs and make them again')
  .option('--report-only', 'measure nothing')
  .action(main);

async function main(suite: SuiteName, options: Options): Promise<void> {
  const raw = openRawResults(join(options.out, 'raw', `${RAW_FILES[suite]}.jsonl`));
  const lengths =
    options.steps === undefined
      ? RUN_LENGTHS
      : { ...RUN_LENGTHS, shortSteps: options.steps, longSteps: 10 * options.steps };
  const inputs = { dataDirectory: options.data, policiesDirectory: options.policies };
  const all = runsOf(suite, lengths, options.seeds ?? null);
  const unknown = options.only.find((filter) => !all.some((run) => matches(run, filter)));
  if (unknown !== undefined) program.error(`--only ${unknown}: no run of ${suite} is called so`);
  const wanted = all.filter(
    (run) => options.only.length === 0 || options.only.some((filter) => matches(run, filter)),
  );
  const skipped = new Map<string, string>();
  const possible = wanted.filter((run) => {
    const reason = whyMissing(run, inputs);
    if (reason !== null) skipped.set(`${run.cell} ${run.method}`, reason);
    return reason === null;
  });
  for (const [what, reason] of skipped) console.log(`skipped: ${what}: ${reason}`);
  if (options.reportOnly !== true) {
    if (options.fresh) raw.drop(new Set(possible.map(nameOf)));
    const done = new Set(raw.lines().map(nameOf));
    const failed = await measureAll(
      possible.filter((run) => !done.has(nameOf(run))),
      { raw, options },
    );
    if (failed > 0) process.exitCode = 1;
  }
  const lines = linesOfSuite(suite, lengths, raw.lines());
  const files = await writeReport(suite, { lines, lengths, skipped, directory: options.out });
  console.log(`${files.join(', ')}: up to date.`);
}

/** Returns how many runs failed; one that fails does not stop the others. */
async function measureAll(
  missing: readonly BenchRun[],
  { raw, options }: { readonly raw: RawResults; readonly options: Options },
): Promise<number> {
  if (missing.length === 0) return 0;
  const measurer = createMeasurer({ dataDirectory: options.data, policiesDirectory: options.policies });
  const format = '{bar} {value}/{total} runs, {duration_formatted}, {eta_formatted} left, {failed} failed';
  const bar = new SingleBar({ format }, Presets.shades_classic);
  const report = (text: string): void => {
    if (!process.stdout.isTTY) console.log(`${new Date().toISOString()} ${text}`);
  };
  const queue = [...missing];
  let failed = 0;
  bar.start(missing.length, 0, { failed });
  const interrupt = (): void => void queue.splice(0);
  process.once('SIGINT', interrupt);
  await Promise.all(
    Array.from({ length: options.jobs }, async () => {
      for (let run = queue.shift(); run; run = queue.shift()) {
        try {
          const line = await measurer.measure(run);
          raw.append(line);
          report(`${nameOf(run)}: ${line.throughput.toFixed(2)} goals a step, ${queue.length} to begin`);
        } catch (error) {
          failed++;
          console.error(`${nameOf(run)} failed: ${String(error)}`);
        }
        bar.increment({ failed });
      }
    }),
  );
  bar.stop();
  measurer.close();
  process.removeListener('SIGINT', interrupt);
  return failed;
}

await program.parseAsync();
