import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { Job, JobSource } from '../fleet.js';
import type { Order } from './order.js';
import { reachOf } from './reach.js';

export interface OrderJobsOptions {
  readonly graph: LaneGraph;
  /** By `atSeconds`, ascending. */
  readonly orders: readonly Order[];
  /** Position of each robot's type in the map's. */
  readonly robotTypes: readonly number[];
  /** The clock's instant when the stream begins. */
  readonly startAt: number;
}

export interface OrderJobs extends JobSource {
  /** Orders that came in by this instant and wait for a robot. */
  waiting(at: number): number;
  /** Orders not handed out yet, those to come included. */
  left(): number;
}

/** Hands orders to free robots: by priority, then as they came in, to robots that can reach all of it. */
export function createOrderJobs({ graph, orders, robotTypes, startAt }: OrderJobsOptions): OrderJobs {
  const reaches = graph.robotTypes.map((_, type) =>
    robotTypes.includes(type) ? reachOf(graph, type) : null,
  );
  const queue: Order[] = [];
  let next = 0;

  function admit(at: number): void {
    for (; next < orders.length; next++) {
      const order = orders[next] as Order;
      if (startAt + 1000 * order.atSeconds > at) return;
      let slot = queue.length;
      while (slot > 0 && ((queue[slot - 1] as Order).priority ?? 0) < (order.priority ?? 0)) slot--;
      queue.splice(slot, 0, order);
    }
  }

  function canServe(robot: number, order: Order): boolean {
    const reach = reaches[robotTypes[robot] as number];
    const stops = order.dropoff === undefined ? order.picks : [...order.picks, order.dropoff];
    return !!reach && stops.every((node) => reach.has(graph.nodeIndexOf.get(node) ?? -1));
  }

  return {
    next(robot, at): Job | null {
      admit(at);
      const slot = queue.findIndex((order) => canServe(robot, order));
      if (slot < 0) return null;
      const [order] = queue.splice(slot, 1) as [Order];
      const { deadlineSeconds, priority } = order;
      return {
        jobId: order.orderId,
        stops: order.picks,
        dropoff: order.dropoff ?? null,
        ...(priority === undefined ? {} : { priority }),
        ...(deadlineSeconds === undefined
          ? {}
          : { deadlineAt: Math.round(startAt + 1000 * (order.atSeconds + deadlineSeconds)) }),
      };
    },
    waiting(at) {
      admit(at);
      return queue.length;
    },
    left: () => queue.length + orders.length - next,
  };
}
