import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

/** Where and when a figure was measured, and of what: stands beside each. */

export function machineName(): string {
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, Node ${process.versions.node}`;
}

/** The day, UTC. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** The commit, with `+` where files differ from it; `unknown` outside a checkout. */
export function currentRevision(): string {
  try {
    const git = (...words: string[]): string =>
      execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'sim') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '');
  } catch {
    return 'unknown';
  }
}
