import type { Command } from 'commander';
import { inspectJournal, isSound, type DamagedRange, type JournalReport } from '../journal/inspection.js';
import { quarantineJournal } from '../journal/quarantine.js';
import { wallClock } from '../platform/clock.js';
import { existingData } from './backupCommands.js';
import { FAILURE_HELP, reportingFailure } from './failure.js';
import { DATA_OPTION } from './dataOption.js';

interface Options {
  readonly data: string;
  readonly json?: true;
}

const EXAMPLES = `${FAILURE_HELP}

verify reads every record of the journal. While a server runs, the segment that it writes to is left out.
quarantine wants the server stopped. It keeps every record that is sound under its own number, says which are
lost, and moves the damaged files aside.

Examples:
  aisleflow journal verify --data /var/lib/aisleflow
  aisleflow journal quarantine --data /var/lib/aisleflow`;

/** Adds `journal verify` and `journal quarantine`, which work on the data directory of a server on this machine. */
export function addJournalCommands(program: Command): void {
  const journal = program
    .command('journal')
    .description('check the journal, and make a damaged one usable again')
    .addHelpText('after', EXAMPLES);
  journal
    .command('verify')
    .description('read and check every record')
    .option(...DATA_OPTION)
    .option('--json', 'print the report')
    .action(
      reportingFailure(async (options: Options) => {
        const report = inspectJournal(existingData(options.data));
        if (!isSound(report)) process.exitCode = 1;
        console.log(options.json === true ? JSON.stringify(report) : reportText(report));
      }),
    );
  journal
    .command('quarantine')
    .description('keep what is sound, name what is lost, move the damaged files aside')
    .option(...DATA_OPTION)
    .option('--json', 'print {report, lost, movedTo}')
    .action(
      reportingFailure(async (options: Options) => {
        const done = await quarantineJournal(existingData(options.data), wallClock.now());
        if (options.json === true) return console.log(JSON.stringify(done));
        if (done.movedTo === null) return console.log('The journal is sound; nothing was changed.');
        console.log(
          `Lost:\n${rangesText(done.lost)}\nThe damaged files are in ${done.movedTo}. The server can start.`,
        );
      }),
    );
}

function reportText(report: JournalReport): string {
  const { first, last, soundRecords, damaged, structure, markIsSound, checkpoints, servedFrom } = report;
  const lines = [`Records ${first} to ${last}: ${soundRecords} read and sound.`];
  if (servedFrom !== null) lines.push(`A server is writing from ${servedFrom} on; that part was not read.`);
  if (damaged.length > 0) lines.push('Damaged:', rangesText(damaged));
  lines.push(...structure.map((fault) => `Damaged, at the cost of no record: ${fault}`));
  if (!markIsSound) lines.push('The high-water mark is damaged: what is missing at the end cannot be told.');
  for (const { sequence, isSound: sound } of checkpoints) {
    lines.push(`Checkpoint at ${sequence}: ${sound ? 'sound' : 'damaged'}.`);
  }
  if (!isSound(report)) lines.push('Stop the server and run: aisleflow journal quarantine');
  return lines.join('\n');
}

function rangesText(ranges: readonly DamagedRange[]): string {
  if (ranges.length === 0) return '  no record';
  return ranges
    .map(({ from, to, detail }) => `  ${from === to ? from : `${from} to ${to}`}: ${detail}`)
    .join('\n');
}
