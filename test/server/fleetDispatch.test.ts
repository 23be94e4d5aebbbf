import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import type { ToFleetMessage } from '../../src/domain/messages.js';
import { robotKey, type FleetConnection } from '../../src/server/fleetConnection.js';
import { createFleetDispatch } from '../../src/server/fleetDispatch.js';
import { createLogger } from '../../src/server/logging.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import { createRobotQueues, createSharedBytes } from '../../src/server/robotQueues.js';

const SITE = 'north';
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** One connection of robot `amr-1` whose routes only the journal knows; a look-up waits until it is let go. */
function startConnection(limits: { messages: number; bytes: number }) {
  const lookUps: ((error?: AppError) => void)[] = [];
  const sent: string[] = [];
  const defects: unknown[] = [];
  const shared = createSharedBytes();
  const queues = createRobotQueues(shared, limits);
  const service: Partial<RoutingService> = {
    robotOf(_warehouseId, routeId) {
      throw new AppError('E_UNKNOWN_ROUTE', { routeId });
    },
    route: () =>
      new Promise((resolve, reject) => {
        lookUps.push((error) => (error ? reject(error) : resolve({ robotId: 'amr-1' } as never)));
      }),
    completeRoute: (_warehouseId, { routeId }) => Promise.resolve({ routeId, duplicate: true } as never),
  };
  const connection: Partial<FleetConnection> = {
    connectionId: 'connection-1',
    ...{ queues, warehouses: new Set([SITE]), warehouseOf: new Map([['amr-1', SITE]]) },
    speaksFor: new Set([robotKey(SITE, 'amr-1')]),
    explains: () => true,
    send(message: ToFleetMessage) {
      sent.push(message.type === 'error' ? message.code : message.type);
    },
  };
  const dispatch = createFleetDispatch({
    service: service as RoutingService,
    logger: createLogger('silent'),
    bind: () => undefined,
    stopping: () => false,
    onDefect: (error) => defects.push(error),
    refused: () => undefined,
  });
  const receive = (message: object): boolean =>
    dispatch.receive(connection as FleetConnection, Buffer.from(JSON.stringify(message)), false);
  const complete = (routeId: string): boolean =>
    receive({ type: 'route.completed', routeId, trace: [['r0c0', 1, null]] });
  return { queues, shared, sent, defects, lookUps, receive, complete };
}

describe('completions of routes that only the journal knows', () => {
  it.each([
    ['messages', { messages: 3, bytes: 10_000 }],
    ['bytes', { messages: 100, bytes: 300 }],
  ])('are all answered where they fill the limit of %s, and none is counted twice', async (_what, limits) => {
    const { queues, shared, sent, lookUps, complete } = startConnection(limits);
    for (let route = 1; sent.length === 0; route++) complete(`route-${route}`);
    expect(sent).toEqual(['E_BUSY']);
    const taken = queues.depth;
    for (const letGo of lookUps) letGo();
    await settled();
    expect(sent.slice(1)).toEqual(Array.from({ length: taken }, () => 'route.scored'));
    expect([queues.depth, shared.held]).toEqual([0, 0]);
  });

  it('are refused with E_BUSY where too many look-ups wait, and answered when they are sent again', async () => {
    const started = startConnection({ messages: 3, bytes: 10_000 });
    const { queues, shared, sent, defects, lookUps, complete } = started;
    complete('route-1');
    lookUps.shift()?.(new AppError('E_BUSY', { limit: 256, what: 'look-ups', retryAfterSeconds: 1 }));
    await settled();
    expect([sent, queues.depth, shared.held]).toEqual([['E_BUSY'], 0, 0]);
    complete('route-1');
    lookUps.shift()?.();
    await settled();
    expect([sent, queues.depth, shared.held]).toEqual([['E_BUSY', 'route.scored'], 0, 0]);
    expect(defects).toEqual([]);
  });

  it('tell of a journal that cannot be read any more, as a request over HTTP does', async () => {
    const { sent, defects, lookUps, complete } = startConnection({ messages: 3, bytes: 10_000 });
    const failed = new AppError('E_JOURNAL_FAILED', { detail: 'its thread has ended' });
    complete('route-1');
    lookUps.shift()?.(failed);
    await settled();
    expect([sent, defects]).toEqual([['E_JOURNAL_FAILED'], [failed]]);
  });
});

it('says of each message whether it could be read', () => {
  const { receive, complete, sent } = startConnection({ messages: 3, bytes: 10_000 });
  expect([receive({ type: 'hello' }), complete('route-1')]).toEqual([false, true]);
  expect(sent).toEqual(['E_BAD_MESSAGE']);
});

describe('the queues of a connection', () => {
  it('go on behind a task that fails, which is a defect, and count neither any more', async () => {
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    const defect = new Promise((resolve) => process.once('unhandledRejection', resolve));
    try {
      const shared = createSharedBytes();
      const queues = createRobotQueues(shared);
      const served: string[] = [];
      queues.run('amr-1', 10, () => Promise.reject(new RangeError('a defect')));
      queues.run('amr-1', 20, () => void served.push('behind'));
      await settled();
      expect([served, queues.depth, shared.held]).toEqual([['behind'], 0, 0]);
      expect(await defect).toMatchObject({ message: 'a defect' });
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  });
});
