import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { gridToFile } from '../../src/warehouse/movingAi.js';
import { NORTH, startServer } from './support/startServer.js';

const example = join(import.meta.dirname, '..', '..', 'examples', 'robot.ts');

/** Starts the example with these arguments. */
function startRobot(...args: readonly string[]) {
  const robot = spawn(process.execPath, ['--import', 'tsx', example, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  robot.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  robot.stderr.on('data', (text: Buffer) => (said.err += text.toString()));
  return { said, ended: new Promise<number | null>((resolve) => robot.on('close', resolve)) };
}

it('the example robot says in a line that it is not let in', async () => {
  const server = await startServer({ clock: 'wall' });
  const tour = [server.url, 'aisleflow_robot_x', 'north', 'r2c1', 'r3c1', 'r4c1'];
  const { said, ended } = startRobot(...tour);
  expect([await ended, said.err]).toEqual([
    1,
    expect.stringMatching(/^No connection to [^\n]+ 401\. [^\n]+\n$/),
  ]);
  await server.close();
});

it('the example robot says what it wants where the server is no address', async () => {
  const tour = ['localhost', 'aisleflow_robot_x', 'north', 'r2c1', 'r3c1', 'r4c1'];
  const { said, ended } = startRobot(...tour);
  expect([await ended, said.err]).toEqual([2, expect.stringMatching(/^Wanted: server \(http[^\n]+\n$/)]);
});

it('the example robot is of the type that it is told', async () => {
  const server = await startServer({ clock: 'wall' });
  const { token } = server.issue({ role: 'robot', warehouses: ['north'], robots: ['example-*'] });
  const tour = [server.url, token, 'north', 'r2c1', 'r3c1', 'r4c1', 'hauler'];
  const { said, ended } = startRobot(...tour);
  expect([await ended, said.err]).toEqual([
    1,
    expect.stringMatching(/^E_UNKNOWN_ROBOT_TYPE: .* hauler .* unit/),
  ]);
  await server.close();
});

it('the example robot drives a tour and is scored', async () => {
  const server = await startServer({ clock: 'wall' });
  const { token } = server.issue({ role: 'robot', warehouses: ['north'], robots: ['example-*'] });
  const tour = [`${server.url}/`, token, 'north', 'r2c1', 'r3c1', 'r4c1'];
  const { said, ended } = startRobot(...tour);
  const code = await ended;
  expect(said.out + said.err).toMatch(
    /Route .* of example-\d+: 2 lanes, planned under policy free-flow\.\nScore -\d+\.\d, .* learnt\.\n$/,
  );
  expect(code).toBe(0);
  await server.close();
});

it('the example robot takes as long for a lane as its plan says', async () => {
  const floor = gridToFile(['W.E'], { dialect: 'kiva', id: 'north' });
  const nodes = floor.nodes.map((node) => ({ ...node, x: 3 * node.x }));
  const server = await startServer({ clock: 'wall', graphs: [compileFile({ ...floor, nodes })] });
  const { token } = server.issue({ role: 'robot', warehouses: ['north'], robots: ['example-*'] });
  const { said, ended } = startRobot(server.url, token, 'north', 'r0c1', 'r0c2', 'r0c0');
  const code = await ended;
  expect([code, said.out + said.err]).toEqual([
    0,
    expect.stringMatching(/\nScore -\d+\.\d, 1\.\d\d of .*; learnt\.\n$/),
  ]);
  await server.close();
}, 30_000);

it('the example robot says why nothing was learnt, and no score then', async () => {
  const server = await startServer({ clock: 'wall' });
  await server.service.setMode('north', 'off');
  const { token } = server.issue({ role: 'robot', warehouses: ['north'], robots: ['example-*'] });
  const tour = [server.url, token, 'north', 'r2c1', 'r3c1', 'r4c1'];
  const { said, ended } = startRobot(...tour);
  const code = await ended;
  expect([code, said.out + said.err]).toEqual([
    0,
    expect.stringMatching(/\nNot learnt: nothing is learnt in mode off\.\n$/),
  ]);
  await server.close();
});

it('the example robot waits where there is no way, and goes on once there is', async () => {
  const server = await startServer({ clock: 'wall' });
  const { token } = server.issue({ role: 'robot', warehouses: ['north'], robots: ['example-*'] });
  const tour = [server.url, token, 'north', 'r2c1', 'r3c1', 'r4c1'];
  const { said, ended } = startRobot(...tour);
  const lanes = ['r3c1', 'r4c0', 'r4c2'].map((from) => ({ from, to: 'r4c1' }));
  const tell = (verb: string) =>
    server.http('POST', `${NORTH}/lanes/${verb}`, { token: server.tokens.operator, body: { lanes } });
  await expect.poll(() => said.out, { timeout: 20_000 }).toMatch(/^Route /);
  expect((await tell('close')).status).toBe(200);
  const held = () => server.service.openRoutes('north', { held: true }).total;
  await expect.poll(held, { timeout: 5000 }).toBe(1);
  // It would have driven to its last stop by now.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(held()).toBe(1);
  expect((await tell('open')).status).toBe(200);
  const code = await ended;
  expect([code, said.out + said.err]).toEqual([0, expect.stringMatching(/\nScore .* learnt\.\n$/)]);
  await server.close();
});
