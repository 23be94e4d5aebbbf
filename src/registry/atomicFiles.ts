import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Drafts and what is being removed begin with it: they are no versions, and go at the next start. */
export const DRAFT_PREFIX = '.';

/**
 * Makes a directory with its files, synced, and renames it into place: it is there whole or not at
 * all, also after a power cut. For the owner only.
 */
export async function writeDirectory(
  directory: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const draft = draftOf(directory);
  await rm(draft, { recursive: true, force: true });
  try {
    await mkdir(draft, { mode: 0o700 });
    for (const [name, content] of Object.entries(files)) await writeSynced(join(draft, name), content);
    await syncPath(draft);
    await rename(draft, directory);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  await syncPath(dirname(directory));
}

/** Replaces a file: a reader sees the old content or the new one. */
export async function replaceFile(file: string, content: string): Promise<void> {
  const draft = draftOf(file);
  await writeSynced(draft, content);
  await rename(draft, file);
  await syncPath(dirname(file));
}

/** Renamed first, so that a directory half removed is not taken for a damaged one. */
export async function removeDirectory(directory: string): Promise<void> {
  const draft = draftOf(directory);
  await rm(draft, { recursive: true, force: true });
  await rename(directory, draft);
  await rm(draft, { recursive: true });
}

/**
 * Puts a directory on disk with all that is in it; its own name is durable once the directory above it is synced too.
 * @param isWanted what is left out is neither opened nor synced
 * @throws whatever the signal says, between any two files
 */
export async function syncTree(
  directory: string,
  isWanted: (name: string) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  for (const name of await readdir(directory, { recursive: true })) {
    signal?.throwIfAborted();
    if (isWanted(name)) await syncPath(join(directory, name));
  }
  await syncPath(directory);
}

/** A file's content, or a directory's names. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function draftOf(path: string): string {
  return join(dirname(path), `${DRAFT_PREFIX}${basename(path)}`);
}

/** Writes a file for its owner, and waits until it would outlast a power cut. */
export async function writeSynced(
  file: string,
  content: string | Uint8Array,
  flags: 'w' | 'a' = 'w',
): Promise<void> {
  const handle = await open(file, flags, 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
