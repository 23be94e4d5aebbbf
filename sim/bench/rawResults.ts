import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { nameOf, type BenchLine } from './runs.js';

/** Finished runs, one JSON object a line: what a report is made of, and what a second start need not do again. */
export interface RawResults {
  lines(): readonly BenchLine[];
  append(line: BenchLine): void;
  /** Forgets the runs of these names. */
  drop(names: ReadonlySet<string>): void;
}

export function openRawResults(file: string): RawResults {
  mkdirSync(dirname(file), { recursive: true });
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  // A start that was cut off while it wrote leaves half a line behind: that run is done again.
  if (text !== '' && !text.endsWith('\n')) appendFileSync(file, '\n');
  const byName = new Map<string, BenchLine>();
  for (const line of text.split('\n')) {
    const result = parse(line);
    if (result) byName.set(nameOf(result), result);
  }
  return {
    lines: () => [...byName.values()],
    append(line) {
      byName.set(nameOf(line), line);
      appendFileSync(file, JSON.stringify(line) + '\n');
    },
    drop(names) {
      for (const name of names) byName.delete(name);
      writeFileSync(file, [...byName.values()].map((line) => JSON.stringify(line) + '\n').join(''));
    },
  };
}

function parse(line: string): BenchLine | null {
  try {
    return JSON.parse(line) as BenchLine;
  } catch {
    return null;
  }
}
