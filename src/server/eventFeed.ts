import type { RoutingService, ServiceEvent } from '../domain/serviceContract.js';

const POLICY_NEWS_MILLISECONDS = 1000;

/** The service's events for sockets and streams, with policy news thinned to one a second and warehouse. */
export interface EventFeed {
  subscribe(listener: (event: ServiceEvent) => void): () => void;
  close(): void;
}

/** Of the policy versions that come within a second of the last one told, only the newest is told, after it. */
export function createEventFeed(service: Pick<RoutingService, 'subscribe'>): EventFeed {
  const listeners = new Set<(event: ServiceEvent) => void>();
  const held = new Map<string, { timer: NodeJS.Timeout; newest: ServiceEvent | null }>();

  const tell = (event: ServiceEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const tellPolicy = (event: ServiceEvent): void => {
    tell(event);
    const { warehouseId } = event;
    const timer = setTimeout(() => {
      const newest = held.get(warehouseId)?.newest ?? null;
      held.delete(warehouseId);
      if (newest !== null) tellPolicy(newest);
    }, POLICY_NEWS_MILLISECONDS);
    timer.unref();
    held.set(warehouseId, { timer, newest: null });
  };
  const unsubscribe = service.subscribe((event) => {
    if (event.kind !== 'policy.updated') return tell(event);
    const entry = held.get(event.warehouseId);
    if (entry === undefined) tellPolicy(event);
    else entry.newest = event;
  });
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      unsubscribe();
      for (const { timer } of held.values()) clearTimeout(timer);
      held.clear();
      listeners.clear();
    },
  };
}
