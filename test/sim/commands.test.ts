import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { addSimulationCommands } from '../../sim/commands.js';
import { readOrders } from '../../sim/orders/orderFile.js';
import type { RunReport } from '../../sim/runReport.js';
import { FLOOR, startServer, type TestServer } from '../server/support/startServer.js';

const graph = gridFromText(`
  ......
  .eeee.
  w....w`);

describe('sim orders', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-sim-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
    process.exitCode = undefined;
  });

  async function run(...words: string[]) {
    const said: string[] = [];
    const program = new Command().exitOverride();
    program.configureOutput({ writeOut: (text) => said.push(text), writeErr: (text) => said.push(text) });
    addSimulationCommands(program, { loadMap: () => ({ graph }), policies: '' });
    await program.parseAsync(['sim', 'orders', '--map', 'any', ...words], { from: 'user' });
    return said.join('');
  }

  it('writes a stream that can be read back, the same for the same seed', async () => {
    const [one, other] = [join(directory, 'one'), join(directory, 'other')];
    const said = await run('--out', one, '--seed', '5', '--hours', '1', '--picks', '1,1', '--json');
    await run('--out', other, '--seed', '5', '--hours', '1', '--picks', '1,1');
    const orders = await readOrders(one, graph);
    const picks = orders.reduce((sum, order) => sum + order.picks.length, 0);
    expect(JSON.parse(said)).toEqual({ file: one, orders: orders.length, picks, seed: 5 });
    expect(orders.length).toBeGreaterThan(300);
    expect(readFileSync(other, 'utf8')).toBe(readFileSync(one, 'utf8'));
  });

  it('says in one line with a code what is wrong', async () => {
    expect(await run('--out', join(directory, 'x'), '--orders-per-hour', '-3')).toMatch(/^E_USAGE: /);
    expect(process.exitCode).toBe(2);
    expect(await run('--out', join(directory, 'no', 'such', 'folder'))).toMatch(/^E_USAGE: /);
    await expect(run('--out', 'x', '--seed', 'many')).rejects.toThrow();
  });
});

/** What `sim run` says of a short run on the server's warehouse north. */
async function runOverSocket(server: TestServer, operatorToken: string, ...more: string[]): Promise<string> {
  const { token } = server.issue({ role: 'robot', warehouses: ['north'], robots: '*' });
  let said = '';
  const say = (text: string): void => void (said += text);
  const program = new Command().configureOutput({ writeOut: say, writeErr: say });
  addSimulationCommands(program, {
    loadMap: () => ({ graph: gridFromText(FLOOR, 'kiva', 'north') }),
    policies: '',
  });
  const words = ['--map', 'any', '--robots', '2', '--single-goals', '--steps', '5', '--url', server.url];
  const tokens = ['--robot-token', token, '--operator-token', operatorToken];
  await program.parseAsync(['sim', 'run', ...words, ...tokens, ...more], { from: 'user' });
  return said;
}

describe('sim run over the socket', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await startServer({ clock: 'wall' })));
  afterEach(() => void (process.exitCode = undefined));
  afterAll(() => server.close());

  it('says of a server on the wall clock how to start one that it can drive', async () => {
    const said = await runOverSocket(server, server.tokens.operator);
    expect([process.exitCode, said]).toEqual([
      1,
      expect.stringContaining('`aisleflow serve --driven-clock`'),
    ]);
    // Nothing of the run is left on a site that is no simulation.
    expect(server.service.warehouse('north')).toMatchObject({ robots: 0, openRoutes: 0 });
  });

  it('says which of the two tokens the server does not know', async () => {
    expect(await runOverSocket(server, server.tokens.operator, '--robot-token', 'aisleflow_robot_x')).toMatch(
      /--robot-token .*_ROBOT_TOKEN/,
    );
    expect(await runOverSocket(server, 'aisleflow_operator_x')).toMatch(
      /--operator-token\) or AISLEFLOW_TOKEN/,
    );
  });
});

it('sim run counts the plans of the run alone', async () => {
  const server = await startServer();
  const robots = [{ robotId: 'amr-1', robotType: 'unit' }];
  server.service.hello({ type: 'hello', warehouseId: 'north', robots });
  const plan = { requestId: 'a', robotId: 'amr-1', from: 'r0c0', stops: ['r2c1'] };
  await server.service.requestRoute('north', plan);
  const said = await runOverSocket(server, server.tokens.operator, '--lockstep', '--json');
  const [warning, report] = said.split('\n');
  expect(warning).toMatch(/^warning: north has others on its floor \(robots 1, open routes 1\)/);
  const { service, link } = JSON.parse(report ?? '') as RunReport;
  expect(link.routes).toBeGreaterThan(0);
  expect(service.plan.count).toBe(link.routes);
  await server.close();
});

it('sim run leaves no route open, and says where the robots of another run are on the floor', async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  const { operator } = server.tokens;
  expect(await runOverSocket(server, operator, '--lockstep')).not.toContain('warning');
  expect(server.service.warehouse('north')).toMatchObject({ robots: 2, openRoutes: 0 });
  expect(await runOverSocket(server, operator, '--robots', '1', '--speed-up', '100')).toMatch(
    /^warning: north has others on its floor \(robots 1, open routes 0\)/,
  );
  expect(server.service.warehouse('north')).toMatchObject({ robots: 2, openRoutes: 0 });
});
