/** `npm run bench:speed`: how long a search, a plan and a durable record take; one process, nothing else meanwhile. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Presets, SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { exitAsMisuse } from '../src/platform/exitAsMisuse.js';
import { compileFile, parseWarehouse } from '../src/warehouse/loadWarehouse.js';
import { importMovingAi, type Dialect } from '../src/warehouse/movingAi.js';
import { countArgument } from './arguments.js';
import { DATA_VARIABLE } from './bench/benchCommand.js';
import { currentRevision, machineName, today } from './bench/origin.js';
import { loadSite, siteMissing } from './bench/sites.js';
import { markdownTable } from './bench/statistics.js';
import type { LatencySummary } from './latencies.js';
import type { SimulationShell } from './simulationShell.js';
import { measureJournal, type JournalSpeed } from './speed/journalSpeed.js';
import { measureSearch, type SearchSpeed } from './speed/searchSpeed.js';

const SITES = [
  ...['kiva-33x36', 'narrow-33x57', 'sortation-33x57', 'multi-block'],
  ...['hall-21k', 'warehouse-large'],
];

const SHELL: SimulationShell = {
  policies: 'policies',
  loadMap(name, dialect) {
    const file = dialect === undefined ? join('maps', `${name}.json`) : name;
    const text = readFileSync(file, 'utf8');
    if (dialect === undefined) return parseWarehouse(text, file);
    return { graph: compileFile(importMovingAi(text, { dialect: dialect as Dialect, id: 'site' })) };
  },
};

interface Options {
  readonly count: number;
  readonly records: number;
  readonly directory: string;
  readonly data: string;
  readonly out: string;
  readonly json?: true;
}

const program = new Command('bench:speed')
  .exitOverride(exitAsMisuse)
  .description('time searches, plans and durable records, and write docs/benchmarks/speed.md')
  .option('--count <n>', 'searches and plans of each kind on each site', countArgument, 1000)
  .option('--records <n>', 'records of the journal', countArgument, 200_000)
  .option('--directory <path>', 'a real disk: where the journal is made, and removed afterwards', '.cache')
  .option('--data <directory>', 'published maps', process.env[DATA_VARIABLE] ?? '')
  .option('--out <file>', 'the report', 'docs/benchmarks/speed.md')
  .option('--json', 'print the figures as one JSON line, and write no report')
  .addHelpText('after', '\nExample:\n  npm run bench:speed -- --data ../data --json')
  .action(main);

async function main({ count, records, directory, data, out, json }: Options): Promise<void> {
  const sites = SITES.filter((site) => {
    const reason = siteMissing(site, data);
    if (reason !== null) console.error(`skipped: ${site}: ${reason}`);
    return reason === null;
  });
  const own = makeDirectory(directory);
  const format = '{bar} {value}/{total}, {duration_formatted}, {what}';
  const bar = new SingleBar({ format, stream: process.stderr }, Presets.shades_classic);
  bar.start(sites.length + 1, 0, { what: '' });
  const searches = sites.map((site) => {
    bar.update({ what: site });
    const speed = measureSearch(site, loadSite(site, SHELL, { dataDirectory: data }), count);
    bar.increment();
    return speed;
  });
  bar.update({ what: 'journal' });
  const journal = await measureJournal(own, records).finally(() => rmSync(own, { recursive: true }));
  bar.increment();
  bar.stop();
  if (json) console.log(JSON.stringify({ searches, journal }));
  else {
    writeFileSync(out, describe(searches, journal));
    console.log(`${out}: up to date.`);
  }
}

/** Before anything is timed: minutes later would be late to hear of it. */
function makeDirectory(parent: string): string {
  try {
    mkdirSync(parent, { recursive: true });
    return mkdtempSync(join(parent, 'aisleflow-speed-'));
  } catch (error) {
    return program.error(`--directory ${parent}: ${(error as Error).message}`);
  }
}

function describe(searches: readonly SearchSpeed[], journal: JournalSpeed): string {
  const median = ({ p50 }: LatencySummary): string => p50.toFixed(2);
  const both = ({ p50, p99 }: LatencySummary): string => `${p50.toFixed(2)} / ${p99.toFixed(2)}`;
  return [
    '# Speed of a search, a plan and a record',
    `Written by \`npm run bench:speed\`. Machine: ${machineName()}. Measured on ${today()}, revision ${currentRevision()}.`,
    `Milliseconds, median / 99th percentile of ${searches[0]?.oneGoal.count ?? 0} each after a warm-up, from random nodes to ` +
      'random pick faces, under random prices of one to four times free flow. `one goal` and `six picks` are whole plans: ' +
      'shortest tour, priced tour, order of visit and description. The planner keeps tables of free-flow seconds: on small ' +
      'sites for all goals, on large ones for the last thousand or less. Traffic and its prices are brought up to date apart ' +
      'from a plan. `A*` and `NBA*` are `ngraph.path`’s, one goal, between the same places by the same prices.',
    markdownTable(
      ['site', 'nodes', 'lanes', 'A*', 'NBA*', 'one goal', 'six picks and a station', 'one to all'],
      searches.map(({ site, nodes, lanes, ...speed }) => [
        ...[site, String(nodes), String(lanes), median(speed.aStar), median(speed.nba)],
        ...[both(speed.oneGoal), both(speed.sixPicks), both(speed.oneToAll)],
      ]),
    ),
    `The journal made ${journal.recordsPerSecond.toLocaleString('en')} completions of ${journal.lanesEach} lanes durable in a ` +
      `second, training rows included (${journal.records.toLocaleString('en')} of them; SQLite with WAL and ` +
      '`synchronous=FULL`, encoded and appended in one thread, written in another).',
    '',
  ].join('\n\n');
}

await program.parseAsync();
