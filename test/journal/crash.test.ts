import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { compiledProgram } from '../support/compiled.js';
import { all, temporaryDirectory } from './support/records.js';

const APPENDER = join('test', 'journal', 'fixtures', 'appender.js');

interface Ended {
  /** `sequence route` of each acknowledgement that was printed whole. */
  readonly acknowledged: string[];
  readonly exitCode: number | null;
  readonly errors: string;
}

/** Runs the appender; kills it with SIGKILL after so many acknowledgements. */
async function runAppender(
  directory: string,
  options: { killAfter?: number; fileBlocks?: number },
): Promise<Ended> {
  const limit = options.fileBlocks === undefined ? '' : `ulimit -f ${options.fileBlocks};`;
  const command = `${limit} exec "${process.execPath}" "${join(compiledProgram(), APPENDER)}" "${directory}"`;
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  let lines = 0;
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    const text = chunk.toString();
    output += text;
    lines += text.split('\n').length - 1;
    if (lines >= (options.killAfter ?? Infinity)) child.kill('SIGKILL');
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { acknowledged: output.split('\n').slice(0, -1), exitCode, errors };
}

async function stored(directory: string): Promise<Set<string>> {
  const journal = await openJournal({
    directory,
    onFatal(error) {
      throw error;
    },
  });
  const records = await all(journal.read());
  await journal.close();
  return new Set(
    records.map(({ sequence, payload }) => `${sequence} ${'routeId' in payload ? payload.routeId : ''}`),
  );
}

describe('a journal whose process is killed', () => {
  it('holds every record that was acknowledged, kill after kill', async () => {
    const directory = temporaryDirectory();
    const acknowledged: string[] = [];
    for (const killAfter of [1, 300, 2_000, 150]) {
      const run = await runAppender(directory, { killAfter });
      expect(run.acknowledged.length).toBeGreaterThanOrEqual(killAfter);
      acknowledged.push(...run.acknowledged);
      const records = await stored(directory);
      expect(acknowledged.filter((line) => !records.has(line))).toEqual([]);
    }
  });
});

describe.skipIf(process.platform === 'win32')('a journal whose disk breaks', () => {
  it('acknowledges nothing after the error, and its process ends with an error', async () => {
    const directory = temporaryDirectory();
    // SQLite reports a file-size limit as an I/O error, not as a full disk.
    const run = await runAppender(directory, { fileBlocks: 1_000 });
    expect(run.errors).toContain('E_JOURNAL_FAILED');
    expect(run.exitCode).toBe(70);
    const records = await stored(directory);
    expect(run.acknowledged.length).toBeGreaterThan(0);
    expect(run.acknowledged.filter((line) => !records.has(line))).toEqual([]);
    rmSync(directory, { recursive: true });
  });
});
