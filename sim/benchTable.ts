/**
 * `npm run bench:loop`: the table of docs/benchmarks.md from raw runs. Each run is a process of its own, one a
 * core; a finished run is appended to docs/benchmarks/raw/loop.jsonl, and a second start does what is missing.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { SingleBar, Presets } from 'cli-progress';
import type { BenchResult } from './bench.js';
import { describeTable, type TableCell } from './benchReport.js';

const RAW_FILE = 'docs/benchmarks/raw/loop.jsonl';
const TABLE_FILE = 'docs/benchmarks/loop.md';
const SEEDS = [1, 2, 3, 4, 5];
const STEPS = 2000;
const CELLS: readonly TableCell[] = [
  { cell: 'kiva-33x36@400', wantedFirst: 7.5, wantedLast: 8.0 },
  { cell: 'narrow-33x57@400', wantedFirst: 7.8, wantedLast: 8.4 },
  { cell: 'narrow-33x57@600', wantedFirst: 7.4, wantedLast: 8.8 },
  { cell: 'sortation-33x57@800', wantedFirst: 15.0, wantedLast: 16.7 },
  { cell: 'multi-block@200', wantedFirst: null, wantedLast: null },
];
const METHODS = ['flow', 'learned-cold'];
/** Its plain shortest paths are the check that this simulator moves as the published one does. */
const CHECK = { cell: 'kiva-33x36@400', method: 'shortest' };

interface Run {
  readonly cell: string;
  readonly method: string;
  readonly seed: number;
}

const run = promisify(execFile);

async function measure({ cell, method, seed }: Run): Promise<void> {
  const words = [
    '--cell',
    cell,
    '--method',
    method,
    '--seed',
    String(seed),
    '--steps',
    String(STEPS),
    '--json',
  ];
  const { stdout } = await run(process.execPath, ['dist/src/main.js', 'bench', ...words]);
  appendFileSync(RAW_FILE, stdout.trim() + '\n');
}

function finishedRuns(): BenchResult[] {
  if (!existsSync(RAW_FILE)) return [];
  return readFileSync(RAW_FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as BenchResult);
}

const nameOf = ({ cell, method, seed }: Run): string => `${cell}/${method}/${seed}`;

mkdirSync('docs/benchmarks/raw', { recursive: true });
const done = new Set(finishedRuns().map(nameOf));
const missing = SEEDS.flatMap((seed): Run[] => [
  { ...CHECK, seed },
  ...CELLS.flatMap(({ cell }) => METHODS.map((method) => ({ cell, method, seed }))),
]).filter((wanted) => !done.has(nameOf(wanted)));
const bar = new SingleBar(
  { format: '{bar} {value}/{total} runs, {duration_formatted}' },
  Presets.shades_classic,
);
bar.start(missing.length, 0);
const queue = [...missing];
await Promise.all(
  Array.from({ length: Math.max(1, availableParallelism()) }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      await measure(next);
      bar.increment();
    }
  }),
);
bar.stop();
writeFileSync(TABLE_FILE, describeTable(CELLS, finishedRuns()));
console.log(`${TABLE_FILE} and ${RAW_FILE} are up to date.`);
