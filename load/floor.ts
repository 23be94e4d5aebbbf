import type { WarehouseSummary, LaneView } from '../src/domain/serviceContract.js';
import type { RouteRequestContent } from '../src/domain/messages.js';
import type { Random } from '../src/platform/random.js';
import { warehousePath } from '../src/platform/serverClient.js';
import type { Target } from './api.js';

/** The open lanes of a warehouse, as far as the wire tells them: enough to make up orders that can be driven. */
export interface Floor {
  readonly warehouseId: string;
  readonly robotType: string;
  randomNode(): string;
  /** An order of `picks` stops, each at most `hops` lanes from the one before, so that routes have a known length. */
  order(requestId: string, robotId: string, size: OrderSize): RouteRequestContent;
}

export interface OrderSize {
  readonly picks: number;
  readonly hops: number;
}

export async function readFloor(
  { api }: Target,
  warehouse: WarehouseSummary,
  random: Random,
): Promise<Floor> {
  const { warehouseId } = warehouse;
  const lanes = await api.json<LaneView[]>('GET', `${warehousePath(warehouseId)}/lanes`);
  const next = new Map<string, string[]>();
  for (const { from, to, open } of lanes) {
    if (!open) continue;
    const ends = next.get(from);
    if (ends === undefined) next.set(from, [to]);
    else ends.push(to);
  }
  const nodes = [...next.keys()];
  const robotType = warehouse.robotTypes[0];
  if (nodes.length === 0 || robotType === undefined) throw new Error(`${warehouseId} has no open lanes`);
  const pick = (from: readonly string[]) => from[random.integer(from.length)] as string;

  const walk = (from: string, hops: number): string => {
    let before = '';
    let at = from;
    for (let hop = 0; hop < hops; hop++) {
      const ends = next.get(at) ?? [];
      const onwards = ends.filter((end) => end !== before);
      if (ends.length === 0) break;
      before = at;
      at = pick(onwards.length > 0 ? onwards : ends);
    }
    return at;
  };
  /** Never ends where it began: a tour of no lane has nothing to learn. */
  const leave = (from: string, hops: number): string => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const to = walk(from, hops - (attempt % hops));
      if (to !== from) return to;
    }
    return from;
  };
  return {
    warehouseId,
    robotType,
    randomNode: () => pick(nodes),
    order(requestId, robotId, { picks, hops }) {
      const from = pick(nodes);
      let at = from;
      const stops = Array.from({ length: picks }, () => ({
        node: (at = leave(at, hops)),
        handlingSeconds: 0,
      }));
      return { requestId, robotId, from, stops };
    },
  };
}
