import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { compiledProgram } from '../../support/compiled.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

export interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
  /** Standard output once it holds this. Rejects where the program ends before. */
  until(text: string): Promise<string>;
}

/** Starts the `aisleflow` program itself, as JavaScript. */
export function startProgram(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(process.execPath, [join(compiledProgram(), 'src', 'main.js'), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    for (const check of waiting) check();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }));
  });
  return {
    child,
    ended,
    until: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!out.includes(text)) return;
          waiting.delete(check);
          resolve(out);
        };
        waiting.add(check);
        check();
        void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${err}`)));
      }),
  };
}

/** Runs the program to its end. */
export function runProgram(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  return startProgram(args, environment).ended;
}
