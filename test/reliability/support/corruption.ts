import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, isAppError } from '../../../src/domain/errors.js';
import type { EncodedRecord } from '../../../src/journal/encoding.js';
import { inspectJournal, isSound } from '../../../src/journal/inspection.js';
import { LOCK_FILE, RESERVE_FILE } from '../../../src/journal/segmentFiles.js';
import { openSqliteStore } from '../../../src/journal/sqliteStore.js';
import { createRandom, type Random } from '../../../src/platform/random.js';

const SIZES = { segmentRecords: 40, segmentBytes: Infinity, journalReserveBytes: 0 };
const RECORDS = 100;

export interface Damages {
  /** The start was refused, with the record's number. */
  refused: number;
  /** Found when the record was read, named. */
  foundOnReading: number;
  /** Found by `journal verify` alone: an index, a free page. */
  foundByVerify: number;
  /** All records are there as they were written, and every look-up finds them. */
  harmless: number;
  /** What must not be. */
  readonly silent: string[];
}

function noDamages(): Damages {
  return { refused: 0, foundOnReading: 0, foundByVerify: 0, harmless: 0, silent: [] };
}

/** A directory as a power cut leaves it: sealed segments, one that is written to with its log, the mark. */
export function writeJournal(directory: string): void {
  const live = join(directory, 'live');
  const store = openSqliteStore(live, SIZES);
  for (let number = 1; number <= RECORDS; number++) store.commit([recordOf(number)]);
  cpSync(live, join(directory, 'sound'), { recursive: true });
  store.close();
}

function recordOf(number: number): EncodedRecord {
  const payload = JSON.stringify({ routeId: `r${number % 10}`, robotId: `robot ${number}`.repeat(5) });
  const blob = number % 3 === 0 ? new Uint8Array(100).fill(number) : null;
  return {
    at: number,
    warehouseId: 'site',
    kind: 'route.expired',
    routeId: `r${number % 10}`,
    payload,
    blob,
  };
}

/** Flips bits and cuts files of a copy, one damage at a time, and looks at what a server would make of it. */
export function damageRepeatedly(
  directory: string,
  options: { readonly count: number; readonly seed: number; progress?: (done: number) => void },
): Damages {
  const random = createRandom(options.seed);
  const sound = join(directory, 'sound');
  const copy = join(directory, 'copy');
  const files = readdirSync(sound).filter((name) => ![RESERVE_FILE, LOCK_FILE].includes(name));
  const damages = noDamages();
  for (let done = 0; done < options.count; done++) {
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy);
    for (const name of files) cpSync(join(sound, name), join(copy, name));
    const name = files[random.integer(files.length)] as string;
    const what = damage(join(copy, name), random);
    judge(copy, damages, `seed ${options.seed}, ${done}: ${name} ${what}`);
    options.progress?.(done);
  }
  return damages;
}

/** Flips one bit of one file of a copy, and looks at what a server would make of it. */
export function damageOnce(directory: string, { name, byte, bit }: FlippedBit): Damages {
  const copy = join(directory, 'copy');
  rmSync(copy, { recursive: true, force: true });
  cpSync(join(directory, 'sound'), copy, { recursive: true });
  const damages = noDamages();
  const bytes = readFileSync(join(copy, name));
  bytes[byte] = (bytes[byte] as number) ^ (1 << bit);
  writeFileSync(join(copy, name), bytes);
  judge(copy, damages, `bit ${bit} of byte ${byte}`);
  return damages;
}

export interface FlippedBit {
  readonly name: string;
  readonly byte: number;
  readonly bit: number;
}

function damage(file: string, random: Random): string {
  const bytes = readFileSync(file);
  if (bytes.length === 0) return 'is empty';
  const offset = random.integer(bytes.length);
  if (random.integer(8) === 0) {
    truncateSync(file, offset);
    return `cut at ${offset}`;
  }
  const bit = random.integer(8);
  bytes[offset] = (bytes[offset] as number) ^ (1 << bit);
  writeFileSync(file, bytes);
  return `bit ${bit} of byte ${offset} flipped`;
}

function judge(directory: string, damages: Damages, what: string): void {
  const named = (error: unknown): boolean =>
    isAppError(error) && error.code === 'E_JOURNAL_CORRUPT' && Number(error.references['sequence']) >= 1;
  let store;
  try {
    store = openSqliteStore(directory, SIZES);
  } catch (error) {
    if (named(error)) damages.refused++;
    else damages.silent.push(`${what}: refused with ${String(error)}`);
    return;
  }
  try {
    if (store.range().last < RECORDS) throw new Error(`the end is missing from ${store.range().last} on`);
    if (!holdsRecords(store)) throw new Error('a record is not what was written');
    const isWhole = findsByRoute(store);
    if (!isWhole && isSound(closedReport(store, directory)))
      damages.silent.push(`${what}: a look-up by route misses a record`);
    else if (isWhole) damages.harmless++;
    else damages.foundByVerify++;
  } catch (error) {
    if (named(error)) damages.foundOnReading++;
    else damages.silent.push(`${what}: reading ended with ${String(error)}`);
  } finally {
    closeQuietly(store);
  }
}

type Store = ReturnType<typeof openSqliteStore>;

/** Every record as it was written, by its number. @throws E_JOURNAL_CORRUPT as the journal does where one is missing */
function holdsRecords(store: Store): boolean {
  for (let number = 1; number <= RECORDS; number++) {
    const [found] = store.read(number, number);
    if (found === undefined)
      throw new AppError('E_JOURNAL_CORRUPT', { sequence: number, detail: 'it is missing' });
    if (textOf(found) !== textOf(recordOf(number))) return false;
  }
  return true;
}

function findsByRoute(store: Store): boolean {
  for (let route = 0; route < 10; route++) {
    let from = 1;
    let count = 0;
    for (let some = store.routeRecords('site', `r${route}`, from); some.length > 0;) {
      count += some.length;
      from = (some.at(-1)?.sequence ?? 0) + 1;
      some = store.routeRecords('site', `r${route}`, from);
    }
    if (count !== RECORDS / 10) return false;
  }
  return true;
}

function textOf({ at, warehouseId, kind, routeId, payload, blob }: EncodedRecord): string {
  return JSON.stringify([at, warehouseId, kind, routeId, payload, blob === null ? null : [...blob]]);
}

function closedReport(store: Store, directory: string) {
  closeQuietly(store);
  return inspectJournal(directory);
}

/** A damaged database may not close cleanly; it is looked at no more. */
function closeQuietly(store: Store): void {
  try {
    store.close();
  } catch {
    // Closed before, or not to be closed: the directory is thrown away.
  }
}
