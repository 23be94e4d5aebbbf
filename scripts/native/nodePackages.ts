import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from './prerequisites.js';
import { runCommand } from './shell.js';

interface LockEntry {
  readonly version: string;
  readonly integrity: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}
type Lock = Readonly<Record<string, LockEntry>>;

export const TFJS_NODE_PATH = 'node_modules/@tensorflow/tfjs-node';

/**
 * tfjs-node and what it needs, as far as npm dropped them after its install script failed. Paths,
 * versions and checksums are those of package-lock.json, so the tree becomes the one that `npm ci`
 * would have laid down, and nothing else in it is touched (`npm install --no-save` prunes).
 */
export async function missingPackages(): Promise<Lock> {
  const lock = (JSON.parse(await readFile('package-lock.json', 'utf8')) as { packages: Lock }).packages;
  const missing: Record<string, LockEntry> = {};
  const seen = new Set<string>();
  const waiting = [TFJS_NODE_PATH];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const entry = lock[path];
    if (entry === undefined) throw new Error(`package-lock.json has no ${path}: restore it, then run npm ci`);
    if (!existsSync(join(path, 'package.json'))) missing[path] = entry;
    for (const name of Object.keys(entry.dependencies ?? {})) waiting.push(resolveInLock(lock, path, name));
  }
  return missing;
}

/** Node's own rule: the nearest node_modules upwards that holds the package. */
function resolveInLock(lock: Lock, from: string, name: string): string {
  for (let base = from; base !== ''; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const path = `${base}/node_modules/${name}`;
    if (path in lock) return path;
  }
  return `node_modules/${name}`;
}

/** Fetches packages from the npm registry and unpacks each to its path below `directory`. */
export async function fetchPackages(packages: Lock, directory: string): Promise<void> {
  const archives = await makeDirectory(join(directory, 'archives'));
  const entries = Object.entries(packages);
  const specifiers = new Set(entries.map(([path, entry]) => `${nameOf(path)}@${entry.version}`));
  if (specifiers.size === 0) return;
  const output = await runCommand('npm', ['pack', '--json', '--pack-destination', archives, ...specifiers]);
  const packed = parsePacked(output);
  for (const [path, entry] of entries) {
    const name = nameOf(path);
    const found = packed.find((one) => one.name === name && one.version === entry.version);
    if (found === undefined) throw new Error(`npm pack did not answer ${name}@${entry.version}`);
    const archive = join(archives, found.filename);
    await verifyIntegrity(archive, entry.integrity);
    const target = await makeDirectory(join(directory, path));
    await runCommand('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
  }
}

interface Packed {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
}

/** npm 10 and 11 print a list; npm 12 an object by name. Archives are named `scope-name-version.tgz`. */
function parsePacked(output: string): readonly Packed[] {
  const parsed = JSON.parse(output) as Packed[] | Record<string, Packed>;
  const list = Array.isArray(parsed) ? parsed : Object.values(parsed);
  return list.map((one) => ({ ...one, filename: one.filename.replace(/^@/, '').replaceAll('/', '-') }));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

async function verifyIntegrity(file: string, integrity: string): Promise<void> {
  const [algorithm = 'sha512'] = integrity.split('-', 1);
  const digest = createHash(algorithm)
    .update(await readFile(file))
    .digest('base64');
  if (`${algorithm}-${digest}` !== integrity) {
    throw new Error(
      `${file} is not the file that package-lock.json names (${algorithm} differs). Nothing was changed`,
    );
  }
}
