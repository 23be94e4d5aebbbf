import type { NodeIndex } from '../../src/domain/ids.js';
import type { Random } from '../../src/platform/random.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';

export interface PopularityOptions {
  /** Exponent of Zipf's law: the k-th most wanted pick face is wanted as 1 / k^exponent. 0: all alike. */
  readonly zipfExponent: number;
  /** Places on the floor around which everything sells better for a while. */
  readonly hotZones: number;
  /** Metres from a zone's middle at which its effect has sunk to a third. */
  readonly hotZoneRadiusMetres: number;
  /** How much more a pick face in the middle of a zone is wanted: 4 makes it 5 times as much. */
  readonly hotZoneFactor: number;
  /** Seconds in which a zone drifts from one place to the next. */
  readonly driftSeconds: number;
}

/** Which pick faces are wanted, and how that changes. Time must not run backwards. */
export interface Popularity {
  draw(atSeconds: number): NodeIndex;
}

/** Weights are made anew this often: zones drift slowly, and a draw is then a binary search. */
const REFRESH_SECONDS = 60;

interface Zone {
  readonly from: NodeIndex;
  readonly to: NodeIndex;
}

export function createPopularity(
  graph: LaneGraph,
  pickFaces: readonly NodeIndex[],
  options: PopularityOptions,
  random: Random,
): Popularity {
  const ranked = random.fork('ranks').shuffle([...pickFaces]);
  const base = ranked.map((_, rank) => 1 / (rank + 1) ** options.zipfExponent);
  const cumulative = new Float64Array(ranked.length);
  const places = random.fork('zones');
  const draws = random.fork('draws');
  const randomPlace = (): NodeIndex => ranked[places.integer(ranked.length)] as NodeIndex;
  let zones: Zone[] = Array.from({ length: options.hotZones }, () => ({
    from: randomPlace(),
    to: randomPlace(),
  }));
  let leg = 0;
  let refreshedAt = -Infinity;

  function refresh(atSeconds: number): void {
    for (; leg < Math.floor(atSeconds / options.driftSeconds); leg++) {
      zones = zones.map(({ to }) => ({ from: to, to: randomPlace() }));
    }
    const share = (atSeconds / options.driftSeconds) % 1;
    const centres = zones.map(({ from, to }) => ({
      x: (1 - share) * (graph.x[from] as number) + share * (graph.x[to] as number),
      y: (1 - share) * (graph.y[from] as number) + share * (graph.y[to] as number),
    }));
    let sum = 0;
    ranked.forEach((face, rank) => {
      let heat = 0;
      for (const { x, y } of centres) {
        const metres = Math.hypot((graph.x[face] as number) - x, (graph.y[face] as number) - y);
        heat += Math.exp(-((metres / options.hotZoneRadiusMetres) ** 2));
      }
      sum += (base[rank] as number) * (1 + options.hotZoneFactor * heat);
      cumulative[rank] = sum;
    });
    refreshedAt = atSeconds;
  }

  return {
    draw(atSeconds) {
      if (atSeconds >= refreshedAt + REFRESH_SECONDS)
        refresh(REFRESH_SECONDS * Math.floor(atSeconds / REFRESH_SECONDS));
      const target = draws.next() * (cumulative.at(-1) as number);
      let low = 0;
      for (let high = cumulative.length - 1; low < high;) {
        const middle = (low + high) >> 1;
        if ((cumulative[middle] as number) > target) high = middle;
        else low = middle + 1;
      }
      return ranked[low] as NodeIndex;
    },
  };
}
