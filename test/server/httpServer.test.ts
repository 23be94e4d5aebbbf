import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NORTH, startServer, type TestServer } from './support/startServer.js';

describe('over the wire of HTTP', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  describe('an offer of HTTP/2, as some clients make it on plain HTTP,', () => {
    const send = (method: string, path: string, body = ''): Promise<unknown[]> =>
      new Promise((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${server.tokens.operator}`,
          ...{ connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' },
          ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        };
        request(`${server.url}${path}`, { method, headers, agent: false }, (answer) => {
          let text = '';
          answer.on('data', (part: Buffer) => (text += part.toString()));
          answer.on('end', () => resolve([answer.statusCode, JSON.parse(text)]));
        })
          .on('error', reject)
          .end(body);
      });

    it('is ignored, and what is asked is answered, with a body or without', async () => {
      expect(await send('GET', '/healthz')).toEqual([200, { status: 'ok' }]);
      expect(await send('GET', '/v1/warehouses')).toMatchObject([200, [{ warehouseId: 'north' }, {}]]);
      const set = await send('PUT', `${NORTH}/mode`, '{"mode":"frozen"}');
      expect(set).toEqual([200, { mode: 'frozen' }]);
      expect(await send('PUT', `${NORTH}/mode`, '{"mode":')).toMatchObject([400, { code: 'E_BAD_ENCODING' }]);
    });
  });
});
