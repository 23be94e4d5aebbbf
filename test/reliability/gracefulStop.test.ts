import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../journal/support/records.js';
import { compareWithJournal, createAcknowledgements, driveFleet } from './support/fleet.js';
import { journalOf, serveDirectory } from './support/servedDirectory.js';

describe('a server that is told to stop under load', () => {
  it('ends with 0 within 10 s, closes its sockets with 1001, and has lost nothing that it acknowledged', async () => {
    const directory = temporaryDirectory();
    const serving = await serveDirectory(directory);
    const notes = createAcknowledgements();
    const fleet = await driveFleet(serving, 32, notes);
    await expect.poll(() => notes.scored.size, { timeout: 20_000 }).toBeGreaterThan(100);
    const signalledAt = performance.now();
    serving.child.kill('SIGTERM');
    expect((await serving.ended).code).toBe(0);
    expect(performance.now() - signalledAt).toBeLessThan(10_000);
    expect(new Set(await fleet.closed)).toEqual(new Set([1001]));
    const records = await journalOf(directory);
    expect(compareWithJournal(notes, records)).toEqual({ lost: 0, scoredTwice: 0 });
    // What was under way was finished and told: nobody waits for an answer that the journal holds.
    expect([...notes.refusals.keys()].filter((code) => code !== 'E_SHUTTING_DOWN')).toEqual([]);
    const scored = records.filter(({ kind }) => kind === 'route.completed').length;
    expect(notes.scored.size).toBe(scored);
  }, 60_000);
});
