import type { Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { AppError } from '../domain/errors.js';
import { lockToRead } from '../journal/directoryLock.js';
import { holdsJournal } from '../journal/segmentFiles.js';
import { openSqliteStore, type SqliteStore } from '../journal/sqliteStore.js';
import { wallClock } from '../platform/clock.js';
import type { BackupManifest } from '../registry/backupManifest.js';
import { requestBackup } from '../registry/backupRequests.js';
import { backUpData, restoreData } from '../registry/dataBackup.js';
import { FAILURE_HELP, reportingFailure } from './failure.js';
import { DATA_OPTION } from './dataOption.js';

interface Options {
  readonly data: string;
  readonly json?: true;
}

const EXAMPLES = `${FAILURE_HELP}

A backup holds the journal, the policies and the tokens' digests, and is taken while the server serves.
A restore makes its data directory anew, as a backup does: in place of none or of an empty one, but not of a mount point.

Examples:
  aisleflow backup --to /backups/2026-11-22
  aisleflow restore --from /backups/2026-11-22 --data /var/lib/aisleflow`;

/** Adds `backup` and `restore`, which work on the data directory of a server on this machine. */
export function addBackupCommands(program: Command): void {
  program
    .command('backup')
    .description('copy a data directory, also while its server runs')
    .requiredOption('--to <directory>', 'where to; must not exist, or be empty and no mount point')
    .option(...DATA_OPTION)
    .option('--json', 'print the manifest')
    .addHelpText('after', EXAMPLES)
    .action(
      reportingFailure(async ({ to, ...options }: Options & { readonly to: string }) => {
        print(await backUp(existingData(options.data), resolve(to)), `Backed up to ${resolve(to)}`, options);
      }),
    );
  program
    .command('restore')
    .description('make a data directory from a backup')
    .requiredOption('--from <directory>', 'a backup')
    .option(...DATA_OPTION)
    .option('--json', 'print the manifest')
    .addHelpText('after', EXAMPLES)
    .action(
      reportingFailure(async ({ from, ...options }: Options & { readonly from: string }) => {
        const directory = resolve(options.data);
        print(await restoreData(resolve(from), directory), `Restored to ${directory}`, options);
      }),
    );
}

/** By the server, where one has the directory open; else here. */
async function backUp(directory: string, to: string): Promise<BackupManifest> {
  const store = openUnlessServed(directory);
  if (store === null) return requestBackup(directory, { id: randomUUID(), to });
  try {
    return await backUpData(
      { directory, now: wallClock.now(), copyJournal: (target) => store.backUp(target) },
      to,
    );
  } finally {
    store.close();
  }
}

/** @throws E_DATA_DIRECTORY another command reads it, or it cannot be written */
function openUnlessServed(directory: string): SqliteStore | null {
  const lock = lockToRead(directory);
  if (lock === 'heldByWriter') return null;
  if (lock === 'heldByReader') {
    const detail = 'another command, such as `journal verify`, is reading it; wait for its end';
    throw new AppError('E_DATA_DIRECTORY', { directory, detail });
  }
  lock.release();
  return openSqliteStore(directory);
}

/** A mistyped directory must not become a new one. @throws E_DATA_DIRECTORY */
export function existingData(data: string): string {
  const directory = resolve(data);
  if (!holdsJournal(directory)) {
    throw new AppError('E_DATA_DIRECTORY', { directory, detail: 'no server has started there yet' });
  }
  return directory;
}

function print(manifest: BackupManifest, done: string, { json }: Options): void {
  if (json === true) return console.log(JSON.stringify(manifest));
  const { first, last } = manifest.journal;
  console.log(`${done}: journal records ${first} to ${last}, ${Object.keys(manifest.files).length} files.`);
}
