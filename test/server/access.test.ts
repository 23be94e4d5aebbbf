import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenGrant } from '../../src/registry/tokenRecords.js';
import { frameOf, openRawSocket } from './support/hostile.js';
import { NORTH, startServer, upgradeStatus, type TestServer } from './support/startServer.js';

/** A path that fits a route's pattern. */
function pathOf(url: string): string {
  return url
    .replace(':warehouseId', 'north')
    .replace(':routeId', 'no-such-route')
    .replace(':policyVersion', 'v9')
    .replace('*', 'index.html');
}

describe('access', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      timing: { tokenRefreshSeconds: 0.05 },
      allowedOrigins: ['https://console.example'],
    });
  });
  afterAll(() => server.close());

  it('declares every entry of the API', () => {
    const entries = server.server.routes.map(({ method, url }) => `${method} ${url}`);
    expect(entries.filter((entry) => !entry.includes('/docs')).sort()).toMatchInlineSnapshot(`
      [
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
        "GET /v1/events",
        "GET /v1/policies",
        "GET /v1/warehouses",
        "GET /v1/warehouses/:warehouseId",
        "GET /v1/warehouses/:warehouseId/corner-cases",
        "GET /v1/warehouses/:warehouseId/corner-cases/:routeId",
        "GET /v1/warehouses/:warehouseId/guard",
        "GET /v1/warehouses/:warehouseId/lanes",
        "GET /v1/warehouses/:warehouseId/routes",
        "GET /v1/warehouses/:warehouseId/routes/:routeId",
        "GET /v1/warehouses/:warehouseId/shadow",
        "GET /v1/warehouses/:warehouseId/weights",
        "HEAD /healthz",
        "HEAD /readyz",
        "PATCH /v1/warehouses/:warehouseId/weights",
        "POST /v1/warehouses/:warehouseId/clock/advance",
        "POST /v1/warehouses/:warehouseId/lanes/close",
        "POST /v1/warehouses/:warehouseId/lanes/open",
        "POST /v1/warehouses/:warehouseId/plans",
        "POST /v1/warehouses/:warehouseId/policies/:policyVersion/activate",
        "POST /v1/warehouses/:warehouseId/policies/drill",
        "POST /v1/warehouses/:warehouseId/policies/rollback",
        "POST /v1/warehouses/:warehouseId/policies/save",
        "POST /v1/warehouses/:warehouseId/robots",
        "POST /v1/warehouses/:warehouseId/routes",
        "POST /v1/warehouses/:warehouseId/routes/:routeId/cancel",
        "POST /v1/warehouses/:warehouseId/routes/:routeId/complete",
        "PUT /v1/warehouses/:warehouseId/mode",
        "PUT /v1/warehouses/:warehouseId/weights",
      ]
    `);
    expect(entries.filter((entry) => entry.includes('/docs')).length).toBeGreaterThan(3);
  });

  it('leaves no connection to who has no token', async () => {
    const answer = await server.raw('GET /v1/warehouses HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*\r\nconnection: close\r\n/i);
  });

  it('answers 401 without a token, with a wrong one, and with one in the URL, on every entry but the probes', async () => {
    const { operator } = server.tokens;
    for (const { method, url } of server.server.routes) {
      const open = url === '/healthz' || url === '/readyz';
      const path = pathOf(url);
      const none = await server.http(method, path);
      const wrong = await server.http(method, path, { token: `${operator}x` });
      const inUrl = await server.http(method, `${path}?token=${operator}&access_token=${operator}`);
      const statuses = [none, wrong, inUrl].map(({ status }) => status);
      expect([`${method} ${url}`, ...statuses]).toEqual([
        `${method} ${url}`,
        ...(open ? [200, 200, 200] : [401, 401, 401]),
      ]);
      if (!open && method !== 'HEAD')
        expect(none.json).toMatchObject({ code: 'E_UNAUTHENTICATED', status: 401 });
    }
  });

  it('answers 403 to every role that an entry is not for, before it looks at anything else', async () => {
    for (const { method, url, access } of server.server.routes) {
      if (access.roles === 'open') continue;
      for (const role of ['viewer', 'robot', 'operator'] as const) {
        if (url === '/v1/events' && access.roles.includes(role)) continue;
        const { status, json } = await server.http(method, pathOf(url), { token: server.tokens[role] });
        const label = `${role} ${method} ${url}`;
        if (access.roles.includes(role)) expect([label, status]).not.toEqual([label, 403]);
        else if (method === 'HEAD') expect([label, status]).toEqual([label, 403]);
        else expect([label, status, json['code']]).toEqual([label, 403, 'E_FORBIDDEN']);
        expect([label, status]).not.toEqual([label, 401]);
      }
    }
  });

  it('keeps viewers from changing anything', () => {
    for (const { method, access } of server.server.routes) {
      if (access.roles === 'open' || !access.roles.includes('viewer')) continue;
      expect(['GET', 'HEAD']).toContain(method);
    }
  });

  it('answers 403 outside the warehouses of a token', async () => {
    const { token } = server.issue({ role: 'operator', warehouses: ['south'], robots: '*' });
    for (const { method, url } of server.server.routes.filter(({ url }) => url.includes(':warehouseId'))) {
      const { status } = await server.http(method, pathOf(url), { token });
      expect([url, status]).toEqual([url, 403]);
    }
    const seen = await server.http('GET', '/v1/warehouses', { token });
    expect(JSON.parse(seen.text)).toMatchObject([{ warehouseId: 'south' }]);
    expect((await server.http('GET', '/v1/events?warehouseId=north', { token })).status).toBe(403);
  });

  it('shows and moves nothing of another warehouse, whatever the role', async () => {
    const scope = { warehouses: ['south'], robots: '*' } as const;
    const tokens = (['viewer', 'robot', 'operator'] as const).map(
      (role) => server.issue({ role, ...scope, warehouses: ['south'] }).token,
    );
    const { operator } = server.tokens;
    const robots = [{ robotId: 'secret-robot', robotType: 'unit', node: 'r0c0' }];
    await server.http('POST', `${NORTH}/robots`, { token: operator, body: { robots } });
    const request = { requestId: 'secret-1', robotId: 'secret-robot', from: 'r0c0', stops: ['r2c1'] };
    const issued = await server.http('POST', `${NORTH}/routes`, { token: operator, body: request });
    const routeId = issued.json['routeId'] as string;
    const before = await server.http('GET', NORTH, { token: operator });
    for (const token of tokens) {
      for (const { method, url } of server.server.routes) {
        if (url === '/v1/events') continue;
        const path = pathOf(url).replace('no-such-route', routeId);
        for (const at of [path, path.replace('north', 'south')]) {
          const { status, text } = await server.http(method, at, { token });
          const isRefused = at.includes('north') && status === 403;
          expect([at, isRefused || !/"north"|secret-robot/.test(text)]).toEqual([at, true]);
        }
      }
    }
    const after = await server.http('GET', NORTH, { token: operator });
    expect(after.json).toEqual(before.json);
    await server.http('POST', `${NORTH}/routes/${routeId}/cancel`, {
      token: operator,
      body: { reason: 'done' },
    });
  });

  it('tells a stream what happens in the warehouses of its token only', async () => {
    const { token } = server.issue({ role: 'viewer', warehouses: ['south'], robots: '*' });
    const stream = await fetch(`${server.url}/v1/events`, { headers: { authorization: `Bearer ${token}` } });
    const reader = stream.body!.getReader();
    const weights = { time: 1, wait: 2, blocking: 1, distance: 0, turns: 0, lateness: 1 };
    await server.service.setWeights('north', weights);
    await server.service.setWeights('south', weights);
    let text = '';
    while (!text.includes('weights.updated'))
      text += Buffer.from((await reader.read()).value).toString('utf8');
    expect(text).not.toContain('north');
    await reader.cancel();
  });

  it('keeps a policy that all warehouses share from a token that reaches one', async () => {
    const { token } = server.issue({ role: 'operator', warehouses: ['north'], robots: '*' });
    for (const path of ['policies/save', 'policies/rollback', 'policies/v1/activate']) {
      const { status, json } = await server.http('POST', `${NORTH}/${path}`, { token });
      expect([status, json['code']]).toEqual([403, 'E_FORBIDDEN']);
    }
  });

  it('lets a robot speak for itself only', async () => {
    const { token } = server.issue({ role: 'robot', warehouses: '*', robots: ['amr-1'] });
    const hello = (robotId: string) => ({ robots: [{ robotId, robotType: 'unit', node: 'r0c0' }] });
    expect((await server.http('POST', `${NORTH}/robots`, { token, body: hello('amr-1') })).status).toBe(200);
    expect((await server.http('POST', `${NORTH}/robots`, { token, body: hello('amr-2') })).status).toBe(403);

    const { operator } = server.tokens;
    await server.http('POST', `${NORTH}/robots`, { token: operator, body: hello('amr-2') });
    const request = { requestId: 'access-1', robotId: 'amr-2', from: 'r0c0', stops: ['r2c1'] };
    expect((await server.http('POST', `${NORTH}/routes`, { token, body: request })).status).toBe(403);
    expect((await server.http('POST', `${NORTH}/plans`, { token, body: request })).status).toBe(403);
    const issued = await server.http('POST', `${NORTH}/routes`, { token: operator, body: request });
    expect(issued.status).toBe(201);
    const route = `${NORTH}/routes/${issued.json['routeId'] as string}`;
    const body = { trace: [['r0c0', 1, null]] };
    for (const refused of [
      await server.http('GET', route, { token }),
      await server.http('POST', `${route}/complete`, { token, body }),
      await server.http('POST', `${route}/cancel`, { token, body: { reason: 'x' } }),
    ]) {
      expect([refused.status, refused.json['code']]).toEqual([403, 'E_NOT_YOUR_ROUTE']);
      expect(refused.text).not.toContain('amr-2');
    }
    expect(
      (await server.http('POST', `${route}/cancel`, { token: operator, body: { reason: 'x' } })).status,
    ).toBe(200);
  });

  it('opens the documentation to a browser with the token as its password, and nothing else', async () => {
    const headers = {
      authorization: `Basic ${Buffer.from(`me:${server.tokens.viewer}`).toString('base64')}`,
    };
    expect((await server.http('GET', '/docs/json', { headers })).status).toBe(200);
    expect((await server.http('GET', '/v1/warehouses', { headers })).status).toBe(401);
    expect((await server.http('GET', '/metrics', { headers })).status).toBe(401);
    expect((await server.http('GET', '/docs')).headers.get('www-authenticate')).toContain('Basic');
  });

  it('lets a browser ask once more where the password is the token of a robot', async () => {
    const { robot } = server.tokens;
    const headers = { authorization: `Basic ${Buffer.from(`me:${robot}`).toString('base64')}` };
    const asked = await server.http('GET', '/docs', { headers });
    expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^Basic .*viewer or operator/),
    ]);
    expect((await server.http('GET', '/docs', { token: robot })).status).toBe(403);
  });

  describe('to the WebSocket', () => {
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

    it('is refused with 401 before 101', async () => {
      const { robot } = server.tokens;
      for (const path of ['/v1/ws', '/', '/v1/warehouses', `/v1/ws?token=${robot}`, '/docs']) {
        expect([path, await upgradeStatus(server, path, {})]).toEqual([path, 401]);
        expect([path, await upgradeStatus(server, path, bearer(`${robot}x`))]).toEqual([path, 401]);
      }
      expect(await upgradeStatus(server, '/v1/ws', {}, robot)).toBe(401);
    });

    it('is refused with 403 to viewers, 404 on other paths, 400 without the sub-protocol', async () => {
      expect(await upgradeStatus(server, '/v1/ws', bearer(server.tokens.viewer))).toBe(403);
      expect(await upgradeStatus(server, '/v1/socket', bearer(server.tokens.robot))).toBe(404);
      expect(await upgradeStatus(server, '/v1/ws', bearer(server.tokens.robot), 'mqtt')).toBe(400);
      expect(await upgradeStatus(server, '/v1/ws', bearer(server.tokens.robot))).toBe(101);
      expect(await upgradeStatus(server, '/v1/ws', bearer(server.tokens.operator))).toBe(101);
    });

    it('is refused to pages of unknown origins', async () => {
      const from = (origin: string) => ({ ...bearer(server.tokens.robot), origin });
      expect(await upgradeStatus(server, '/v1/ws', from('https://evil.example'))).toBe(403);
      expect(await upgradeStatus(server, '/v1/ws', from('https://console.example'))).toBe(101);
    });

    it('speaks for the robots and warehouses of the token only', async () => {
      const fleet = await server.connect(server.tokens.robot);
      const hello = (warehouseId: string, ...ids: string[]) => ({
        ...{ type: 'hello', warehouseId, robots: ids.map((robotId) => ({ robotId, robotType: 'unit' })) },
      });
      expect(await fleet.ask(hello('south', 'amr-7'), 'error')).toMatchObject({ code: 'E_FORBIDDEN' });
      expect(await fleet.ask(hello('north', 'amr-7', 'lift-1'), 'error')).toMatchObject({
        ...{ code: 'E_FORBIDDEN', references: { robotId: 'lift-1' } },
      });
      expect(await fleet.ask(hello('north', 'amr-7'), 'welcome')).toMatchObject({ warehouseId: 'north' });
      fleet.socket.terminate();
    });

    it('shows and moves nothing of a warehouse or robot that the token does not reach, whatever is said', async () => {
      const { operator } = server.tokens;
      const robots = [{ robotId: 'secret-robot', robotType: 'unit', node: 'r0c0' }];
      await server.http('POST', `${NORTH}/robots`, { token: operator, body: { robots } });
      const request = { requestId: 'secret-2', robotId: 'secret-robot', from: 'r0c0', stops: ['r2c1'] };
      const issued = await server.http('POST', `${NORTH}/routes`, { token: operator, body: request });
      const routeId = issued.json['routeId'] as string;
      const before = await server.http('GET', NORTH, { token: operator });
      const grants: (TokenGrant & { home: string })[] = [
        { role: 'robot', warehouses: ['south'], robots: '*', home: 'south' },
        { role: 'operator', warehouses: ['south'], robots: '*', home: 'south' },
        { role: 'robot', warehouses: ['north'], robots: ['amr-*'], home: 'north' },
      ];
      for (const { home, ...grant } of grants) {
        const { token } = server.issue(grant);
        const fleet = await server.connect(token);
        // Of its own, and, where it may, one of the same name.
        const names = home === 'south' ? ['amr-1', 'secret-robot'] : ['amr-1'];
        const own = names.map((robotId) => ({ robotId, robotType: 'unit' }));
        await fleet.ask({ type: 'hello', warehouseId: home, robots: own }, 'welcome');
        const of = { routeId, revision: 0, node: 'r2c1', at: 1_000_000 };
        const messages = [
          { type: 'hello', warehouseId: 'north', robots },
          { type: 'route.request', ...request, robotId: 'other-robot' },
          { type: 'robot.state', robotId: 'other-robot', node: 'r0c0', available: true, at: 1 },
          { type: 'route.progress', ...of },
          { type: 'route.deviated', ...of },
          { type: 'route.completed', routeId, trace: [['r0c0', 1, null]] },
          { type: 'route.cancelled', routeId, reason: 'mischief' },
        ];
        for (const message of messages) {
          const answer = await fleet.ask(message, 'error');
          expect(answer).toMatchObject({
            code: expect.stringMatching(/^E_(FORBIDDEN|HELLO_FIRST|UNKNOWN_ROUTE|NOT_YOUR_ROUTE)$/) as string,
          });
        }
        fleet.socket.terminate();
      }
      const after = await server.http('GET', NORTH, { token: operator });
      expect({ ...after.json, robots: 0 }).toEqual({ ...before.json, robots: 0 });
      await server.http('POST', `${NORTH}/routes/${routeId}/cancel`, {
        token: operator,
        body: { reason: 'done' },
      });
    });

    it('still speaks for a robot with a route to finish that said hello in another warehouse since', async () => {
      const fleet = await server.connect(server.tokens.operator);
      const robots = [{ robotId: 'mover', robotType: 'unit', node: 'r0c0' }];
      const hello = (warehouseId: string) => fleet.ask({ type: 'hello', warehouseId, robots }, 'welcome');
      await hello('north');
      const request = { requestId: 'move-1', robotId: 'mover', from: 'r0c0', stops: ['r2c1'] };
      const issued = await fleet.ask({ type: 'route.request', ...request }, 'route.assigned');
      const { routeId, nodes } = issued as unknown as { routeId: string; nodes: string[] };
      await hello('south');
      const closed = [{ from: nodes[0]!, to: nodes[1]! }];
      await server.service.closeLanes('north', closed);
      expect(await fleet.next('route.updated')).toMatchObject({ routeId });
      await server.service.openLanes('north', closed);
      const cancel = { type: 'route.cancelled', routeId, reason: 'moved' };
      expect(await fleet.ask(cancel, 'route.closed')).toMatchObject({ state: 'cancelled' });
      fleet.socket.terminate();
    });

    it('hears nothing more from one whose token was revoked and that does not go', async () => {
      const { token, revoke } = server.issue({ role: 'robot', warehouses: '*', robots: '*' });
      const socket = await openRawSocket({ port: server.port, token });
      const say = (message: object): void => {
        const payload = Buffer.from(JSON.stringify(message));
        socket.write(frameOf({ first: 0x81, claimed: payload.length, isMasked: true, payload }));
      };
      const heard = (): Promise<string> =>
        new Promise((resolve) => socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1'))));
      const robots = [{ robotId: 'stubborn', robotType: 'unit', node: 'r0c0' }];
      const welcome = heard();
      say({ type: 'hello', warehouseId: 'north', robots });
      expect(await welcome).toContain('welcome');
      const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const closing = heard();
      revoke();
      expect((await closing).charCodeAt(0)).toBe(0x88);
      const { openRoutes } = server.service.warehouse('north');
      say({ type: 'route.request', requestId: 'late', robotId: 'stubborn', from: 'r0c0', stops: ['r2c1'] });
      await ended;
      expect(server.service.warehouse('north').openRoutes).toBe(openRoutes);
    });

    it('ends when the token is revoked', async () => {
      const { token, revoke } = server.issue({ role: 'robot', warehouses: '*', robots: '*' });
      const other = await server.connect(server.tokens.robot);
      const fleet = await server.connect(token);
      revoke();
      expect(await fleet.closed).toMatchObject({ code: 1008 });
      expect(await upgradeStatus(server, '/v1/ws', bearer(token))).toBe(401);
      expect(other.socket.readyState).toBe(other.socket.OPEN);
      other.socket.terminate();
    });
  });

  it('ends connections and streams of a token that expires, or whose scope is narrowed', async () => {
    const fleetToken = server.issue({ role: 'robot', warehouses: '*', robots: ['amr-1', 'amr-2'] });
    const viewerToken = server.issue({ role: 'viewer', warehouses: '*', robots: '*' });
    const fleet = await server.connect(fleetToken.token);
    const headers = { authorization: `Bearer ${viewerToken.token}` };
    const stream = await fetch(`${server.url}/v1/events`, { headers });
    fleetToken.record.robots = ['amr-1'];
    viewerToken.record.warehouses = ['south'];
    expect(await fleet.closed).toMatchObject({ code: 1008 });
    await stream.text();
    const again = await server.connect(fleetToken.token);
    const robots = [{ robotId: 'amr-2', robotType: 'unit' }];
    expect(await again.ask({ type: 'hello', warehouseId: 'north', robots }, 'error')).toMatchObject({
      code: 'E_FORBIDDEN',
    });
    again.socket.terminate();
  });

  it('leaves no token in the log', () => {
    expect(server.log.length).toBeGreaterThan(10);
    for (const token of Object.values(server.tokens)) expect(server.log.join('')).not.toContain(token);
  });
});
