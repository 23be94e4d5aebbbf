import { closeSync, existsSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
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
  const read: unknown[] = [];
  for (const content of linesOf(file)) {
    if (content === null) return null;
    read.push(content);
    const { format } = read[0] as { readonly format: number };
    if (format > FORMAT) throw new AppError('E_JOURNAL_FORMAT', { file, format, known: FORMAT });
  }
  const head = read.shift() as { format: number; sequence: number } | undefined;
  const foot = read.pop() as { parts: number } | undefined;
  if (head?.format !== FORMAT || foot?.parts !== read.length) return null;
  return { sequence: head.sequence, parts: read as CheckpointPart[] };
}

/** What a kill left half written. */
export function removeCheckpointDrafts(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (/^checkpoint-\d{16}\.jsonl\.new$/.test(name)) rmSync(join(directory, name), { force: true });
  }
}

function checkpointFile(directory: string, sequence: number): string {
  return join(directory, `checkpoint-${String(sequence).padStart(16, '0')}.jsonl`);
}

function lineOf(content: object): string {
  const text = JSON.stringify(content);
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
}

/** What each line says, null where that is not what was written. Line by line: the whole may be longer than any string. */
function* linesOf(file: string): Generator<unknown, undefined> {
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.alloc(LIMITS.checkpointBytesPerRead);
    let begun: Buffer[] = [];
    for (let size = readSync(descriptor, chunk); size > 0; size = readSync(descriptor, chunk)) {
      let from = 0;
      for (let end = chunk.indexOf('\n'); end !== -1 && end < size; end = chunk.indexOf('\n', from)) {
        yield contentOf(Buffer.concat([...begun, chunk.subarray(from, end)]));
        begun = [];
        from = end + 1;
      }
      begun.push(Buffer.from(chunk.subarray(from, size)));
    }
    if (begun.some(({ length }) => length > 0)) yield null;
  } finally {
    closeSync(descriptor);
  }
}

function contentOf(line: Buffer): unknown {
  const text = line.subarray(9);
  if (crc32(text).toString(16).padStart(8, '0') !== line.toString('latin1', 0, 8)) return null;
  try {
    return JSON.parse(text.toString()) as unknown;
  } catch {
    return null;
  }
}
