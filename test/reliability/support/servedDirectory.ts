import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { JournalRecord } from '../../../src/journal/records.js';
import { openJournal } from '../../../src/journal/sqliteJournal.js';
import { compiledProgram } from '../../support/compiled.js';

export interface Serving {
  readonly url: string;
  readonly token: string;
  readonly warehouseId: string;
  readonly child: ChildProcess;
  /** Milliseconds from the start of the process until it served. */
  readonly readyMilliseconds: number;
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>;
}

/** Starts the server's process on a data directory. Rejects where it ends before it serves. */
export async function serveDirectory(
  directory: string,
  options: { readonly reserveBytes?: number; readonly environment?: NodeJS.ProcessEnv } = {},
): Promise<Serving> {
  const program = join(compiledProgram(), 'test', 'reliability', 'fixtures', 'server.js');
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, directory, String(options.reserveBytes ?? 65_536)], {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, errors }));
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${errors}`)));
  });
  const started = JSON.parse(line) as Pick<Serving, 'url' | 'token' | 'warehouseId'>;
  return { ...started, child, readyMilliseconds: performance.now() - startedAt, ended };
}

/** All records that a directory's journal holds, once its server is gone. */
export async function journalOf(directory: string): Promise<JournalRecord[]> {
  const journal = await openJournal({
    directory,
    sizes: { journalReserveBytes: 0 },
    onFatal(error) {
      throw error;
    },
  });
  const records: JournalRecord[] = [];
  for await (const record of journal.read()) records.push(record);
  await journal.close();
  return records;
}
