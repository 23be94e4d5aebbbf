import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { wallClock } from '../../src/platform/clock.js';
import { openTokenFile } from '../../src/registry/tokenFile.js';
import { importMovingAi } from '../../src/warehouse/movingAi.js';
import { formatWarehouseFile } from '../../src/warehouse/warehouseFile.js';
import { FLOOR, openClient } from '../server/support/startServer.js';
import { runProgram, startProgram } from './support/program.js';

interface Started {
  readonly url: string;
  readonly webSocketUrl: string;
  readonly backend: string;
  readonly tokens: { viewer: string; robot: string; operator: string } | null;
  readonly warehouses: { warehouseId: string }[];
}

const QUICK = { AISLEFLOW_TF_BACKEND: 'cpu', AISLEFLOW_LOG_LEVEL: 'warn' };

describe('aisleflow serve', () => {
  let directory: string;
  let map: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-serve-'));
    map = join(directory, 'north.json');
    const rows = FLOOR.trim()
      .split('\n')
      .map((row) => row.trim());
    const drawing = `type octile\nheight ${rows.length}\nwidth ${rows[0]?.length}\nmap\n${rows.join('\n')}\n`;
    writeFileSync(map, formatWarehouseFile(importMovingAi(drawing, { dialect: 'kiva', id: 'north' })));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const serve = (data: string, ...more: string[]) =>
    startProgram(['serve', '--port', '0', '--map', map, '--data', join(directory, data), ...more], QUICK);
  const ready = async (program: ReturnType<typeof serve>) =>
    JSON.parse(await program.until('"tokens":')) as Started;

  it('shows tokens on the first start only, and keeps routes, completions and tokens over a stop', async () => {
    const first = serve('kept', '--json');
    const started = await ready(first);
    expect(started).toMatchObject({ backend: 'cpu', warehouses: [{ warehouseId: 'north' }] });
    expect(statSync(join(directory, 'kept', 'tokens.json')).mode & 0o777).toBe(0o600);
    const { viewer, robot } = started.tokens ?? { viewer: '', robot: '' };

    const fleet = await openClient(started.webSocketUrl, robot, {});
    const robots = ['amr-1', 'amr-2'].map((robotId) => ({ robotId, robotType: 'unit', node: 'r0c0' }));
    await fleet.ask({ type: 'hello', warehouseId: 'north', robots }, 'welcome');
    const request = (robotId: string) => ({
      ...{ type: 'route.request', requestId: robotId, robotId, from: 'r0c0', stops: ['r2c1'] },
    });
    const done = await fleet.ask(request('amr-1'), 'route.assigned');
    const open = await fleet.ask(request('amr-2'), 'route.assigned');
    const trace = (done['nodes'] as string[]).map((node) => [node, Date.now(), null]);
    const scored = await fleet.ask(
      { type: 'route.completed', routeId: done['routeId'], trace },
      'route.scored',
    );

    const set = await fetch(`${started.url}/v1/warehouses/north/mode`, {
      ...{ method: 'PUT', body: JSON.stringify({ mode: 'learn' }) },
      headers: { authorization: `Bearer ${started.tokens?.operator}`, 'content-type': 'application/json' },
    });
    expect(set.status).toBe(200);
    const signalled = performance.now();
    first.child.kill('SIGTERM');
    expect(await fleet.closed).toMatchObject({ code: 1001 });
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(performance.now() - signalled).toBeLessThan(10_000);

    const second = serve('kept', '--json', '--mode', 'off');
    const again = await ready(second);
    expect(again.tokens).toBeNull();
    const back = await openClient(again.webSocketUrl, robot, {});
    const welcome = await back.ask({ type: 'hello', warehouseId: 'north', robots }, 'welcome');
    expect(welcome['openRoutes']).toMatchObject([{ routeId: open['routeId'], robotId: 'amr-2' }]);
    const repeated = await back.ask(
      { type: 'route.completed', routeId: done['routeId'], trace },
      'route.scored',
    );
    expect(repeated).toEqual({ ...scored, duplicate: true });
    const headers = { authorization: `Bearer ${viewer}` };
    expect((await fetch(`${again.url}/v1/warehouses/north`, { headers })).status).toBe(200);

    const other = await runProgram(
      ['serve', '--port', '0', '--map', map, '--data', join(directory, 'kept')],
      QUICK,
    );
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/^E_DATA_DIRECTORY: [^\n]*\n$/);

    const made = await runProgram([
      ...['token', 'add', '--role', 'viewer', '--data', join(directory, 'kept'), '--json'],
    ]);
    const { token, tokenId } = JSON.parse(made.out) as { token: string; tokenId: string };
    const withToken = async () =>
      (await fetch(`${again.url}/v1/warehouses`, { headers: { authorization: `Bearer ${token}` } })).status;
    await expect.poll(withToken, { timeout: 8000 }).toBe(200);
    await runProgram(['token', 'revoke', tokenId, '--data', join(directory, 'kept')]);
    await expect.poll(withToken, { timeout: 8000 }).toBe(401);

    second.child.kill('SIGINT');
    const ended = await second.ended;
    expect(ended.code).toBe(0);
    // It stays in mode learn, and says so.
    expect(ended.err).toMatch(/"mode":"learn","asked":"off"/);

    const elsewhere = startProgram(
      ['serve', '--port', '0', '--map', 'maps/kiva-33x36.json', '--data', join(directory, 'kept'), '--json'],
      QUICK,
    );
    onTestFinished(() => void elsewhere.child.kill('SIGKILL'));
    expect((await ready(elsewhere)).warehouses).toMatchObject([{ warehouseId: 'kiva-33x36' }]);
    elsewhere.child.kill('SIGTERM');
    // It serves another warehouse, and says what robots it leaves alone.
    expect((await elsewhere.ended).err).toMatch(/"warehouseId":"north","openRoutes":1,/);
  }, 120_000);

  it('says at a glance where it is, what it serves and how to get in', async () => {
    const program = serve('glance');
    const text = await program.until('operator  ');
    for (const part of [
      'http://127.0.0.1:',
      '/docs',
      'ws://127.0.0.1:',
      '/v1/ws',
      'TF.js',
      'cpu',
      'north',
      'shipped-2+0',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('Not in mode');
    program.child.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0, err: '' });

    const again = serve('glance', '--mode', 'shadow');
    onTestFinished(() => void again.child.kill('SIGKILL'));
    const told = await again.until('aisleflow mode ');
    expect(told).toContain('\nNot in mode shadow: --mode is for new warehouses');
    expect(told).toContain('\n  aisleflow mode shadow --warehouse north\n');
    again.child.kill('SIGTERM');
    expect(await again.ended).toMatchObject({ code: 0 });
  }, 60_000);

  it('refuses a port in use, and leaves nothing behind: no tokens that nobody sees, no mode', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const port = String((taken.address() as AddressInfo).port);
    const data = join(directory, 'taken');
    const { code, err } = await runProgram(['serve', '--port', port, '--map', map, '--data', data], QUICK);
    expect(code).toBe(2);
    expect(err).toContain(`E_PORT_IN_USE: Port ${port} on 127.0.0.1 is in use.`);
    expect(existsSync(data)).toBe(false);
    taken.close();
  }, 60_000);

  it('ends where its first tokens cannot be written, and waits for nobody where it has some', async () => {
    const data = join(directory, 'changing');
    // A draft as a command that was killed leaves it, but for ever: what is a directory is never taken for abandoned.
    const draft = join(data, 'tokens.json.new');
    mkdirSync(draft, { recursive: true });
    const first = serve('changing');
    onTestFinished(() => void first.child.kill('SIGKILL'));
    const { code, err } = await first.ended;
    expect([code, err]).toEqual([2, expect.stringMatching(/^E_DATA_DIRECTORY: [^\n]+\n$/)]);

    rmSync(draft, { recursive: true });
    openTokenFile({ directory: data, clock: wallClock }).issueFirst();
    mkdirSync(draft);
    const second = serve('changing', '--json');
    onTestFinished(() => void second.child.kill('SIGKILL'));
    expect((await ready(second)).tokens).toBeNull();
    second.child.kill('SIGTERM');
    expect(await second.ended).toMatchObject({ code: 0 });
  }, 60_000);

  it('ends where the policies cannot be opened, though its learner runs by then', async () => {
    mkdirSync(join(directory, 'blocked', 'policies'), { recursive: true });
    writeFileSync(join(directory, 'blocked', 'policies', 'shared'), '');
    const program = serve('blocked');
    onTestFinished(() => void program.child.kill('SIGKILL'));
    const { code, err } = await program.ended;
    expect(code).toBe(2);
    expect(err).toMatch(/^E_DATA_DIRECTORY: [^\n]+\n$/);
  }, 60_000);

  it.each([
    ['a data directory that is a file', ['--data', 'package.json'], 'E_DATA_DIRECTORY'],
    ['a map that is not there', ['--map', 'nowhere.json'], 'E_MAP_UNREADABLE'],
    ['a port that is none', ['--port', 'http'], 'E_CONFIG'],
    ['an unknown mode', ['--mode', 'fast'], 'E_CONFIG'],
    ['an origin that no browser sends', ['--allow-origin', 'https://a.example/'], 'E_CONFIG'],
    ['what is no origin', ['--allow-origin', 'not an origin'], 'E_CONFIG'],
    ['an unknown backend', ['--tf-backend', 'gpu'], 'E_CONFIG'],
  ])('refuses %s in one line', async (_what, args, code) => {
    const run = await runProgram(['serve', '--port', '0', '--data', join(directory, 'unused'), ...args]);
    expect([run.code, run.out]).toEqual([2, '']);
    expect(run.err).toMatch(new RegExp(`^${code}: [^\\n]+\\n$`));
  });

  it.runIf(process.platform === 'linux')(
    'refuses at once a data directory that cannot be made',
    async () => {
      const run = await runProgram(['serve', '--port', '0', '--map', map, '--data', '/proc/aisleflow']);
      expect([run.code, run.out]).toEqual([2, '']);
      expect(run.err).toMatch(/^E_DATA_DIRECTORY: [^\n]+\n$/);
    },
    60_000,
  );

  it('explains itself', async () => {
    const [program, command] = await Promise.all([runProgram(['--help']), runProgram(['serve', '--help'])]);
    expect([program.code, command.code]).toEqual([0, 0]);
    for (const word of ['serve', 'map', 'doctor', 'sim', 'token', 'Examples:'])
      expect(program.out).toContain(word);
    for (const word of ['--port', '--data', 'AISLEFLOW_', 'Exit code', 'Examples:'])
      expect(command.out).toContain(word);
  });
});
