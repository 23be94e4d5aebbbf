import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import type { ServiceEvent } from '../../src/domain/serviceContract.js';
import { createEventFeed } from '../../src/server/eventFeed.js';
import { startServer, type TestServer } from './support/startServer.js';

const WEIGHTS = { time: 1, wait: 3, blocking: 1, distance: 0, turns: 0, lateness: 1 };

interface Stream {
  readonly response: IncomingMessage;
  /** Waits until what came since the last call holds this, and answers it. */
  until(text: string): Promise<string>;
  readonly ended: Promise<void>;
}

describe('event streams', () => {
  let server: TestServer;
  const listeners = new Set<(event: ServiceEvent) => void>();
  const emit = (event: ServiceEvent): void => listeners.forEach((listener) => listener(event));
  beforeAll(async () => {
    server = await startServer({
      timing: { pingSeconds: 0.1, tokenRefreshSeconds: 0.05 },
      wrap: (service) => ({
        ...service,
        subscribe(listener) {
          listeners.add(listener);
          return service.subscribe(listener);
        },
      }),
    });
  });
  afterAll(() => server.close());

  const open = (token: string, query = ''): Promise<Stream> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const call = request(`${server.url}/v1/events${query}`, { headers, agent: false }, (response) => {
        let text = '';
        const waiting = new Set<() => void>();
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          for (const check of waiting) check();
        });
        const ended = new Promise<void>((done) => response.on('close', () => done()));
        response.on('error', () => undefined);
        const until = (part: string): Promise<string> =>
          new Promise((found) => {
            const check = (): void => {
              if (!text.includes(part)) return;
              waiting.delete(check);
              found(text);
              text = '';
            };
            waiting.add(check);
            check();
          });
        resolve({ response, until, ended });
      });
      call.on('error', reject);
      call.end();
    });

  it('tell what happens in the warehouses of the token, as server-sent events', async () => {
    const { token } = server.issue({ role: 'viewer', warehouses: ['north'], robots: '*' });
    const stream = await open(token);
    expect(stream.response.headers['content-type']).toContain('text/event-stream');
    await server.service.setMode('south', 'frozen');
    await server.service.setWeights('north', WEIGHTS);
    const text = await stream.until('weights.updated');
    expect(text).toContain(
      `event: weights.updated\ndata: {"warehouseId":"north","weights":${JSON.stringify(WEIGHTS)}}\n\n`,
    );
    expect(text).not.toContain('south');
    stream.response.destroy();
  });

  it('tell of upkeep that failed, as the log does', async () => {
    const stream = await open(server.tokens.viewer);
    emit({ kind: 'upkeep.failed', warehouseId: 'north', detail: 'no space' });
    expect(await stream.until('no space')).toContain('event: upkeep.failed\n');
    const logged = server.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(logged).toContainEqual(
      expect.objectContaining({ level: 40, msg: 'upkeep.failed', detail: 'no space' }),
    );
    stream.response.destroy();
  });

  it('can be had for one warehouse', async () => {
    const stream = await open(server.tokens.viewer, '?warehouseId=south');
    await server.service.setMode('north', 'off');
    await server.service.setMode('south', 'off');
    expect(await stream.until('mode.updated')).not.toContain('north');
    stream.response.destroy();
  });

  it('say that they are alive', async () => {
    const stream = await open(server.tokens.viewer);
    await stream.until(': still here');
    stream.response.destroy();
  });

  it('end when their token is revoked', async () => {
    const { token, revoke } = server.issue({ role: 'viewer', warehouses: '*', robots: '*' });
    const stream = await open(token);
    revoke();
    await stream.ended;
  });

  it('are limited in number, and a place is free again when one ends', async () => {
    const streams = await Promise.all(
      Array.from({ length: LIMITS.eventStreamsOpen }, () => open(server.tokens.viewer)),
    );
    const refused = await server.http('GET', '/v1/events', { token: server.tokens.viewer });
    expect([refused.status, refused.json['code']]).toEqual([503, 'E_BUSY']);
    expect(refused.headers.get('retry-after')).toBe('1');
    const metrics = async () => (await server.http('GET', '/metrics', { token: server.tokens.viewer })).text;
    expect(await metrics()).toContain(
      `aisleflow_queue_depth{queue="eventStreams"} ${LIMITS.eventStreamsOpen}`,
    );
    for (const { response } of streams) response.destroy();
    await expect.poll(metrics).toContain('aisleflow_queue_depth{queue="eventStreams"} 0');
  });

  it('are cut where they read too slowly, and others go on', async () => {
    const slow = await open(server.tokens.viewer);
    slow.response.pause();
    slow.response.socket.pause();
    const healthy = await open(server.tokens.viewer);
    const scrape = async () => (await server.http('GET', '/metrics', { token: server.tokens.viewer })).text;
    // Up to 60 MB of distinct text: far above what the sockets' own buffers take.
    let rounds = 0;
    for (let cut = false; rounds < 600 && !cut; rounds++) {
      emit({ kind: 'learner.failed', warehouseId: 'north', detail: `${rounds} `.repeat(25_000) });
      await healthy.until(`${rounds} "}`);
      cut = rounds % 20 === 0 && (await scrape()).includes('aisleflow_queue_depth{queue="eventStreams"} 1\n');
    }
    expect(rounds).toBeLessThan(600);
    slow.response.destroy();
    healthy.response.destroy();
  });
});

describe('policy news', () => {
  it('come at most once a second and warehouse, the newest last', async () => {
    let source: (event: ServiceEvent) => void = () => undefined;
    const feed = createEventFeed({
      subscribe(listener) {
        source = listener;
        return () => undefined;
      },
    });
    const told: string[] = [];
    feed.subscribe((event) => told.push(event.kind === 'policy.updated' ? event.policyVersion : event.kind));
    const news = (policyVersion: string, warehouseId = 'north') =>
      source({ kind: 'policy.updated', warehouseId, policyVersion });
    news('v1+1');
    news('v1+2');
    news('v1+3');
    news('v2+1', 'south');
    source({ kind: 'mode.updated', warehouseId: 'north', mode: 'off' });
    expect(told).toEqual(['v1+1', 'v2+1', 'mode.updated']);
    await expect.poll(() => told, { timeout: 3000 }).toEqual(['v1+1', 'v2+1', 'mode.updated', 'v1+3']);
    feed.close();
  });
});
