import { expect, it, onTestFinished } from 'vitest';
import { openSocketLink } from '../../sim/socketLink.js';
import { startServer, type TestServer } from '../server/support/startServer.js';

const target = ({ url, tokens }: TestServer, robotToken = tokens.robot) => ({
  ...{ url, robotToken, operatorToken: tokens.operator },
});

it('ends what it waits for when it is closed, the clock of a server that is away included', async () => {
  const server = await startServer({ timing: { drainSeconds: 0.2 } });
  const link = await openSocketLink({ target: target(server), warehouseId: 'north', sockets: 1 });
  await server.close();
  const clock = link.advanceClock(link.serverTime + 1000);
  const answer = link.requestRoute({ requestId: 'a1', robotId: 'r1', from: 'any', stops: ['other'] });
  const outcomes = Promise.allSettled([clock, answer]);
  await link.close();
  const lost = { status: 'rejected', reason: expect.objectContaining({ code: 'E_LINK_LOST' }) as unknown };
  expect(await outcomes).toEqual([lost, lost]);
});

const openSockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

it('closes what it opened where its hello is refused', async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  const opening = openSocketLink({ target: target(server), warehouseId: 'nowhere', sockets: 3 });
  await expect(opening).rejects.toMatchObject({ code: 'E_FORBIDDEN' });
  await expect.poll(openSockets).toBe(0);
});

it('in order, lets the clock go on only once the server has read what it was told before', async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  const options = { target: target(server), warehouseId: 'north', sockets: 2, inOrder: true };
  const link = await openSocketLink(options);
  onTestFinished(() => link.close());
  // More than a connection has time for in one turn of the server's loop, and each refused in its turn.
  const nowhere = { routeId: 'none', revision: 0, node: 'any', at: link.serverTime };
  for (let step = 1; step <= 3; step++) {
    for (let told = 0; told < 500; told++) link.progress(nowhere);
    await link.advanceClock(link.serverTime + 1000 * step);
    expect(link.strayErrors()).toEqual({ E_UNKNOWN_ROUTE: 500 * step });
  }
});

it('does not come back with a token that is known no more', async () => {
  const server = await startServer({ timing: { tokenRefreshSeconds: 0.05 } });
  onTestFinished(() => server.close());
  const { token, revoke } = server.issue({ role: 'robot', warehouses: ['north'], robots: '*' });
  const link = await openSocketLink({ target: target(server, token), warehouseId: 'north', sockets: 1 });
  onTestFinished(() => link.close());
  revoke();
  // Unanswered for as long as the link hopes to be let in again.
  const request = { requestId: 'a1', robotId: 'r1', from: 'any', stops: ['other'] };
  const refused = async (): Promise<unknown> => {
    for (;;) {
      const code = await link
        .requestRoute(request)
        .catch((error: unknown) => (error as { code: string }).code);
      if (code !== 'E_HELLO_FIRST') return code;
    }
  };
  expect(await refused()).toBe('E_UNAUTHENTICATED');
});
