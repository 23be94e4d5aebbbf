import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openFleetSocket } from '../../sim/fleetSocket.js';
import { startServer } from '../server/support/startServer.js';

it('a simulated fleet talks to a server with a certificate', async () => {
  const [cert, key] = ['cert', 'key'].map((what) =>
    readFileSync(`test/server/fixtures/tls-test-${what}.pem`),
  );
  const server = await startServer({ tls: { cert: cert!, key: key! }, timing: { drainSeconds: 0.2 } });
  onTestFinished(() => server.close());
  // NODE_EXTRA_CA_CERTS is read when a process starts, so here it is not asked whose certificate it is.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  let welcomed: () => void = () => undefined;
  const welcome = new Promise<void>((resolve) => (welcomed = resolve));
  const socket = await openFleetSocket({
    ...{ url: server.url, token: server.tokens.robot },
    onMessage: ({ type }) => type === 'welcome' && welcomed(),
    onLost: (error) => expect.fail(error.message),
  });
  socket.send({ type: 'hello', warehouseId: 'north', robots: [] });
  await welcome;
  await socket.close();
});
