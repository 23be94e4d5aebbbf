import { zeroComponents } from '../../src/domain/components.js';
import type { RouteScoredContent, Trace } from '../../src/domain/messages.js';
import { contentHash } from '../../src/journal/canonical.js';
import { blobOfFloats, type NewRecord } from '../../src/journal/records.js';
import { openJournal } from '../../src/journal/sqliteJournal.js';
import { FEATURE_COUNT } from '../../src/traffic/traffic.js';

export interface JournalSpeed {
  readonly records: number;
  readonly lanesEach: number;
  /** Durable ones: their commits, synced, have returned. */
  readonly recordsPerSecond: number;
}

/** A route over a small hall. */
const LANES = 25;
/** So many are appended before the first of them is waited for. */
const WAITING = 20_000;

/** Appends completed routes with their training rows to the journal of a real directory, as fast as it takes them. */
export async function measureJournal(directory: string, records: number): Promise<JournalSpeed> {
  const journal = await openJournal({
    directory,
    onFatal: (error) => {
      throw error;
    },
  });
  const begunAt = performance.now();
  const waiting: Promise<number>[] = [];
  for (let number = 1; number <= records; number++) {
    waiting.push(journal.append(completedRoute(number)));
    if (waiting.length >= WAITING) await waiting.shift();
  }
  await Promise.all(waiting);
  const seconds = (performance.now() - begunAt) / 1000;
  await journal.close();
  return { records, lanesEach: LANES, recordsPerSecond: Math.round(records / seconds) };
}

function completedRoute(number: number): NewRecord<'route.completed'> {
  const routeId = `r${number}`;
  const trace: Trace = Array.from({ length: LANES + 1 }, (_, i) => [`n${number + i}`, i, i + 1]);
  const scored: RouteScoredContent = {
    ...{ routeId, score: -LANES, ratio: 1.2, components: zeroComponents(), regretSeconds: 1, learnt: true },
  };
  return {
    ...{ at: number, warehouseId: 'hall', kind: 'route.completed' },
    payload: {
      ...{ routeId, robotId: `robot-${number % 400}`, trace, scored },
      ...{ traceHash: contentHash(trace), firstRow: LANES * number, rowLength: FEATURE_COUNT },
    },
    blob: blobOfFloats(new Float32Array(LANES * FEATURE_COUNT).fill(number)),
  };
}
