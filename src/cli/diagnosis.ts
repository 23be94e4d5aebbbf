import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { openSqliteStore } from '../journal/sqliteStore.js';
import { BACKEND_NAMES, type BackendReport, selectBackend } from '../policy/backend.js';
import { packageVersion } from './packageFiles.js';

const NODE_NEEDED = [20, 19] as const;
/** The journal grows by about a gigabyte for a million routes; below this the operator should know. */
const DISK_BYTES_WANTED = 1e9;

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** What `aisleflow doctor --json` prints. */
export interface Diagnosis {
  /** Whether a server would start here: a backend serves, the journal opens, the data directory can be written. */
  readonly healthy: boolean;
  /** The TF.js backend that a server started here would take, or null. */
  readonly backend: string | null;
  readonly forcedBackend: string | null;
  readonly backends: readonly BackendReport[];
  readonly checks: readonly Check[];
  readonly versions: Readonly<Record<string, string>>;
}

export interface DiagnosisOptions {
  readonly dataDirectory: string;
  /** The value of `AISLEFLOW_TF_BACKEND`. */
  readonly force: string;
}

/** Tries everything that a server needs, and changes nothing. */
export async function diagnose(options: DiagnosisOptions): Promise<Diagnosis> {
  const backends: BackendReport[] = [];
  for (const name of BACKEND_NAMES) backends.push(await tryBackend(name));
  const backend = servingBackend(backends, options.force);
  const directory = resolve(options.dataDirectory);
  const checks = [checkNode(), checkJournal(), checkDirectory(directory), checkDisk(directory)];
  return {
    healthy: backend !== null && checks.every((check) => check.ok),
    backend,
    forcedBackend: options.force === '' ? null : options.force,
    backends,
    checks,
    versions: versions(),
  };
}

async function tryBackend(name: BackendReport['name']): Promise<BackendReport> {
  try {
    const { report } = await selectBackend({ force: name });
    return report[0] ?? { name, usable: true, detail: '' };
  } catch (error) {
    // E_BACKEND words it for a server that cannot start; here each backend stands for itself.
    const detail = reasonOf(error)
      .replace(/^.*?: \w+: /, '')
      .replace(/\. `aisleflow doctor` explains\.$/, '');
    return { name, usable: false, detail };
  }
}

function servingBackend(backends: readonly BackendReport[], force: string): string | null {
  const candidates = force === '' ? backends : backends.filter(({ name }) => name === force);
  return candidates.find(({ usable }) => usable)?.name ?? null;
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > NODE_NEEDED[0] || (major === NODE_NEEDED[0] && minor >= NODE_NEEDED[1]);
  const detail = ok
    ? process.versions.node
    : `${process.versions.node}; install ${NODE_NEEDED.join('.')} or newer`;
  return { name: 'Node', ok, detail };
}

function checkJournal(): Check {
  const name = 'Journal (SQLite)';
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-doctor-'));
  try {
    openSqliteStore(directory).close();
    return { name, ok: true, detail: 'better-sqlite3 loads; a journal opens' };
  } catch (error) {
    return { name, ok: false, detail: reasonOf(error) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function checkDirectory(directory: string): Check {
  const existing = nearestExisting(directory);
  const detail = existing === directory ? directory : `${directory} (will be made)`;
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
    return { name: 'Data directory', ok: true, detail };
  } catch (error) {
    const remedy = 'name a writable one with --data';
    return { name: 'Data directory', ok: false, detail: `${directory}: ${reasonOf(error)}; ${remedy}` };
  }
}

function checkDisk(directory: string): Check {
  const { bavail, bsize } = statfsSync(nearestExisting(directory));
  const bytesFree = bavail * bsize;
  const detail = `${(bytesFree / 1e9).toFixed(1)} GB free`;
  const ok = bytesFree >= DISK_BYTES_WANTED;
  return {
    name: 'Disk',
    ok,
    detail: ok ? detail : `${detail}, at least ${DISK_BYTES_WANTED / 1e9} GB is wanted`,
  };
}

function nearestExisting(directory: string): string {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  return existing;
}

function versions(): Record<string, string> {
  const found: Record<string, string> = {
    aisleflow: packageVersion(),
    node: process.versions.node,
    system: `${process.platform}-${process.arch}`,
  };
  const { resolve: resolvePackage } = createRequire(import.meta.url);
  for (const name of ['@tensorflow/tfjs', 'better-sqlite3', 'fastify', 'ws']) {
    found[name] = versionIn(join(packageDirectory(resolvePackage(name)), 'package.json'));
  }
  return found;
}

function packageDirectory(file: string): string {
  let directory = dirname(file);
  while (!isPackage(directory)) directory = dirname(directory);
  return directory;
}

/** Packages also keep manifests without a version, which only say how modules are written. */
function isPackage(directory: string): boolean {
  const manifest = join(directory, 'package.json');
  return dirname(directory) === directory || (existsSync(manifest) && versionIn(manifest) !== '');
}

function versionIn(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string }).version ?? '';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
