import { closeSync, fstatSync, ftruncateSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDiskFull } from './sqliteErrors.js';

/** Space that is kept for what the floor cannot wait for, when the disk is otherwise full. */
export interface DiskReserve {
  /** True once it is held: again only where the disk has room for twice as much. */
  hold(): boolean;
  release(): void;
  close(): void;
}

/** @param bytes 0 for none */
export function openDiskReserve(file: string, bytes: number): DiskReserve {
  const descriptor = openSync(file, 'a', 0o600);
  let held = fstatSync(descriptor).size >= bytes;
  return {
    hold() {
      if (held) return true;
      const { bavail, bsize } = statfsSync(dirname(file));
      held = bavail * bsize >= 2 * bytes && fill(descriptor, bytes);
      return held;
    },
    release() {
      ftruncateSync(descriptor, 0);
      held = false;
    },
    close: () => closeSync(descriptor),
  };
}

/** Written, not only claimed: a sparse file reserves nothing. False where there is no room. */
function fill(descriptor: number, bytes: number): boolean {
  const zeros = new Uint8Array(Math.min(bytes, 1024 * 1024));
  try {
    ftruncateSync(descriptor, 0);
    for (let written = 0; written < bytes;) {
      written += writeSync(descriptor, zeros, 0, Math.min(zeros.length, bytes - written));
    }
    fsyncSync(descriptor);
    return true;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    ftruncateSync(descriptor, 0);
    return false;
  }
}
