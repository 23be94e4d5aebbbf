import { readFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { createApiClient } from '../../src/cli/apiClient.js';
import { startServer } from '../server/support/startServer.js';

it.each(['127.0.0.1:8080', 'localhost:1', 'foo', '', 'http://'])(
  'says that "%s" is no address of a server',
  async (url) => {
    const call = createApiClient({ url, token: 'aisleflow_viewer_x' })('GET', '/v1/warehouses');
    await expect(call).rejects.toMatchObject({ code: 'E_CONFIG' });
  },
);

it.each(['one\ntwo', 'clé', 'two words'])('says of the token "%s" that it can be none', async (token) => {
  const call = createApiClient({ url: 'http://127.0.0.1:1', token })('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringContaining('the token has') as string,
  });
});

it('says where nobody listens that the connection failed, and why', async () => {
  const server = await startServer();
  await server.close();
  const call = createApiClient({ url: server.url, token: 't' })('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({
    code: 'E_LINK_LOST',
    references: { url: server.url, detail: expect.stringContaining('ECONNREFUSED') as string },
  });
});

it('says of a server without TLS that it speaks none', async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  const call = createApiClient({ url: server.url.replace('http', 'https'), token: 't' });
  await expect(call('GET', '/v1/warehouses')).rejects.toMatchObject({
    references: { detail: 'it does not speak TLS; is its address one of http?' },
  });
});

it('takes an empty token for none', async () => {
  const call = createApiClient({ url: 'http://127.0.0.1:1', token: ' ' })('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({ message: expect.stringContaining('no token') as string });
});

it('says of a certificate that it does not trust it, and where to name its authority', async () => {
  const [cert, key] = ['cert', 'key'].map((what) =>
    readFileSync(`test/server/fixtures/tls-test-${what}.pem`),
  );
  const server = await startServer({ tls: { cert: cert!, key: key! }, timing: { drainSeconds: 0.2 } });
  onTestFinished(() => server.close());
  const call = createApiClient({ url: server.url, token: 't' })('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({
    code: 'E_LINK_LOST',
    message: expect.stringMatching(/self-signed certificate; .*NODE_EXTRA_CA_CERTS/) as string,
  });
});
