import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PolicyField } from '../../src/server/http/schemas.js';
import { NORTH, startServer, type TestServer } from './support/startServer.js';

describe('policy versions over HTTP', () => {
  let directory: string;
  let server: TestServer;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-policies-'));
    server = await startServer({ policiesIn: directory });
  });
  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });

  const post = (path: string) =>
    server.http('POST', `${NORTH}/policies/${path}`, { token: server.tokens.operator });
  const list = async () => {
    const { text } = await server.http('GET', '/v1/policies', { token: server.tokens.viewer });
    return JSON.parse(text) as { policyVersion: string; active: boolean }[];
  };
  const served = () => server.service.warehouse('south').policyVersion;

  it('are saved, listed, activated and rolled back, and fleets are told', async () => {
    const fleet = await server.connect(server.tokens.robot);
    await fleet.ask({ type: 'hello', warehouseId: 'north', robots: [] }, 'welcome');
    const first = await post('save');
    expect(first.status).toBe(201);
    expect(Compile(PolicyField).Errors(first.json)).toEqual([]);
    const second = await post('save');
    const [one, two] = [first.json['policyVersion'] as string, second.json['policyVersion'] as string];
    expect(two).not.toBe(one);
    expect((await list()).map(({ policyVersion, active }) => [policyVersion, active])).toEqual([
      [one, false],
      [two, true],
    ]);
    expect(served()).toBe(`${two}+0`);

    expect((await post(`${one}/activate`)).json).toMatchObject({ policyVersion: one, active: true });
    expect(served()).toBe(`${one}+0`);
    expect(await fleet.next('policy.updated')).toMatchObject({
      warehouseId: 'north',
      policyVersion: `${one}+0`,
    });
    const unknown = await post('v999/activate');
    expect([unknown.status, unknown.json['code']]).toEqual([404, 'E_UNKNOWN_POLICY']);
    expect(served()).toBe(`${one}+0`);

    await post(`${two}/activate`);
    expect((await post('rollback')).json).toMatchObject({ policyVersion: one });
    expect(served()).toBe(`${one}+0`);
    const { text } = await server.http('GET', '/metrics', { token: server.tokens.viewer });
    expect(text).toContain(`aisleflow_policy_saved_version{warehouse="north"} ${one.slice(1)}`);
    fleet.socket.terminate();
  });

  it('change nothing for a request with what they do not know, and take an empty body for none', async () => {
    const before = await list();
    const { operator: token } = server.tokens;
    const refused = [
      await server.http('POST', `${NORTH}/policies/save`, { token, body: { junk: 1 } }),
      await server.http('POST', `${NORTH}/policies/save?dryRun=true`, { token }),
    ];
    expect(refused.map(({ json }) => json['code'])).toEqual(['E_BAD_MESSAGE', 'E_BAD_MESSAGE']);
    expect(await list()).toEqual(before);
    const saved = await server.http('POST', `${NORTH}/policies/save`, { token, raw: '' });
    expect([saved.status, (await list()).length]).toEqual([201, before.length + 1]);
  });
});

it('versions are listed of the warehouses that a token reaches', async () => {
  const view = (warehouseId: string | null) => ({
    ...{ warehouseId, policyVersion: 'v1', parent: null, savedAt: 0, reason: 'request' as const, updates: 0 },
    ...{ trainedOn: null, metrics: {}, checksum: '', active: true, healthy: true },
  });
  const server = await startServer({
    wrap: (service) => ({ ...service, policies: () => [view('north'), view('south'), view(null)] }),
  });
  const { token } = server.issue({ role: 'viewer', warehouses: ['south'], robots: '*' });
  const listed = async (who: string): Promise<unknown[]> => {
    const { text } = await server.http('GET', '/v1/policies', { token: who });
    return (JSON.parse(text) as { warehouseId: unknown }[]).map(({ warehouseId }) => warehouseId);
  };
  expect(await listed(token)).toEqual(['south', null]);
  expect(await listed(server.tokens.viewer)).toEqual(['north', 'south', null]);
  await server.close();
});
