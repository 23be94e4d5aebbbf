import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../domain/errors.js';
import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import { giveToOwner, syncDirectory } from '../platform/directories.js';
import { listCheckpoints, readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpointFile.js';
import { lockDirectory } from './directoryLock.js';
import { decodeRecord, encodedBytes, type EncodedRecord, type StoredRecord } from './encoding.js';
import { writeHighWaterMark } from './highWaterMark.js';
import {
  addTo,
  inspectJournal,
  isSound,
  type DamagedRange,
  type JournalReport,
  type Visit,
} from './inspection.js';
import { createWarehouseState, loadCheckpoint, type WarehouseState } from './journalState.js';
import { ALL_WAREHOUSES, type JournalRecord } from './records.js';
import { openActiveSegment, type ActiveSegment } from './segment.js';
import { journalFiles, MARK_FILE, SALVAGE_DIRECTORY, segmentFile } from './segmentFiles.js';
import { asDirectoryError } from './sqliteErrors.js';

export interface Quarantined {
  readonly report: JournalReport;
  /** Sequences that are lost, each with its reason; a `record.lost` stands for each that retention had not dropped. */
  readonly lost: readonly DamagedRange[];
  /** Where the damaged files are kept; null: the journal is sound and was left alone. */
  readonly movedTo: string | null;
}

/** Beside the salvaged files: what the quarantine found, and, until all of them are in it, the damaged ones. */
const RESULT_FILE = 'quarantine.json';
const DAMAGED_DIRECTORY = 'damaged';

/**
 * Makes a journal that a server starts from out of a damaged one: every record that can be read and can
 * follow those before it, under its own sequence. The damaged files are moved aside, not removed. Where a run before
 * this one was killed while it moved files, its work is finished and its result given. No server starts meanwhile.
 * @throws E_DATA_DIRECTORY a server or another command has the directory open, or it has no room for a second journal
 * @throws E_JOURNAL_FORMAT another version of the program wrote the journal
 */
export async function quarantineJournal(directory: string, at: Instant): Promise<Quarantined> {
  const lock = lockDirectory(directory);
  try {
    return await quarantineLocked(directory, at);
  } finally {
    lock.release();
  }
}

async function quarantineLocked(directory: string, at: Instant): Promise<Quarantined> {
  if (existsSync(join(directory, SALVAGE_DIRECTORY))) return putInPlace(directory);
  const draft = draftOf(directory);
  rmSync(draft, { recursive: true, force: true });
  try {
    const sound = await salvage(directory, draft, at);
    if (sound !== null) return sound;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw asDirectoryError(directory, error);
  }
  renameSync(draft, join(directory, SALVAGE_DIRECTORY));
  syncDirectory(directory);
  return putInPlace(directory);
}

/** Fills the draft with all that is to stand in the journal's place; the result where that is sound, and nothing was made. */
async function salvage(directory: string, draft: string, at: Instant): Promise<Quarantined | null> {
  const newest = newestSound(directory);
  // Records of routes that were open at the checkpoint; all others are read a second time instead of held.
  const wanted = new Set(newest?.parts.flatMap(({ open }) => open.flatMap(([, sequences]) => sequences)));
  const kept: Found = new Map();
  const report = inspectAll(directory, (sequence, found) => {
    if (wanted.has(sequence)) kept.set(sequence, found);
  });
  if (isSound(report)) return { report, lost: [], movedTo: null };
  mkdirSync(draft, { mode: 0o700 });
  giveToOwner(draft);
  const base = await salvageCheckpoint(draft, { newest, kept, report });
  const states = await statesOf(base, kept);
  const writer = createWriter(draft, report.first);
  const lost = report.damaged.filter(({ to }) => to < report.first);
  inspectAll(directory, (sequence, found) => {
    const isReplayed = sequence > base.sequence;
    const fault = typeof found === 'string' ? found : isReplayed ? misfit(found, states) : null;
    if (typeof found === 'object' && fault === null) return writer.write(found);
    const detail = fault ?? '';
    addTo(lost, sequence, detail);
    const inItsPlace = lostRecord(at, detail);
    writer.write(inItsPlace);
    if (isReplayed) misfit({ ...inItsPlace, sequence }, states);
  });
  writer.close();
  writeHighWaterMark(join(draft, MARK_FILE), { first: report.first, last: report.last });
  mkdirSync(join(draft, DAMAGED_DIRECTORY), { mode: 0o700 });
  const done: Quarantined = { report, lost, movedTo: `quarantine-${at}` };
  writeFileSync(join(draft, RESULT_FILE), JSON.stringify(done), { mode: 0o600, flush: true });
  for (const name of readdirSync(draft)) giveToOwner(join(draft, name));
  syncDirectory(draft);
  return null;
}

/** @throws E_DATA_DIRECTORY somebody else reads a segment, which was left out therefore */
function inspectAll(directory: string, visit: Visit): JournalReport {
  const report = inspectJournal(directory, visit);
  if (report.servedFrom === null) return report;
  const detail = 'another command, such as `journal verify`, is reading it; wait for its end';
  throw new AppError('E_DATA_DIRECTORY', { directory, detail });
}

const draftOf = (directory: string): string => join(directory, `${SALVAGE_DIRECTORY}.new`);

/** Each step can be done again, or tells by its rename that it was done: a kill between any two costs nothing. */
function putInPlace(directory: string): Quarantined {
  const salvaged = join(directory, SALVAGE_DIRECTORY);
  const done = readResult(directory);
  const movedTo = join(directory, done.movedTo);
  const damaged = join(salvaged, DAMAGED_DIRECTORY);
  // While it is there, the journal's place is the damaged files'; after that, the salvaged ones'.
  if (existsSync(damaged)) {
    moveAll(directory, damaged);
    renameSync(damaged, movedTo);
    syncDirectory(directory);
  }
  moveAll(salvaged, directory);
  renameSync(salvaged, draftOf(directory));
  syncDirectory(directory);
  rmSync(draftOf(directory), { recursive: true });
  return { ...done, movedTo };
}

/** @throws E_DATA_DIRECTORY there is none: what is salvaged may not be whole */
function readResult(directory: string): Quarantined & { readonly movedTo: string } {
  const file = join(directory, SALVAGE_DIRECTORY, RESULT_FILE);
  if (!existsSync(file)) {
    const detail = `its ${SALVAGE_DIRECTORY} lacks ${RESULT_FILE}; move back what is in quarantine-* of it, then remove it`;
    throw new AppError('E_DATA_DIRECTORY', { directory, detail });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Quarantined & { readonly movedTo: string };
}

type Found = Map<number, StoredRecord | string>;

function newestSound(directory: string): Checkpoint | null {
  for (const { file } of listCheckpoints(directory)) {
    const checkpoint = readCheckpoint(file);
    if (checkpoint !== null) return checkpoint;
  }
  return null;
}

/** Without open routes whose records are lost; an empty one where there is none and records were dropped before. */
async function salvageCheckpoint(
  to: string,
  { newest, kept, report }: { newest: Checkpoint | null; kept: Found; report: JournalReport },
): Promise<Checkpoint> {
  if (newest === null || newest.sequence < report.first - 1 || newest.sequence > report.last) {
    const empty: Checkpoint = { sequence: report.first - 1, parts: [] };
    if (empty.sequence > 0) await writeCheckpoint(to, empty.sequence, []);
    return empty;
  }
  const isWhole = (sequences: readonly number[]): boolean =>
    sequences.every((sequence) => typeof kept.get(sequence) === 'object');
  const parts = newest.parts.map((part) => ({ ...part, open: part.open.filter(([, its]) => isWhole(its)) }));
  await writeCheckpoint(to, newest.sequence, parts);
  return { sequence: newest.sequence, parts };
}

async function statesOf(base: Checkpoint, kept: Found): Promise<States> {
  const states: States = new Map();
  await loadCheckpoint(base, {
    stateOf: (warehouseId) => stateOf(states, warehouseId),
    readListed: (sequences) => listed(kept, sequences),
  });
  return states;
}

type States = Map<string, WarehouseState>;

function stateOf(states: States, warehouseId: string): WarehouseState {
  const state = states.get(warehouseId) ?? createWarehouseState();
  states.set(warehouseId, state);
  return state;
}

async function* listed(kept: Found, sequences: readonly number[]): AsyncGenerator<JournalRecord> {
  for (const sequence of sequences) yield decodeRecord(kept.get(sequence) as StoredRecord);
}

/** Why a sound record cannot be kept: what it follows on is lost. Null where it can. */
function misfit(stored: StoredRecord, states: States): string | null {
  const record = decodeRecord(stored);
  const { warehouseId } = record;
  const own = warehouseId === ALL_WAREHOUSES ? [] : [stateOf(states, warehouseId)];
  const concerned = record.kind === 'record.lost' ? [...states.values()] : own;
  try {
    for (const { ledger } of concerned) ledger.apply(record);
    return null;
  } catch (error) {
    return `what it follows on is lost: ${(error as Error).message}`;
  }
}

function lostRecord(at: Instant, detail: string): EncodedRecord {
  const payload = JSON.stringify({ detail });
  return { at, warehouseId: ALL_WAREHOUSES, kind: 'record.lost', routeId: null, payload, blob: null };
}

/** Writes segments of the usual size; the last one stays as a server leaves its own. */
function createWriter(directory: string, first: number) {
  let segment: ActiveSegment = begin(first);
  let batch: EncodedRecord[] = [];
  let bytes = 0;

  function begin(at: number): ActiveSegment {
    const { file } = segmentFile(directory, at);
    return openActiveSegment(file, at);
  }
  function flush(): void {
    if (batch.length > 0) segment.insert(batch);
    batch = [];
    bytes = 0;
  }
  return {
    write(record: EncodedRecord) {
      batch.push(record);
      bytes += encodedBytes(record);
      if (batch.length < LIMITS.journalRecordsPerCommit && bytes < LIMITS.journalBytesPerCommit) return;
      flush();
      const records = segment.last() - segment.first + 1;
      if (records < LIMITS.segmentRecords && segment.bytes() < LIMITS.segmentBytes) return;
      segment.seal();
      segment = begin(segment.last() + 1);
    },
    close() {
      flush();
      segment.close();
    },
  };
}

function moveAll(from: string, to: string): void {
  for (const name of journalFiles(from)) renameSync(join(from, name), join(to, name));
  syncDirectory(to);
  syncDirectory(from);
}
