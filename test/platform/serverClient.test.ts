import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createServerClient } from '../../src/platform/serverClient.js';
import { startServer } from '../server/support/startServer.js';

it.each([
  ...['127.0.0.1:8080', 'localhost:1', 'foo', '', 'http://'],
  ...[
    'http://127.0.0.1:8080/aside',
    'http://127.0.0.1:8080/v1/',
    'http://127.0.0.1:8080/?a=b',
    'http://host:1/#a',
  ],
])('says that "%s" is no address of a server', async (url) => {
  const call = createServerClient({ url, token: 'aisleflow_viewer_x' }).json('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({ code: 'E_CONFIG' });
});

it('takes an address with a slash behind it', async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  const call = createServerClient({ url: `${server.url}/`, token: server.tokens.viewer });
  expect(await call.json('GET', '/v1/warehouses')).toMatchObject([{ warehouseId: 'north' }, {}]);
});

it.each(['one\ntwo', 'clé', 'two words'])('says of the token "%s" that it can be none', async (token) => {
  const call = createServerClient({ url: 'http://127.0.0.1:1', token }).json('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringContaining('the token has') as string,
  });
});

it('says where nobody listens that the connection failed, and why', async () => {
  const server = await startServer();
  await server.close();
  const call = createServerClient({ url: server.url, token: 't' }).json('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({
    code: 'E_LINK_LOST',
    references: { url: server.url, detail: expect.stringContaining('ECONNREFUSED') as string },
  });
});

it('says of a server without TLS that it speaks none', async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  const call = createServerClient({ url: server.url.replace('http', 'https'), token: 't' });
  await expect(call.json('GET', '/v1/warehouses')).rejects.toMatchObject({
    references: { detail: 'it does not speak TLS; is its address one of http?' },
  });
});

it('takes an empty token for none', async () => {
  const call = createServerClient({ url: 'http://127.0.0.1:1', token: ' ' }).json('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({ message: expect.stringContaining('no token') as string });
});

it('says of a certificate that it does not trust it, and where to name its authority', async () => {
  const [cert, key] = ['cert', 'key'].map((what) =>
    readFileSync(`test/server/fixtures/tls-test-${what}.pem`),
  );
  const server = await startServer({ tls: { cert: cert!, key: key! }, timing: { drainSeconds: 0.2 } });
  onTestFinished(() => server.close());
  const call = createServerClient({ url: server.url, token: 't' }).json('GET', '/v1/warehouses');
  await expect(call).rejects.toMatchObject({
    code: 'E_LINK_LOST',
    message: expect.stringMatching(/self-signed certificate; .*NODE_EXTRA_CA_CERTS/) as string,
  });
});

it.each([
  [200, 'hello', 'E_CONFIG', 'is no Aisleflow server (200)'],
  [404, 'null', 'E_CONFIG', 'is no Aisleflow server (404)'],
  [503, '<h1>Service Unavailable</h1>', 'E_LINK_LOST', 'is no Aisleflow server (503)'],
  [409, '{"code":"E_OF_TOMORROW","detail":"soon"}', 'E_INTERNAL', 'E_OF_TOMORROW: soon'],
  [429, '{"code":"E_BUSY","references":{"retryAfterSeconds":2}}', 'E_BUSY', '2'],
])('takes an answer %s %s for a %s', async (status, body, code, said) => {
  const other = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await expect(createServerClient({ url, token: 't' }).json('GET', '/')).rejects.toMatchObject({
    code,
    message: expect.stringContaining(said) as string,
  });
});
