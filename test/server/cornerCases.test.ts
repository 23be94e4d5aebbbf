import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './support/startServer.js';

describe('hindsight over HTTP', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  const get = (path: string) => server.http('GET', path, { token: server.tokens.viewer });

  it('shows regret and the time to improvement of a warehouse, unknown at first', async () => {
    const { json } = await get('/v1/warehouses/north');
    expect(json).toMatchObject({
      regretSeconds: null,
      improvement: {
        ...{ baseline: null, ratio: null, policyServedAfter: null },
        ...{ tenPercentAfter: null, quarterAfter: null },
      },
    });
  });

  it('lists corner cases, and refuses one that is not kept', async () => {
    const listed = await get('/v1/warehouses/north/corner-cases');
    expect([listed.status, listed.json]).toEqual([200, []]);
    const one = await get('/v1/warehouses/north/corner-cases/route-1');
    expect([one.status, (one.json as { code?: string }).code]).toEqual([404, 'E_UNKNOWN_CORNER_CASE']);
  });

  it('counts regrets and tells of improvement at /metrics', async () => {
    const { text } = await get('/metrics');
    expect(text).toContain('aisleflow_regret_seconds');
    expect(text).toContain('aisleflow_improved_25_percent_routes{warehouse="north"} Nan');
  });
});
