import { LIMITS } from '../domain/limits.js';
import type { Checkpoint, CheckpointPart } from './checkpointFile.js';
import type { JournalRecord } from './records.js';
import { createLedgerState, type LedgerSnapshot } from './ledgerState.js';
import { createSiteFacts, type SiteFacts, type SiteFactsState } from './siteFacts.js';

/** The ledger and the facts of one warehouse: what a checkpoint keeps, and a replay rebuilds. */
export interface WarehouseState {
  readonly ledger: {
    apply(record: JournalRecord): void;
    snapshot(): LedgerSnapshot;
    load(part: Omit<LedgerSnapshot, 'open'>, openRoutes: readonly (readonly JournalRecord[])[]): void;
  };
  readonly facts: SiteFactsState;
}

/** The state of a warehouse that nobody serves now: kept for when it is served again. */
export function createWarehouseState(): WarehouseState {
  return { ledger: createLedgerState(), facts: createSiteFacts() };
}

/**
 * Cuts the states of all warehouses into pieces that can be written one at a time. The states are taken by the call
 * itself and not by the first step: they may move on before the pieces are written.
 */
export function checkpointParts(states: ReadonlyMap<string, WarehouseState>): Iterable<CheckpointPart> {
  return partsOf(
    [...states].map(([warehouseId, { ledger, facts }]) => ({
      ...{ warehouseId, facts: facts.snapshot(), ledger: ledger.snapshot() },
    })),
  );
}

interface TakenState {
  readonly warehouseId: string;
  readonly facts: SiteFacts;
  readonly ledger: LedgerSnapshot;
}

function* partsOf(taken: readonly TakenState[]): Generator<CheckpointPart> {
  for (const { warehouseId, facts, ledger } of taken) {
    yield { ...NOTHING, warehouseId, facts };
    for (const open of pieces(ledger.open)) yield { ...NOTHING, warehouseId, open };
    for (const closed of pieces(ledger.closed)) yield { ...NOTHING, warehouseId, closed };
    for (const requests of pieces(ledger.requests)) yield { ...NOTHING, warehouseId, requests };
  }
}

const NOTHING: LedgerSnapshot & { readonly facts: SiteFacts | null } = {
  ...{ facts: null, open: [], closed: [], requests: [] },
};

function* pieces<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < list.length; from += LIMITS.checkpointItemsPerPart) {
    yield list.slice(from, from + LIMITS.checkpointItemsPerPart);
  }
}

/**
 * Loads a checkpoint into states, made where they are missing. The records of open routes are read from
 * the journal; each is also handed to `onRecord`.
 * @throws E_JOURNAL_CORRUPT one of those records is damaged or missing
 */
export async function loadCheckpoint(
  checkpoint: Checkpoint,
  options: {
    readonly stateOf: (warehouseId: string) => WarehouseState;
    readonly readListed: (sequences: readonly number[]) => AsyncIterable<JournalRecord>;
    readonly onRecord?: (record: JournalRecord) => void;
  },
): Promise<void> {
  for (const { warehouseId, facts, open, closed, requests } of checkpoint.parts) {
    const state = options.stateOf(warehouseId);
    if (facts !== null) state.facts.load(facts);
    const records: JournalRecord[] = [];
    for await (const record of options.readListed(open.flatMap(([, sequences]) => sequences))) {
      records.push(record);
      options.onRecord?.(record);
    }
    let next = 0;
    const routes = open.map(([, sequences]) => records.slice(next, (next += sequences.length)));
    state.ledger.load({ closed, requests }, routes);
  }
}
