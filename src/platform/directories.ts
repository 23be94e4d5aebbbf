import { closeSync, fsyncSync, lchownSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory, and those above it that are missing, for the owner only, each name synced; one that is there stays
 * as it is.
 * Not with Node's `recursive`: where a file system says of an entry in a directory that is there that it is not, as
 * /proc does, that tries for ever.
 *
 * @throws the file system's own error
 */
export function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let path = resolve(directory); !isDirectory(path); path = dirname(path)) missing.push(path);
  for (const path of missing.reverse()) makeOne(path);
}

/** A new file's name is durable only once its directory is. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What root made in a directory is its owner's: a server that runs as that owner must be able to read and write it. */
export function giveToOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(path));
  lchownSync(path, uid, gid);
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isDirectory(path)) throw error;
    return;
  }
  syncDirectory(dirname(path));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
