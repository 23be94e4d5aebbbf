import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Journal } from '../../../src/journal/journal.js';
import { openJournal } from '../../../src/journal/sqliteJournal.js';
import { cell } from './startService.js';

/** Removed when the test is over. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'aisleflow-upkeep-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A journal in SQLite whose segments are short. */
export function openShort(directory: string, segmentRecords = 5): Promise<Journal> {
  return openJournal({
    directory,
    sizes: { segmentRecords, journalReserveBytes: 0 },
    onFatal(error) {
      throw error;
    },
  });
}

export const request = (robotId: string, requestId: string, from: string, stop: string) => ({
  ...{ requestId, robotId, from: cell(from), stops: [cell(stop)] },
});
