import { describe, expect, it } from 'vitest';
import type { RouteAssignedContent, WelcomeMessage } from '../../src/domain/messages.js';
import type { JournalKind, JournalRecord } from '../../src/journal/records.js';
import { createChecks } from '../../sim/chaos/checks.js';
import { createHoldChecks } from '../../sim/chaos/holdChecks.js';
import { createStopChecks } from '../../sim/chaos/stopChecks.js';
import kept from '../../sim/chaos/seeds.json' with { type: 'json' };
import { runScenario, shrink } from '../../sim/chaos/runSeed.js';
import { createScenario, type Scenario } from '../../sim/chaos/scenario.js';

const SEEDS = 200;
const seeds = [...new Set([...kept, ...Array.from({ length: SEEDS }, (_, i) => i + 1)])];
/** What failed once as it was then, too: robots had no habits. */
const lives = [
  ...seeds.map((seed) => createScenario(seed)),
  ...kept.map((seed) => createScenario(seed, false)),
];

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

describe('the check of stops that were told to be made', () => {
  const word = { routeId: 'r', revision: 0, leftOut: 0 };
  function hear(): { told: (revision: number, leftOut: number) => void; restart: () => void } {
    let life = 1;
    const checks = createStopChecks({
      life: () => life,
      fail: (_promise, detail) => {
        throw new Error(detail);
      },
    });
    checks.planned('r', 0);
    checks.heard({ ...word, position: 1, before: 0, made: 1, at: 2 }, 0);
    // Sent before, and overtaken.
    checks.heard({ ...word, position: 2, before: 1, made: 2, at: 1 }, 0);
    return {
      told(revision, leftOut) {
        checks.planned('r', revision);
        checks.told('r', revision, leftOut);
      },
      restart: () => void life++,
    };
  }

  it('fails where a later plan has one of them', () => {
    expect(() => hear().told(1, 1)).not.toThrow();
    expect(() => hear().told(1, 0)).toThrow('r revision 1 leaves out 0 of 1 stops told to be made');
  });

  it('asks nothing of a process that did not hear of them', () => {
    const checks = hear();
    checks.restart();
    expect(() => checks.told(1, 0)).not.toThrow();
  });
});

describe('the check of robots that wait', () => {
  const lane = (from: string, to: string) => ({ from, to, barred: [] });
  const waiting = { site: 0, robotType: 'plain', node: 'a', stops: ['b', 'c'] };
  const ways = [[lane('a', 'b'), lane('b', 'c')]];

  it('finds a way that is open, some seconds after it opened', () => {
    let now = 0;
    const checks = createHoldChecks({ ways, closed: [new Set(['b c'])], now: () => now });
    now = 20_000;
    expect(checks.isNeedless(waiting, 0)).toBe(false);
    checks.opened(0, [lane('b', 'c')]);
    expect([checks.hasWay(waiting), checks.isNeedless(waiting, 0)]).toEqual([true, false]);
    now = 40_000;
    expect(checks.isNeedless(waiting, 0)).toBe(true);
    checks.closing(0, [lane('a', 'b')]);
    expect(checks.hasWay(waiting)).toBe(false);
  });
});

describe('the service under a simulated clock, disk and network', () => {
  it(
    `keeps its promises in ${lives.length} lives of crashes, faults and floods`,
    { timeout: 1_200_000 },
    async () => {
      const sums = { scored: 0, updates: 0, crashes: 0 };
      for (const scenario of lives) {
        const result = await runScenario(scenario);
        if (result.kind === 'failed') {
          expect.fail(
            `${result.promise}: ${result.detail}; repeat: npm run chaos -- --seed ${scenario.seed}`,
          );
        }
        for (const name of ['scored', 'updates', 'crashes'] as const) sums[name] += result.counts[name];
      }
      // It would be quiet as well if nothing happened.
      expect(sums.scored).toBeGreaterThan(10 * lives.length);
      expect(sums.updates).toBeGreaterThan(lives.length);
      expect(sums.crashes).toBeGreaterThan(lives.length);
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
