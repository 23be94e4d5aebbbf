import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouteCompletedContent } from '../../src/domain/messages.js';
import { decodeRecord } from '../../src/journal/encoding.js';
import { createJournal } from '../../src/journal/journal.js';
import type { JournalRecord } from '../../src/journal/records.js';
import { createRouteLedger, type RouteLedger } from '../../src/journal/routeLedger.js';
import { createFaultyStore, settle, type Fate, type FaultyStore } from './support/faultyStore.js';
import { completed, issued, report, request, revised, SITE, trace } from './support/routes.js';

const LIMITS_OF_TEST = { closedRoutesKept: 3, requestsKept: 4, openRoutesPerWarehouse: 3 };

const robot = fc.constantFrom('a', 'b', 'c', 'd');
/** Position among the routes issued so far, from the newest: reports repeat, and come late and in any order. */
const route = fc.nat({ max: 6 });
const event = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    robot,
    id: fc.nat({ max: 5 }),
    to: fc.constantFrom('b', 'b', 'c'),
  }),
  fc.record({ kind: fc.constant('complete' as const), route, arrivedAt: fc.constantFrom(10, 10, 10, 11) }),
  fc.record({ kind: fc.constantFrom('cancel' as const, 'expire' as const, 'revise' as const), route }),
  fc.record({
    kind: fc.constant('commit' as const),
    fate: fc.constantFrom<Fate>('stored', 'stored', 'stored', 'full'),
  }),
  fc.record({ kind: fc.constant('crash' as const), stored: fc.boolean() }),
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** A service's life: ledgers that die and are rebuilt from what was durable, and robots that remember their answers. */
function createWorld() {
  let store = createFaultyStore();
  let ledger = start(store);
  let issuedRoutes = 0;
  const routeIds: string[] = [];
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
        if (life === ledger) acknowledged.push({ content, answer: value });
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
    durable: (): JournalRecord[] => store.durable.map(decodeRecord),
    hashes: () => [ledger.hash(), start(store).hash()],
    async finishAll() {
      do await settle();
      while (store.finish('stored'));
    },
  };
}

/** Each acknowledged answer stands in the journal, for that content, and nothing was scored twice. */
function check(world: ReturnType<typeof createWorld>): void {
  const records = world.durable();
  const scores = records.filter((record) => record.kind === 'route.completed');
  expect(new Set(scores.map(({ payload }) => payload.routeId)).size).toBe(scores.length);
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

describe('the route ledger', () => {
  it('scores once and acknowledges only what is stored, and a rebuilt one equals the live one', async () => {
    // At least 12,000 events.
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 40, maxLength: 80 }), async (actions) => {
        const world = createWorld();
        for (const [index, action] of actions.entries()) {
          world.act(action);
          // Some events meet the one before still under way.
          if (index % 3 === 0) await settle();
        }
        await world.finishAll();
        check(world);
        const [live, rebuilt] = world.hashes();
        expect(live).toBe(rebuilt);
      }),
      { numRuns: 300 },
    );
  });
});
