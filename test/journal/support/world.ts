import { expect } from 'vitest';
import type { RouteCompletedContent } from '../../../src/domain/messages.js';
import { decodeRecord } from '../../../src/journal/encoding.js';
import { createJournal } from '../../../src/journal/journal.js';
import type { JournalRecord } from '../../../src/journal/records.js';
import { createRouteLedger, type RouteLedger } from '../../../src/journal/routeLedger.js';
import { createRandom, type Random } from '../../../src/platform/random.js';
import { createFaultyStore, settle, type Fate, type FaultyStore } from './faultyStore.js';
import { completed, issued, report, request, revised, SITE, trace } from './routes.js';

const LIMITS_OF_TEST = { closedRoutesKept: 3, requestsKept: 4, openRoutesPerWarehouse: 3 };

export type Event =
  | { readonly kind: 'request'; readonly robot: string; readonly id: number; readonly to: string }
  /** `route`: position among the routes issued so far, from the newest. Reports repeat, come late and in any order. */
  | { readonly kind: 'complete'; readonly route: number; readonly arrivedAt: number }
  | { readonly kind: 'cancel' | 'expire' | 'revise'; readonly route: number }
  | { readonly kind: 'commit'; readonly fate: Fate }
  /** A power cut; `stored`: the commit under way got to the disk, and nobody was told. */
  | { readonly kind: 'crash'; readonly stored: boolean };

/** A service's life: ledgers that die and are rebuilt from what was durable, and robots that remember their answers. */
export function createWorld() {
  let store = createFaultyStore();
  let ledger = start(store);
  let issuedRoutes = 0;
  const routeIds: string[] = [];
  const early: string[] = [];
  const acknowledged: { readonly content: unknown; readonly answer: { readonly routeId: string } }[] = [];

  function start(on: FaultyStore): RouteLedger {
    const journal = createJournal(on, { onFatal: () => undefined });
    const fresh = createRouteLedger({ warehouseId: SITE, journal, limits: LIMITS_OF_TEST });
    for (const stored of on.durable) fresh.apply(decodeRecord(stored));
    return fresh;
  }

  function note(content: unknown, answer: Promise<{ readonly routeId: string }>): void {
    const life = ledger;
    answer.then(
      (value) => {
        // What a dead process would have said, nobody heard.
        if (life !== ledger) return;
        acknowledged.push({ content, answer: value });
        if (content !== null && !isDurable(store, value)) early.push(value.routeId);
      },
      (error: { code?: string }) => {
        if (error.code === undefined) throw error;
      },
    );
  }

  function act(action: Event): void {
    if (action.kind === 'request') {
      const content = request(action.robot, `q${action.id}`, action.to);
      note(
        content,
        ledger.issue(content, () => issued(nextRouteId(), content)),
      );
    } else if (action.kind === 'commit') {
      store.finish(action.fate);
    } else if (action.kind === 'crash') {
      store.finish(action.stored ? 'torn' : 'lost');
      store = createFaultyStore(store.durable);
      ledger = start(store);
    } else {
      const routeId = routeIds.at(-1 - action.route) ?? 'never-issued';
      if (action.kind === 'complete') {
        const content: RouteCompletedContent = report(routeId, trace(action.arrivedAt));
        note(
          content,
          ledger.complete(content, (entry) => completed(entry, content.trace)),
        );
      } else if (action.kind === 'cancel') note(null, ledger.cancel({ routeId, reason: 'why' }, 5));
      else if (action.kind === 'revise')
        note(
          null,
          ledger.revise(routeId, (entry) => revised(entry)),
        );
      else
        note(
          null,
          ledger.expire(routeId, 6).then(() => ({ routeId })),
        );
    }
  }

  function nextRouteId(): string {
    const routeId = `r${++issuedRoutes}`;
    routeIds.push(routeId);
    return routeId;
  }

  return {
    act,
    acknowledged,
    /** Acknowledged before anything of theirs would have outlasted a power cut. */
    early,
    durable: (): JournalRecord[] => store.durable.map(decodeRecord),
    hashes: () => [ledger.hash(), start(store).hash()],
    async finishAll() {
      do await settle();
      while (store.finish('stored'));
    },
  };
}

/** Each acknowledged answer stands in the journal, for that content, and nothing was scored twice. */
export function checkWorld(world: ReturnType<typeof createWorld>): void {
  const records = world.durable();
  const scores = records.filter((record) => record.kind === 'route.completed');
  expect(new Set(scores.map(({ payload }) => payload.routeId)).size).toBe(scores.length);
  expect(world.early).toEqual([]);
  for (const { content, answer } of world.acknowledged) {
    if (content === null) continue;
    const source = records.find(
      (record) =>
        (record.kind === 'route.issued' &&
          'requestId' in answer &&
          record.payload.routeId === answer.routeId) ||
        (record.kind === 'route.completed' && 'score' in answer && record.payload.routeId === answer.routeId),
    );
    if (source?.kind === 'route.issued') {
      expect(source.payload).toMatchObject({ request: content, answer });
    } else if (source?.kind === 'route.completed') {
      expect({ routeId: source.payload.routeId, trace: source.payload.trace }).toEqual(content);
      expect({ ...answer, duplicate: undefined }).toEqual({ ...source.payload.scored, duplicate: undefined });
    } else {
      expect.fail(`no record holds the acknowledged answer for ${answer.routeId}`);
    }
  }
}

function isDurable(store: FaultyStore, answer: { readonly routeId: string }): boolean {
  const kind = 'score' in answer ? 'route.completed' : 'route.issued';
  return store.durable.some((record) => record.kind === kind && record.routeId === answer.routeId);
}

/** One life after the other, decided by a seed alone. @throws AssertionError naming what did not hold */
export async function runWorld(seed: number, events: number): Promise<void> {
  const random = createRandom(seed);
  const world = createWorld();
  for (let index = 0; index < events; index++) {
    world.act(randomEvent(random));
    // Some events meet the one before still under way.
    if (random.integer(3) === 0) await settle();
  }
  await world.finishAll();
  checkWorld(world);
  const [live, rebuilt] = world.hashes();
  expect(live).toBe(rebuilt);
}

function randomEvent(random: Random): Event {
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)] as T;
  const route = random.integer(7);
  const kind = pick([
    'request',
    'request',
    'complete',
    'complete',
    'cancel',
    'expire',
    'revise',
    'commit',
    'commit',
    'commit',
    'crash',
  ] as const);
  if (kind === 'request')
    return { kind, robot: pick(['a', 'b', 'c', 'd']), id: random.integer(6), to: pick(['b', 'b', 'c']) };
  if (kind === 'complete') return { kind, route, arrivedAt: pick([10, 10, 10, 11]) };
  if (kind === 'commit') return { kind, fate: pick<Fate>(['stored', 'stored', 'stored', 'full']) };
  if (kind === 'crash') return { kind, stored: random.integer(2) === 0 };
  return { kind, route };
}
