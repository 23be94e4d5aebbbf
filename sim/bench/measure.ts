import { execFile } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchResult } from './benchResult.js';
import { currentRevision, machineName, today } from './origin.js';
import type { BenchLine, BenchRun, Inputs } from './runs.js';

/** Makes runs in processes of their own, all from one copy of the build: a build meanwhile changes no run. */
export interface Measurer {
  /** @throws Error with what the process complained of */
  measure(run: BenchRun): Promise<BenchLine>;
  close(): void;
}

export function createMeasurer({ dataDirectory, policiesDirectory }: Inputs): Measurer {
  const directory = join('.cache', `bench-${process.pid}`);
  cpSync('dist', join(directory, 'dist'), { recursive: true });
  const program = join(directory, 'dist', 'src', 'main.js');
  const machine = machineName();
  const revision = currentRevision();
  const run = promisify(execFile);
  return {
    async measure({ warmUpSteps, ...options }) {
      const words = { ...options, 'warm-up': warmUpSteps };
      const { stdout } = await run(process.execPath, [
        ...[program, 'bench', '--json', '--policies', policiesDirectory],
        ...(dataDirectory === '' ? [] : ['--data', dataDirectory]),
        ...Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ]);
      return { ...(JSON.parse(stdout) as BenchResult), measuredOn: today(), machine, revision };
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
