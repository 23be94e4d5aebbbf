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
import { syncDirectory } from '../platform/directories.js';

/** What the journal must hold: everything from `first` to `last`. */
export interface MarkedRange {
  /** Of the oldest record that retention has not dropped. */
  readonly first: number;
  /** Of the last committed record; `first - 1` where there is none. */
  readonly last: number;
}

/**
 * That range, kept outside the database: SQLite drops what follows a damaged frame of its log without
 * a word (one flipped bit lost 251 commits, `quick_check` ok).
 */
export interface HighWaterMark {
  range(): MarkedRange;
  /** Durable when it returns. */
  raise(range: MarkedRange): void;
  close(): void;
}

export type OpenedMark =
  { readonly kind: 'mark'; readonly mark: HighWaterMark } | { readonly kind: 'damaged' };

/** Two slots, written in turn: a write cut short by a power loss leaves the other. */
const SLOT_BYTES = 48;
const EMPTY: MarkedRange = { first: 1, last: 0 };

/**
 * Opens the file; where it is missing, makes it for a journal without records.
 * @returns `damaged` when neither slot can be believed
 */
export function openHighWaterMark(file: string): OpenedMark {
  if (!existsSync(file)) writeHighWaterMark(file, EMPTY);
  const slots = readSlots(file);
  const newest = newestOf(slots);
  if (newest === null) return { kind: 'damaged' };
  const descriptor = openSync(file, 'r+');
  let range = newest;
  let slot = slots[0] === newest ? 1 : 0;
  return {
    kind: 'mark',
    mark: {
      range: () => range,
      raise(next) {
        writeSync(descriptor, slotText(next), slot * SLOT_BYTES, 'latin1');
        fdatasyncSync(descriptor);
        slot = 1 - slot;
        range = next;
      },
      close: () => closeSync(descriptor),
    },
  };
}

/** The range that a mark file tells; null where it is missing or damaged. */
export function readHighWaterMark(file: string): MarkedRange | null {
  return existsSync(file) ? newestOf(readSlots(file)) : null;
}

/** Renamed into place, so that a full disk or a crash leaves no half of it. */
export function writeHighWaterMark(file: string, range: MarkedRange): void {
  const draft = `${file}.new`;
  const descriptor = openSync(draft, 'w', 0o600);
  try {
    writeSync(descriptor, slotText(range) + slotText(range), 0, 'latin1');
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
  syncDirectory(dirname(file));
}

function readSlots(file: string): (MarkedRange | null)[] {
  const text = readFileSync(file, 'latin1');
  return [0, 1].map((slot) => readSlot(text.slice(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)));
}

/** Neither number ever falls. */
function newestOf(slots: readonly (MarkedRange | null)[]): MarkedRange | null {
  const [a = null, b = null] = slots;
  if (a === null || b === null) return a ?? b;
  return (b.last - a.last || b.first - a.first) > 0 ? b : a;
}

function slotText({ first, last }: MarkedRange): string {
  const digits = `${String(first).padStart(16, '0')} ${String(last).padStart(16, '0')}`;
  return `${digits} ${crc32(digits).toString(16).padStart(8, '0')}`.padEnd(SLOT_BYTES - 1) + '\n';
}

/** Null where the slot is not one that was written whole. */
function readSlot(text: string): MarkedRange | null {
  const found = /^(\d{16}) (\d{16})/.exec(text);
  if (found === null) return null;
  const range = { first: Number(found[1]), last: Number(found[2]) };
  return slotText(range) === text ? range : null;
}
