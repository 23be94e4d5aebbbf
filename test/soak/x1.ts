/** X1: a route is scored once. */
import { runWorld } from '../journal/support/world.js';
import { runSeeds } from './support/soak.js';

const EVENTS = 100;

await runSeeds({
  name: 'soak-x1',
  description: `duplicates, reorderings and crashes between append and acknowledgement, ${EVENTS} events a seed`,
  count: 10_000,
  runSeed: (seed) => runWorld(seed, EVENTS),
});
