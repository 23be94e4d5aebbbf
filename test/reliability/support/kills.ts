import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../../src/platform/random.js';
import { compareWithJournal, createAcknowledgements, driveFleet } from './fleet.js';
import { journalOf, serveDirectory } from './servedDirectory.js';

export interface KillsResult {
  readonly kills: number;
  readonly acknowledgedRoutes: number;
  readonly acknowledgedScores: number;
  readonly lost: number;
  readonly scoredTwice: number;
  readonly slowestReadyMilliseconds: number;
}

const ROBOTS = 32;

/** Kills a serving process again and again at random moments; what it acknowledged must all be in the journal. */
export async function killRepeatedly(
  directory: string,
  options: { readonly kills: number; readonly seed: number; onKill?: (kill: number) => void },
): Promise<KillsResult> {
  const random = createRandom(options.seed);
  const notes = createAcknowledgements();
  let slowestReadyMilliseconds = 0;
  for (let kill = 1; kill <= options.kills; kill++) {
    const serving = await serveDirectory(directory);
    slowestReadyMilliseconds = Math.max(slowestReadyMilliseconds, serving.readyMilliseconds);
    const fleet = await driveFleet(serving, ROBOTS, notes);
    const scored = notes.scored.size;
    // Real time on purpose: the moment of the kill is the experiment. At least one answer, so that none is idle.
    await sleep(random.next() * 300);
    while (notes.scored.size === scored) await sleep(5);
    serving.child.kill('SIGKILL');
    await serving.ended;
    fleet.end();
    await fleet.closed;
    options.onKill?.(kill);
  }
  const { lost, scoredTwice } = compareWithJournal(notes, await journalOf(directory));
  return {
    kills: options.kills,
    acknowledgedRoutes: notes.assigned.size,
    acknowledgedScores: notes.scored.size,
    ...{ lost, scoredTwice, slowestReadyMilliseconds: Math.round(slowestReadyMilliseconds) },
  };
}
