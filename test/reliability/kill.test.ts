import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../journal/support/records.js';
import { killRepeatedly } from './support/kills.js';

describe('a server that is killed', () => {
  it('holds every route and score that 32 robots were told of, kill after kill, and none twice', async () => {
    const result = await killRepeatedly(temporaryDirectory(), { kills: 10, seed: 1 });
    expect(result).toMatchObject({ kills: 10, lost: 0, scoredTwice: 0 });
    expect(result.acknowledgedScores).toBeGreaterThan(10);
  }, 240_000);
});
