import { expect, it } from 'vitest';
import { openSocketLink } from '../../sim/socketLink.js';
import { startServer } from '../server/support/startServer.js';

it('ends what it waits for when it is closed, the clock of a server that is away included', async () => {
  const server = await startServer({ timing: { drainSeconds: 0.2 } });
  const { robot, operator } = server.tokens;
  const link = await openSocketLink({
    target: { url: server.url, robotToken: robot, operatorToken: operator },
    warehouseId: 'north',
    sockets: 1,
  });
  await server.close();
  const clock = link.advanceClock(link.serverTime + 1000);
  const answer = link.requestRoute({ requestId: 'a1', robotId: 'r1', from: 'any', stops: ['other'] });
  const outcomes = Promise.allSettled([clock, answer]);
  await link.close();
  const lost = { status: 'rejected', reason: expect.objectContaining({ code: 'E_LINK_LOST' }) as unknown };
  expect(await outcomes).toEqual([lost, lost]);
});
