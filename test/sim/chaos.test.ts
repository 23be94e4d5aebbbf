import { describe, expect, it } from 'vitest';
import type { RouteAssignedContent, WelcomeMessage } from '../../src/domain/messages.js';
import type { JournalKind, JournalRecord } from '../../src/journal/records.js';
import { createChecks } from '../../sim/chaos/checks.js';
import kept from '../../sim/chaos/seeds.json' with { type: 'json' };
import { runScenario, shrink } from '../../sim/chaos/runSeed.js';
import { createScenario, type Scenario } from '../../sim/chaos/scenario.js';

const SEEDS = 200;
const seeds = [...new Set([...kept, ...Array.from({ length: SEEDS }, (_, i) => i + 1)])];

describe('the check of a closing', () => {
  /** A robot was told a way of one lane; its route is in the journal as given, and then the lane closes. */
  function closeUnderRoute(kinds: readonly JournalKind[], { restarted = false } = {}): void {
    const [map] = createScenario(1).maps;
    const lane = map!.lanes.find(({ open, barred }) => open !== false && !barred?.length)!;
    const nodes = [lane.from, lane.to];
    const answer = { routeId: 'r', revision: 0, nodes, etaSeconds: [0, 9], stopIndexes: [1], stopOrder: [0] };
    const request = { requestId: 'q', robotId: 'a', from: lane.from, stops: [lane.to] };
    const durable = kinds.map(
      (kind) => ({ kind, at: 0, payload: { routeId: 'r', request, answer } }) as unknown as JournalRecord,
    );
    let life = 1;
    const still = { now: () => 0, life: () => life, placeOf: () => 0 };
    const checks = createChecks({ maps: [map!], durable, ...still });
    const robot = { site: 0, robot: 0, robotType: 'plain' };
    checks.welcome(robot, { openRoutes: [] } as unknown as WelcomeMessage);
    checks.assigned(robot, request, {
      ...answer,
      expected: {},
    } as unknown as RouteAssignedContent);
    if (restarted) life++;
    checks.lanesClosed(0, [lane]);
    checks.throwKept();
  }

  it('fails where the robot before the lane was not told', () => {
    expect(() => closeUnderRoute(['route.issued'])).toThrow('its robot was not told');
  });

  it('asks nothing for a route that its robot gave back, though the answer to that was lost', () => {
    expect(() => closeUnderRoute(['route.issued', 'route.cancelled'])).not.toThrow();
  });

  it('asks nothing for a robot that was not welcomed since a restart: its welcome tells it', () => {
    expect(() => closeUnderRoute(['route.issued'], { restarted: true })).not.toThrow();
  });
});

describe('the service under a simulated clock, disk and network', () => {
  it(
    `keeps its promises in ${seeds.length} lives of crashes, faults and floods`,
    { timeout: 1_200_000 },
    async () => {
      const sums = { scored: 0, updates: 0, crashes: 0 };
      for (const seed of seeds) {
        const result = await runScenario(createScenario(seed));
        if (result.kind === 'failed') {
          expect.fail(`${result.promise}: ${result.detail}; repeat: npm run chaos -- --seed ${seed}`);
        }
        for (const name of ['scored', 'updates', 'crashes'] as const) sums[name] += result.counts[name];
      }
      // It would be quiet as well if nothing happened.
      expect(sums.scored).toBeGreaterThan(10 * seeds.length);
      expect(sums.updates).toBeGreaterThan(seeds.length);
      expect(sums.crashes).toBeGreaterThan(seeds.length);
    },
  );

  it('repeats itself', async () => {
    const twice = [await runScenario(createScenario(2)), await runScenario(createScenario(2))];
    expect(twice[0]).toEqual(twice[1]);
  });

  it('shrinks what fails to the events that it takes', async () => {
    const scenario = createScenario(2);
    // An order that nobody can serve: its stop is on no map.
    const impossible = { ...scenario.events.find(({ kind }) => kind === 'order')!, stops: [100_000] };
    const failing: Scenario = { ...scenario, events: [...scenario.events, impossible] };
    const result = await runScenario(failing);
    expect(result.kind).toBe('failed');
    if (result.kind === 'failed')
      expect((await shrink(failing, result.promise)).events).toEqual([impossible]);
  });
});
