import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Let the command write to the terminal as it goes, for progress bars. */
  readonly showOutput?: boolean;
}

const OUTPUT_LINES_SHOWN = 25;

/** Runs a command to its end and answers its stdout. @throws Error with the end of its output when it fails. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.environment },
      stdio: options.showOutput === true ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      output += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      const tail = output.trimEnd().split('\n').slice(-OUTPUT_LINES_SHOWN).join('\n');
      const words = args.map((word) => (word.length > 80 ? '...' : word)).join(' ');
      reject(new Error(`${command} ${words} ended with ${signal ?? `code ${code}`}\n${tail}`.trimEnd()));
    });
  });
}

/** Whether a command is there and ends well. */
export async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await runCommand(command, args);
    return true;
  } catch {
    return false;
  }
}
