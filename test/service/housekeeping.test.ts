import { expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import type { JournalUpkeep } from '../../src/journal/journal.js';
import { createHousekeeping } from '../../src/service/housekeeping.js';
import type { ServiceCore } from '../../src/service/serviceCore.js';

it('a stop writes its checkpoint after the one that is under way, also where that fails', async () => {
  const written: string[] = [];
  let fail!: (error: Error) => void;
  const upkeep: Partial<JournalUpkeep> = {
    checkpointNeeds: () => [],
    checkpointSequences: () => [],
    writeCheckpoint: () => {
      written.push('begun');
      return written.length > 1 ? Promise.resolve() : new Promise((_resolve, reject) => (fail = reject));
    },
  };
  const journal = { upkeep, lastSequence: () => LIMITS.checkpointRecords };
  const core = { journal, dormant: new Map(), entries: new Map() } as unknown as ServiceCore;
  const housekeeping = createHousekeeping(core, { days: Infinity, bytes: Infinity });
  const due = housekeeping.run();
  const last = housekeeping.checkpoint();
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toHaveLength(1);
  fail(new Error('the disk is full'));
  await expect(due).rejects.toThrow('full');
  await last;
  expect(written).toHaveLength(2);
});
