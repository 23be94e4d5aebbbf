import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wallClock } from '../../src/platform/clock.js';
import { openTokenFile, type TokenFile } from '../../src/registry/tokenFile.js';
import { startServer, type TestServer } from './support/startServer.js';

const PROMISED_MILLISECONDS = 5_000;

/** The server's own pace, and a token file that another process changes. */
describe('the end of a token', () => {
  let directory: string;
  let server: TestServer;
  let elsewhere: TokenFile;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-tokens-'));
    elsewhere = openTokenFile({ directory, clock: wallClock });
    server = await startServer({ tokenFile: openTokenFile({ directory, clock: wallClock }) });
  });
  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });

  const issue = (role: 'viewer' | 'robot', more: { expiresAt?: number } = {}) => {
    const { token, record } = elsewhere.issue({ role, warehouses: '*', robots: '*', ...more });
    return { token, tokenId: record.tokenId };
  };
  /** A token is read from the file only when its turn comes. */
  const inForce = (token: string): Promise<void> =>
    expect
      .poll(
        async () =>
          (await fetch(`${server.url}/v1/warehouses`, { headers: { authorization: `Bearer ${token}` } }))
            .status,
        { timeout: PROMISED_MILLISECONDS },
      )
      .not.toBe(401);

  it.each<[string, (tokenId: string) => string | undefined]>([
    ['revoked', (tokenId) => void elsewhere.revoke(tokenId)],
    ['rotated', (tokenId) => elsewhere.rotate(tokenId, 0)?.token],
    ['rotated with an overlap, once that is over', (tokenId) => elsewhere.rotate(tokenId, 1)?.token],
  ])('ends its connections within five seconds where it is %s', async (_how, end) => {
    const { token, tokenId } = issue('robot');
    await inForce(token);
    const fleet = await server.connect(token);
    const startedAt = performance.now();
    const fresh = end(tokenId);
    expect(await fleet.closed).toMatchObject({ code: 1008 });
    expect(performance.now() - startedAt).toBeLessThan(PROMISED_MILLISECONDS);
    await expect(server.connect(token)).rejects.toThrow('401');
    if (fresh !== undefined) (await server.connect(fresh)).socket.terminate();
  });

  it('ends its connections and streams within five seconds of its own end', async () => {
    const expiresAt = wallClock.now() + 4_000;
    const robot = issue('robot', { expiresAt });
    const viewer = issue('viewer', { expiresAt });
    await inForce(viewer.token);
    const fleet = await server.connect(robot.token);
    const headers = { authorization: `Bearer ${viewer.token}` };
    const stream = await fetch(`${server.url}/v1/events`, { headers });
    await Promise.all([fleet.closed, stream.text()]);
    expect(wallClock.now()).toBeGreaterThanOrEqual(expiresAt);
    expect(wallClock.now() - expiresAt).toBeLessThan(PROMISED_MILLISECONDS);
  });
}, 30_000);
