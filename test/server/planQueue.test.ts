import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { URGENCY } from '../../src/server/planQueue.js';
import { startQueue } from './support/startQueue.js';
import { startServer } from './support/startServer.js';

describe('the queue of plans', () => {
  it('serves the more urgent first, and those as urgent as they came', async () => {
    const { ask, served, drain } = startQueue();
    for (const [name, urgency] of [
      ['dry run', URGENCY.dryRun],
      ['first', URGENCY.request],
      ['urgent', URGENCY.request + 9],
      ['second', URGENCY.request],
      ['beside its route', URGENCY.deviated],
    ] as const)
      void ask(name, urgency);
    await drain();
    expect(served).toEqual(['beside its route', 'urgent', 'first', 'second', 'dry run']);
  });

  it('lets sockets be read after a few milliseconds of planning', async () => {
    const { ask, served, turn, queue } = startQueue({}, 3);
    for (let i = 0; i < 5; i++) void ask(String(i), 1);
    await turn();
    expect([served.length, queue.depth]).toEqual([2, 3]);
    void ask('urgent', 5);
    await turn();
    expect(served.at(2)).toBe('urgent');
  });

  it('plans for as long as reading took, however much there was to refuse', async () => {
    const { ask, served, turn, pass } = startQueue({}, 3);
    for (let i = 0; i < 100; i++) void ask(String(i), 1);
    await turn();
    expect(served.length).toBe(2);
    pass(60);
    await turn();
    expect(served.length).toBe(22);
  });

  it('starts no more than may be under way: who waits for a slow disk waits where it can be refused', async () => {
    const { queue, turn, settle } = startQueue({ underWayLimit: 2 }, 0);
    const commits: (() => void)[] = [];
    const started: number[] = [];
    for (let i = 0; i < 4; i++) {
      void queue.run(1, () => {
        started.push(i);
        return new Promise<void>((resolve) => commits.push(resolve));
      });
    }
    await turn();
    await turn();
    expect([started, queue.depth]).toEqual([[0, 1], 2]);
    commits[0]?.();
    await settle();
    await turn();
    expect([started, queue.depth]).toEqual([[0, 1, 2], 1]);
  });

  it('refuses above its limit, the least urgent and among them the newest', async () => {
    const { ask, served, shed, settle, drain, queue } = startQueue({ limit: 3 });
    for (const name of ['a', 'b', 'c']) void ask(name, 1);
    void ask('as urgent', 1);
    void ask('more urgent', 4);
    await settle();
    expect(shed).toEqual(['as urgent', 'c']);
    expect(queue.depth).toBe(3);
    await drain();
    expect(served).toEqual(['more urgent', 'a', 'b']);
  });

  it('takes a burst, but keeps waits short once it has not been empty for long', async () => {
    const { ask, shed, turn, settle, queue } = startQueue({ burstSeconds: 1, standingSeconds: 0.05 });
    for (let i = 0; i < 300; i++) void ask(`burst ${i}`, 1);
    await turn();
    expect([shed.length, queue.depth]).toEqual([0, 298]);
    // Two come for each that is planned, for as long as 4 seconds.
    const depths: number[] = [];
    for (let i = 0; i < 1000; i++) {
      for (let each = 0; each < 4; each++) void ask(`${i}`, 1);
      await turn();
      depths.push(queue.depth);
    }
    await settle();
    expect(Math.max(...depths)).toBeLessThan(600);
    // 50 ms at 2 ms a plan.
    expect(Math.max(...depths.slice(500))).toBeLessThanOrEqual(30);
    expect(shed.length).toBeGreaterThan(1500);
  });

  describe('in a flood', () => {
    /** 600 turns of it; a queue that is empty at times, if only for a moment. */
    async function flooded(requestsPerTurn = 4) {
      const started = startQueue({ burstSeconds: 1, standingSeconds: 0.05 });
      const { ask, turn, drain, settle } = started;
      for (let i = 0; i < 600; i++) {
        for (let each = 0; each < requestsPerTurn; each++) void ask(`${i}`, 1);
        await turn();
      }
      await drain();
      await settle();
      return started;
    }

    it('keeps waits short though the queue was empty for a moment', async () => {
      const { ask, queue, turn } = await flooded();
      for (let i = 0; i < 300; i++) void ask('more of it', 1);
      expect(queue.depth).toBeLessThanOrEqual(30);
      await turn();
    });

    it('keeps waits short though each plan began at once: there was always one', async () => {
      const { ask, queue, turn } = await flooded(2);
      for (let i = 0; i < 300; i++) void ask('more of it', 1);
      expect(queue.depth).toBeLessThanOrEqual(30);
      await turn();
    });

    it('keeps waits short though plans begin many at a time', async () => {
      const limits = { burstSeconds: 1, standingSeconds: 0.05, underWayLimit: 100 };
      const { queue, pass, turn, settle } = startQueue(limits);
      let end = (): void => undefined;
      let ended = Promise.resolve();
      const depths: number[] = [];
      // A hundred begin at once and end together 200 ms later, while three hundred ask.
      for (let i = 0; i < 60; i++) {
        ended = new Promise<void>((resolve) => (end = resolve));
        await turn();
        for (let each = 0; each < 300; each++) void queue.run(1, () => ended).catch(() => undefined);
        depths.push(queue.depth);
        pass(200);
        end();
        await settle();
      }
      // The hundred that begin next, and as many as 50 ms are at the 1 to 2 ms that the mean comes to.
      expect(Math.max(...depths.slice(30))).toBeLessThanOrEqual(150);
    });

    it('takes a burst again once it was empty for longer', async () => {
      const { ask, queue, pass, turn } = await flooded();
      pass(100);
      for (let i = 0; i < 300; i++) void ask('next day', 1);
      expect(queue.depth).toBe(300);
      await turn();
    });

    it('refuses what was taken and then overtaken for longer than it may', async () => {
      for (const { ask, shed, turn } of [await flooded(), startQueue()]) {
        const isFlood = shed.length > 0;
        void ask('overtaken', 1);
        // Urgent ones for 4 ms come every 4 ms: 96 of the 100 ms, and then the rest.
        const overtake = async (turns: number) => {
          for (let i = 0; i < turns; i++) {
            for (let each = 0; each < 2; each++) void ask('urgent', 10);
            await turn();
          }
        };
        await overtake(24);
        expect(shed).not.toContain('overtaken');
        await overtake(3);
        expect(shed.includes('overtaken')).toBe(isFlood);
      }
    });

    it('refuses nobody whom nothing overtook, however long the server stood still', async () => {
      const { ask, shed, pass, turn } = await flooded();
      for (let i = 0; i < 3; i++) void ask('patient', 1);
      pass(500);
      await turn();
      expect(shed).not.toContain('patient');
    });

    it('takes what is more urgent than the ordinary as before', async () => {
      const { ask, queue, turn } = await flooded();
      for (let i = 0; i < 300; i++) void ask('urgent', 10);
      expect(queue.depth).toBe(300);
      await turn();
    });
  });

  it('takes a burst though somebody asks every few milliseconds: that is no flood', async () => {
    const { ask, queue, pass, turn, drain, shed } = startQueue({}, 1);
    for (let i = 0; i < 500; i++) {
      void ask('now and then', 1);
      await drain();
      pass(4);
    }
    for (let i = 0; i < 300; i++) void ask('burst', 1);
    await turn();
    expect([queue.depth, shed]).toEqual([296, []]);
  });

  it('refuses what more urgent work kept waiting for longer than a burst may', async () => {
    const { ask, shed, served, pass, turn } = startQueue({ burstSeconds: 1 }, 3);
    void ask('patient', 1);
    for (let i = 0; i < 2; i++) void ask('urgent', 5);
    await turn();
    pass(1_100);
    for (let i = 0; i < 2; i++) void ask('urgent', 5);
    await turn();
    expect(shed).toEqual(['patient']);
    expect(served).toEqual(['urgent', 'urgent', 'urgent', 'urgent']);
  });

  it('rejects with what a plan throws, and plans on', async () => {
    const { queue, ask, served, drain } = startQueue();
    const failed = queue.run(1, () => {
      throw new RangeError('no way');
    });
    void ask('next', 1);
    const refused = expect(failed).rejects.toThrow('no way');
    await drain();
    await refused;
    expect([served, queue.depth]).toEqual([['next'], 0]);
  });

  it('shows how much waits in it, whatever is under way', async () => {
    const server = await startServer({
      timing: { drainSeconds: 0.1 },
      wrap: (service) => ({ ...service, requestRoute: () => new Promise(() => undefined) }),
    });
    const fleet = await server.connect(server.tokens.robot);
    const robotIds = Array.from({ length: LIMITS.plansUnderWay + 3 }, (_, index) => `amr-${index}`);
    const robots = robotIds.map((robotId) => ({ robotId, robotType: 'unit', node: 'r0c0' }));
    await fleet.ask({ type: 'hello', warehouseId: 'north', robots }, 'welcome');
    for (const robotId of robotIds) {
      fleet.send({ type: 'route.request', requestId: 'q', robotId, from: 'r0c0', stops: ['r2c1'] });
    }
    const metrics = async () => (await server.http('GET', '/metrics', { token: server.tokens.viewer })).text;
    await expect.poll(metrics).toContain('aisleflow_queue_depth{queue="plans"} 3\n');
    await server.close();
  });
});
