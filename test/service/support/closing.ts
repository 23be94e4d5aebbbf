import { expect } from 'vitest';
import type { RouteUpdatedMessage } from '../../../src/domain/messages.js';
import type { RoutingService, ServiceEvent } from '../../../src/domain/serviceContract.js';
import { createJournal } from '../../../src/journal/journal.js';
import { createFaultyStore, settle, type Fate, type FaultyStore } from '../../journal/support/faultyStore.js';
import { cell, SITE, startService, type TestService, type TestServiceOptions } from './startService.js';

export const request = (robotId: string, from: string, stops: readonly string[], requestId = 'q1') => ({
  requestId,
  robotId,
  from: cell(from),
  stops: stops.map(cell),
});

/** Lanes of a way that are closed now. */
export function closedOn(service: RoutingService, nodes: readonly string[]): string[] {
  const closed = new Set(
    service
      .lanes(SITE)
      .filter(({ open }) => !open)
      .map(({ from, to }) => `${from} ${to}`),
  );
  return nodes.slice(1).flatMap((to, i) => (closed.has(`${nodes[i]!} ${to}`) ? [`${nodes[i]!} ${to}`] : []));
}

/** The new ways that robots were sent. */
export function updatesIn(events: readonly ServiceEvent[]): RouteUpdatedMessage[] {
  return events.flatMap((event) => (event.kind === 'route.updated' ? [event.message] : []));
}

export interface SlowDiskService extends TestService {
  readonly store: FaultyStore;
  /** Lets the next commits end so, each once it is under way, and what they were waited for go on. */
  readonly finish: (...fates: readonly Fate[]) => Promise<void>;
  /** The outcome of a call whose commits end so. */
  readonly run: <T>(call: Promise<T>, ...fates: readonly Fate[]) => Promise<T>;
  /** Stores what is under way, and what follows from it. */
  readonly storeAll: () => Promise<void>;
}

/** A service on a disk whose commits end when the test says. */
export async function startOnSlowDisk(
  options: TestServiceOptions = {},
  store = createFaultyStore(),
): Promise<SlowDiskService> {
  const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
  const finish: SlowDiskService['finish'] = async (...fates) => {
    for (const fate of fates) {
      await settle();
      expect(store.finish(fate)).toBe(true);
    }
    await settle();
  };
  return {
    ...(await startService({ ...options, journal })),
    ...{ store, finish },
    async run(call, ...fates) {
      call.catch(() => undefined);
      await finish(...fates);
      return call;
    },
    async storeAll() {
      do await settle();
      while (store.finish('stored'));
    },
  };
}
