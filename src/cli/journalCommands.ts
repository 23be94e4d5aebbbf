import type { Command } from 'commander';
import { isSound, type DamagedRange, type JournalReport } from '../journal/inspection.js';
import { quarantineJournal } from '../journal/quarantine.js';
import type { RecordsDropped } from '../journal/records.js';
import { wallClock } from '../platform/clock.js';
import { verifyJournal } from '../journal/verification.js';
import { existingData } from './backupCommands.js';
import { FAILURE_HELP, reportingFailure } from './failure.js';
import { DATA_OPTION, dataAgain } from './dataOption.js';

interface Options {
  readonly data: string;
  readonly json?: true;
}

/** What retention dropped, and when. */
type Drop = RecordsDropped & { readonly at: number };

const EXAMPLES = `${FAILURE_HELP}

verify reads every record of the journal, and names what retention dropped. It may run beside a server, and then leaves
out the segment that is written to: verify a backup for that. Where none runs, none can start until it is done.
quarantine wants the server stopped. It keeps every record that is sound under its own number, says which are
lost, and moves the damaged files aside.

Examples:
  aisleflow journal verify --data /var/lib/aisleflow
  aisleflow journal verify --data /backups/2026-11-22
  aisleflow journal quarantine --data /var/lib/aisleflow`;

/** Adds `journal verify` and `journal quarantine`, which work on the data directory of a server on this machine. */
export function addJournalCommands(program: Command): void {
  const journal = program
    .command('journal')
    .description('check the journal, and make a damaged one usable again')
    .addHelpText('afterAll', EXAMPLES);
  journal
    .command('verify')
    .description('read and check every record')
    .option(...DATA_OPTION)
    .option('--json', 'print {checked, soundRecords, damaged, ...}; checked: all, part or nothing')
    .action(
      reportingFailure(async (options: Options) => {
        const dropped: Drop[] = [];
        const report = verifyJournal(existingData(options.data), (_sequence, found) => {
          if (typeof found === 'string' || found.kind !== 'records.dropped') return;
          dropped.push({ at: found.at, ...(JSON.parse(found.payload) as RecordsDropped) });
        });
        if (!isSound(report)) process.exitCode = 1;
        console.log(
          options.json === true
            ? JSON.stringify({ checked: checkedOf(report), ...report, dropped })
            : reportText(report, dropped, options.data),
        );
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

/** What of the journal was read: beside a server not the segment that it writes to, which may be the only one. */
function checkedOf({ first, servedFrom }: JournalReport): 'all' | 'part' | 'nothing' {
  if (servedFrom === null) return 'all';
  return servedFrom === first ? 'nothing' : 'part';
}

function reportText(report: JournalReport, dropped: readonly Drop[], data: string): string {
  const { first, last, soundRecords, damaged, structure, markIsSound, checkpoints, servedFrom } = report;
  const lines = [`Records ${first} to ${last}: ${soundRecords} read and sound.`];
  const checked = checkedOf(report);
  if (checked === 'nothing') {
    lines[0] = `Records ${first} to ${last}: nothing was checked, a server is writing to the only segment.`;
    lines.push(
      `To check it, verify a backup: aisleflow backup --to DIR${dataAgain(data)}, then aisleflow journal verify --data DIR`,
    );
  } else if (checked === 'part') {
    lines.push(`A server is writing from ${servedFrom} on; that part was not read.`);
  }
  for (const { at, from, to, bytes, reason } of dropped) {
    const what = `Dropped by retention: records ${from} to ${to}, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
    lines.push(`${what}, by ${reason}, ${new Date(at).toISOString()}.`);
  }
  if (damaged.length > 0) lines.push('Damaged:', rangesText(damaged));
  lines.push(
    ...structure.map(
      (fault) => `Damaged structure of a file; records that this costs are named above: ${fault}`,
    ),
  );
  if (!markIsSound) lines.push('The high-water mark is damaged: what is missing at the end cannot be told.');
  for (const { sequence, isSound: sound } of checkpoints) {
    lines.push(`Checkpoint at ${sequence}: ${sound ? 'sound' : 'damaged'}.`);
  }
  if (!isSound(report)) {
    lines.push(`Stop the server and run: aisleflow journal quarantine${dataAgain(data)}`);
    lines.push('Records that follow on a lost one of the same route are lost with it; it says which.');
  }
  return lines.join('\n');
}

function rangesText(ranges: readonly DamagedRange[]): string {
  if (ranges.length === 0) return '  no record';
  return ranges
    .map(({ from, to, detail }) => `  ${from === to ? from : `${from} to ${to}`}: ${detail}`)
    .join('\n');
}
