/** D2: an acknowledgement survives a power cut. */
import { runWorld } from '../journal/support/world.js';
import { runSeeds } from './support/soak.js';

await runSeeds({
  name: 'soak-d2',
  description: 'ledgers on a store whose commits are late, refused, torn and lost',
  count: 1_000_000,
  runSeed: (seed) => runWorld(seed, 20),
});
