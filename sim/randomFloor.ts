import type { NodeIndex } from '../src/domain/ids.js';
import { createFloor, type Floor, type FloorOptions } from './floor/floor.js';
import { randomStarts } from './orders/reach.js';

/**
 * A floor with its robots at starts by lot; the same `random` gives the same floor whatever was drawn from it.
 * @throws E_USAGE where there are more robots than places
 */
export function openFloor(
  options: Omit<FloorOptions, 'robots'> & {
    /** Position of each robot's type in the map's. */
    readonly robotTypes: readonly number[];
  },
): { readonly floor: Floor; readonly starts: readonly NodeIndex[] } {
  const { graph, robotTypes, random } = options;
  const starts = randomStarts(graph, robotTypes, random.fork('starts'));
  const robots = starts.map((start, robot) => ({ robotType: robotTypes[robot]!, start }));
  return { floor: createFloor({ ...options, robots, random: random.fork('floor') }), starts };
}
