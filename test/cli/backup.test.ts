import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openClient } from '../server/support/startServer.js';
import { runProgram, startProgram } from './support/program.js';

const QUICK = { AISLEFLOW_TF_BACKEND: 'cpu', AISLEFLOW_LOG_LEVEL: 'warn' };
const MAP = 'maps/kiva-33x36.json';

describe('aisleflow backup, restore and journal', () => {
  it('copy a served directory, make a new one that serves the same routes and tokens, and verify both', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'aisleflow-backup-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const [data, backup, restored] = ['data', 'backup', 'restored'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    const serve = (at: string) =>
      startProgram(['serve', '--port', '0', '--map', MAP, '--data', at, '--json'], QUICK);
    const first = serve(data);
    const started = JSON.parse(await first.until('"tokens":')) as {
      webSocketUrl: string;
      tokens: { robot: string };
    };
    const fleet = await openClient(started.webSocketUrl, started.tokens.robot, {});
    const robots = [{ robotId: 'r1', robotType: 'unit', node: 'r1c7' }];
    const hello = { type: 'hello', warehouseId: 'kiva-33x36', robots };
    await fleet.ask(hello, 'welcome');
    const order = { requestId: 'q1', robotId: 'r1', from: 'r1c7', stops: ['r1c9'] };
    const { routeId } = await fleet.ask({ type: 'route.request', ...order }, 'route.assigned');

    const taken = await runProgram(['backup', '--to', backup, '--data', data, '--json']);
    expect([taken.code, taken.err]).toEqual([0, '']);
    expect(JSON.parse(taken.out)).toMatchObject({ format: 1, journal: { first: 1 } });
    const again = await runProgram(['backup', '--to', backup, '--data', data]);
    expect([again.code, again.err.split(':')[0]]).toEqual([2, 'E_DATA_DIRECTORY']);
    first.child.kill('SIGKILL');
    await first.ended;

    const made = await runProgram(['restore', '--from', backup, '--data', restored]);
    expect([made.code, existsSync(join(restored, 'tokens.json'))]).toEqual([0, true]);
    const verified = await runProgram(['journal', 'verify', '--data', restored]);
    expect([verified.code, verified.out]).toEqual([
      0,
      expect.stringMatching(/^Records 1 to \d+: \d+ read and sound/),
    ]);
    const second = serve(restored);
    const next = JSON.parse(await second.until('"warehouses":')) as { webSocketUrl: string };
    const back = await openClient(next.webSocketUrl, started.tokens.robot, {});
    expect((await back.ask(hello, 'welcome'))['openRoutes']).toMatchObject([{ routeId }]);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);
  }, 400_000);
});
