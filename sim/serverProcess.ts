import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { AppError } from '../src/domain/errors.js';
import type { ServerTarget } from './serverApi.js';

/** The program, compiled where this file is. */
const MAIN = join(import.meta.dirname, '..', 'src', `main${extname(import.meta.filename)}`);
const START_MILLISECONDS = 60_000;
const STOP_MILLISECONDS = 20_000;

/** A server of this program in a process of its own, with a data directory that goes when it goes. */
export interface ServerProcess {
  readonly target: ServerTarget;
  readonly docsUrl: string;
  readonly backend: string;
  readonly processId: number;
  /** SIGTERM, and what it left behind; may be called again. */
  stop(): Promise<void>;
}

/**
 * Starts `aisleflow serve` on a free port of this machine.
 * @param words further options of `serve`
 * @throws E_USAGE with the end of what it said where it does not come up
 */
export async function startServerProcess(words: readonly string[]): Promise<ServerProcess> {
  if (!existsSync(MAIN)) throw new AppError('E_USAGE', { detail: 'the program is not built: npm run build' });
  const directory = await mkdtemp(join(tmpdir(), 'aisleflow-'));
  const own = ['--port', '0', '--data', directory, '--json', '--log-level', 'warn'];
  const child = spawn(process.execPath, [...process.execArgv, MAIN, 'serve', ...own, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let said = '';
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
    await ended;
    clearTimeout(kill);
    await rm(directory, { recursive: true, force: true });
  };
  // Whatever ends this process must not leave the other one running.
  const orphan = (): void => void child.kill('SIGKILL');
  process.once('exit', orphan);
  void ended.then(() => process.removeListener('exit', orphan));
  try {
    const line = await new Promise<string>((resolve, reject) => {
      const fail = (how: string): void =>
        reject(new AppError('E_USAGE', { detail: `the server ${how}: ${said.trim().slice(-1000)}` }));
      child.stdout.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString('utf8')).slice(-20_000);
        const ready = said.split('\n').find((text) => text.startsWith('{"version"') && text.endsWith('}'));
        if (ready !== undefined) resolve(ready);
      });
      child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-20_000)));
      child.once('error', reject);
      child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
      setTimeout(() => fail(`was not ready in ${START_MILLISECONDS / 1000} s`), START_MILLISECONDS).unref();
    });
    const ready = JSON.parse(line) as {
      url: string;
      docsUrl: string;
      backend: string;
      tokens: { robot: string; operator: string };
    };
    const { url, docsUrl, backend, tokens } = ready;
    const target = { url, robotToken: tokens.robot, operatorToken: tokens.operator };
    return { target, docsUrl, backend, processId: child.pid as number, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
