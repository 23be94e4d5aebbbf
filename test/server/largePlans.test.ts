import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import type { RouteRequestContent } from '../../src/domain/messages.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import { LARGE_PLANS, withPlanQueue } from '../../src/server/planQueue.js';
import { startQueue } from './support/startQueue.js';

describe('requests that are planned in turns', () => {
  /** More than one stop is a large tour; each plan ends when the test says. */
  function startQueues() {
    const small = startQueue();
    const large = startQueue(LARGE_PLANS);
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const begin = ({ requestId }: RouteRequestContent) => {
      begun.push(requestId);
      return new Promise<never>((resolve) => ends.push(resolve as () => void));
    };
    const service = {
      takesTurns: (_warehouseId: string, { stops }: RouteRequestContent) => stops.length > 1,
      requestRoute: (_warehouseId: string, request: RouteRequestContent) => begin(request),
      dryRun: (_warehouseId: string, request: RouteRequestContent) => begin(request),
    } as unknown as RoutingService;
    const queued = withPlanQueue(service, small.queue, large.queue);
    const request = (requestId: string, stops: number, given: object = {}): RouteRequestContent => ({
      ...{ requestId, robotId: requestId, from: 'a', stops: new Array<string>(stops).fill('b'), ...given },
    });
    return { small, large, begun, ends, queued, request };
  }

  it('wait for each other in a queue of their own, and for nobody else', async () => {
    const { small, large, begun, ends, queued, request } = startQueues();
    void queued.dryRun('site', request('dry', 2));
    for (const [name, priority] of [
      ['one', 0],
      ['two', 0],
      ['urgent', 9],
    ] as const)
      void queued.requestRoute('site', request(name, 2, { priority }));
    void queued.dryRun('site', request('small and dry', 1));
    void queued.requestRoute('site', request('small', 1));
    await large.turn();
    expect(begun).toEqual(['urgent', 'one']);
    await small.turn();
    expect(begun.slice(2)).toEqual(['small', 'small and dry']);
    ends[0]!();
    await large.settle();
    await large.turn();
    expect(begun.slice(4)).toEqual(['two']);
    expect(large.queue.depth).toBe(1);
  });

  it('are not refused when a turn is free for one at last, though those before it took seconds', async () => {
    const { large, begun, ends, queued, request } = startQueues();
    void queued.requestRoute('site', request('one', 2));
    void queued.requestRoute('site', request('two', 2));
    await large.turn();
    void queued.requestRoute('site', request('robot', 2));
    large.pass(3_000);
    ends[0]!();
    await large.settle();
    await large.turn();
    expect(begun).toEqual(['one', 'two', 'robot']);
  });

  it('leave a turn to whoever wants to drive: dry runs take one of them, one after the other', async () => {
    const { large, begun, ends, queued, request } = startQueues();
    for (const name of ['dry', 'drier', 'driest']) void queued.dryRun('site', request(name, 2));
    await large.drain();
    expect(begun).toEqual(['dry']);
    void queued.requestRoute('site', request('robot', 2));
    await large.drain();
    expect(begun).toEqual(['dry', 'robot']);
    ends[0]!();
    await large.settle();
    await large.drain();
    expect(begun).toEqual(['dry', 'robot', 'drier']);
    ends[1]!();
    await large.settle();
    await large.drain();
    expect(large.queue.depth).toBe(1);
    ends[2]!();
    await large.settle();
    await large.drain();
    expect(begun.at(-1)).toBe('driest');
  });

  it('are not refused for the time that dry runs wait for each other', async () => {
    const { large, begun, queued, request } = startQueues();
    for (const name of ['dry', 'drier']) queued.dryRun('site', request(name, 2)).catch(() => undefined);
    await large.drain();
    large.pass(20_000);
    const refused: string[] = [];
    for (const name of ['one', 'two', 'three', 'four']) {
      queued.requestRoute('site', request(name, 2)).catch(() => refused.push(name));
      await large.drain();
    }
    await large.settle();
    expect([begun, refused]).toEqual([['dry', 'one'], []]);
  });

  it('are no flood because dry runs wait for each other all the time', async () => {
    const { large, begun, ends, queued, request } = startQueues();
    const refused: string[] = [];
    const ask = async (...names: string[]): Promise<void> => {
      for (const name of names) queued.requestRoute('site', request(name, 2)).catch(() => refused.push(name));
      await large.drain();
    };
    // A plan takes half a second.
    await ask('one', 'two', 'three');
    large.pass(1_000);
    for (let ended = 0; ended < 3; ended++) {
      ends[ended]!();
      await large.settle();
      await large.drain();
    }
    for (let round = 0; round < 10; round++) {
      queued.dryRun('site', request(`dry ${round}`, 2)).catch(() => undefined);
      await large.drain();
      large.pass(3_000);
    }
    await ask('a', 'b', 'c', 'd');
    await large.settle();
    expect([begun, refused]).toEqual([['one', 'two', 'three', 'dry 0', 'a'], []]);
  });

  it('keep others of their robot there until they end: those wait for them, and would keep all from being planned', async () => {
    const { small, large, begun, ends, queued, request } = startQueues();
    const robotId = 'a';
    void queued.requestRoute('site', request('large', 2, { robotId }));
    await large.turn();
    for (let i = 0; i < LIMITS.plansUnderWay; i++)
      queued.requestRoute('site', request(`more ${i}`, 1, { robotId })).catch(() => undefined);
    void queued.requestRoute('site', request('other', 1));
    void queued.requestRoute('elsewhere', request('namesake', 1, { robotId }));
    await small.turn();
    expect(begun).toEqual(['large', 'other', 'namesake']);
    for (let ended = 0; large.queue.depth > 0 || ended < ends.length; ended++) {
      ends[ended]?.();
      await large.settle();
      await large.turn();
    }
    void queued.requestRoute('site', request('next', 1, { robotId }));
    await small.turn();
    expect(begun.at(-1)).toBe('next');
  });
});
