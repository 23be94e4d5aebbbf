import { LIMITS } from '../domain/limits.js';
import { CHECKPOINTS_KEPT } from '../journal/checkpointFile.js';
import type { JournalUpkeep } from '../journal/journal.js';
import { checkpointParts, type WarehouseState } from '../journal/journalState.js';
import { ALL_WAREHOUSES } from '../journal/records.js';
import { wallClock } from '../platform/clock.js';
import type { ServiceCore } from './serviceCore.js';

/** How much of the journal is kept: what is older, or above the size, goes. Infinity for all. */
export interface RetentionSettings {
  readonly days: number;
  readonly bytes: number;
}

/** Checkpoints and retention of a journal on a disk. */
export interface Housekeeping {
  /** What is due now. Not twice at a time. */
  run(): Promise<void>;
  /** A checkpoint, after what is under way, unless nothing came since the last one. */
  checkpoint(): Promise<void>;
}

const DAY_MILLISECONDS = 24 * 3600 * 1000;

export function createHousekeeping(core: ServiceCore, retention: RetentionSettings): Housekeeping {
  const { upkeep } = core.journal;
  // The oldest record that each of the checkpoints kept needs, newest first: those of former lives too, or nothing
  // would ever go where lives are short.
  const needs = [...(keepsAll(retention) ? [] : (upkeep?.checkpointNeeds() ?? []))];
  let turn: Promise<void> | null = null;

  async function checkpoint(): Promise<void> {
    const sequence = core.journal.lastSequence();
    if (upkeep === null || sequence === 0 || sequence === upkeep.checkpointSequences()[0]) return;
    const states = new Map<string, WarehouseState>([...core.dormant, ...core.entries]);
    const neededFrom = oldestOpen(states, sequence + 1);
    await upkeep.writeCheckpoint(sequence, checkpointParts(states));
    needs.unshift(neededFrom);
    needs.splice(CHECKPOINTS_KEPT);
  }

  async function runOnce(journal: JournalUpkeep): Promise<void> {
    const since = journal.checkpointSequences()[0] ?? 0;
    if (core.journal.lastSequence() - since >= LIMITS.checkpointRecords) await checkpoint();
    // Both that are kept must be able to stand for what is dropped.
    if (needs.length === CHECKPOINTS_KEPT) await dropOld(core, journal, retention, Math.min(...needs));
  }

  return {
    async checkpoint() {
      // Of two that write the same draft one takes it from the other. Whoever began it is told of its failure.
      await turn?.catch(() => undefined);
      await checkpoint();
    },
    run: () =>
      (turn ??= (upkeep === null ? Promise.resolve() : runOnce(upkeep)).finally(() => (turn = null))),
  };
}

function keepsAll({ days, bytes }: RetentionSettings): boolean {
  return days === Infinity && bytes === Infinity;
}

function oldestOpen(states: ReadonlyMap<string, WarehouseState>, otherwise: number): number {
  let oldest = otherwise;
  for (const { ledger } of states.values()) {
    for (const [, sequences] of ledger.snapshot().open) oldest = Math.min(oldest, sequences[0] ?? oldest);
  }
  return oldest;
}

/** Never silently: what is dropped is itself a record, and stands in the journal before anything goes. */
async function dropOld(
  core: ServiceCore,
  upkeep: JournalUpkeep,
  { days, bytes: bytesKept }: RetentionSettings,
  neededFrom: number,
): Promise<void> {
  const now = wallClock.now();
  const sealed = await upkeep.sealed();
  let total = sealed.reduce((sum, segment) => sum + segment.bytes, 0);
  const dropped = [];
  for (const segment of sealed) {
    const age = now - segment.sealedAt;
    const mayGo = segment.last < neededFrom && age >= 1000 * LIMITS.duplicateAnswersKeptSeconds;
    const reason = age >= days * DAY_MILLISECONDS ? ('age' as const) : ('size' as const);
    if (!mayGo || (reason === 'size' && total <= bytesKept)) break;
    dropped.push({ ...segment, reason });
    total -= segment.bytes;
  }
  const [oldest] = dropped;
  const newest = dropped.at(-1);
  if (oldest === undefined || newest === undefined) return;
  const bytes = dropped.reduce((sum, segment) => sum + segment.bytes, 0);
  await core.journal.append({
    at: now,
    warehouseId: ALL_WAREHOUSES,
    kind: 'records.dropped',
    payload: { from: oldest.first, to: newest.last, bytes, reason: newest.reason },
  });
  await upkeep.dropBefore(newest.last + 1);
}
