import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../journal/support/records.js';
import { compiledProgram } from '../support/compiled.js';
import { builtShim, mayInject } from './support/failingSync.js';
import { journalOf } from './support/servedDirectory.js';

const FAILED = 70;

/** Appends until the call fails; answers what was acknowledged, and how the process ended. */
async function appendUntilFailure(directory: string, library: string, call: 'sync' | 'write', at: number) {
  const program = join(compiledProgram(), 'test', 'journal', 'fixtures', 'appender.js');
  const environment = { LD_PRELOAD: library, FAIL_CALL: call, FAIL_AT: String(at) };
  const child = spawn(process.execPath, [program, directory, '4000'], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { acknowledged: out.split('\n').slice(0, -1), code, errors };
}

describe.skipIf(!mayInject())('a commit that fails', () => {
  it.each([
    ['sync', [6, 9, 12, 15, 20, 40]],
    ['write', [20, 25, 30, 37, 60, 120]],
  ] as const)(
    'ends the process with an error and nothing acknowledged after it, whichever %s it is',
    async (call, points) => {
      const library = builtShim();
      let acknowledged = 0;
      for (const at of points) {
        const directory = temporaryDirectory();
        const run = await appendUntilFailure(directory, library, call, at);
        // 70 once it runs; a failure while the journal is opened ends the start.
        expect([at, run.code === FAILED || run.code === 1, run.errors.includes('E_JOURNAL_FAILED')]).toEqual([
          at,
          true,
          true,
        ]);
        acknowledged += run.acknowledged.length;
        // Started again on a sound disk, it holds all that was acknowledged.
        const held = new Set(
          (await journalOf(directory)).map(
            ({ sequence, payload }) => `${sequence} ${'routeId' in payload ? payload.routeId : ''}`,
          ),
        );
        expect(run.acknowledged.filter((line) => !held.has(line))).toEqual([]);
      }
      expect(acknowledged).toBeGreaterThan(0);
    },
    120_000,
  );
});
