import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { AppError } from '../domain/errors.js';
import type { LedgerSnapshot } from './ledgerState.js';
import { syncDirectory } from '../platform/directories.js';
import type { SiteFacts } from './siteFacts.js';

/** A piece of one warehouse's state; pieces of one warehouse add up in their order. */
export interface CheckpointPart extends LedgerSnapshot {
  readonly warehouseId: string;
  /** In the first piece only. */
  readonly facts: SiteFacts | null;
}

/** What the records up to a sequence come to. */
export interface Checkpoint {
  readonly sequence: number;
  readonly parts: readonly CheckpointPart[];
}

const FORMAT = 1;
/** The one before the newest stays: a damaged checkpoint costs a longer replay, not the state. */
export const CHECKPOINTS_KEPT = 2;

/**
 * Writes a checkpoint beside the journal, line by line, each with its checksum; it takes its name when
 * all of it is on disk. The pieces are asked for one at a time.
 */
export async function writeCheckpoint(
  directory: string,
  sequence: number,
  parts: Iterable<CheckpointPart>,
): Promise<void> {
  const file = checkpointFile(directory, sequence);
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    let count = 0;
    await handle.write(lineOf({ format: FORMAT, sequence }));
    for (const part of parts) {
      await handle.write(lineOf(part));
      count++;
    }
    await handle.write(lineOf({ parts: count }));
    await handle.sync();
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  syncDirectory(directory);
  for (const old of listCheckpoints(directory).slice(CHECKPOINTS_KEPT)) rmSync(old.file, { force: true });
}

/** The oldest record that it, or the replay after it, reads. */
export function neededFrom({ sequence, parts }: Checkpoint): number {
  let oldest = sequence + 1;
  for (const { open } of parts) {
    for (const [, sequences] of open) oldest = Math.min(oldest, sequences[0] ?? oldest);
  }
  return oldest;
}

/** Newest first. */
export function listCheckpoints(directory: string): { readonly file: string; readonly sequence: number }[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .flatMap((name) => {
      const digits = /^checkpoint-(\d{16})\.jsonl$/.exec(name)?.[1];
      return digits === undefined ? [] : [{ file: join(directory, name), sequence: Number(digits) }];
    })
    .sort((a, b) => b.sequence - a.sequence);
}

/**
 * Null where a line is not the one that was written, or lines are missing.
 * @throws E_JOURNAL_FORMAT another version of the program wrote it
 */
export function readCheckpoint(file: string): Checkpoint | null {
  const lines = readFileSync(file, 'latin1').split('\n');
  const read = lines.slice(0, -1).map(contentOf);
  const head = read[0] as { format: number; sequence: number } | null | undefined;
  const foot = read.at(-1) as { parts: number } | null | undefined;
  if (head && head.format > FORMAT) {
    throw new AppError('E_JOURNAL_FORMAT', { file, format: head.format, known: FORMAT });
  }
  if (lines.at(-1) !== '' || head?.format !== FORMAT || foot?.parts !== read.length - 2) return null;
  if (read.includes(null)) return null;
  return { sequence: head.sequence, parts: read.slice(1, -1) as CheckpointPart[] };
}

function checkpointFile(directory: string, sequence: number): string {
  return join(directory, `checkpoint-${String(sequence).padStart(16, '0')}.jsonl`);
}

function lineOf(content: object): string {
  const text = JSON.stringify(content);
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
}

function contentOf(line: string): unknown {
  const text = Buffer.from(line.slice(9), 'latin1').toString('utf8');
  if (crc32(text).toString(16).padStart(8, '0') !== line.slice(0, 8)) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
