import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../domain/limits.js';
import { DRAFT_PREFIX, writeSynced } from './atomicFiles.js';
import { isMissing } from './policyFiles.js';

/** Space beside the versions for what the registry must write when the disk is full. Goes and comes again at a start. */
const RESERVE_FILE = `${DRAFT_PREFIX}registry.reserve`;
const BLOCK_BYTES = 4096;

/** Takes as much of it as there is room for, and gives nothing of it up meanwhile. */
export async function holdReserve(directory: string): Promise<void> {
  const file = join(directory, RESERVE_FILE);
  const missing = LIMITS.registryReserveBytes - (await sizeOf(file));
  if (missing <= 0) return;
  try {
    await writeSynced(file, new Uint8Array(missing), 'a');
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** Does the writing, on a full disk once more with room for so many bytes out of the reserve. */
export async function withReserve(
  directory: string,
  bytes: number,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    const file = join(directory, RESERVE_FILE);
    const held = await sizeOf(file);
    if (!isDiskFull(error) || held === 0) throw error;
    const needed = BLOCK_BYTES * (1 + Math.ceil(bytes / BLOCK_BYTES));
    await truncate(file, Math.max(0, held - needed));
    await write();
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

function isDiskFull(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ENOSPC';
}
