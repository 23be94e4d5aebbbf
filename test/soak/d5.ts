/** D5: corruption is found, never skipped. */
import { damageRepeatedly, writeJournal } from '../reliability/support/corruption.js';
import { runSoak } from './support/soak.js';

await runSoak({
  name: 'soak-d5',
  description: 'flip bits and cut files of a journal, one damage at a time',
  unit: 'damages',
  count: 100_000,
  run({ count, seed, directory, progress }) {
    writeJournal(directory);
    const damages = damageRepeatedly(directory, { count, seed, progress });
    return Promise.resolve({ ...damages, passed: damages.silent.length === 0 });
  },
});
