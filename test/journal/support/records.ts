import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JournalRecord, NewRecord } from '../../../src/journal/records.js';

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-journal-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A small record that can be told from all others. */
export function cancelled(number: number, warehouseId = 'site'): NewRecord<'route.cancelled'> {
  return {
    at: 1_000 + number,
    warehouseId,
    kind: 'route.cancelled',
    payload: { routeId: `r${number}`, robotId: 'robot', reason: `number ${number}` },
  };
}

/** A record of a given size. */
export function samples(bytes: number): NewRecord<'rows.corrected'> {
  return {
    at: 1,
    warehouseId: 'site',
    kind: 'rows.corrected',
    payload: { rows: [], blockingSeconds: [] },
    blob: new Uint8Array(bytes).fill(7),
  };
}

export async function all(records: AsyncIterable<JournalRecord>): Promise<JournalRecord[]> {
  const list: JournalRecord[] = [];
  for await (const record of records) list.push(record);
  return list;
}
