import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from './api.js';

/** Compiled, this file lies in `dist/load`. */
const MAIN = join(import.meta.dirname, '..', 'src', 'main.js');
const START_MILLISECONDS = 60_000;
const STOP_MILLISECONDS = 20_000;

export interface ServerProcess {
  readonly target: Target;
  /** SIGTERM, then its end; the temporary data directory goes with it. */
  stop(): Promise<void>;
}

/**
 * Starts `aisleflow serve` on a free port with a data directory of its own, and reads the address and the
 * operator's token from what a first start prints.
 *
 * @throws Error with the end of its output where it does not come up.
 */
export async function startServerProcess(options: readonly string[] = []): Promise<ServerProcess> {
  if (!existsSync(MAIN))
    throw new Error('the project is not built: npm run build, or name a server with --url');
  const directory = await mkdtemp(join(tmpdir(), 'aisleflow-load-'));
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--data', directory, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let output = '';
  const target = new Promise<Target>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-20_000);
      const url = /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(output)?.[0];
      const token = /aisleflow_operator_[\w-]{43}/.exec(output)?.[0];
      if (url !== undefined && token !== undefined) resolve({ url, token });
    };
    const fail = (reason: string) => reject(new Error(`the server ${reason}\n${output.slice(-2000)}`));
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => fail(`ended with ${code}`));
    setTimeout(() => fail(`did not come up in ${START_MILLISECONDS / 1000} s`), START_MILLISECONDS).unref();
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
    await ended;
    clearTimeout(kill);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const ready = await target;
    // From here its log is read and dropped, so that the pipe never fills.
    output = '';
    return { target: ready, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
