import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { cp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import type { MarkedRange } from '../journal/highWaterMark.js';
import { lockDirectory, lockUnlessHeld, type DirectoryLock } from '../journal/directoryLock.js';
import { LOCK_FILE } from '../journal/segmentFiles.js';
import { makeDirectory } from '../platform/directories.js';
import { DRAFT_PREFIX, syncPath, syncTree } from './atomicFiles.js';
import { MANIFEST_FILE, readManifest, type BackupManifest } from './backupManifest.js';
import { withDirectoryErrors } from './directoryErrors.js';

export interface BackupSource {
  readonly directory: string;
  /** Copies checkpoints, journal and mark while they are written. */
  readonly copyJournal: (to: string) => Promise<MarkedRange>;
  readonly now: Instant;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * Copies a data directory: journal, checkpoints, policies and tokens. The copy takes its name once it is whole and on disk.
 * @throws E_DATA_DIRECTORY the target is not empty, now or at the end, is a mount point, is being made by another, lies
 *   in the data directory, or cannot be written
 * @throws whatever the signal says
 */
export async function backUpData(source: BackupSource, to: string): Promise<BackupManifest> {
  const { directory, now: takenAt, signal } = source;
  assertFree(to);
  assertOutside(directory, to);
  const fill = async (draft: string): Promise<BackupManifest> => {
    // Which policy is active, and the policies, before the journal, which may not be behind them.
    await copyPolicies(directory, draft);
    await copyInto(directory, draft, join(directory, 'tokens.json'));
    const journal = await source.copyJournal(draft);
    const manifest: BackupManifest = { format: 1, takenAt, journal, files: await digests(draft, signal) };
    await writeFile(join(draft, MANIFEST_FILE), JSON.stringify(manifest, null, 2), { mode: 0o600 });
    return manifest;
  };
  return makeWhole(to, fill, signal);
}

/**
 * Makes a data directory from a backup, after checking every file of it.
 * @throws E_DATA_DIRECTORY the backup is unfinished or damaged, or the target is not empty, now or at the end, is a mount
 *   point, is being made by another, or cannot be written
 */
export async function restoreData(from: string, directory: string): Promise<BackupManifest> {
  assertFree(directory);
  const { manifest, found } = await withDirectoryErrors(from, async () => ({
    manifest: await readManifest(from),
    found: await digests(from),
  }));
  for (const [name, digest] of Object.entries(manifest.files)) {
    if (found[name] !== digest) {
      const detail = `${name} of the backup is ${found[name] === undefined ? 'missing' : 'damaged'}`;
      throw new AppError('E_DATA_DIRECTORY', { directory: from, detail });
    }
  }
  return makeWhole(directory, async (draft) => {
    for (const name of Object.keys(manifest.files)) await copyInto(from, draft, join(from, name));
    return manifest;
  });
}

/** Fills a draft beside a directory, which takes its name once all of it is on disk; nothing is left of one that fails. */
async function makeWhole<T>(
  to: string,
  fill: (draft: string) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return withDirectoryErrors(to, async () => {
    // Beside what a link leads to, which may be another disk.
    const directory = existsSync(to) ? realpathSync(to) : to;
    const draft = reserveDraft(directory);
    let lock: DirectoryLock | null = null;
    try {
      lock = lockDirectory(draft);
      const filled = await fill(draft);
      await syncTree(draft, isNoLock, signal);
      // The lock goes along with the name: no server starts there while a power cut may still take the name away.
      // In place of an empty directory only: a server may have started there meanwhile.
      await rename(draft, directory);
      await syncPath(dirname(directory));
      return filled;
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      throw error;
    } finally {
      lock?.release();
    }
  });
}

/** @throws E_DATA_DIRECTORY it is there */
function reserveDraft(directory: string): string {
  const draft = `${directory}.unfinished`;
  makeDirectory(dirname(draft));
  try {
    mkdirSync(draft, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new AppError('E_DATA_DIRECTORY', { directory: draft, detail: whoseDraft(draft) });
  }
  return draft;
}

/** It is named, never removed: what is in it may be somebody's own. */
function whoseDraft(draft: string): string {
  if (!existsSync(join(draft, LOCK_FILE)))
    return 'another backup or restore is at it, or was killed and left it: then remove it';
  const lock = lockUnlessHeld(draft);
  lock?.release();
  return lock === null
    ? 'another backup or restore is at it: wait for its end'
    : 'a backup or restore that was killed left it: remove it, and try again';
}

/** To open and close the lock's file would end the lock that this process holds. */
function isNoLock(name: string): boolean {
  return name !== LOCK_FILE;
}

async function copyPolicies(directory: string, to: string): Promise<void> {
  const policies = join(directory, 'policies');
  if (!existsSync(policies)) return;
  const filter = (path: string): boolean =>
    !relative(policies, path)
      .split(/[\\/]/)
      .some((name) => name.startsWith(DRAFT_PREFIX));
  // Which version is active is asked first: the registry never drops that one.
  for (const scope of await readdir(policies)) {
    await copyInto(directory, to, join(policies, scope, 'registry.json'));
  }
  await cp(policies, join(to, 'policies'), {
    recursive: true,
    filter,
    force: false,
    preserveTimestamps: true,
  });
}

/** Nothing where there is no such file. */
async function copyInto(from: string, to: string, file: string): Promise<void> {
  if (!existsSync(file)) return;
  const target = join(to, relative(from, file));
  makeDirectory(dirname(target));
  await cp(file, target, { preserveTimestamps: true });
}

async function digests(directory: string, signal?: AbortSignal): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(directory, { recursive: true })).sort()) {
    signal?.throwIfAborted();
    const file = join(directory, name);
    if (name === MANIFEST_FILE || !isNoLock(name) || !statSync(file).isFile()) continue;
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    found[name] = hash.digest('hex');
  }
  return found;
}

function assertFree(directory: string): void {
  if (!existsSync(directory)) return;
  if (!statSync(directory).isDirectory() || readdirSync(directory).length > 0) {
    throw new AppError('E_DATA_DIRECTORY', { directory, detail: 'it exists and is not empty' });
  }
  // The copy would be made on the disk of the directory above, and could not take its name.
  if (statSync(directory).dev !== statSync(dirname(realpathSync(directory))).dev) {
    throw new AppError('E_DATA_DIRECTORY', {
      directory,
      detail: 'it is a mount point; name a directory in it',
    });
  }
}

function assertOutside(parent: string, directory: string): void {
  const path = relative(parent, directory);
  if (path.split(/[\\/]/)[0] === '..' || isAbsolute(path)) return;
  throw new AppError('E_DATA_DIRECTORY', {
    directory,
    detail: 'it lies in the data directory that it would hold',
  });
}
