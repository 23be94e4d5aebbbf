import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect as connectPlain } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../src/cli/serveSettings.js';
import { startServer, upgradeStatus, type TestServer } from './support/startServer.js';

/** For localhost, until 2126: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500. */
const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'fixtures', name));
const ca = fixture('tls-test-cert.pem');

describe('with a certificate', () => {
  let server: TestServer;
  beforeAll(async () => {
    const tls = { cert: ca, key: fixture('tls-test-key.pem') };
    server = await startServer({ tls, timing: { headersSeconds: 0.4, drainSeconds: 0.2 } });
  });
  /** It ends in time although somebody is in the middle of a handshake. */
  afterAll(async () => {
    const silent = connectPlain(server.port, '127.0.0.1').on('error', () => undefined);
    await new Promise((resolve) => silent.once('connect', resolve));
    await server.close();
  }, 4_000);

  const get = (path: string, options: object): Promise<number> =>
    new Promise((resolve, reject) => {
      request(`${server.url}${path}`, options, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });

  it('serves robots over wss and the API over https', async () => {
    expect(server.url).toMatch(/^https:/);
    const fleet = await server.connect(server.tokens.robot, { ca });
    const robots = [{ robotId: 'amr-1', robotType: 'unit', node: 'r0c0' }];
    await fleet.ask({ type: 'hello', warehouseId: 'north', robots }, 'welcome');
    const asked = { requestId: 'tls-1', robotId: 'amr-1', from: 'r0c0', stops: ['r2c1'] };
    expect(await fleet.ask({ type: 'route.request', ...asked }, 'route.assigned')).toMatchObject({
      robotId: 'amr-1',
    });
    const headers = { authorization: `Bearer ${server.tokens.viewer}` };
    expect(await get('/v1/warehouses', { ca, headers })).toBe(200);
    fleet.socket.terminate();
  });

  it('lets nobody in whom plain HTTP would not: no token, wrong role, unknown origin', async () => {
    expect(await get('/v1/warehouses', { ca })).toBe(401);
    expect(await upgradeStatus(server, '/v1/ws', { ca })).toBe(401);
    const headers = { authorization: `Bearer ${server.tokens.viewer}` };
    expect(await upgradeStatus(server, '/v1/ws', { ca, headers })).toBe(403);
  });

  it('is not believed by who does not know it, and ends who never finishes the handshake', async () => {
    await expect(get('/healthz', {})).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    const silent = connectPlain(server.port, '127.0.0.1');
    await new Promise((resolve) => silent.on('error', resolve).on('close', resolve).resume());
    expect(await get('/healthz', { ca })).toBe(200);
  });

  it('answers plain HTTP nothing', async () => {
    const answer = await server.raw('GET /v1/warehouses HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).not.toContain('200');
    expect(await get('/healthz', { ca })).toBe(200);
  });
});

describe('TLS settings', () => {
  it('want both files or none', () => {
    expect(readSettings({}, {}).tls).toBeNull();
    expect(readSettings({ tlsCert: 'a', tlsKey: 'b' }, {}).tls).toEqual({ certFile: 'a', keyFile: 'b' });
    expect(() => readSettings({ tlsCert: 'a' }, {})).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  });
});
