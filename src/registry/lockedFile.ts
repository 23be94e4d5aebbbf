import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { giveToOwner, syncDirectory } from '../platform/directories.js';

const ATTEMPTS = 100;
const PAUSE_MILLISECONDS = 20;
/** A draft this far from now was left by a process that died, maybe under another clock: no change takes so long. */
const ABANDONED_MILLISECONDS = 10_000;

/**
 * Replaces a file as a whole, readable by the directory's owner only, on disk before it takes the name. The draft beside it
 * is a lock: what `make` reads of the file stays true until the new text stands there.
 * @param make the new text, or null to leave the file as it is
 * @throws Error where another process holds the lock, or what the file system says
 */
export function replaceLocked(file: string, make: () => string | null): void {
  const draft = `${file}.new`;
  const descriptor = openDraft(draft);
  let isReplaced = false;
  try {
    const text = make();
    if (text === null) return;
    writeFileSync(descriptor, text);
    giveToOwner(draft);
    fsyncSync(descriptor);
    renameSync(draft, file);
    isReplaced = true;
    syncDirectory(dirname(file));
  } finally {
    closeSync(descriptor);
    if (!isReplaced) rmSync(draft, { force: true });
  }
}

function openDraft(draft: string): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return openSync(draft, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const status = statSync(draft, { throwIfNoEntry: false });
      const isAbandoned = status && Math.abs(Date.now() - status.mtimeMs) > ABANDONED_MILLISECONDS;
      if (isAbandoned) rmSync(draft, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLISECONDS);
    }
  }
  throw new Error(`another command is changing it (${draft} is there)`);
}
