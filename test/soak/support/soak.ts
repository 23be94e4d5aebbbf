import { Command } from 'commander';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countArgument } from '../../../sim/arguments.js';
import { exitAsMisuse } from '../../../src/platform/exitAsMisuse.js';

export interface SoakOptions {
  readonly count: number;
  readonly seed: number;
  readonly json?: true;
}
export interface Soak {
  readonly name: string;
  readonly description: string;
  /** What `--count` counts, and how many there are unless told. */
  readonly unit: string;
  readonly count: number;
  /** @param directory a new one, gone afterwards. `passed` decides the exit code. */
  run(options: {
    readonly count: number;
    readonly seed: number;
    readonly directory: string;
    readonly progress: (done: number) => void;
  }): Promise<{ readonly passed: boolean }>;
}

const EXIT_HELP = '\nExit code: 0 the promise held, 1 it did not, 2 wrong use.';
const PROGRESS_MILLISECONDS = 5_000;

/** The shell of a soak: how much and from which seed, progress on standard error, the result as the last line. */
export async function runSoak(soak: Soak): Promise<void> {
  const program = new Command(soak.name)
    .exitOverride(exitAsMisuse)
    .description(`${soak.description}. A run goes on from another's seed plus its count.`)
    .option('--count <n>', soak.unit, countArgument, soak.count)
    .option('--seed <n>', 'the first seed', countArgument, 1)
    .option('--json', 'print the result as one JSON line')
    .addHelpText('after', EXIT_HELP);
  await program.parseAsync();
  const { count, seed, json } = program.opts<SoakOptions>();
  const directory = mkdtempSync(join(tmpdir(), `aisleflow-${soak.name}-`));
  const startedAt = performance.now();
  let toldAt = startedAt;
  const seconds = (): number => Math.round((performance.now() - startedAt) / 100) / 10;
  const progress = (done: number): void => {
    if (performance.now() - toldAt < PROGRESS_MILLISECONDS) return;
    toldAt = performance.now();
    console.error(`${soak.name}: ${done} of ${count} ${soak.unit}, ${seconds()} s`);
  };
  try {
    const result = await soak.run({ count, seed, directory, progress });
    const report = { soak: soak.name, count, seed, seconds: seconds(), ...result };
    console.log(json === true ? JSON.stringify(report) : report);
    if (!result.passed) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A soak of simulated lives: each seed passes, or is named with what did not hold. */
export function runSeeds(options: {
  readonly name: string;
  readonly description: string;
  readonly count: number;
  readonly runSeed: (seed: number) => Promise<void>;
}): Promise<void> {
  return runSoak({
    ...options,
    unit: 'seeds',
    async run({ count, seed: first, progress }) {
      const failures: { readonly seed: number; readonly detail: string }[] = [];
      for (let seed = first; seed < first + count; seed++) {
        await options.runSeed(seed).catch((error: unknown) => failures.push({ seed, detail: String(error) }));
        progress(seed - first + 1);
      }
      return { failures, passed: failures.length === 0 };
    },
  });
}

/** The shell of a soak in timed phases, one JSON line each: its numbers by name, from the command line or as given here. */
export function phaseOptions<Name extends string>(
  name: string,
  description: string,
  numbers: Readonly<Record<Name, { readonly what: string; readonly unlessTold: number }>>,
): Readonly<Record<Name, number>> {
  const program = new Command(name)
    .exitOverride(exitAsMisuse)
    .description(`${description}. One JSON line a phase.`);
  for (const [option, { what, unlessTold }] of Object.entries<{ what: string; unlessTold: number }>(numbers))
    program.option(`--${option} <n>`, what, countArgument, unlessTold);
  program.addHelpText('after', `${EXIT_HELP}\n\nExample:\n  npm run ${name} -- --seconds 8`);
  return program.parse().opts();
}
