/** A checkpoint bounds the replay at start: how long a server takes to serve again on a large journal, killed. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  checkpointParts,
  createWarehouseState,
  type WarehouseState,
} from '../../src/journal/journalState.js';
import { writeCheckpoint } from '../../src/journal/checkpointFile.js';
import { decodeRecord, encodeRecord, type EncodedRecord } from '../../src/journal/encoding.js';
import { LIMITS } from '../../src/domain/limits.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { completed, issued, request, trace } from '../journal/support/routes.js';
import { entryOfRecords } from '../../src/journal/routeEntry.js';
import { createAcknowledgements, driveFleet } from '../reliability/support/fleet.js';
import { serveDirectory } from '../reliability/support/servedDirectory.js';
import { runSoak } from './support/soak.js';

const STARTS = 3;
const READY_MILLISECONDS = 5_000;
/** More than the service ever commits at once: what is timed are the starts. */
const BATCH_RECORDS = 20_000;

/** A server on the wall's clock refuses data of another. */
const BEGAN_AT = Date.UTC(2026, 0);

const FIRST = [recordOf(1), recordOf(2)] as const;

await runSoak({
  name: 'soak-restart',
  description: 'make a journal of so many records, kill a server on it, and time its next start',
  unit: 'records',
  count: 10_000_000,
  async run({ count, directory, progress }) {
    await makeJournal(directory, count, progress);
    const readyMilliseconds: number[] = [];
    const processorMilliseconds: (number | null)[] = [];
    for (let start = 0; start < STARTS; start++) {
      const serving = await serveDirectory(directory);
      readyMilliseconds.push(Math.round(serving.readyMilliseconds));
      processorMilliseconds.push(processorMillisecondsOf(serving.child.pid));
      const fleet = await driveFleet(serving, 8, createAcknowledgements());
      serving.child.kill('SIGKILL');
      await once(serving.child, 'close');
      fleet.end();
    }
    return {
      readyMilliseconds,
      processorMilliseconds,
      passed: Math.max(...readyMilliseconds) < READY_MILLISECONDS,
    };
  },
});

/** What a process has used so far, all threads together: on a busy machine it tells more than the wall. Null outside Linux. */
function processorMillisecondsOf(pid: number | undefined): number | null {
  if (process.platform !== 'linux' || pid === undefined) return null;
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  // utime and stime, in hundredths of a second.
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/** Routes issued and completed, with a checkpoint as far back as one may be. */
async function makeJournal(
  directory: string,
  count: number,
  progress: (done: number) => void,
): Promise<void> {
  const store = openSqliteStore(directory, { ...LIMITS, journalReserveBytes: 0 });
  const state = createWarehouseState();
  const states = new Map<string, WarehouseState>([['grid', state]]);
  let batch: EncodedRecord[] = [];
  // What memory keeps does not reach further back than this.
  const reach = 2 * Math.floor(count / 2) - 4 * LIMITS.closedRoutesKept;
  for (let sequence = 1; sequence <= count; sequence++) {
    const record = sequence > reach ? recordOf(sequence) : likeFirst(sequence);
    batch.push(record);
    if (sequence <= count - LIMITS.checkpointRecords) {
      if (sequence > reach) state.ledger.apply(decodeRecord({ ...record, sequence }));
      if (sequence === count - LIMITS.checkpointRecords) {
        await writeCheckpoint(directory, sequence, checkpointParts(states));
      }
    }
    if (batch.length < BATCH_RECORDS && sequence < count) continue;
    store.commit(batch);
    batch = [];
    progress(sequence);
  }
  store.close();
}

/** The first issue or the first completion with other ids: no start reads so far back, and this is ten times as fast. */
function likeFirst(sequence: number): EncodedRecord {
  const number = Math.ceil(sequence / 2);
  const first = FIRST[sequence % 2 === 1 ? 0 : 1];
  const payload = first.payload.replaceAll('"r1"', `"r${number}"`).replaceAll('"q1"', `"q${number}"`);
  return { ...first, at: BEGAN_AT + sequence, routeId: `r${number}`, payload };
}

/** Odd: a route is issued; even: the one before is completed. */
function recordOf(sequence: number): EncodedRecord {
  const number = Math.ceil(sequence / 2);
  const content = request('robot', `q${number}`);
  const issue = { ...issued(`r${number}`, content, BEGAN_AT + sequence), warehouseId: 'grid' };
  if (sequence % 2 === 1) return encodeRecord(issue);
  const entry = entryOfRecords([{ ...issue, sequence: sequence - 1, blob: null }]);
  if (entry === null) throw new Error('an issue makes an entry');
  return encodeRecord({ ...completed(entry, trace(10), BEGAN_AT + sequence), warehouseId: 'grid' });
}
