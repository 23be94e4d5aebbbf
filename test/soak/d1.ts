/** D1: an acknowledged completion survives the kill of the process. */
import { killRepeatedly } from '../reliability/support/kills.js';
import { runSoak } from './support/soak.js';

await runSoak({
  name: 'soak-d1',
  description: 'kill a serving process at random moments, and look for what it acknowledged',
  unit: 'kills',
  count: 500,
  async run({ count, seed, directory, progress }) {
    const result = await killRepeatedly(directory, { kills: count, seed, onKill: progress });
    return { ...result, passed: result.lost === 0 && result.scoredTwice === 0 };
  },
});
