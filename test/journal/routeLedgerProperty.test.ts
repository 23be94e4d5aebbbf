import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settle, type Fate } from './support/faultyStore.js';
import { checkWorld, createWorld, runWorld } from './support/world.js';

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
        checkWorld(world);
        const [live, rebuilt] = world.hashes();
        expect(live).toBe(rebuilt);
      }),
      { numRuns: 300 },
    );
  });

  it('acknowledges nothing that a power cut at that moment would take away, over 2,000 seeds', async () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      await runWorld(seed, 20).catch((error: unknown) => expect.fail(`seed ${seed}: ${String(error)}`));
    }
  }, 60_000);
});
