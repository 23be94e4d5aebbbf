import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * The sequence of the last committed record, kept outside the database: SQLite drops what follows a
 * damaged frame of its log without a word (one flipped bit lost 251 commits, `quick_check` ok).
 */
export interface HighWaterMark {
  readonly sequence: number;
  /** Durable when it returns. */
  raise(sequence: number): void;
  close(): void;
}

export type OpenedMark =
  { readonly kind: 'mark'; readonly mark: HighWaterMark } | { readonly kind: 'damaged' };

/** Two slots, written in turn: a write cut short by a power loss leaves the other. */
const SLOT_BYTES = 32;

/**
 * Opens the file; where it is missing, makes it with sequence 0.
 * @returns `damaged` when neither slot can be believed
 */
export function openHighWaterMark(file: string): OpenedMark {
  if (!existsSync(file)) create(file);
  const text = readFileSync(file, 'latin1');
  const slots = [readSlot(text.slice(0, SLOT_BYTES)), readSlot(text.slice(SLOT_BYTES, 2 * SLOT_BYTES))];
  const sequence = Math.max(...slots);
  if (sequence < 0) return { kind: 'damaged' };
  const descriptor = openSync(file, 'r+');
  let slot = slots[0] === sequence ? 1 : 0;
  const mark = {
    sequence,
    raise(next: number) {
      writeSync(descriptor, slotText(next), slot * SLOT_BYTES, 'latin1');
      fdatasyncSync(descriptor);
      slot = 1 - slot;
      mark.sequence = next;
    },
    close: () => closeSync(descriptor),
  };
  return { kind: 'mark', mark };
}

/** Renamed into place, so that a full disk or a crash leaves no half of it. */
function create(file: string): void {
  const draft = `${file}.new`;
  const descriptor = openSync(draft, 'w', 0o600);
  try {
    writeSync(descriptor, slotText(0) + slotText(0), 0, 'latin1');
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
  syncDirectory(dirname(file));
}

/** A new file's name is durable only once its directory is. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function slotText(sequence: number): string {
  const digits = String(sequence).padStart(16, '0');
  return `${digits} ${crc32(digits).toString(16).padStart(8, '0')}`.padEnd(SLOT_BYTES - 1) + '\n';
}

/** -1 where the slot is not one that was written whole. */
function readSlot(text: string): number {
  const sequence = Number(/^\d{16}/.exec(text)?.[0] ?? -1);
  return sequence >= 0 && slotText(sequence) === text ? sequence : -1;
}
