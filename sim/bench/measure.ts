import { execFile, execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchResult } from './benchResult.js';
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
  const [cpu] = cpus();
  const machine = `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, Node ${process.versions.node}`;
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
      const measuredOn = new Date().toISOString().slice(0, 10);
      return { ...(JSON.parse(stdout) as BenchResult), measuredOn, machine, revision };
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function currentRevision(): string {
  try {
    const git = (...words: string[]): string =>
      execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'sim') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '');
  } catch {
    return 'unknown';
  }
}
