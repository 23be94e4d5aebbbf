import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');

let compiled: string | null = null;

/**
 * The program and the tests' own programs as JavaScript, types taken off and nothing checked: a process that
 * is to be killed many times starts in a fraction of what it takes through tsx. Gone when this process ends.
 */
export function compiledProgram(): string {
  compiled ??= compile();
  return compiled;
}

function compile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-compiled-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const entryPoints = ['src', 'sim', 'load', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => join(ROOT, folder, name)),
  );
  buildSync({
    entryPoints,
    outdir: directory,
    outbase: ROOT,
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  for (const name of ['node_modules', 'maps', 'policies'])
    symlinkSync(join(ROOT, name), join(directory, name));
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
  return directory;
}
