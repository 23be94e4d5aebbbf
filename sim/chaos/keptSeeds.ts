import { readFileSync, writeFileSync } from 'node:fs';
import { AppError } from '../../src/domain/errors.js';

/**
 * The seeds that failed once: each run begins with them. None where there is no such file.
 * @throws E_USAGE where the file is no list of seeds
 */
export function readKeptSeeds(file: string): readonly number[] {
  let seeds: unknown;
  try {
    seeds = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw notSeeds(file, (error as Error).message, error);
  }
  if (!Array.isArray(seeds) || !seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0))
    throw notSeeds(file, 'it is no list of whole numbers');
  return seeds as number[];
}

/** Adds a seed to the file, once. */
export function keepSeed(file: string, seed: number): void {
  writeFileSync(file, asJson([...new Set([...readKeptSeeds(file), seed])]));
}

function notSeeds(file: string, why: string, cause?: unknown): AppError {
  return new AppError('E_USAGE', { detail: `${file} holds no seeds: ${why}` }, cause);
}

const LINE_WIDTH = 110;

/** As the repository's formatter wants it, or a kept seed would fail the lint step: one line, else lines filled. */
function asJson(seeds: readonly number[]): string {
  const line = `[${seeds.join(', ')}]`;
  if (line.length <= LINE_WIDTH) return `${line}\n`;
  const lines: string[] = [];
  for (const [at, seed] of seeds.entries()) {
    const word = at < seeds.length - 1 ? `${seed},` : `${seed}`;
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && longer.length <= LINE_WIDTH) lines[lines.length - 1] = longer;
    else lines.push(`  ${word}`);
  }
  return `[\n${lines.join('\n')}\n]\n`;
}
