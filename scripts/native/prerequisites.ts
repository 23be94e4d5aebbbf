import { existsSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { succeeds } from './shell.js';

/** Wheel, libraries unpacked, and their copy in node_modules where hard links do not work. */
const DISK_BYTES_NEEDED = 1.6e9;

export interface Missing {
  readonly what: string;
  readonly remedy: string;
}

/** Everything that the build needs and this machine does not have, at once, so that nobody fixes it one by one. */
export async function findMissing(cacheDirectory: string, wheelGiven: boolean): Promise<readonly Missing[]> {
  const missing: Missing[] = [];
  if (process.platform !== 'linux' || process.arch !== 'x64' || !hasGlibc()) {
    missing.push({
      what: 'Linux on x86-64 with glibc',
      remedy: 'this recipe has no library for other machines; the wasm backend serves there',
    });
  }
  const tools: readonly [what: string, command: string, args: readonly string[], aptPackage: string][] = [
    ['python3', 'python3', ['--version'], 'python3'],
    ['a C++ compiler', process.env['CXX'] ?? 'g++', ['--version'], 'g++'],
    ['make', 'make', ['--version'], 'make'],
    ['tar', 'tar', ['--version'], 'tar'],
  ];
  for (const [what, command, args, aptPackage] of tools) {
    if (!(await succeeds(command, args))) missing.push({ what, remedy: `apt-get install ${aptPackage}` });
  }
  if (!wheelGiven && !(await succeeds('python3', ['-m', 'pip', '--version']))) {
    missing.push({ what: 'pip', remedy: 'apt-get install python3-pip' });
  }
  for (const packageName of ['@tensorflow/tfjs', 'node-gyp']) {
    if (!existsSync(join('node_modules', packageName, 'package.json'))) {
      missing.push({ what: `the npm package ${packageName}`, remedy: 'npm ci' });
    }
  }
  const bytesFree = await freeBytes(cacheDirectory);
  if (bytesFree < DISK_BYTES_NEEDED) {
    missing.push({
      what: `${DISK_BYTES_NEEDED / 1e9} GB of disk for ${cacheDirectory}`,
      remedy: `${(bytesFree / 1e9).toFixed(1)} GB are free; name another place with --cache`,
    });
  }
  return missing;
}

function hasGlibc(): boolean {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime !== undefined;
}

async function freeBytes(directory: string): Promise<number> {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}

/**
 * Where Node's headers are, for node-gyp: named by the caller, set for npm, or beside the running
 * binary as in Node's own archives. Undefined lets node-gyp fetch them from nodejs.org.
 */
export function findNodeHeaders(named: string | undefined): string | undefined {
  const places = [named, process.env['npm_config_nodedir'], dirname(dirname(process.execPath))];
  return places.find(
    (place) => place !== undefined && existsSync(join(place, 'include', 'node', 'node_api.h')),
  );
}

export async function makeDirectory(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  return directory;
}
